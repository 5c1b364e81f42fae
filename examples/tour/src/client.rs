//! A client as the go command is one, but for its patience.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use crate::Result;
use crate::board::Lane;

/// What a client has got.
pub struct Answer {
    pub status: StatusCode,
    pub cache_status: String,
    pub body: Vec<u8>,
    pub first: Duration,
    pub last: Duration,
}

/// Asks, and reads to the end; or hangs up once it has so many bytes.
pub async fn get(url: String, lane: Lane, leaves_at: Option<usize>) -> Result<Answer> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let mut first = lane.tell("asks");
    let response = client.get(url.parse()?).await?;
    let status = response.status();
    let header = response.headers().get("cache-status");
    let cache_status = header
        .map_or("", |value| value.to_str().unwrap_or("?"))
        .to_owned();
    let head = match cache_status.strip_prefix("tower-goproxy; ") {
        Some(cache_status) => format!("{}, Cache-Status: {cache_status}", status.as_str()),
        None => status.to_string(),
    };
    let mut body = response.into_body();
    let mut content = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(bytes) = frame?.into_data() else {
            continue;
        };
        if content.is_empty() {
            first = lane.tell(format!("has its first byte  {head}"));
        }
        if status == StatusCode::OK {
            lane.add(bytes.len());
        }
        content.extend_from_slice(&bytes);
        if leaves_at.is_some_and(|bytes| content.len() >= bytes) {
            lane.tell("hangs up");
            break;
        }
    }
    let last = match leaves_at {
        None if status == StatusCode::OK => lane.tell("has its last byte"),
        _ => first,
    };
    Ok(Answer {
        status,
        cache_status,
        body: content,
        first,
        last,
    })
}
