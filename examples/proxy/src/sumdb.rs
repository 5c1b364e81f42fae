//! The options for checksum databases.

use clap::Args;
use tower_goproxy::Storage;
use tower_goproxy::sumdb::SumDb;

use crate::BoxError;
use crate::registry::UpstreamArgs;

const GO: &str = "sum.golang.org";

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Checksum database")]
pub(crate) struct SumDbArgs {
    /// Database to verify files against, written as for GOSUMDB, or `off` [default: sum.golang.org with the default upstream, else off].
    #[arg(long, value_name = "KEY[ URL]|off")]
    sumdb: Option<String>,
    /// Modules that no database is asked about, written as for GONOSUMDB.
    #[arg(long, value_name = "PATTERNS", default_value = "")]
    no_sumdb: String,
    /// Databases that clients reach through this proxy, separated by commas, or `off` [default: that of --sumdb, else sum.golang.org if the upstream answers for it].
    #[arg(long, value_name = "NAMES|off")]
    proxy_sumdb: Option<String>,
}

impl SumDbArgs {
    /// The database that files are verified against.
    pub(crate) fn verified(
        &self,
        upstream: &UpstreamArgs,
        private: &str,
        storage: &Storage,
    ) -> Result<Option<SumDb>, BoxError> {
        match self.sumdb.as_deref() {
            Some("off") => Ok(None),
            Some(key) => self.open(key, private, storage).map(Some),
            None if upstream.is_default() => self.open(GO, private, storage).map(Some),
            None => Ok(None),
        }
    }

    /// The databases that are answered for.
    pub(crate) fn proxied(
        &self,
        verified: Option<&SumDb>,
        upstream: &UpstreamArgs,
        private: &str,
        storage: &Storage,
    ) -> Result<Vec<SumDb>, BoxError> {
        let names = match (self.proxy_sumdb.as_deref(), verified, upstream.first_url()) {
            (Some("off"), _, _) => return Ok(Vec::new()),
            (Some(names), _, _) => names.to_owned(),
            (None, Some(sumdb), _) => return Ok(vec![sumdb.clone()]),
            (None, None, Some(url)) if self.sumdb.is_none() => format!("{GO} {url}/sumdb/{GO}"),
            (None, None, _) => return Ok(Vec::new()),
        };
        let names = names
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty());
        names
            .map(|name| match verified.filter(|sumdb| sumdb.name() == name) {
                Some(sumdb) => Ok(sumdb.clone()),
                None => self.open(name, private, storage),
            })
            .collect()
    }

    fn open(&self, key: &str, private: &str, storage: &Storage) -> Result<SumDb, BoxError> {
        let patterns = format!("{},{private}", self.no_sumdb);
        Ok(SumDb::new(key)?.storage(storage.clone()).exclude(&patterns))
    }
}
