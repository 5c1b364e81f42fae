//! A registry at the end of a slow line: the upstream, and in another scene version control.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;

use crate::board::Lane;

/// 40 KiB every 25 ms: 1.6 MiB a second.
const PART: usize = 40 * 1024;
const PAUSE: Duration = Duration::from_millis(25);

/// Clones are the same registry.
#[derive(Clone, Default)]
pub struct Registry {
    files: Arc<Mutex<HashMap<String, File>>>,
}

struct File {
    content: Bytes,
    lane: Lane,
    asked: usize,
}

impl Registry {
    /// There is a file now, and `lane` shows how much of it has been sent.
    pub fn publish(&self, path: &str, content: Bytes, lane: Lane) {
        let file = File {
            content,
            lane,
            asked: 0,
        };
        let mut files = self.files.lock().expect("nobody panics while holding it");
        files.insert(path.to_owned(), file);
    }

    /// How often this file has been asked for.
    pub fn asked(&self, path: &str) -> usize {
        let files = self.files.lock().expect("nobody panics while holding it");
        files.get(path).map_or(0, |file| file.asked)
    }

    pub fn service(&self) -> Router {
        Router::new().fallback(answer).with_state(self.clone())
    }
}

async fn answer(State(registry): State<Registry>, request: Request) -> Response {
    let (content, lane) = {
        let mut files = registry
            .files
            .lock()
            .expect("nobody panics while holding it");
        let Some(file) = files.get_mut(request.uri().path()) else {
            return (StatusCode::NOT_FOUND, "not found\n").into_response();
        };
        file.asked += 1;
        (file.content.clone(), file.lane.clone())
    };
    let length = [(header::CONTENT_LENGTH, content.len())];
    let body = stream::unfold(content, move |mut rest| {
        let lane = lane.clone();
        async move {
            if rest.is_empty() {
                return None;
            }
            tokio::time::sleep(PAUSE).await;
            if lane.bytes() == 0 {
                lane.tell("sends its first byte");
            }
            let part = rest.split_to(PART.min(rest.len()));
            lane.add(part.len());
            if rest.is_empty() {
                lane.tell("sends its last byte");
            }
            Some((Ok::<_, std::convert::Infallible>(part), rest))
        }
    });
    (length, Body::from_stream(body)).into_response()
}
