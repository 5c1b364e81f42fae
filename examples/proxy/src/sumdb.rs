//! The options for checksum databases.

use std::future::{Ready, ready};
use std::io;

use axum::body::Body;
use axum::http::Response;
use clap::Args;
use tower::service_fn;
use tower_goproxy::Storage;
use tower_goproxy::sumdb::SumDb;
use tower_goproxy::upstream::Client;

use crate::BoxError;
use crate::registry::UpstreamArgs;

const GO: &str = "sum.golang.org";

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Checksum database")]
pub(crate) struct SumDbArgs {
    /// Database to verify files against, written as for GOSUMDB, or `off` [default: sum.golang.org, through the upstream, with the default upstream, else off].
    #[arg(long, value_name = "KEY[ URL]|off")]
    sumdb: Option<String>,
    /// Modules that are not looked up in any database, written as for GONOSUMDB.
    #[arg(long, value_name = "PATTERNS", default_value = "")]
    no_sumdb: String,
    /// Databases that clients reach through this proxy, separated by commas, or `off` [default: that of --sumdb, else sum.golang.org if the upstream answers for it].
    #[arg(long, value_name = "NAMES|off")]
    proxy_sumdb: Option<String>,
}

/// What all databases of a server have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Around<'a> {
    /// Patterns of modules whose names no database must learn.
    pub(crate) private: &'a str,
    pub(crate) storage: Option<&'a Storage>,
    pub(crate) client: &'a Client,
    pub(crate) offline: bool,
}

impl SumDbArgs {
    /// The database that files are verified against.
    pub(crate) fn verified(
        &self,
        upstream: &UpstreamArgs,
        around: Around<'_>,
    ) -> Result<Option<SumDb>, BoxError> {
        match self.sumdb.as_deref() {
            Some("off") => Ok(None),
            Some(key) => self.open(key, around).map(Some),
            None if upstream.is_default() => {
                let through = upstream.first_url().map(through);
                self.open(through.as_deref().unwrap_or(GO), around)
                    .map(Some)
            }
            None => Ok(None),
        }
    }

    /// The databases that are answered for.
    pub(crate) fn proxied(
        &self,
        verified: Option<&SumDb>,
        upstream: &UpstreamArgs,
        around: Around<'_>,
    ) -> Result<Vec<SumDb>, BoxError> {
        let names = match (self.proxy_sumdb.as_deref(), verified, upstream.first_url()) {
            (Some("off"), _, _) => return Ok(Vec::new()),
            (Some(names), _, _) => names.to_owned(),
            (None, Some(sumdb), _) => return Ok(vec![sumdb.clone()]),
            (None, None, Some(url)) if self.sumdb.is_none() => through(url),
            (None, None, _) => return Ok(Vec::new()),
        };
        let names = names
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty());
        names
            .map(|name| match verified.filter(|sumdb| sumdb.name() == name) {
                Some(sumdb) => Ok(sumdb.clone()),
                None => self.open(name, around),
            })
            .collect()
    }

    fn open(&self, key: &str, around: Around<'_>) -> Result<SumDb, BoxError> {
        let patterns = [&self.no_sumdb, around.private].join(",");
        // With blanks around it a pattern would match nothing, and tell the names that it is there for.
        let patterns = patterns
            .split(',')
            .map(|pattern| pattern.trim().trim_end_matches('/'));
        let patterns: Vec<_> = patterns.collect();
        let sumdb = match around.offline {
            true => SumDb::with_client(key, service_fn(refuse)),
            false => SumDb::with_client(key, around.client.clone()),
        };
        let sumdb = sumdb?.exclude(&patterns.join(","));
        Ok(match around.storage {
            Some(storage) => sumdb.storage(storage.clone()),
            None => sumdb,
        })
    }
}

/// As the go command reaches it: through a registry, so that no other host is needed.
fn through(registry: String) -> String {
    format!("{GO} {registry}/sumdb/{GO}")
}

fn refuse<R>(_: R) -> Ready<io::Result<Response<Body>>> {
    ready(Err(io::Error::other("this server is offline")))
}
