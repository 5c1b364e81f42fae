use std::net::SocketAddr;

use http::{HeaderName, HeaderValue, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::Answered;

/// Reads to the end of the connection, as a client of 1996 does.
pub(super) async fn get(address: SocketAddr, path: &str) -> Answered {
    let mut stream = TcpStream::connect(address)
        .await
        .expect("the server listens");
    stream
        .write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes())
        .await
        .expect("a request fits into the socket");
    let mut bytes = Vec::new();
    let read = stream.read_to_end(&mut bytes).await;

    let mut answered = Answered {
        broken: read.err().map(|error| error.to_string()),
        ..Answered::default()
    };
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        answered.broken = Some(format!("no head in {} bytes", bytes.len()));
        return answered;
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    answered.body = bytes.split_off(end + 4);
    let mut lines = head.split("\r\n");
    answered.status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .and_then(|status| StatusCode::from_bytes(status.as_bytes()).ok());
    for line in lines {
        let (name, value) = line.split_once(':').expect("a header has a colon");
        answered.headers.append(
            HeaderName::try_from(name).expect("a header's name is good"),
            HeaderValue::try_from(value.trim()).expect("a header's value is good"),
        );
    }
    assert!(
        !answered.headers.contains_key("transfer-encoding"),
        "HTTP/1.0 knows no chunks"
    );
    // Without a length the client can know nothing of a missing end.
    let declared = answered.headers.get("content-length");
    let declared = declared.map(|len| len.to_str().expect("a length is ASCII").parse());
    if let Some(declared) = declared {
        let declared: usize = declared.expect("a length is a number");
        if answered.body.len() != declared {
            answered.broken = Some(format!("{} of {declared} bytes", answered.body.len()));
        }
    }
    answered
}
