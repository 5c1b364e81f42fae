//! The grammar of a GOPROXY list.

use std::path::PathBuf;
use std::sync::Arc;

use percent_encoding::percent_decode_str;

use super::list_error::InvalidUpstream;
use super::registry::Registry;
use crate::source::base::{Base, NoBase};

/// One place to ask, and when to ask the next one.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) place: Place,
    pub(super) then: Then,
}

#[derive(Clone, Debug)]
pub(super) enum Place {
    Http(Arc<Registry>),
    File(Arc<PathBuf>),
    /// The service for `direct`.
    Direct,
    Off,
}

/// What the separator behind an entry means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// `,`: ask the next one if it does not exist here.
    IfNotFound,
    /// `|`: ask the next one after any error.
    IfAnyError,
}

/// A list has at least one entry.
#[derive(Clone, Debug)]
pub(super) struct List(Box<[Entry]>);

impl List {
    pub(super) fn parse(list: &str) -> Result<Self, InvalidUpstream> {
        let mut entries = Vec::new();
        for piece in list.split_inclusive([',', '|']) {
            let (text, then) = match piece.strip_suffix('|') {
                Some(text) => (text, Then::IfAnyError),
                None => (piece.strip_suffix(',').unwrap_or(piece), Then::IfNotFound),
            };
            let text = text.trim();
            if text.is_empty() {
                continue;
            }
            let place = Place::parse(text)?;
            let is_last = matches!(place, Place::Off | Place::Direct);
            entries.push(Entry { place, then });
            if is_last {
                break;
            }
        }
        if entries.is_empty() {
            return Err(InvalidUpstream::new("GOPROXY list is empty"));
        }
        Ok(Self(entries.into_boxed_slice()))
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.0
    }

    pub(super) fn registries(&mut self) -> impl Iterator<Item = &mut Registry> {
        self.0
            .iter_mut()
            .filter_map(|entry| match &mut entry.place {
                Place::Http(registry) => Some(Arc::make_mut(registry)),
                _ => None,
            })
    }

    pub(super) fn wants_tls(&self) -> bool {
        self.any(|place| matches!(place, Place::Http(registry) if registry.base().is_secure()))
    }

    pub(super) fn wants_direct(&self) -> bool {
        self.any(|place| matches!(place, Place::Direct))
    }

    fn any(&self, is_wanted: impl Fn(&Place) -> bool) -> bool {
        self.0.iter().any(|entry| is_wanted(&entry.place))
    }
}

impl Place {
    fn parse(text: &str) -> Result<Self, InvalidUpstream> {
        match text {
            "direct" => return Ok(Self::Direct),
            "off" => return Ok(Self::Off),
            _ => {}
        }
        let prefixed;
        let url =
            if text.contains(['.', ':', '/']) && !text.contains(":/") && !text.starts_with('/') {
                prefixed = format!("https://{text}");
                &prefixed
            } else {
                text
            };
        let invalid = |message| InvalidUpstream::entry(message, url);
        let missing = "invalid proxy URL missing scheme";
        let (scheme, rest) = url.split_once(':').ok_or_else(|| invalid(missing))?;
        match scheme.to_ascii_lowercase().as_str() {
            "http" | "https" => match Base::parse(url) {
                Ok(base) => Ok(Self::Http(Arc::new(Registry::new(base)))),
                Err(NoBase::Malformed) => Err(invalid("invalid proxy URL")),
                Err(NoBase::Insecure) => {
                    Err(invalid("refusing to pass credentials to insecure URL"))
                }
            },
            "file" => match directory(rest) {
                Some(directory) => Ok(Self::File(Arc::new(directory))),
                None => Err(invalid(
                    "invalid file:// proxy URL, which is a path and nothing else",
                )),
            },
            _ if scheme.contains('/') => Err(invalid(missing)),
            _ => Err(invalid(
                "invalid proxy URL scheme (must be https, http, file)",
            )),
        }
    }
}

/// The directory of a `file:` URL, from what follows the colon: no host, no query, no fragment.
fn directory(rest: &str) -> Option<PathBuf> {
    let path = rest.strip_prefix("//")?;
    if !path.starts_with('/') || path.contains(['?', '#']) {
        return None;
    }
    let path = percent_decode_str(path).decode_utf8().ok()?;
    (!path.contains('\0')).then(|| PathBuf::from(path.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::{List, Place, Then};

    fn shape(list: &str) -> Vec<String> {
        List::parse(list)
            .unwrap()
            .entries()
            .iter()
            .map(|entry| {
                let place = match &entry.place {
                    Place::Http(registry) => registry.base().uri("").unwrap().to_string(),
                    Place::File(path) => path.display().to_string(),
                    Place::Off => "off".to_owned(),
                    Place::Direct => "direct".to_owned(),
                };
                let then = match entry.then {
                    Then::IfNotFound => ',',
                    Then::IfAnyError => '|',
                };
                format!("{place}{then}")
            })
            .collect()
    }

    #[test]
    fn entries_are_trimmed_and_the_separator_behind_one_is_its_own() {
        for (list, want) in [
            ("https://a", &["https://a/,"][..]),
            (
                " https://a , ,| http://b|off,nonsense",
                &["https://a/,", "http://b/|", "off,"],
            ),
            ("localhost:8080", &["https://localhost:8080/,"]),
            ("HTTPS://A.test/B", &["https://a.test/B,"]),
            ("proxy.example.com/go", &["https://proxy.example.com/go,"]),
            ("file:///a/b%20c,off", &["/a/b c,", "off,"]),
            ("off", &["off,"]),
            ("https://a|direct,nonsense", &["https://a/|", "direct,"]),
        ] {
            assert_eq!(shape(list), want, "{list}");
        }
    }

    #[test]
    fn what_the_go_command_refuses_is_refused_with_the_cause() {
        for (list, cause) in [
            ("", "empty"),
            (" ,| ", "empty"),
            ("foo", "missing scheme: foo"),
            ("/srv/mirror", "missing scheme: /srv/mirror"),
            ("ftp://h/", "must be https, http, file"),
            ("file://localhost/a", "nothing else"),
            ("file:///a?x", "nothing else"),
            (
                "http://user:secret@h/",
                "refusing to pass credentials to insecure URL: http://xxxxx@h/",
            ),
            ("https://", "invalid proxy URL"),
            ("https:/h", "invalid proxy URL"),
            (
                "https://user:secret@h:port/",
                "invalid proxy URL: https://xxxxx@h:port/",
            ),
        ] {
            let error = List::parse(list).unwrap_err().to_string();
            assert!(error.contains(cause), "{list}: {error}");
            assert!(!error.contains("secret"), "{list}: {error}");
        }
    }
}
