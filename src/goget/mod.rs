//! A source that runs the go command against version control.
//!
//! [`GoGet`] is a leaf service: it is always ready, never fails, and ignores the request body. It answers the requests of
//! the GOPROXY protocol by running the go command, so that private modules need no other server. It keeps clones of
//! repositories and nothing else: without a `FillLayer` around it, which stores its files, each response is a run.
//!
//! ```no_run
//! use tower_goproxy::GoGet;
//! use tower_goproxy::goget::Settings;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let settings = Settings::new("/var/cache/goproxy")
//!     .private("git.corp.example")
//!     .token("git.corp.example", std::env::var("GIT_TOKEN")?)?;
//! let goget = GoGet::new(settings)?;
//! goget.check().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Runs
//!
//! | request | command |
//! |---|---|
//! | `@v/list` | `go list -m -versions`, and `@latest` if there are no tags |
//! | `@latest`, `.info`, `.mod`, `HEAD` of a zip | `go list -m`, which makes no zip |
//! | `.zip` of a version | `go mod download` |
//! | `.mod` of a version without a go.mod | `go mod download`: only the zip shows that there is none |
//!
//! Each run has a folder of its own, with its module cache, that is removed with the run. Only clones of repositories
//! stay, apart for each owner. Concurrent requests for the same thing share a run. A run continues while a client waits
//! for it; then it is killed with all processes that it started, and so it is after the [time
//! limit](Settings::time_limit). Only [so many](Settings::max_runs) run at once, and fewer for
//! [one host](Settings::max_runs_per_host) and for [one owner](Settings::max_runs_per_owner).
//!
//! What a run has fetched stays available for a minute, within [a bound](Settings::max_kept_size), so that `.info`, `.mod`
//! and `.zip` of a version are of one commit. If a tag is moved between the run for the `.info` and that for the zip, the
//! zip is a 502.
//!
//! A run that fails with a clone from an earlier run is tried once more with a new clone, at most once an hour for each
//! clone. If that succeeds, the new clone replaces the other one.
//!
//! No header of the request is used, only an [`Access`](crate::Access) in its extensions. Arguments consist of checked
//! paths and versions. The environment is cleared, except for [what is needed](Settings::env).
//!
//! # Status codes
//!
//! | the go command or git says | response |
//! |---|---|
//! | no such repository, module, version or branch; or it cannot be a module | 404 |
//! | `GOVCS` does not allow it | 403 |
//! | a host cannot be reached, breaks off, refuses our credentials | 502 |
//! | the checksum database has another hash | 502 |
//! | the go-import names this very server as the module proxy | 502 |
//! | it cannot make a zip of a module for a newer go | 502, unless [`toolchain`](Settings::toolchain) allows a download |
//! | what is not understood | 502 |
//! | a host limits the rate of requests, or no run slot is free | 503 with `Retry-After` |
//! | a host or the command is too slow | 504 |
//! | no go command, no git, no disk space | 500 |
//! | (not a request for a module) | 404 |
//! | (neither GET nor HEAD) | 405 |
//!
//! The body of an error is one line, without credentials, and without folders and addresses of the server. The
//! [`GoGetError`] is in the extensions; its `Display` has the whole message. A host that requires credentials where there
//! are none is a 404, since hosts answer so for what does not exist; it is also a warning in the log.
//!
//! # Whose credentials
//!
//! A module's path names a host, and that host can name any other one as that of the repository. So a run gets the
//! credentials of the service for the host in the path only, and for those that [git's settings](Settings::git_config) put
//! in its place by `insteadOf`; unless the module is [private](Settings::private). Where the paths of a company begin with
//! `go.corp.example` and its repositories are at `git.corp.example`, `private("go.corp.example")` is needed. Which hosts
//! can be reached at all is up to the network, and which paths may be requested is up to a policy.
//!
//! Everybody gets what the credentials of this service can read: put auth in front of it. To give each user only what the
//! hosts let them read, the auth layer inserts an [`Access`](crate::Access) with the credentials of the user. Then:
//!
//! * Commands run with the credentials of the owner. For a host that the owner has credentials for, nothing of the
//!   service is sent: no entry of the netrc file, no [credentials](Settings::credentials), no header and no helper of
//!   [git's settings](Settings::git_config), and ssh offers no key to any host. For other hosts the service's own are
//!   used, so give it none that not every owner may use.
//! * Clones and results belong to the owner, unless they are [shared](Settings::shared).
//! * Only requests with the same owner and the same credentials share a run.
//! * The credentials are in the memory of this process, and in a private folder that is removed with the run.
//!
//! # Caveats
//!
//! * Nobody else may use the folder as a module cache.
//! * A go-import of the kind `mod` is followed, unless it leads back to this service. If it leads to another server of
//!   the same name, such as a second one behind a load balancer, the run ends at its time limit: 504.
//! * If git fails for want of memory or time, the go command can take that for a version that does not exist: do not keep
//!   such a 404 for long.
//! * What runs while the server is killed ends when the next service with the same folder runs its first command, or at
//!   its next clean-up. This, and
//!   finding processes that started a session of their own, needs Linux.
//! * If a module is kept with `svn` and that is not installed, the go command says that there is no such revision: 404.
//! * Needs Unix.
//! * Needs a tokio runtime with time. Each run takes one of its blocking threads, of which a runtime has 512 by default.

mod answer;
mod clones;
mod credentials;
mod error;
mod files;
mod folder;
mod git;
mod git_settings;
mod go;
mod message;
mod observe;
mod prepare;
mod process;
mod runs;
mod sandbox;
mod secrets;
mod service;
mod settings;
mod shown;
mod worker;

pub use self::answer::GoGetBody;
pub use self::error::{GoGetError, InvalidSettings};
pub use self::service::{GoGet, ResponseFuture};
pub use self::settings::Settings;
pub use crate::access::credentials::InvalidCredentials;
