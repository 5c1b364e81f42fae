//! Keeps what changes: lists of versions, `@latest`, queries for branches and commits, and what does not exist.
//!
//! [`FreshLayer`] belongs around a [`FillLayer`](crate::fill::FillLayer), which stores the files that never change. An answer of
//! the source is fresh for a minute. After that it is revalidated, and as long as the source fails it is given as it is: each
//! process of the go command asks for a list first, and nothing works without it.
//!
//! ```
//! use http::Request;
//! use http_body_util::Empty;
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//! use tower_goproxy::Storage;
//! use tower_goproxy::fill::FillLayer;
//! use tower_goproxy::fresh::FreshLayer;
//! use tower_goproxy::source::Area;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let source = service_fn(|_: Request<Empty<bytes::Bytes>>| async {
//!     Ok::<_, std::convert::Infallible>(http::Response::new("v1.1.0\nv1.0.0\n".to_owned()))
//! });
//! let storage = Storage::memory();
//! let proxy = ServiceBuilder::new()
//!     .layer(FreshLayer::new(storage.clone()))
//!     .layer(FillLayer::new(storage).area(Area::Included))
//!     .service(source);
//!
//! for expected in ["tower-goproxy; fwd=miss", "tower-goproxy; hit"] {
//!     let request = Request::get("/example.com/m/@v/list").body(())?;
//!     let response = proxy.clone().oneshot(request).await?;
//!     assert_eq!(response.headers()["cache-status"], expected);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What a client gets
//!
//! | what is known | the client gets |
//! |---|---|
//! | an answer that is [fresh](FreshLayer::fresh_for) | it, and the source is not asked |
//! | one that was fresh [a moment ago](FreshLayer::stale_for) | it, while the source is asked behind it |
//! | an older one, or one of another process | the source's answer; the older one if the source fails, or is silent for [longer than a client waits](FreshLayer::patience) |
//! | nothing | the source's answer, or its failure |
//!
//! Requests for the same thing are one question to the source, however many clients there are. It carries the
//! [`Validators`](crate::source::Validators) of the last answer, so an `Upstream` asks whether anything has changed. A client
//! that leaves does not end it. A source that has failed is not asked the same again for 5 seconds, or for as long as its
//! `Retry-After` says, up to an hour.
//!
//! A refusal of an `Upstream` that left out a registry which is away is a failure: what is known stands in for it. So are
//! answers without sense: a list of more than 16 MiB, anything else of more than 1 MiB, or one that does not name a version
//! which the module can have. An answer of more than 128 KiB is given to those who wait for it, and not kept.
//!
//! # Lists and `@latest`
//!
//! A list is what the source says, united with the stored versions: canonical versions that fit the path, in order, each
//! once, without pseudo-versions. Retracted ones are in it, since the go command learns from the highest version what is
//! retracted. A stored version counts if its `.info` and its `.mod` are there, so both are fetched behind a `.zip`
//! ([`Complete`]). A module that the source does not know is 404, unless a version of it is stored; one without tags is an
//! empty list.
//!
//! `@latest` is what the source says. If it says 404, it is the highest release of the source's list and of what is stored, else
//! the highest pre-release, else the newest commit. As for the go command, `+incompatible` versions count only if the highest
//! tag of the others, whose `.mod` is requested for this, has no go.mod. The version that a query or `@latest` names is
//! fetched under its own name, without its zip.
//!
//! # What does not exist
//!
//! A 404 or 410 is believed for [a minute](FreshLayer::not_found_for), and a 403, by which registries say "blocked", for
//! [another](FreshLayer::refused_for): of lists as of files. Failures are never taken for an absence. When the time is over
//! and the source fails, the client gets the failure, for the go command asks the next proxy of its list for what does not
//! exist, and a private name would go there.
//!
//! There is one exception. To find the module of a package the go command asks for each prefix of its path, so `go install
//! example.com/tools/cmd/hello@v1.0.0` needs the 404s of `example.com` and `example.com/tools/cmd` even if all of
//! `example.com/tools` is stored. A path above or below a stored module, of which no version is stored itself, stays absent
//! while the source fails. The last 1,024 such paths of a stored module are kept in the storage, except those that were
//! refused to credentials of an [`Access`](crate::Access): only the process that has asked knows these.
//!
//! Never remembered are answers with `no-store`, and a 403 to a request with an [`Access`](crate::Access). A source of your own
//! that wants the 404 of a file remembered says `Cache-Control: no-cache`; otherwise `FillLayer` makes it `no-store`.
//!
//! # Only what is stored
//!
//! With [`FreshLayer::offline`], with `Disable-Module-Fetch: true`, and below `/cached-only/` with [`CachedOnlyLayer`], lists have
//! the stored versions with a `.zip` and no others, and `@latest` is one of them, so that `go get m@latest` works in an air gap.
//! A branch is where it was if that version is stored. So it is while the source fails, where no answer of it is known.
//!
//! # Who sees what
//!
//! Answers are kept by area, owner, module and query, in memory and in the storage; the stored versions that are added are those
//! of the same area and owner. Freshness, and that something does not exist, hold for the same credentials only. Of a source's
//! headers no client gets any: type, length and `Cache-Control` are ours.
//!
//! | `Cache-Status` (RFC 9211) | `Cache-Control` | |
//! |---|---|---|
//! | `tower-goproxy; hit` | `public, max-age=` what is left | fresh |
//! | `tower-goproxy; hit; detail=stale` | `no-cache`; an absence `no-store` | in place of the source's answer |
//! | `tower-goproxy; fwd=miss` | `public, max-age=` | from the source |
//! | `tower-goproxy; fwd=miss; collapsed` | `public, max-age=` | from a question that another client had asked |
//!
//! `public` is `private` as [`SharedCaches`](crate::SharedCaches) says. Failures are `no-store`.
//!
//! # In the storage
//!
//! The last answers are small records below `@records/fresh/`, and some absences below `@records/absent/`. They survive a
//! restart, and other servers with the same storage have them. A record is written only when its bytes change; how fresh it
//! is, each process finds out for itself. Of one module up to 64 queries are kept. A record that cannot be written, since the
//! storage fails or 2 MiB of records wait for it already, is written when the source says the same again.
//!
//! # Limits
//!
//! | | |
//! |---|---|
//! | [memory](FreshLayer::max_memory) of all answers | 16 MiB |
//! | [questions](FreshLayer::max_questions) at the source | 16; further ones wait up to 5 minutes, then 503 |
//! | answers of more than 128 KiB in memory | 1, in a buffer of up to 16 MiB that is kept; held until its clients have read it or left; further ones wait up to a minute, then 502 |
//! | answers on their way to the storage | 2 MiB |
//!
//! How long a question takes is limited by what is wrapped: see [the fill](crate::fill#limits).
//!
//! # Caveats
//!
//! * A version that has just been published may be missing for a minute, and then once more for the one client that makes the
//!   source be asked.
//! * Needs the tokio runtime. For a graceful shutdown await [`FreshLayer::refreshes`], then the fills.
//! * A registry that moves tags may give files of two commits: see [`SameCommit`](crate::SameCommit).

mod absent;
mod ask;
mod asked;
mod cached_only;
mod complete;
mod file;
mod flight;
mod layer;
mod list;
mod memory;
mod question;
mod records;
mod refresh;
mod said;
mod service;
mod shared;
mod show;
mod shown;
pub(crate) mod stored;

pub use self::cached_only::{CachedOnly, CachedOnlyLayer};
pub use self::complete::Complete;
pub use self::layer::FreshLayer;
pub use self::service::{Fresh, ResponseFuture};
