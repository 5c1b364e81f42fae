//! Answers from a storage, and fills it while it answers.
//!
//! [`FillLayer`] wraps any source: a service that answers the requests of a module proxy. A file
//! that is stored is a hit. One that is not is a miss: it is asked from the source once, however
//! many clients want it, and its bytes go to all of them and to the storage at the same time.
//!
//! ```
//! use http::Request;
//! use http_body_util::Empty;
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//! use tower_goproxy::Storage;
//! use tower_goproxy::fill::FillLayer;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let source = service_fn(|_: Request<Empty<bytes::Bytes>>| async {
//!     Ok::<_, std::convert::Infallible>(http::Response::new("module example.com/m\n".to_string()))
//! });
//! let layer = FillLayer::new(Storage::memory());
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
//! `.info`, `.mod` and `.zip` of a version, once they are checked: the declared length is met, a
//! zip opens and has no name outside of `{module}@{version}/`, an info names the version that was
//! asked for, and a `go.mod` declares a module. Lists, `@latest` and queries for a branch pass
//! through to the source. So do answers that are encoded, partial, or too large (but not with
//! [`OnMiss::Wait`], which they would not be checked for); and one that is no 200 is given to all
//! who wait for it, but kept by nobody.
//!
//! # Clients
//!
//! * A client that leaves hurts nobody: the fill goes on ([`OnDisconnect::Finish`]).
//! * A slow client does not slow the fill; a late one begins at the first byte.
//! * The last bytes of a file are held back until it has been checked, so that nobody ever has
//!   a complete wrong one: 64 KiB where the source declares a length, 64 bytes where it does not.
//!   Of a file of up to 64 KiB that is all, and a client gets either the checked file or a 502.
//!   If a fill fails after its client has got a head, the connection breaks.
//! * `Range`, `If-Range` and `If-None-Match` work on hits and on running fills. `HEAD` for a file
//!   that is not stored asks the source and fills nothing.
//! * `Cache-Status` (RFC 9211) tells which it was: `hit`, `fwd=miss; stored`,
//!   `fwd=miss; collapsed` for a client that has attached, `fwd=bypass`.
//!
//! # Whose files
//!
//! A stored file is for everyone, and so is a running fill. An [`Access`](crate::Access) in the extensions of a request, put
//! there by an auth layer, makes them the files and the fills of its owner: stored below `@for/{hash of the owner}/`, never a
//! hit for anybody else, and filled once for all who come with the same owner *and* the same credentials. The answers are
//! `Cache-Control: private`. A hit does not ask the source whether it would still give the file to the owner.
//!
//! So of a source that does not look at the `Access`, such as an `Upstream`, each owner would have copies of his own. Tell
//! its layer that it is [shared](FillLayer::shared):
//!
//! ```
//! # use tower_goproxy::Storage;
//! # use tower_goproxy::fill::FillLayer;
//! let storage = Storage::memory();
//! let public = FillLayer::new(storage.clone()).shared(); // around an Upstream
//! let private = FillLayer::new(storage); // around a GoGet
//! ```
//!
//! # When the storage fails
//!
//! Clients do not notice, except with [`OnMiss::Wait`] when the file can be put nowhere at all:
//! then it is a 503. The file is just not kept, and the next request asks again. One promise is
//! weaker on a full disk: a file too large for memory goes by unchecked, and is as good as a
//! transfer from the source itself.
//!
//! # Counters
//!
//! With the feature `metrics`: `goproxy_answers_total` (by `answer`: `hit`, `miss`, `attached`, `bypass`),
//! `goproxy_fills_total` (by `end`: `stored`, `not_kept`, `not_found`, `failed`, `abandoned`), `goproxy_fill_bytes_total`,
//! `goproxy_source_failures_total` and `goproxy_storage_failures_total`.
//!
//! # What it costs
//!
//! * A hit of a small file that is asked for often comes out of memory ([`FillLayer::max_memory`]). Any other is opened and
//!   read by the asking thread as far as the kernel has it in memory; a thread that may block is asked only where the disk
//!   has to be waited for, or a server: on a file system of the network. In a storage with more files than fit into memory
//!   most hits are of the second kind, and then cost somewhat more, however many files there are.
//! * A client that reads slowly costs about 128 KiB, which wait in the queue of its connection, and what hyper and
//!   the runtime need for a connection. Where no more than 16 read large files, or the storage is an object store, it is about
//!   200 KiB. A server with a smaller buffer (hyper's `http1::Builder::max_buf_size`) keeps no more than that and a block of
//!   64 KiB. It does not grow with the file. Clients of one fill that are at the same place of it, as those that have asked
//!   for it together are while they are equally fast, have these bytes together.
//! * A running fill with one reader costs about a quarter of a MiB, and half a MiB or more where the source is fast: the buffer of the
//!   source's connection (128 KiB where the source is fast and speaks HTTP/1.1 without TLS), a batch of more than 64 KiB on its
//!   way into the file and as much behind it, and a window of the newest bytes that its readers share. The window has 16 KiB for
//!   one reader near its end and 64 KiB for each further one, up to 1 MiB, and may begin within a piece that the source sent,
//!   which it then has too. Pieces of up to 32 KiB are copied, since over HTTP/1.1 each would keep a buffer of twice as much or
//!   more. Over HTTP/2 a source may be up to 2 MiB ahead of a disk that does not keep up. [`FillLayer::max_fills`] bounds the
//!   number of fills; the files themselves are on disk.
//! * An allocator that gives freed memory back to the system at once makes a fill from a fast source slower, by a twentieth.
//!   That of glibc does so until the program has once freed a buffer of some hundred KiB, as the example `proxy` does when it
//!   starts, or with `GLIBC_TUNABLES=glibc.malloc.mmap_threshold=524288:glibc.malloc.trim_threshold=1048576` in the environment.
//!   Each of its arenas, of which there are up to eight for each core, then keeps up to 1 MiB.
//! * Nothing in memory grows with the number of modules ever seen.
//!
//! # Caveats
//!
//! * Stored files that are for everyone are `Cache-Control: public`. Where auth stands in front of a shared
//!   cache, let a layer outside say `private` instead.
//! * Up to 256 files may be on their way into the storage at once, and 1,024 more may wait for that, beside the running
//!   fills: each with what is in memory of it, which is a file of up to 256 KiB, or the window of a larger one. A
//!   storage that falls behind further does not get what comes then.
//! * The spool of a large file lies on the storage's own file system if that is a folder, else in the
//!   system's folder for temporary files (`TMPDIR`).
//! * Fills are tasks of the tokio runtime that polls the service.
//! * Set `TCP_NODELAY` on the connections of the server (`axum::serve(listener.tap_io(..))`):
//!   else the parts of a slow fill may wait for acknowledgements.

mod answer;
mod body;
mod check;
mod common;
mod conditional;
mod config;
mod fills;
mod flights;
mod future;
mod head;
mod hot;
mod layer;
mod pass;
mod places;
mod service;
mod source_answer;
mod spool;
mod task;
mod wanted;

pub use self::body::ResponseBody;
pub use self::config::{OnDisconnect, OnMiss};
pub use self::fills::Fills;
pub use self::future::ResponseFuture;
pub use self::layer::FillLayer;
pub use self::service::Fill;
