//! The file of tokens.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::BoxError;

/// Names by the SHA-256 of their tokens. These are random, so that a fast hash will do, and comparing takes no care.
#[derive(Debug, Default)]
pub(super) struct Tokens(HashMap<[u8; 32], Arc<str>>);

impl Tokens {
    /// # Errors
    ///
    /// The file cannot be read, or a line is not a name and a SHA-256.
    pub(super) fn read(path: &Path) -> Result<Self, BoxError> {
        let name = path.display();
        let text = fs::read_to_string(path).map_err(|error| format!("--tokens {name}: {error}"))?;
        let mut tokens = HashMap::new();
        for (line, number) in text.lines().map(str::trim).zip(1..) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut words = line.split_whitespace();
            let entry = match (words.next(), words.next().map(digest), words.next()) {
                (Some(name), Some(Some(digest)), None) => Some((digest, Arc::from(name))),
                _ => None,
            };
            let Some((digest, token)) = entry else {
                let what = "not a name and the SHA-256 of a token, in hexadecimal digits";
                return Err(format!("--tokens {name}: line {number}: {what}").into());
            };
            if tokens.insert(digest, token).is_some() {
                return Err(format!(
                    "--tokens {name}: line {number}: a second line for this token"
                )
                .into());
            }
        }
        Ok(Self(tokens))
    }

    pub(super) fn name_of(&self, token: &str) -> Option<Arc<str>> {
        let digest: [u8; 32] = Sha256::digest(token).into();
        self.0.get(&digest).cloned()
    }
}

fn digest(hex: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    for (byte, at) in digest.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&hex[at..at + 2], 16).ok()?;
    }
    Some(digest)
}
