//! Clients that see how an answer ends: HTTP/1.1 and HTTP/2 by hyper, HTTP/1.0 by hand.

mod connection;
mod http10;

use std::net::SocketAddr;

use http::{HeaderMap, Request, StatusCode};

pub use connection::Connection;

/// What a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// A body without a length ends with the connection, well or not.
    Http10,
    Http11,
    Http2,
}

impl Protocol {
    pub const ALL: [Self; 3] = [Self::Http10, Self::Http11, Self::Http2];
}

/// An answer as a client saw it.
#[derive(Clone, Debug, Default)]
pub struct Answered {
    /// `None` when the connection ended before a head.
    pub status: Option<StatusCode>,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// Why the client knows that the answer is not whole.
    pub broken: Option<String>,
}

impl Answered {
    /// A client would take this for the file.
    pub fn is_whole(&self) -> bool {
        self.status == Some(StatusCode::OK) && self.broken.is_none()
    }

    /// The answer of a client that has noticed nothing wrong.
    ///
    /// # Panics
    ///
    /// It has.
    #[track_caller]
    pub fn whole(self) -> Self {
        assert_eq!(self.status, Some(StatusCode::OK), "{}", self.text());
        assert_eq!(self.broken, None);
        self
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map(|value| value.to_str().expect("headers of the proxy are ASCII"))
            .unwrap_or_default()
    }

    /// The `Cache-Status` without the name of the cache.
    pub fn cache_status(&self) -> &str {
        let status = self.header("cache-status");
        status.strip_prefix("tower-goproxy; ").unwrap_or(status)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A file is compared without being printed.
    #[track_caller]
    pub fn assert_is(&self, file: &[u8]) {
        assert!(
            self.body == file,
            "{} bytes instead of the file's {}",
            self.body.len(),
            file.len()
        );
    }
}

/// Asks for a path on a connection of its own.
pub async fn get(address: SocketAddr, protocol: Protocol, path: &str) -> Answered {
    match protocol {
        Protocol::Http10 => http10::get(address, path).await,
        Protocol::Http11 | Protocol::Http2 => {
            let request = Request::get(path).body(()).expect("a test's path is good");
            Connection::open(address, protocol)
                .await
                .send(request)
                .await
        }
    }
}
