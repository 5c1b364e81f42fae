//! What a test server was asked for.

use http::{HeaderMap, Method, Uri, Version, request};
use tokio::sync::watch;

/// One request, as it arrived.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub method: Method,
    /// The path, percent-decoded: equal to `/` and a storage key.
    pub path: String,
    /// The target as it was on the wire.
    pub uri: Uri,
    pub version: Version,
    pub headers: HeaderMap,
    /// How often this path was asked for before.
    pub nth: usize,
}

/// A growing record of requests. Clones share it.
#[derive(Clone, Debug)]
pub struct Requests {
    all: watch::Sender<Vec<Recorded>>,
}

impl Requests {
    pub fn new() -> Self {
        Self {
            all: watch::Sender::new(Vec::new()),
        }
    }

    pub fn record(&self, request: request::Parts) -> Recorded {
        let path = percent_encoding::percent_decode_str(request.uri.path())
            .decode_utf8_lossy()
            .into_owned();
        let mut recorded = Recorded {
            method: request.method,
            path,
            uri: request.uri,
            version: request.version,
            headers: request.headers,
            nth: 0,
        };
        self.all.send_modify(|all| {
            recorded.nth = all.iter().filter(|one| one.path == recorded.path).count();
            all.push(recorded.clone());
        });
        recorded
    }

    /// All requests so far, oldest first.
    pub fn all(&self) -> Vec<Recorded> {
        self.all.borrow().clone()
    }

    /// How often this decoded path was asked for.
    pub fn count(&self, path: &str) -> usize {
        self.all
            .borrow()
            .iter()
            .filter(|one| one.path == path)
            .count()
    }

    /// How many requests there were.
    pub fn total(&self) -> usize {
        self.all.borrow().len()
    }

    /// Waits until there were `total` requests.
    pub async fn arrived(&self, total: usize) {
        self.all
            .subscribe()
            .wait_for(|all| all.len() >= total)
            .await
            .expect("the sender lives as long as this record");
    }

    /// Forgets them all, so that a second part of a test counts from zero.
    pub fn clear(&self) {
        self.all.send_modify(Vec::clear);
    }
}
