//! Log lines: one for each request, and all others.

use std::io::{self, IsTerminal as _};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use clap::ValueEnum;
use http_body::{Body as _, Frame, SizeHint};
use tower::ServiceExt as _;
use tower_goproxy::access::Identity;
use tower_goproxy::filter::AppliedRule;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::current::Current;
use crate::request_id::{self, REQUEST_ID};
use crate::users::Client;

/// The status in the log where there was none, as in that of nginx.
const LEFT: u16 = 499;

/// More characters of a method or a path are not logged.
const MOST: usize = 2048;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// A line of words and `name=value` pairs.
    Text,
    /// A JSON object a line.
    Json,
}

/// Logs to stderr what RUST_LOG says: `info`, or `warn,access=info`, for example.
pub(crate) fn install(format: LogFormat) {
    let wanted = std::env::var("RUST_LOG").unwrap_or_default();
    let parsed = wanted.parse::<Targets>();
    let targets = match &parsed {
        Ok(targets) if !wanted.is_empty() => targets.clone(),
        _ => Targets::new().with_default(LevelFilter::INFO),
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry()
        .with(lines.with_filter(targets))
        .init();
    if let Err(error) = parsed {
        tracing::warn!(%error, "RUST_LOG cannot be read: logging from level info on");
    }
}

/// Answers a request, and logs it when its response has ended, or when its client has left before. `refused`: the server
/// has no place for it.
pub(crate) async fn answer(
    current: Arc<Current>,
    mut request: Request,
    refused: Option<Response>,
) -> Response {
    let id = request_id::of(request.headers());
    request.headers_mut().insert(REQUEST_ID, id.clone());
    let mut entry = Entry::new(&request, &id);
    let response = match refused {
        Some(response) => {
            entry.answer = "refused";
            response
        }
        None => {
            let Ok(response) = current.router.clone().oneshot(request).await;
            let applied = response.extensions().get::<AppliedRule>();
            entry.answer = how(response.status(), applied, response.headers());
            entry.rule = applied.map_or("-", rule);
            entry.line = applied.and_then(|applied| excluded_by(&current, applied));
            response
        }
    };
    entry.status = response.status().as_u16();
    entry.user = response.extensions().get().cloned();
    let mut response = response.map(|body| Body::new(LoggedBody { body, entry }));
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

fn rule(applied: &AppliedRule) -> &'static str {
    match applied.rule() {
        rule if rule.is_include() => "include",
        rule if rule.is_direct() => "direct",
        _ => "exclude",
    }
}

fn excluded_by(current: &Current, applied: &AppliedRule) -> Option<String> {
    current.rules.excluded_by(applied.target())
}

fn how(status: StatusCode, applied: Option<&AppliedRule>, headers: &HeaderMap) -> &'static str {
    if applied.is_some_and(|applied| applied.rule().is_exclude()) {
        return "excluded";
    }
    if status == StatusCode::SEE_OTHER {
        return "redirect";
    }
    let said = headers.get_all("cache-status").iter().next_back();
    let said = said.and_then(|said| said.to_str().ok()).unwrap_or_default();
    let known = [
        ("detail=stale", "stale"),
        ("; hit", "hit"),
        ("collapsed", "attached"),
        ("fwd=miss", "miss"),
    ];
    if let Some((_, name)) = known.iter().find(|(text, _)| said.contains(text)) {
        return name;
    }
    match applied {
        Some(applied) if applied.rule().is_direct() => "direct",
        _ => "other",
    }
}

/// A line, written when it is dropped.
struct Entry {
    started: Instant,
    client: Option<IpAddr>,
    method: Method,
    path: String,
    status: u16,
    answer: &'static str,
    rule: &'static str,
    line: Option<String>,
    user: Option<Identity>,
    id: String,
    bytes: u64,
    /// Whether the client got all of it.
    is_whole: bool,
}

impl Entry {
    /// For a client that leaves before there is a response.
    fn new(request: &Request, id: &HeaderValue) -> Self {
        Self {
            started: Instant::now(),
            client: request.extensions().get::<Client>().map(|client| client.0),
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            status: LEFT,
            answer: "left",
            rule: "-",
            line: None,
            user: None,
            id: id.to_str().unwrap_or_default().to_owned(),
            bytes: 0,
            is_whole: false,
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let seconds = self.started.elapsed().as_secs_f64();
        let status = self.status;
        metrics::counter!("goproxy_requests_total", "answer" => self.answer, "status" => status.to_string())
            .increment(1);
        metrics::histogram!("goproxy_request_seconds", "answer" => self.answer).record(seconds);
        tracing::info!(
            target: "access",
            client = self.client.map(tracing::field::display),
            user = self.user.as_ref().map(Identity::name),
            method = %shortened(self.method.as_str()),
            path = shortened(&self.path),
            status,
            bytes = self.bytes,
            whole = self.is_whole,
            ms = (seconds * 1e6).round() / 1e3,
            answer = self.answer,
            rule = self.rule,
            line = self.line,
            id = self.id,
        );
    }
}

/// A head may have 64 KiB.
fn shortened(text: &str) -> &str {
    let more = text.char_indices().nth(MOST);
    &text[..more.map_or(text.len(), |(at, _)| at)]
}

struct LoggedBody {
    body: Body,
    entry: Entry,
}

impl http_body::Body for LoggedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                self.entry.bytes += frame.data_ref().map_or(0, Bytes::len) as u64;
            }
            None => self.entry.is_whole = true,
            Some(Err(_)) => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for LoggedBody {
    fn drop(&mut self) {
        // Nobody asks a body for its end that has said how long it is.
        self.entry.is_whole |= self.body.is_end_stream() || self.entry.method == Method::HEAD;
    }
}
