//! A source over HTTP: asks a registry that speaks the GOPROXY protocol, or a list of them.
//!
//! [`Upstream`] is a leaf service: always ready, never an error, whatever the request's body. Alone it is a module
//! proxy that stores nothing; it is made to stand behind layers that choose and keep.
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
//! As in the go command, entries stand between `,` and `|`: after a `,` the next one is asked for what does not exist
//! (404, 410, a missing file), after a `|` upon any error before the first byte. Entries are
//!
//! * `https://` and `http://` URLs, with a path, a query that is sent with each request, and credentials (`https` only).
//!   `proxy.example.com` and `localhost:8080` mean `https`.
//! * `file:///dir`: a directory in the layout of a static registry, such as `$(go env GOMODCACHE)/cache/download`.
//! * `off`, which ends the list with a 404. `direct` is the work of another service and therefore an error.
//!
//! If all fail, the last error that is no 404 or 410 is reported, else the last one.
//!
//! # What goes out
//!
//! A request of our own making: GET or HEAD, the checked and escaped path, our `User-Agent`, `Accept-Encoding:
//! identity`, and credentials from the URL, a [header](Upstream::header) or a [netrc file](Upstream::netrc). Nothing of the
//! client's head goes along, neither credentials nor cookies, conditions, ranges or its query; its extensions do, for
//! a client service of your own that looks for them.
//!
//! Up to ten redirects are followed, never from `https` to `http`. To another host name they go without credentials
//! and without extensions.
//!
//! # What comes back
//!
//! | upstream | client |
//! |---|---|
//! | 200 | 200, with its end-to-end headers |
//! | 404, 410 | the same, with its text if that is plain and printable |
//! | 429 | 429 with `Retry-After` |
//! | 401, 403 | 502: our credentials are wrong |
//! | any other status, no connection, no name, TLS trouble | 502 |
//! | too slow | 504, which says which [limit](Limit) |
//! | (no module request) | 404 |
//! | (neither GET nor HEAD) | 405 |
//!
//! The body of an error is a line for people, and names no host of ours; a 404 or 410 has the text of the upstream, up to
//! 8 lines of it. No error is to be kept by caches. The [`UpstreamError`] is in the extensions.
//!
//! # Attempts, and bodies that break
//!
//! Before the first byte of a body, trouble that may pass is [asked again](Upstream::retries), so the head is answered
//! together with the first part of the body. A body that breaks later is resumed by `Range` and `If-Range`, if it has
//! a length and a strong validator: a strong `ETag`, or a `Last-Modified` at least a second before its `Date` (RFC 9110, section 13.1.5).
//! Anything but exactly the rest of the same bytes is refused, and the body ends with an error. It never ends cleanly
//! before its declared length. Where only the end of the connection ends a body, a zip and the JSON of a version tell by
//! themselves whether they are whole; a list or a `go.mod` does not, and is refused.
//!
//! Needs a tokio runtime with I/O and time.

mod ask;
mod base;
mod body;
mod client;
mod clock;
mod config;
mod connect;
mod error;
mod fetch;
mod file;
mod flow;
mod future;
mod head;
mod list;
mod list_error;
mod netrc;
mod observe;
mod order;
mod redirect;
mod reply;
mod resume;
mod service;
mod settings;
mod text;
mod tls;

pub use self::body::UpstreamBody;
pub use self::client::Client;
pub use self::error::{Limit, UpstreamError};
pub use self::future::ResponseFuture;
pub use self::list_error::InvalidUpstream;
pub use self::service::Upstream;
