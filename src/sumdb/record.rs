//! What a database says: signed trees, and records of modules.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;

use super::key::Key;
use super::tree::Tree;
use crate::target::{Resource, Target};

/// The longest text of a tree that Go reads.
const MAX_TREE: usize = 1_000_000;

/// A tree with the note that proves it.
#[derive(Clone, Debug)]
pub(super) struct Signed {
    pub(super) tree: Tree,
    pub(super) note: Vec<u8>,
}

impl Signed {
    /// `None` if this is not the key's note of a tree.
    pub(super) fn open(note: &[u8], key: &Key) -> Option<Self> {
        let text = key.open(note)?;
        let text = str::from_utf8(&text)
            .ok()
            .filter(|text| text.len() <= MAX_TREE)?;
        // More lines mean nothing. There is nothing to believe in them.
        let mut lines = text.split('\n');
        if lines.next()? != "go.sum database tree" {
            return None;
        }
        let size = number(lines.next()?)?;
        let hash = BASE64_STANDARD.decode(lines.next()?).ok()?;
        lines.next()?;
        Some(Self {
            tree: Tree {
                size,
                hash: hash.try_into().ok()?,
            },
            note: note.to_vec(),
        })
    }
}

/// The response to a look-up.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) id: u64,
    pub(super) text: String,
    pub(super) signed: Signed,
    /// The whole response.
    pub(super) body: Bytes,
}

impl Record {
    /// `None` if this is none, or its note is not the key's.
    pub(super) fn parse(body: Bytes, key: &Key) -> Option<Self> {
        let at = body.iter().position(|byte| *byte == b'\n')?;
        let id = number(str::from_utf8(&body[..at]).ok()?)?;
        let rest = &body[at + 1..];
        let end = rest.windows(2).position(|two| two == b"\n\n")?;
        let text = str::from_utf8(&rest[..=end]).ok()?;
        let is_text =
            text.chars().all(|char| char >= ' ' || char == '\n') && !text.starts_with('\n');
        let signed = Signed::open(&rest[end + 2..], key)?;
        let text = is_text.then(|| text.to_owned())?;
        Some(Self {
            id,
            text,
            signed,
            body,
        })
    }

    /// What the database says of a file: the first `h1:` in a line for it, or `None` if there is no such line.
    pub(super) fn hash(&self, target: &Target<'_>) -> Option<&str> {
        let (module, version) = (target.module(), target.version()?);
        let end = match target.resource() {
            Resource::Mod => "/go.mod",
            _ => "",
        };
        let start = format!("{} {}{end} ", module.unescaped(), version.unescaped());
        let mut hashes = self
            .text
            .lines()
            .filter_map(|line| line.strip_prefix(&start));
        // Other algorithms are for others.
        hashes.find(|hash| hash.starts_with("h1:"))
    }
}

/// In decimal, as Go writes numbers.
fn number(text: &str) -> Option<u64> {
    let number: i64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number.try_into().ok()?)
}
