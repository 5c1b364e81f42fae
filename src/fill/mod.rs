//! Answers from a storage, and fills it while it answers.
//!
//! [`FillLayer`] wraps any source: a service that answers the requests of a module proxy. A stored file is a hit. A file
//! that is not stored is a miss: it is requested from the source once, no matter how many clients wait, and its bytes go
//! to all of them and to the storage at the same time.
//!
//! ```
//! use http::Request;
//! use http_body_util::Empty;
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//! use tower_goproxy::Storage;
//! use tower_goproxy::fill::FillLayer;
//! use tower_goproxy::source::Area;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let source = service_fn(|_: Request<Empty<bytes::Bytes>>| async {
//!     Ok::<_, std::convert::Infallible>(http::Response::new("module example.com/m\n".to_string()))
//! });
//! let layer = FillLayer::new(Storage::memory()).area(Area::Included);
//! let fills = layer.fills();
//! let proxy = ServiceBuilder::new().layer(layer).service(source);
//!
//! for expected in ["tower-goproxy; fwd=miss; stored", "tower-goproxy; hit"] {
//!     let request = Request::get("/example.com/m/@v/v1.0.0.mod").body(())?;
//!     let response = proxy.clone().oneshot(request).await?;
//!     assert_eq!(response.headers()["cache-status"], expected);
//!     fills.idle().await;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What is stored
//!
//! The `.info`, `.mod` and `.zip` of a version, once all checks have passed: the declared length, the built-in
//! [`GoModuleFiles`](crate::verify::GoModuleFiles), and those added with [`FillLayer::verify`].
//!
//! | response of the source | the client gets | stored |
//! |---|---|---|
//! | 200 | the file | yes |
//! | 200 with `Cache-Control: no-store`, or larger than the limit | its body, unshared, verified on the way, and `no-store`; 502 with [`OnMiss::Wait`] | no |
//! | 200 with `Content-Encoding` | 502: it cannot be verified | no |
//! | 200 of undeclared length, with a zip that becomes larger than the limit | the file, verified, up to four times the limit; 502 with [`OnMiss::Wait`] | no |
//! | 200 with [`StoredElsewhere`](crate::source::StoredElsewhere) | the file, verified | no |
//! | any other 2xx | 502 | no |
//! | 404, 403 and other statuses | the same status and text | no |
//!
//! Lists, `@latest` and queries for a branch are requested from the source each time, and pass unchecked; a
//! [`FreshLayer`](crate::fresh::FreshLayer) around this one keeps them.
//! [`FillLayer::ignore_source_cache_control`] stores `no-store` files too.
//!
//! A request with `Disable-Module-Fetch: true` is answered from the storage only, and with [`FillLayer::offline`] every
//! request is; other files are 404.
//!
//! # Where it is stored
//!
//! Each source has an [`Area`](crate::source::Area), and files of different areas are stored apart: a file that came
//! from a registry is never a hit for a module that is now fetched from version control. `Upstream` and `GoGet` say their
//! area themselves ([`HasArea`](crate::source::HasArea)). For a source of your own, or one inside other layers, call
//! [`FillLayer::area`]; without it the code does not compile.
//!
//! An [`Access`](crate::Access) in the extensions of a request, inserted by an auth layer, makes the files and the fills
//! those of its owner. They are never a hit for anybody else, and running fills are shared only between requests with the
//! same owner and the same credentials. A hit does not ask the source whether the owner may still read the file.
//!
//! For a source that does not look at the `Access`, such as `Upstream`, call [`FillLayer::shared`], or each owner gets
//! copies of public files:
//!
//! ```
//! # use tower_goproxy::Storage;
//! # use tower_goproxy::fill::FillLayer;
//! let storage = Storage::memory();
//! let public = FillLayer::new(storage.clone()).shared(); // around an Upstream
//! let private = FillLayer::new(storage); // around a GoGet
//! ```
//!
//! The [module docs of the storage](crate::storage) show the layout.
//!
//! # Clients
//!
//! * A client disconnecting does not affect other clients. The fill finishes ([`OnDisconnect::Finish`]) or stops with its
//!   last client ([`OnDisconnect::Abort`]).
//! * A slow client does not slow the fill. A late one starts at byte 0.
//! * The last bytes of a zip are held back until it is verified: 64 KiB if its length is declared, else 64 bytes. `.info`,
//!   `.mod` and zips of up to 64 KiB are sent only after verification. Nobody receives a complete wrong file.
//! * For five minutes after a file failed verification, clients that request it wait until it is verified, and get 502 with
//!   the reason if it is still wrong.
//! * If a fill fails after the response head was sent, the body ends with an error.
//! * `Range`, `If-Range`, `If-Match` and `If-None-Match` work on hits, and on running fills whose length is known. A fill
//!   of unknown length ignores `Range` and sends the whole file.
//! * `HEAD` for a file that is not stored sends `HEAD` to the source and starts no fill.
//!
//! # Headers
//!
//! | `Cache-Status` (RFC 9211) | |
//! |---|---|
//! | `tower-goproxy; hit` | from the storage |
//! | `tower-goproxy; fwd=miss; stored` | from a fill that this request started, and that is being stored; with [`OnMiss::Wait`] it is stored. After a commit that failed, an `.info`, a `.mod` or a small zip does not say so until another commit succeeds |
//! | `tower-goproxy; fwd=miss; collapsed` | from a fill that was running |
//! | `tower-goproxy; fwd=miss; detail=filling` | a redirect or a 404 ([`OnMiss`]), and a fill that this request started runs |
//! | `tower-goproxy; fwd=miss` | not stored: too large, of unknown length while it streams, failed, or without room |
//! | `tower-goproxy; fwd=bypass` | lists, `@latest` and queries |
//!
//! The `ETag` of a hit changes with the content: its SHA-256, or for large files what identifies the version in the
//! storage (the object's own tag; inode, time and size on disk). That of an `.info` or a `.mod` is always its SHA-256, if
//! it has at most 128 KiB. While a fill runs the bytes of a zip have a random tag, so `If-Range` resumes a transfer from the
//! same fill; a later hit has another tag and sends the whole file.
//!
//! `Cache-Control` is `public, max-age=31536000, immutable` for files that everyone may read, else `private`. By default
//! it is `private` for direct modules, for files that the source calls `private`, and for requests with `Authorization`,
//! `Cookie`, an `Access` or an `Identity`: see [`FillLayer::shared_caches`]. Errors are `no-store`, unless the source says
//! something else.
//!
//! # Limits
//!
//! | setting | default | beyond it |
//! |---|---|---|
//! | [`max_fills`](FillLayer::max_fills) | 64 zips at the source | the request waits |
//! | [`max_small_requests`](FillLayer::max_small_requests) | 128 other requests at the source | the request waits |
//! | [`max_wait`](FillLayer::max_wait) | 5 minutes | 503 |
//! | [`max_zip_size`](FillLayer::max_zip_size) | 500 MiB | passed through, not stored |
//! | [`max_mod_size`](FillLayer::max_mod_size), [`max_info_size`](FillLayer::max_info_size) | 16 MiB, 1 MiB | passed through, not stored; 502 if the length is not declared |
//! | [`source_timeout`](FillLayer::source_timeout) | 5 minutes without a byte | 504, or the body breaks |
//! | [`fill_timeout`](FillLayer::fill_timeout) | 2 hours of waiting for the source | 504, or the body breaks |
//! | [`min_rate`](FillLayer::min_rate) | 1,024 bytes a second, over each minute | 504, or the body breaks |
//! | [`storage_timeout`](FillLayer::storage_timeout) | 10 seconds for each step | as for a storage that fails |
//! | [`commit_timeout`](FillLayer::commit_timeout) | 5 minutes | verification fails; for a commit, `Wait` sends the verified file |
//!
//! Hits and clients that attach to a running fill do not count against `max_fills` and `max_small_requests`. A fill without
//! a client (`Redirect`, `NotFound`, [`Complete`](crate::fresh::Complete)) never takes a slot that a client waits for; up to
//! 1,024 such fills wait.
//!
//! # When the storage fails
//!
//! | what fails | `Stream` | `Wait` |
//! |---|---|---|
//! | the look-up | the source's response; `.info` and `.mod` are verified and shared | 503 for a zip |
//! | there is no room: the declared length is reserved before the first byte | the source's response, unshared, verified on the way, not stored; 503 if a check [needs the whole file](crate::verify::Verify::follows_stream) | 503 |
//! | a write in the middle of a zip | every reader's body ends with an error | 503 |
//! | the commit, after verification | the whole file | the whole file |
//!
//! Each is logged with the name of the file and counted, and the next request fills again. `.info`, `.mod` and zips of up
//! to 256 KiB need no room on a disk.
//!
//! # Counters
//!
//! With the feature `metrics`: `goproxy_answers_total` (by `answer`: `hit`, `miss`, `attached`, `bypass`, and
//! `stale` of a `FreshLayer`),
//! `goproxy_fills_total` (by `end`: `stored`, `not_kept`, `not_found`, `failed`, `unshared`, `abandoned`), `goproxy_fill_bytes_total`,
//! `goproxy_source_failures_total`, `goproxy_storage_failures_total`, `goproxy_refused_total` (503 because no slot was
//! free), `goproxy_rejected_total` (files that failed a check) and `goproxy_direct_files_in_plain_layout_total`.
//!
//! # Memory
//!
//! * A client that has stopped reading holds at most what its connection queues: 16 frames of 16 KiB with hyper's HTTP/1.1.
//! * A fill holds about 256 KiB of a zip that has not reached its file yet, and an `.info` or `.mod` as a whole.
//! * The most requested small files are kept in memory: [`Storage::max_memory`](crate::Storage::max_memory).
//! * Nothing grows with the number of modules ever requested.
//!
//! # Caveats
//!
//! * Up to 1,024 files are committed at once. A storage that falls behind further does not get the next files.
//! * Fills are tasks of the tokio runtime that polls the service. For a graceful shutdown await
//!   [`Tasks::idle`](crate::source::Tasks::idle); see also [`Tasks::abort_slow`](crate::source::Tasks::abort_slow).
//! * With glibc's allocator, large files are faster with
//!   `GLIBC_TUNABLES=glibc.malloc.mmap_threshold=524288:glibc.malloc.trim_threshold=1048576`, or if the program frees a
//!   buffer of 512 KiB when it starts.
//! * Set `TCP_NODELAY` on the connections of the server (`axum::serve(listener.tap_io(..))`), or parts of a slow fill are
//!   delayed until the client acknowledges the previous ones.

mod admission;
mod ask;
mod body;
mod conditional;
mod config;
mod failure;
mod judge;
mod layer;
mod pace;
mod request;
mod respond;
mod run;
mod service;
mod shared;
mod spool;
mod stored;
mod table;

pub use self::body::ResponseBody;
pub use self::config::{OnDisconnect, OnMiss};
pub use self::layer::FillLayer;
pub use self::service::{Fill, ResponseFuture};
