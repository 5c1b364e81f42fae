//! Which secrets a run may use. Decided here and nowhere else, by lists of what is allowed.
//!
//! A module's path leads to a host, and that host says where the repository is: anywhere. Were our credentials for all
//! hosts that it names, whoever has a host could have us read our own repositories, past all rules about paths.

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::git_settings::{
    Setting, host_of, judge, rewritten_base, same_name, without_user, without_users,
};
use super::netrc;
use super::patterns::is_private;
use crate::access::credentials::Credentials;
use crate::access::logins::Logins;
use crate::access::value::Access;
use crate::module::path::ModulePath;

pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Provided = Pin<Box<dyn Future<Output = Result<Vec<Credentials>, BoxError>> + Send>>;
pub(super) type Provider = Arc<dyn Fn(String, Option<Access>) -> Provided + Send + Sync>;

/// What the service has for hosts, as it was set. What of it a run may use is decided elsewhere.
#[derive(Clone, Default)]
pub(super) struct Secrets {
    pub(super) logins: Logins,
    pub(super) provider: Option<Provider>,
    pub(super) netrc: Option<PathBuf>,
    pub(super) git_config: Vec<(String, String)>,
    pub(super) git_config_file: Option<PathBuf>,
    pub(super) ssh_key: Option<PathBuf>,
    pub(super) ssh_agent: Option<PathBuf>,
    pub(super) ssh_known_hosts: Option<PathBuf>,
}

/// Names hosts and settings, and no values.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts: Vec<_> = self.logins.iter().map(Credentials::host).collect();
        // A key can hold a URL with a password.
        let keys: Vec<_> = self
            .git_config
            .iter()
            .map(|(key, _)| {
                if key.contains('@') {
                    "(has a user)"
                } else {
                    key
                }
            })
            .collect();
        f.debug_struct("Hosts")
            .field("logins", &hosts)
            .field("provider", &self.provider.is_some())
            .field("netrc", &self.netrc)
            .field("git_config", &keys)
            .field("git_config_file", &self.git_config_file)
            .field("ssh_key", &self.ssh_key)
            .finish_non_exhaustive()
    }
}

/// What the service has for hosts, as it is at the beginning of a run.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) logins: Vec<Credentials>,
    /// Those of the owner of the request.
    pub(super) owners: Vec<Credentials>,
    /// The text of the netrc file.
    pub(super) netrc: String,
    pub(super) git_config: Vec<(String, String)>,
}

/// What one run may use.
#[derive(Debug)]
pub(super) struct Grant {
    /// At most one for each host and port. Those of the owner come first.
    pub(super) logins: Vec<Credentials>,
    /// The hosts for which the owner has credentials.
    pub(super) owners: Vec<String>,
    /// Entries of the netrc file.
    pub(super) netrc: String,
    pub(super) git_config: Vec<(String, String)>,
    /// The hosts to which ssh may show a key; `None` for all.
    pub(super) ssh_hosts: Option<Vec<String>>,
}

/// What a run for this module gets: with all that the service has if it is private, else what is for its own host and
/// for the hosts that git connects to instead. For hosts of the owner's credentials it gets nothing of the service's.
pub(super) fn grant(held: &Held, private: &str, module: &ModulePath<'_>) -> Grant {
    let path = module.unescaped();
    let own = path.split('/').next().unwrap_or(&path);
    let mut near = vec![own.to_owned()];
    for (key, value) in &held.git_config {
        if let Some(base) = rewritten_base(key)
            && host_of(value).is_some_and(|host| same_name(host, own))
            && let Some(host) = host_of(base)
        {
            near.push(host.to_owned());
        }
    }
    let is_all = is_private(private, &path);
    let is_owners = |host: &str| held.owners.iter().any(|one| same_name(one.host(), host));
    let is_granted =
        |host: &str| !is_owners(host) && (is_all || near.iter().any(|near| same_name(near, host)));
    let ours = held.logins.iter().filter(|one| is_granted(one.host()));
    let logins = held.owners.iter().chain(ours).cloned().collect();
    let mut git_config = Vec::new();
    for (key, value) in &held.git_config {
        match judge(key, value) {
            Setting::Harmless => git_config.push((key.clone(), value.clone())),
            Setting::For(host) if is_granted(host) => git_config.push((key.clone(), value.clone())),
            Setting::For(_) => {
                // The rewriting itself is no secret.
                if let Some(bare) = without_user(key) {
                    git_config.push((bare, value.clone()));
                }
            }
            // Refused at the start.
            Setting::Refused => {}
        }
    }
    Grant {
        logins,
        owners: held
            .owners
            .iter()
            .map(|one| one.host().to_owned())
            .collect(),
        netrc: netrc::of_hosts(&held.netrc, is_granted),
        git_config,
        ssh_hosts: (!is_all).then_some(near),
    }
}

impl Grant {
    /// Nothing at all.
    pub(super) fn none() -> Self {
        Self {
            logins: Vec::new(),
            owners: Vec::new(),
            netrc: String::new(),
            git_config: Vec::new(),
            ssh_hosts: Some(Vec::new()),
        }
    }

    /// A message without what the run was given.
    pub(super) fn redacted(&self, text: &str) -> String {
        let mut text = without_users(text);
        let of_netrc = netrc::logins(&self.netrc);
        let logins = self.logins.iter().map(|one| (one.user(), one.password()));
        let of_netrc = of_netrc
            .iter()
            .map(|(user, password)| (&**user, &**password));
        for (user, password) in logins.chain(of_netrc) {
            let basic = BASE64_STANDARD.encode(format!("{user}:{password}"));
            text = text.replace(&basic, "xxxxx").replace(password, "xxxxx");
        }
        for (key, value) in &self.git_config {
            let is_secret = rewritten_base(key).is_none() && !value.is_empty();
            if is_secret && matches!(judge(key, value), Setting::For(_)) {
                // Of a header the name may be seen.
                let secret = value.rsplit(' ').next().unwrap_or(value);
                text = text.replace(secret, "xxxxx");
            }
        }
        text
    }

    /// Whether there are credentials for the host for which git asks, as in `Username for 'https://host:8443'`.
    pub(super) fn knows_host_in(&self, message: &str) -> bool {
        let of_netrc = netrc::machines(&self.netrc);
        let logins = self.logins.iter().map(Credentials::host);
        logins
            .chain(of_netrc.iter().map(String::as_str))
            .any(|host| {
                // git names the port too, which a netrc file has not.
                ["'", ":"]
                    .iter()
                    .any(|end| message.contains(&format!("for 'https://{host}{end}")))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::{Held, grant};
    use crate::access::credentials::Credentials;
    use crate::module::path::ModulePath;

    fn held() -> Held {
        let mut held = Held::default();
        for host in ["a.example:8443", "b.example", "c.example"] {
            let one = Credentials::new(host, "robot", format!("ours-{host}"));
            held.logins.push(one.unwrap());
        }
        held.netrc = "machine A.example/team login x password netrc-a\n\
                      machine c.example login x password netrc-c\n\
                      default login x password netrc-default\n"
            .into();
        for (key, value) in [
            (
                "url.https://u:pb@b.example/.insteadOf",
                "https://a.example/",
            ),
            (
                "url.https://u:pc@c.example/.insteadOf",
                "https://d.example/",
            ),
            ("http.https://a.example/.extraHeader", "header-a"),
            ("http.https://c.example/.extraHeader", "header-c"),
            ("http.sslCAInfo", "file"),
        ] {
            held.git_config.push((key.into(), value.into()));
        }
        held
    }

    fn granted(held: &Held, path: &'static str) -> String {
        let grant = grant(held, "*.corp.example", &ModulePath::new(path).unwrap());
        let logins: Vec<_> = grant.logins.iter().map(Credentials::password).collect();
        format!("{logins:?} {} {:?}", grant.netrc, grant.git_config)
    }

    #[test]
    fn a_module_has_what_is_for_its_own_host_and_a_private_one_has_all() {
        let own = granted(&held(), "a.example/m");
        for (secret, want) in [
            ("ours-a.example:8443", true),
            ("ours-b.example", true),
            ("ours-c.example", false),
            ("netrc-a", true),
            ("netrc-c", false),
            ("netrc-default", false),
            ("u:pb@b.example", true),
            ("pc@", false),
            ("url.https://c.example/.insteadOf", true),
            ("header-a", true),
            ("header-c", false),
            ("sslCAInfo", true),
        ] {
            assert_eq!(own.contains(secret), want, "{secret} in {own}");
        }
        let all = granted(&held(), "go.corp.example/m");
        for secret in ["ours-c.example", "netrc-c", "pc@", "header-c"] {
            assert!(all.contains(secret), "{secret} in {all}");
        }
        assert!(!all.contains("netrc-default"), "{all}");
    }

    #[test]
    fn an_owner_has_nothing_of_ours_for_a_host_of_theirs() {
        let mut held = held();
        let hers = Credentials::new("a.example", "ann", "hers").unwrap();
        held.owners.push(hers);
        let text = granted(&held, "a.example/m");
        for (secret, want) in [
            ("hers", true),
            ("ours-a.example", false),
            ("netrc-a", false),
            ("header-a", false),
            ("ours-b.example", true),
        ] {
            assert_eq!(text.contains(secret), want, "{secret} in {text}");
        }
    }

    #[test]
    fn what_a_run_was_given_is_not_shown() {
        let grant = grant(&held(), "", &ModulePath::new("a.example/m").unwrap());
        let basic = "cm9ib3Q6b3Vycy1hLmV4YW1wbGU6ODQ0Mw==";
        let text = format!("password ours-b.example, netrc-a, header-a, Basic {basic}, user robot");
        assert_eq!(
            grant.redacted(&text),
            "password xxxxx, xxxxx, xxxxx, Basic xxxxx, user robot"
        );
    }
}
