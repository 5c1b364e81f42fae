use std::net::SocketAddr;

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderValue, Request};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use super::{Answered, Protocol};

/// One connection, for requests one after the other.
#[derive(Debug)]
pub struct Connection {
    address: SocketAddr,
    sender: Sender,
}

#[derive(Debug)]
enum Sender {
    Http1(http1::SendRequest<Empty<Bytes>>),
    Http2(http2::SendRequest<Empty<Bytes>>),
}

impl Connection {
    /// HTTP/1.1, or HTTP/2 by prior knowledge.
    pub async fn open(address: SocketAddr, protocol: Protocol) -> Self {
        let stream = TcpStream::connect(address)
            .await
            .expect("the server listens");
        stream
            .set_nodelay(true)
            .expect("a connected socket takes it");
        let stream = TokioIo::new(stream);
        let sender = match protocol {
            Protocol::Http10 => panic!("hyper's client speaks no HTTP/1.0"),
            Protocol::Http11 => {
                let (sender, connection) =
                    http1::handshake(stream).await.expect("no bytes needed yet");
                tokio::spawn(connection);
                Sender::Http1(sender)
            }
            Protocol::Http2 => {
                let (sender, connection) = http2::handshake(TokioExecutor::new(), stream)
                    .await
                    .expect("no bytes needed yet");
                tokio::spawn(connection);
                Sender::Http2(sender)
            }
        };
        Self { address, sender }
    }

    /// Sends a request without a body and reads the answer to its end. Fails to read further
    /// requests once the server has closed the connection.
    pub async fn send(&mut self, request: Request<()>) -> Answered {
        let mut request = request.map(|()| Empty::new());
        let sent = match &mut self.sender {
            Sender::Http1(sender) => {
                let host = HeaderValue::try_from(self.address.to_string());
                request
                    .headers_mut()
                    .insert(HOST, host.expect("an address is ASCII"));
                match sender.ready().await {
                    Ok(()) => sender.send_request(request).await,
                    Err(error) => Err(error),
                }
            }
            Sender::Http2(sender) => {
                let uri = format!("http://{}{}", self.address, request.uri());
                *request.uri_mut() = uri.parse().expect("a path behind an address is a URI");
                match sender.ready().await {
                    Ok(()) => sender.send_request(request).await,
                    Err(error) => Err(error),
                }
            }
        };
        let mut answered = Answered::default();
        let response = match sent {
            Ok(response) => response,
            Err(error) => {
                answered.broken = Some(error.to_string());
                return answered;
            }
        };
        answered.status = Some(response.status());
        answered.headers = response.headers().clone();
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            match frame.map(|frame| frame.into_data()) {
                Ok(Ok(data)) => answered.body.extend_from_slice(&data),
                Ok(Err(_trailers)) => {}
                Err(error) => {
                    answered.broken = Some(error.to_string());
                    break;
                }
            }
        }
        answered
    }
}
