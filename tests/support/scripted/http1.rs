//! HTTP/1.1 by hand: no library sends wrong framing.

use std::io;

use http::{Method, Request, StatusCode, request};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::super::requests::Requests;
use super::answer::{Answer, Framing};
use super::registry::Script;

pub(super) async fn serve(stream: TcpStream, requests: Requests, script: Script) {
    // What the client does to the connection is for the test to see at the client's end.
    let _ = converse(BufReader::new(stream), &requests, &script).await;
}

async fn converse(
    mut stream: BufReader<TcpStream>,
    requests: &Requests,
    script: &Script,
) -> io::Result<()> {
    while let Some(request) = read_head(&mut stream).await? {
        let request = requests.record(request);
        let answer = script(&request);
        if let Some(gate) = &answer.before_head {
            gate.pass().await;
        }
        if answer.framing == Framing::NoAnswer {
            break;
        }
        stream.write_all(head(&answer).as_bytes()).await?;
        if request.method != Method::HEAD {
            body(stream.get_mut(), &answer).await?;
        }
        stream.flush().await?;
        match answer.framing {
            Framing::Length | Framing::Chunked => {}
            Framing::Reset => return stream.get_ref().set_zero_linger(),
            Framing::Close | Framing::Short(_) | Framing::Cut | Framing::NoAnswer => break,
        }
    }
    stream.shutdown().await
}

/// The head of the next request; `None` when the client has closed the connection.
async fn read_head(stream: &mut BufReader<TcpStream>) -> io::Result<Option<request::Parts>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let Some((line, fields)) = lines.split_first() else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    let mut words = line.split(' ');
    let mut request = Request::builder()
        .method(words.next().unwrap_or_default())
        .uri(words.next().unwrap_or_default());
    for field in fields {
        let (name, value) = field.split_once(':').unwrap_or((field, ""));
        request = request.header(name, value.trim());
    }
    let request = request.body(()).map_err(io::Error::other)?;
    Ok(Some(request.into_parts().0))
}

fn head(answer: &Answer) -> String {
    let mut head = format!(
        "HTTP/1.1 {} {}\r\n",
        answer.status.as_str(),
        answer.status.canonical_reason().unwrap_or_default()
    );
    for (name, value) in &answer.headers {
        head += &format!("{name}: {}\r\n", String::from_utf8_lossy(value.as_bytes()));
    }
    if let Some(length) = answer.declared() {
        // 304 and 204 have no body, and 304's length would be that of the file.
        if answer.status != StatusCode::NOT_MODIFIED && answer.status != StatusCode::NO_CONTENT {
            head += &format!("content-length: {length}\r\n");
        }
    } else if answer.framing == Framing::Close {
        head += "connection: close\r\n";
    } else {
        head += "transfer-encoding: chunked\r\n";
    }
    head + "\r\n"
}

async fn body(stream: &mut TcpStream, answer: &Answer) -> io::Result<()> {
    let chunked = answer.declared().is_none() && answer.framing != Framing::Close;
    for (i, part) in answer.parts.iter().enumerate() {
        if let Some(gate) = &answer.between_parts
            && i > 0
        {
            gate.pass().await;
        }
        // A chunk of no bytes would end the body.
        if chunked && !part.is_empty() {
            let size = format!("{:x}\r\n", part.len());
            stream.write_all(size.as_bytes()).await?;
            stream.write_all(part).await?;
            stream.write_all(b"\r\n").await?;
        } else {
            stream.write_all(part).await?;
        }
        if let Some(gate) = &answer.between_parts {
            gate.note_sent();
        }
    }
    if let (Framing::Cut | Framing::Reset, Some(gate)) = (answer.framing, &answer.between_parts) {
        gate.pass().await;
    }
    if answer.framing == Framing::Chunked {
        stream.write_all(b"0\r\n\r\n").await?;
    }
    Ok(())
}
