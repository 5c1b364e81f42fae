//! All options. Each is a flag, a variable `TOWER_GOPROXY_...`, and a line of the file.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::access_log::LogFormat;
use crate::direct::DirectArgs;
use crate::life::LifeArgs;
use crate::miss::Miss;
use crate::registry::UpstreamArgs;
use crate::rules::RuleArgs;
use crate::seconds::seconds_or_none;
use crate::server::{LimitArgs, TlsArgs};
use crate::sumdb::SumDbArgs;
use crate::users::UserArgs;

#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// TOML file with options by their long names, such as `listen = "127.0.0.1:3000"`, and with [[registry]] and
    /// [[direct]] tables. A flag overrides a variable (TOWER_GOPROXY_LISTEN), which overrides the file.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Address to listen on; port 0 picks a free port.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:3000")]
    pub(crate) listen: SocketAddr,
    /// Storage for modules: a folder, `memory:`, or s3://BUCKET/FOLDER.
    #[arg(long, value_name = "DIR|URL", default_value = "modules")]
    pub(crate) storage: String,
    /// At startup, wait this long for a storage that cannot be reached.
    #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = seconds_or_none)]
    pub(crate) wait_for_storage: Duration,
    #[command(flatten)]
    pub(crate) rules: RuleArgs,
    /// Response to a request for a file that is not stored yet.
    #[arg(long, value_enum, default_value_t = Miss::Stream)]
    pub(crate) on_miss: Miss,
    /// Answer from the storage only, and never contact a source or a checksum database.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", action = clap::ArgAction::Set)]
    pub(crate) offline: bool,
    /// Store nothing: redirect every client to the upstream, except for lists that the rules filter.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", action = clap::ArgAction::Set)]
    pub(crate) redirect_only: bool,
    /// Path under which the proxy is mounted.
    #[arg(long, value_name = "/PATH")]
    pub(crate) prefix: Option<String>,
    /// Trust the certificate authorities in this file too, for registries, the go command and git.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) upstream: UpstreamArgs,
    #[command(flatten)]
    pub(crate) sumdb: SumDbArgs,
    #[command(flatten)]
    pub(crate) direct: DirectArgs,
    #[command(flatten)]
    pub(crate) users: UserArgs,
    #[command(flatten)]
    pub(crate) tls: TlsArgs,
    #[command(flatten)]
    pub(crate) observe: ObserveArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) life: LifeArgs,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Logs and metrics")]
pub(crate) struct ObserveArgs {
    /// Format of log lines on stderr; RUST_LOG filters them (default: info).
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,
    /// Serve /metrics for Prometheus on the main address. It requires a user if there are any.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", action = clap::ArgAction::Set)]
    pub(crate) metrics: bool,
    /// Serve /metrics, /healthz and /readyz on a separate address, without users.
    #[arg(long, value_name = "ADDR")]
    pub(crate) metrics_listen: Option<SocketAddr>,
    /// Return 503 at /readyz while the storage cannot be reached.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", action = clap::ArgAction::Set)]
    pub(crate) ready_needs_storage: bool,
}
