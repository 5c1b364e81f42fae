//! One list of registries with its credentials.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderValue, Uri};
use tower_goproxy::upstream::Client;
use tower_goproxy::{GoGet, Upstream};

use super::args::{UpstreamArgs, registries, wants_direct};
use crate::miss::Miss;
use crate::stored::Stored;
use crate::{BoxError, chain};

/// What a registry is asked with.
#[derive(Clone, Debug)]
pub(crate) enum Credentials {
    /// Those of the user who runs the server.
    Environment,
    Netrc(PathBuf),
    /// A file with a token.
    Token(PathBuf),
    None,
}

/// A list of registries.
#[derive(Clone, Debug)]
pub(crate) struct Registry {
    /// Where it was set, for errors.
    pub(crate) name: String,
    pub(crate) list: String,
    pub(crate) credentials: Credentials,
    pub(crate) on_miss: Miss,
    /// `None` stores nothing, and redirects.
    pub(crate) stored: Option<Stored>,
}

impl Registry {
    /// # Errors
    ///
    /// The list is wrong, a file cannot be read, or the list ends with `direct` and there is no go command.
    pub(crate) fn upstream(
        &self,
        args: &UpstreamArgs,
        client: &Client,
        goget: Option<&GoGet>,
    ) -> Result<Upstream, BoxError> {
        let made = self.made(args, client, goget);
        made.map_err(|error| format!("{}: {}", self.name, chain(&*error)).into())
    }

    fn made(
        &self,
        args: &UpstreamArgs,
        client: &Client,
        goget: Option<&GoGet>,
    ) -> Result<Upstream, BoxError> {
        let upstream = match goget.filter(|_| self.wants_direct()) {
            Some(goget) => Upstream::with_direct(&self.list, client.clone(), goget.clone())?,
            None if self.wants_direct() => {
                return Err("`direct` needs a go command in the PATH, or --go".into());
            }
            None => Upstream::with_client(&self.list, client.clone())?,
        };
        let upstream = args.limit(upstream);
        Ok(match &self.credentials {
            Credentials::None => upstream,
            Credentials::Environment => upstream.netrc_from_env()?,
            Credentials::Netrc(file) => upstream.netrc(file)?,
            Credentials::Token(file) => {
                let wrong = |what| format!("token file {}: {what}", file.display());
                one_place(&self.list).map_err(wrong)?;
                upstream.header(AUTHORIZATION, bearer(file)?)
            }
        })
    }

    pub(crate) fn wants_direct(&self) -> bool {
        wants_direct(&self.list)
    }

    /// The file that the credentials come from.
    pub(crate) fn file(&self) -> Option<&Path> {
        match &self.credentials {
            Credentials::Netrc(file) | Credentials::Token(file) => Some(file),
            Credentials::Environment | Credentials::None => None,
        }
    }
}

/// Every registry of a list gets a token, and nobody else should.
fn one_place(list: &str) -> Result<(), &'static str> {
    let place = |url: &Uri| Some((url.host()?.to_lowercase(), url.port_u16()));
    let mut registries = registries(list).filter(|url| url.host().is_some());
    let Some(first) = registries.next() else {
        return Ok(());
    };
    let is_clear = |url: &Uri| url.scheme_str() == Some("http") && !is_loopback(url);
    if is_clear(&first) {
        return Err("a token is sent over https only");
    }
    match registries.all(|url| place(&url) == place(&first) && !is_clear(&url)) {
        true => Ok(()),
        false => Err("a token is for one host, and this list has several: use a netrc file"),
    }
}

fn is_loopback(url: &Uri) -> bool {
    let host = url.host().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn bearer(file: &Path) -> Result<HeaderValue, BoxError> {
    let name = file.display();
    let text = fs::read_to_string(file).map_err(|error| format!("token file {name}: {error}"))?;
    let token = text.trim();
    if token.is_empty() {
        return Err(format!("token file {name}: it is empty").into());
    }
    let value = HeaderValue::try_from(format!("Bearer {token}"));
    value.map_err(|_| format!("token file {name}: not a token").into())
}
