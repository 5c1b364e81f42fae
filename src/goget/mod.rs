//! A source that has the go command read version control.
//!
//! [`GoGet`] is a leaf service: always ready, never an error, whatever the request's body. It answers the requests of a
//! module proxy by running the go command against version control, so that private modules need no other server. A
//! [`FillLayer`](crate::fill::FillLayer) around it stores and streams them as it does those of a registry.
//!
//! ```no_run
//! use tower_goproxy::GoGet;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let goget = GoGet::new("/var/cache/goproxy")
//!     .private("git.corp.example")
//!     .token("git.corp.example", std::env::var("GIT_TOKEN")?)?;
//! goget.check().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What it runs
//!
//! | request | command |
//! |---|---|
//! | `@v/list` | `go list -m -versions`, and `@latest` if there are no tags |
//! | `@latest`, `.info` of a branch or a commit | `go list -m`: no zip is made |
//! | `.info` of a version | the same, unless its other files are just being made |
//! | `.mod` of a version | none after its `.info`, else as for the zip |
//! | `.zip` of a version | `go mod download` |
//!
//! What is in the module cache is answered without a command. Who asks for the same thing at the same time waits for the
//! same run, and so do those who ask for different files of one version. A run goes on as long as anybody waits for it;
//! when the last one leaves, it is killed with all that it has started. So it is when it takes
//! [too long](GoGet::time_limit). Only [so many](GoGet::max_runs) run at once. What a killed git leaves in a clone, locks
//! above all, is removed when it is in the way.
//!
//! A version that is asked for by its `.zip` or `.mod` first, as by `go build` with a complete `go.sum`, costs one run;
//! one that is asked for by its `.info` first, as by `go mod download`, costs two: a look-up and a download. So 200
//! clients of 20 versions cost 20 downloads, and at most 20 look-ups. A download at once would save the look-up, which
//! took 0.14 s here. But whoever looks for updates (`go list -m -u all`, or a bot that reads the time of each version)
//! asks for infos alone, and would make a zip of every version there is: 0.6 s and 10 MB for each of a repository of
//! 5 MB.
//!
//! Nothing of the client's head goes along, except an [`Access`](crate::Access) that an auth layer has put into the
//! extensions of the request, and no more of the server's environment than
//! [needed](GoGet::env). Arguments are made of checked paths and versions.
//!
//! # What comes back
//!
//! | the go command, or git, says | client |
//! |---|---|
//! | no such repository, module, version or branch; or it cannot be a module | 404 |
//! | `GOVCS` does not allow it | 403 |
//! | a host cannot be reached, breaks off, refuses our credentials | 502 |
//! | the checksum database says otherwise | 502 |
//! | the module needs a newer go command | 502 |
//! | what is not understood | 502 |
//! | a host has had too many requests, or all places are taken | 503 with `Retry-After` |
//! | a host is too slow, or the command is | 504 |
//! | no go command, no git, no space | 500 |
//! | (no module request) | 404 |
//! | (neither GET nor HEAD) | 405 |
//!
//! The body of an error is one line for people, without paths of the server and without credentials. The
//! [`GoGetError`] is in the extensions. A host that wants credentials where there are none is a 404, since that is how hosts
//! treat what does not exist; it is also a warning in the log.
//!
//! # Whose credentials
//!
//! A module's path names a host, and that host can name any other one as that of the repository. So the credentials of this
//! service are used for the host in the path alone, and for those that [git's settings](GoGet::git_config) put in its
//! place by `insteadOf`; unless the module is [private](GoGet::private). Where the paths of a company begin with
//! `go.corp.example` and its repositories are at `git.corp.example`, `private("go.corp.example")` is needed. What a
//! [file of git's settings](GoGet::git_config_file) holds is used for all modules. Which hosts can be reached at all is a
//! matter of the network, and which paths may be asked for one of a policy.
//!
//! Without more, everybody gets what the credentials of this service can see: put auth in front of it. Where each user is to
//! get what the hosts of the repositories let him see, the auth layer inserts an [`Access`](crate::Access), with the user's
//! credentials for these hosts. Then:
//!
//! * Commands run with the credentials of the owner. For a host that he has credentials for, nothing of the service's own
//!   is sent: no entry of the netrc file, no [credentials](GoGet::credentials), no header and no helper out of
//!   [git's settings](GoGet::git_config), and ssh offers no key at all, to whatever host. For other hosts the service's own
//!   are used, so give it none that not every owner may use.
//! * What the commands bring lies in a module cache of the owner, unless it is [shared](GoGet::shared). The bounds of size
//!   and age are for all module caches together.
//! * Only requests with the same owner and the same credentials wait for the same run. Others with the same owner wait for
//!   each other at most, by the locks of the go command.
//! * The credentials are in the memory of this process, and in a private folder that goes away with the run.
//! * What is in the module cache of an owner is his, with whatever credentials he comes later, or with none.
//!
//! Settings that git has in [a file](GoGet::git_config_file) and those of other version control systems are for all owners.
//!
//! # Caveats
//!
//! * The module cache is [cleaned](GoGet::clean) from time to time, and only while no command runs: new ones wait then. No
//!   go command of anybody else may use it.
//! * Where git fails for want of memory or time, the go command can take that for a version that does not exist: so such a
//!   404 is not to be kept for long.
//! * What runs while the server is killed ends when the next service with the same folder runs its first command; on
//!   Linux alone.
//! * Where a module is kept with `svn` and that is not installed, the go command says that there is no such revision: 404.
//! * Killing a whole group needs Unix; elsewhere only the go command itself is killed.
//! * Needs a tokio runtime with I/O and time.

mod access;
mod backend;
mod body;
mod cache;
mod classify;
mod clean;
mod cleaning;
mod clones;
mod config;
mod download;
mod environment;
mod error;
mod file;
mod flights;
mod folder;
mod future;
mod git;
mod group;
mod held;
mod home;
mod items;
mod job;
mod lock;
mod netrc;
mod observe;
mod order;
mod orphans;
mod owner;
mod private;
mod query;
mod reach;
mod ready;
mod reply;
mod run;
mod runner;
mod runs;
mod service;
mod settings;
mod show;
mod ssh;
mod tools;
mod trash;

pub use self::body::GoGetBody;
pub use self::error::GoGetError;
pub use self::future::ResponseFuture;
pub use self::runs::Runs;
pub use self::service::GoGet;
pub use crate::access::credentials::InvalidCredentials;
