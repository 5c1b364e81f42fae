//! Which secrets a run may use. Decided here and nowhere else, by lists of what is allowed.
//!
//! A module's path leads to a host, and that host says where the repository is: anywhere. Were our credentials for all
//! hosts that it names, whoever has a host could have us read our own repositories, past all rules about paths.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::git_settings::{Setting, judge, rewritten_base, without_user};
use crate::access::credentials::Credentials;
use crate::access::logins::Logins;
use crate::access::value::Access;
use crate::module::path::ModulePath;
use crate::source::host::{host_of, same_name, without_users};
use crate::source::netrc::Entry;
use crate::source::patterns::is_private;

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

/// What the service has for hosts, as it is at the beginning of a run.
#[derive(Default)]
pub(super) struct Held {
    pub(super) ours: Logins,
    /// Those of the owner of the request.
    pub(super) owners: Logins,
    pub(super) netrc: Vec<Entry>,
    pub(super) git_config: Vec<(String, String)>,
}

/// What one run may use.
#[derive(Default)]
pub(super) struct Grant {
    /// At most one for each host and port. Those of the owner come first.
    pub(super) logins: Vec<Entry>,
    /// The hosts for which the owner has credentials.
    pub(super) owners: Vec<String>,
    pub(super) netrc: Vec<Entry>,
    pub(super) git_config: Vec<(String, String)>,
    /// ssh may show a key to every host, not only to `near` ones.
    pub(super) is_private: bool,
    /// The host of the module's path, and those that git connects to instead.
    pub(super) near: Vec<String>,
}

/// What a run for this module gets: with all that the service has if it is private, else what is for its own host and
/// for the hosts that git connects to instead. For hosts of the owner's credentials it gets nothing of the service's.
pub(super) fn grant(held: &Held, private: &str, module: &ModulePath<'_>) -> Grant {
    let path = module.unescaped();
    let own = path.split('/').next().unwrap_or(&path);
    let rewritten = held.git_config.iter().filter_map(|(key, value)| {
        let is_own = host_of(value).is_some_and(|host| same_name(host, own));
        host_of(rewritten_base(key)?).filter(|_| is_own)
    });
    let near: Vec<_> = [own].into_iter().chain(rewritten).collect();
    let is_private = is_private(private, &path);
    let is_owners = |host: &str| held.owners.iter().any(|one| same_name(one.host(), host));
    let is_granted = |host: &str| {
        !is_owners(host) && (is_private || near.iter().any(|near| same_name(near, host)))
    };
    let ours = held.ours.iter().filter(|one| is_granted(one.host()));
    let entry = |one: &Credentials| Entry {
        machine: one.host().into(),
        login: one.user().into(),
        password: one.password().into(),
    };
    let git_config = held.git_config.iter().filter_map(|(key, value)| {
        let key = match judge(key, value) {
            Setting::Harmless => key.clone(),
            Setting::For(host) if is_granted(host) => key.clone(),
            // The rewriting itself is no secret.
            Setting::For(_) => without_user(key)?,
            // Refused at the start.
            Setting::Refused => return None,
        };
        Some((key, value.clone()))
    });
    let netrc = held.netrc.iter().filter(|one| is_granted(&one.host()));
    Grant {
        logins: held.owners.iter().chain(ours).map(entry).collect(),
        owners: held
            .owners
            .iter()
            .map(|one| one.host().to_owned())
            .collect(),
        netrc: netrc.cloned().collect(),
        git_config: git_config.collect(),
        is_private,
        near: near.into_iter().map(str::to_owned).collect(),
    }
}

impl Grant {
    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.logins.iter().chain(&self.netrc)
    }

    /// A message without what the run was given.
    pub(super) fn redacted(&self, text: &str) -> String {
        let logins = self.entries().flat_map(|one| {
            let [login, password] = [&one.login, &one.password].map(|text| {
                // git knows values in quotes.
                String::from_utf8_lossy(text).trim_matches('"').to_owned()
            });
            [
                BASE64_STANDARD.encode(format!("{login}:{password}")),
                password,
            ]
        });
        let settings = self.git_config.iter().filter_map(|(key, value)| {
            let is_secret = matches!(judge(key, value), Setting::For(_));
            // Of a header the name may be seen. Users in URLs go in any case.
            let secret = value.rsplit(' ').next().unwrap_or(value);
            (is_secret && rewritten_base(key).is_none()).then(|| secret.to_owned())
        });
        let secrets = logins.chain(settings).filter(|secret| !secret.is_empty());
        secrets.fold(without_users(text), |text, secret| {
            text.replace(&secret, "xxxxx")
        })
    }

    /// Whether there are credentials for the host for which git asks, as in `Username for 'https://host:8443'`.
    pub(super) fn knows_host_in(&self, message: &str) -> bool {
        self.entries().map(Entry::host).any(|host| {
            // git names the port too, which a netrc file has not.
            let asks = |end| message.contains(&format!("for 'https://{host}{end}"));
            asks("'") || asks(":")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Held, grant};
    use crate::access::credentials::Credentials;
    use crate::module::path::ModulePath;
    use crate::source::netrc::Netrc;

    fn held() -> Held {
        let mut held = Held::default();
        for host in ["a.example:8443", "b.example", "c.example"] {
            let one = Credentials::new(host, "robot", format!("ours-{host}"));
            held.ours.set(one.unwrap());
        }
        held.netrc = Netrc::parse_quoted(
            b"machine A.example/team login x password netrc-a\n\
              machine c.example login x password \"netrc-c\"\n\
              default login x password netrc-default\n",
        )
        .0;
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
        let passwords = grant.entries();
        let passwords = passwords.map(|one| String::from_utf8_lossy(&one.password));
        format!("{:?} {:?}", passwords.collect::<Vec<_>>(), grant.git_config)
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
        held.owners.set(hers);
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
