//! What a test server was asked for.

use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderMap, Method, Uri};

/// One request, as it arrived.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub method: Method,
    /// The path, percent-decoded: equal to `/` and a storage key.
    pub path: String,
    /// The target as it was on the wire.
    pub uri: Uri,
    pub headers: HeaderMap,
    /// How often this path was asked for before.
    pub nth: usize,
}

/// A growing record of requests. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Requests {
    all: Arc<Mutex<Vec<Recorded>>>,
}

impl Requests {
    pub fn record(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Recorded {
        let path = percent_encoding::percent_decode_str(uri.path())
            .decode_utf8_lossy()
            .into_owned();
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let recorded = Recorded {
            method: method.clone(),
            nth: all.iter().filter(|earlier| earlier.path == path).count(),
            path,
            uri: uri.clone(),
            headers: headers.clone(),
        };
        all.push(recorded.clone());
        recorded
    }

    /// All requests so far, oldest first.
    pub fn all(&self) -> Vec<Recorded> {
        self.all
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// How often this decoded path was asked for.
    pub fn count(&self, path: &str) -> usize {
        self.all().iter().filter(|one| one.path == path).count()
    }

    /// How many requests there were.
    pub fn total(&self) -> usize {
        self.all().len()
    }

    /// Forgets them all, so that a second part of a test counts from zero.
    pub fn clear(&self) {
        self.all
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}
