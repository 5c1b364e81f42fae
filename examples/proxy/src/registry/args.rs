//! The options for registries.

use std::time::Duration;

use axum::http::Uri;
use clap::Args;
use tower_goproxy::Upstream;
use tower_goproxy::upstream::Client;

use crate::seconds::{seconds, seconds_or_none};

const DEFAULT: &str = "https://proxy.golang.org";

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Upstream")]
pub(crate) struct UpstreamArgs {
    /// Registries that missing modules come from, written as for GOPROXY.
    #[arg(
        long = "upstream",
        id = "upstream",
        value_name = "LIST",
        default_value = DEFAULT
    )]
    pub(crate) list: String,
    /// Time limit for connecting, TLS included.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    connect_timeout: Duration,
    /// Time limit from a request to the head of its response.
    #[arg(long, value_name = "SECONDS", default_value = "120", value_parser = seconds)]
    first_byte_timeout: Duration,
    /// Time limit for the next part of a body.
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    idle_timeout: Duration,
    /// Time limit for a whole exchange; 0 for no limit.
    #[arg(long, value_name = "SECONDS", default_value = "3600", value_parser = seconds_or_none)]
    total_timeout: Duration,
    /// How often a request that fails before its first byte is retried.
    #[arg(long, value_name = "TIMES", default_value_t = 2)]
    retries: u32,
    /// How often in a row the rest of a broken body is requested.
    #[arg(long, value_name = "TIMES", default_value_t = 3)]
    resumes: u32,
}

impl UpstreamArgs {
    pub(crate) fn is_default(&self) -> bool {
        self.list.trim_end_matches('/') == DEFAULT
    }

    /// The URL of the first registry, if it is one without credentials.
    pub(crate) fn first_url(&self) -> Option<String> {
        let first = self
            .list
            .split([',', '|'])
            .next()?
            .trim()
            .trim_end_matches('/');
        let is_plain = !matches!(first, "" | "direct" | "off") && !first.contains(['@', '?']);
        match first.split_once("://") {
            _ if !is_plain => None,
            Some(("http" | "https", _)) => Some(first.to_owned()),
            Some(_) => None,
            None => Some(format!("https://{first}")),
        }
    }

    pub(super) fn limit(&self, upstream: Upstream<Client>) -> Upstream<Client> {
        let total = Some(self.total_timeout).filter(|limit| !limit.is_zero());
        upstream
            .first_byte_timeout(self.first_byte_timeout)
            .idle_timeout(self.idle_timeout)
            .total_timeout(total)
            .retries(self.retries)
            .resumes(self.resumes)
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }
}

/// The registries of a list, as the go command reads it.
pub(super) fn registries(list: &str) -> impl Iterator<Item = Uri> {
    let entries = list.split([',', '|']).map(str::trim);
    let entries = entries.take_while(|entry| !matches!(*entry, "direct" | "off"));
    entries.filter_map(|entry| match entry.contains("://") {
        true => entry.parse().ok(),
        false => format!("https://{entry}").parse().ok(),
    })
}

/// Whether a list ends with version control.
pub(crate) fn wants_direct(list: &str) -> bool {
    let mut entries = list.split([',', '|']).map(str::trim);
    entries.find(|entry| matches!(*entry, "direct" | "off")) == Some("direct")
}
