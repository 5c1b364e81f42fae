//! What is different for an owner: the module cache, and who we are for some hosts.

use std::path::PathBuf;

use super::clean::OWNERS;
use super::config::{Config, same_name};
use super::job::Job;
use super::netrc;
use crate::access::value::Access;

impl Config {
    /// The folder of the module cache.
    pub(super) fn modules_of(&self, access: Option<&Access>) -> PathBuf {
        match access {
            Some(access) if !self.shared => {
                let name = access.owner_name().as_str();
                self.cache.join(OWNERS).join(name)
            }
            _ => self.cache.clone(),
        }
    }

    /// The settings for a job.
    pub(super) fn for_job(&self, job: &Job) -> Self {
        let config = self.clone().for_module(&job.module);
        match &job.access {
            Some(access) => config.for_owner(access),
            None => config,
        }
    }

    /// The settings with the credentials of an owner, and with none of ours for the same hosts.
    pub(super) fn for_owner(&self, access: &Access) -> Self {
        let owners = access.logins().clone();
        let is_ours = |host: &str| !owners.iter().any(|one| same_name(one.host(), host));
        let mut config = self.clone();
        config.credentials.keep(|one| is_ours(one.host()));
        config
            .git_config
            .retain(|(key, _)| host_of_secret(key).is_none_or(is_ours));
        for (key, _) in &mut config.git_config {
            if let Some(bare) = without_user(key, is_ours) {
                *key = bare;
            }
        }
        if owners.iter().next().is_some() {
            config.netrc = netrc::of_hosts(&self.netrc, is_ours);
        }
        config.owners = owners;
        config
    }
}

/// The host in a key of git's configuration that can hold a secret for it (`man git-config`).
pub(super) fn host_of_secret(key: &str) -> Option<&str> {
    let (section, rest) = key.split_once('.')?;
    let (url, name) = rest.rsplit_once('.')?;
    let section = section.to_ascii_lowercase();
    let name = name.to_ascii_lowercase();
    let is_secret = section == "credential"
        || (section == "http" && matches!(&*name, "extraheader" | "cookiefile"));
    if !is_secret {
        return None;
    }
    let (_, rest) = url.split_once("://").unwrap_or(("", url));
    let host = rest.split('/').next().unwrap_or(rest);
    Some(host.rsplit_once('@').map_or(host, |(_, host)| host))
}

/// The key `url.https://user:password@host/.insteadOf` without the user, if the host is not ours.
pub(super) fn without_user(key: &str, is_ours: impl Fn(&str) -> bool) -> Option<String> {
    let (scheme, rest) = key.split_once("://")?;
    if !scheme.to_ascii_lowercase().starts_with("url.http") {
        return None;
    }
    let end = rest.find('/').unwrap_or(rest.len());
    let (_, host) = rest[..end].rsplit_once('@')?;
    let bare = || format!("{scheme}://{host}{}", &rest[end..]);
    (!is_ours(host)).then(bare)
}
