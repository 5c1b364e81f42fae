use std::fmt;
use std::str::FromStr;

use http::Uri;
use signed_note::{Note, StandardVerifier, Verifier as _, VerifierList};

/// The database of the Go project.
const SUM_GOLANG_ORG: &str = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";

/// A database, by the key that verifies what it signs, and its URL.
///
/// As in `GOSUMDB`: a verifier key (`name+hash+key`) or the known name `sum.golang.org`, then a blank and a URL if it is not
/// `https://` and the name. `sum.golang.google.cn` is `sum.golang.org` at that address.
#[derive(Clone)]
pub(super) struct Key {
    verifier: StandardVerifier,
    pub(super) url: String,
}

/// A text that names no checksum database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidSumDb(pub(super) String);

impl fmt::Display for InvalidSumDb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid checksum database: {}", self.0)
    }
}

impl std::error::Error for InvalidSumDb {}

fn invalid(reason: &str) -> InvalidSumDb {
    InvalidSumDb(reason.to_owned())
}

impl Key {
    /// The name of the database, which is part of paths.
    pub(super) fn name(&self) -> &str {
        self.verifier.name()
    }

    /// Whether the URL is that of a module proxy that answers for the database.
    pub(super) fn is_behind_proxy(&self) -> bool {
        self.url.ends_with(&format!("/sumdb/{}", self.name()))
    }

    /// The text of a note that this key has signed.
    pub(super) fn open(&self, note: &[u8]) -> Option<Vec<u8>> {
        let note = Note::from_bytes(note).ok()?;
        let known = VerifierList::new(vec![Box::new(self.verifier.clone())]);
        note.verify(&known).ok()?;
        Some(note.text().to_vec())
    }
}

impl FromStr for Key {
    type Err = InvalidSumDb;

    fn from_str(text: &str) -> Result<Self, InvalidSumDb> {
        let mut words = text.split_whitespace();
        let key = words.next().ok_or_else(|| invalid("no key"))?;
        let url = words.next();
        if words.next().is_some() {
            return Err(invalid("more than a key and a URL"));
        }
        let (key, url) = match key {
            "sum.golang.org" => (SUM_GOLANG_ORG, url),
            "sum.golang.google.cn" => {
                (SUM_GOLANG_ORG, url.or(Some("https://sum.golang.google.cn")))
            }
            key => (key, url),
        };
        let verifier = StandardVerifier::new(key).map_err(|_| invalid("malformed verifier key"))?;
        if !is_host_and_path(verifier.name()) {
            return Err(invalid("its name is not a host with a path"));
        }
        let url = match url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("https://{}", verifier.name()),
        };
        match url.parse::<Uri>() {
            Ok(uri)
                if uri.host().is_some() && matches!(uri.scheme_str(), Some("http" | "https")) =>
            {
                Ok(Self { verifier, url })
            }
            _ => Err(invalid("its URL is not one of http or https")),
        }
    }
}

/// The name becomes part of a path in the storage and of URLs.
fn is_host_and_path(name: &str) -> bool {
    name.split('/').all(|element| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        !element.is_empty() && element.bytes().all(is_plain) && !element.bytes().all(|b| b == b'.')
    })
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({} at {})", self.name(), self.url)
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    use sha2::{Digest as _, Sha256};

    use super::{Key, SUM_GOLANG_ORG};
    use crate::module::vectors::data;

    #[test]
    fn keys_are_those_that_go_takes() {
        for vector in data::of("Verifier", 5) {
            let key = vector.text(0).unwrap();
            let found = signed_note::StandardVerifier::new(key).is_ok();
            assert_eq!(found, !vector.result.starts_with("error"), "{key}");
        }
    }

    #[test]
    fn a_note_is_opened_by_its_key_alone() {
        let key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let key: Key = key.parse().unwrap();
        let text = "If you think cryptography is the answer to your problem,\n\
                    then you don't know what your problem is.\n";
        let good = "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
        let note = format!("{text}\n{good}");
        assert_eq!(key.open(note.as_bytes()).unwrap(), text.as_bytes());
        // The first line of a known key decides.
        let bad = good.replace("JnAM=", "JnAQ=");
        for lines in [bad.clone(), format!("{bad}{good}"), String::new()] {
            let note = format!("{text}\n{lines}");
            assert_eq!(key.open(note.as_bytes()), None, "{lines}");
        }
        let unknown = good.replace("PeterNeumann", "Somebody");
        let note = format!("{text}\n{unknown}{good}");
        assert!(key.open(note.as_bytes()).is_some());
        let other: Key = "sum.golang.org".parse().unwrap();
        assert_eq!(other.open(note.as_bytes()), None);
    }

    /// The key of the Go project under another name.
    fn named(name: &str) -> String {
        let public = SUM_GOLANG_ORG.splitn(3, '+').last().unwrap();
        let key = BASE64_STANDARD.decode(public).unwrap();
        let hash = Sha256::new().chain_update(name).chain_update(b"\n");
        let hash = hash.chain_update(key).finalize();
        let id: String = hash[..4].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{name}+{id}+{public}")
    }

    /// It becomes part of paths in the storage.
    #[test]
    fn a_name_is_a_host_with_a_path() {
        for name in ["sum.example", "sum.example/a/b-c_d~1", "localhost"] {
            let key: Key = named(name).parse().unwrap();
            assert_eq!(key.name(), name);
        }
        for name in [
            "..",
            ".",
            "a/../b",
            "a//b",
            "/a",
            "a/",
            "a%2fb",
            "a?b",
            "a\\b",
            "a:1",
            "h\u{f6}st",
        ] {
            let error = named(name).parse::<Key>().unwrap_err();
            assert!(error.0.contains("not a host"), "{name}: {error}");
        }
    }

    #[test]
    fn databases_are_written_as_for_gosumdb() {
        for (text, url) in [
            ("sum.golang.org", "https://sum.golang.org"),
            ("sum.golang.google.cn", "https://sum.golang.google.cn"),
            (
                "sum.golang.org http://127.0.0.1:1/x/",
                "http://127.0.0.1:1/x",
            ),
        ] {
            let key: Key = text.parse().unwrap();
            assert_eq!((key.name(), &*key.url), ("sum.golang.org", url));
        }
        for text in [
            "",
            "off",
            "sum.golang.org a b",
            "sum.golang.org ftp://sum.example",
            "sum.golang.org sum.example",
            "sum.golang.org https://",
            "sum.golang.org+033de0ae+AA==",
        ] {
            assert!(text.parse::<Key>().is_err(), "{text}");
        }
    }
}
