//! A source over HTTP: asks a registry that speaks the GOPROXY protocol, or a list of them.
//!
//! [`Upstream`] is a leaf service: it is always ready, never fails, and ignores the request body. Alone it is a module
//! proxy that stores nothing; use it behind layers that choose and store.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use tower_goproxy::Upstream;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let upstream = Upstream::new("https://goproxy.corp.example,https://proxy.golang.org")?
//!     .netrc_from_env()?
//!     .idle_timeout(Duration::from_secs(10));
//! # Ok(())
//! # }
//! ```
//!
//! # The list
//!
//! As in the go command, entries stand between `,` and `|`: after a `,` the next one is requested for what does not exist
//! (404, 410, a missing file), after a `|` upon any error before the first byte. Entries are
//!
//! * `https://` and `http://` URLs, with a path, a query that is sent with each request, and credentials (`https` only).
//!   `proxy.example.com` and `localhost:8080` mean `https`.
//! * `file:///dir`: a directory in the layout of a static registry, such as `$(go env GOMODCACHE)/cache/download`.
//! * `direct`, which ends the list with a service that you [give](Upstream::with_direct).
//! * `off`, which ends the list with a 404.
//!
//! If all fail, the last error that is not a 404 or 410 is reported, else the last one.
//!
//! # Registries that are away
//!
//! A registry is away if a request got no response head (no connection, or a [limit](Limit) was exceeded) and no other
//! request got one meanwhile. It is then left alone for 1 s, doubled with each attempt up to 30 s; the attempts run in the
//! background. Until it responds again:
//!
//! * An entry followed by `|` is skipped. So is the last one, if the others respond 404 or 410. A 404 is `no-store` then and
//!   says so, since the skipped registry might have said something else.
//! * An entry followed by `,` is never skipped: the next one must not learn names that are not for it. If it refused the
//!   connection, it is requested once, without retries. If it was silent, the response is an error at once, or, when the next
//!   attempt is due, after 2 s.
//!
//! After the first timeout, a registry without `|` behind it gets 2 s for each request until one of them has passed in vain:
//! it may have been slow for one file only.
//!
//! A registry that responds is not away, whatever its status. If the last one of a list responds 403 or 500 to each path
//! that it does not know, so does the list, also for the paths above and below a module of another registry. The go command
//! with the same list never requests these from it; through a proxy, `go install` may fail. A 404 in its place would lead
//! clients on to their next proxy, past a registry that blocks. Give such a registry its own modules in place of a list.
//!
//! The feature `tracing` logs when a registry goes away and when it is back. With `metrics`, the gauge
//! `goproxy_upstream_up` is 0 or 1, by `upstream`.
//!
//! # What is sent
//!
//! A request of our own making: GET or HEAD, the checked and escaped path, our `User-Agent`, `Accept-Encoding:
//! identity`, and credentials from the URL, a [header](Upstream::header) or a [netrc file](Upstream::netrc). No header
//! and no query of the client is forwarded. The extensions are, for a client service of your own that looks for them.
//! [`Validators`](crate::source::Validators) among them make the request conditional.
//!
//! Up to ten redirects are followed, never from `https` to `http`, and [by default](Upstream::follow_redirects) not from
//! public addresses to private ones. To another host name they go without credentials and without extensions.
//!
//! # What is returned
//!
//! | upstream | client |
//! |---|---|
//! | 200 | 200, with the headers for caches and a `Content-Type` of ours; no other header is forwarded |
//! | 304 | 304, if the request was conditional |
//! | 404, 410 | the same, with its text if that is plain and printable |
//! | 400, 403, 451 and most other 4xx, where no credentials of ours were sent | the same, with its text |
//! | 401, and 403 to our credentials (a query of the URL counts as such) | 502: our credentials are wrong |
//! | 429, 504, and 503 with `Retry-After` | the same, with `Retry-After` |
//! | any other status, no connection, no name, TLS trouble | 502 |
//! | too slow | 504, which names the exceeded [limit](Limit) |
//! | (not a request for a module) | 404 |
//! | (neither GET nor HEAD) | 405 |
//!
//! The body of an error is a line for people that does not name the registry; a refusal has up to 8 lines of the registry's
//! own text, unless it repeats our credentials. Errors that may pass are `no-store`, the others `no-cache`. The
//! [`UpstreamError`] is in the extensions.
//!
//! # Retries, and bodies that break
//!
//! Before the first byte of a body, trouble that may pass is [retried](Upstream::retries), so the head is returned
//! together with the first part of the body. Lists, `.info` and `.mod` up to 64 KiB are read as a whole first, so one that
//! breaks off is retried too. A body that breaks later is resumed by `Range` and `If-Range`, if it has a length and a strong
//! validator: a strong `ETag`, or a `Last-Modified` at least a second before its `Date` (RFC 9110,
//! section 13.1.5). Anything but exactly the rest of the same bytes is refused, and the body ends with an error. It never
//! ends cleanly before its declared length. Where only the end of the connection ends a body, a zip and the JSON of a
//! version show whether they are whole; a list or a `go.mod` does not, and is refused.
//!
//! A body that is gzip-encoded nevertheless is decoded: a zip up to 500 MiB, other files up to 16 MiB. Other encodings are
//! refused with 502, since nobody could verify the file.
//!
//! Needs a tokio runtime with I/O and time.

mod ask;
mod body;
mod client;
mod clock;
mod config;
mod connect;
mod decode;
mod error;
mod fetch;
mod file;
mod flow;
mod head;
mod list;
mod list_error;
mod observe;
mod reading;
mod redirect;
mod registry;
mod reply;
mod resume;
mod said;
mod service;
mod settings;
mod tls;
mod walk;

pub use self::body::UpstreamBody;
pub use self::client::Client;
pub use self::error::{Limit, UpstreamError};
pub use self::list_error::InvalidUpstream;
pub use self::service::{ResponseFuture, Upstream};
