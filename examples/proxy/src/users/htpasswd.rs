//! The file of users.

use std::collections::HashMap;
use std::fmt::Display;
use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, MIN_SALT_LEN, Params, PasswordVerifier as _, Version};

use crate::BoxError;

/// What a hash may cost. Whoever asks makes the server check a password, also with a name that does not exist.
const BCRYPT_COSTS: RangeInclusive<u32> = 4..=16;
const ARGON2_KIB: u32 = 256 * 1024;
/// As much as with all of the memory, 16 times.
const ARGON2_WORK: u64 = ARGON2_KIB as u64 * 16;

/// The hash of a password, as the file has it.
#[derive(Clone, Debug)]
pub(super) struct Hash(Arc<str>);

impl Hash {
    fn parse(text: &str) -> Result<Self, String> {
        let known = if text.starts_with("$argon2") {
            argon2(text)
        } else if text.starts_with("$2") {
            bcrypt(text)
        } else {
            Err("the hash is neither bcrypt (`htpasswd -B`) nor argon2".to_owned())
        };
        known.map(|()| Self(text.into()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Takes as long as the hash says, so it is not for an async thread.
    pub(super) fn verify(&self, password: &[u8]) -> bool {
        if self.0.starts_with("$2") {
            return bcrypt::verify(password, &self.0).unwrap_or(false);
        }
        let hash = PasswordHash::new(&self.0);
        hash.is_ok_and(|hash| Argon2::default().verify_password(password, &hash).is_ok())
    }
}

fn bcrypt(text: &str) -> Result<(), String> {
    let parts = text.parse::<bcrypt::HashParts>();
    let cost = parts.map_err(|error| error.to_string())?.get_cost();
    match BCRYPT_COSTS.contains(&cost) {
        true => Ok(()),
        false => Err(format!("the bcrypt cost is {cost}, not 4 to 16")),
    }
}

fn argon2(text: &str) -> Result<(), String> {
    let wrong = |error: &dyn Display| format!("not an argon2 hash: {error}");
    let hash = PasswordHash::new(text).map_err(|error| wrong(&error))?;
    Algorithm::try_from(hash.algorithm.as_str()).map_err(|error| wrong(&error))?;
    let version = hash.version.map(Version::try_from).transpose();
    version.map_err(|error| wrong(&error))?;
    let params = Params::try_from(&hash).map_err(|error| wrong(&error))?;
    if hash.hash.is_none() || hash.salt.is_none_or(|salt| salt.len() < MIN_SALT_LEN) {
        return Err(wrong(&"it has no hash, or too short a salt"));
    }
    let (memory, passes) = (params.m_cost(), params.t_cost());
    if memory > ARGON2_KIB || u64::from(memory) * u64::from(passes) > ARGON2_WORK {
        let most = "at most 262144 KiB, and 16 passes of that";
        return Err(format!(
            "argon2 takes {memory} KiB and {passes} passes: {most}"
        ));
    }
    Ok(())
}

#[derive(Debug, Default)]
pub(super) struct Passwords {
    by_user: HashMap<String, Hash>,
    /// One of them is checked for a name that is not in the file, always the same: the answer takes as long as for a user
    /// of the file.
    decoys: Vec<Hash>,
    /// Nobody knows which.
    chooser: RandomState,
}

impl Passwords {
    /// # Errors
    ///
    /// The file cannot be read, or a line is not `USER:HASH` with a known kind of hash that does not cost too much.
    pub(super) fn read(path: &Path) -> Result<Self, BoxError> {
        let name = path.display();
        let text = fs::read_to_string(path).map_err(|error| format!("--users {name}: {error}"))?;
        let mut passwords = Self::default();
        for (line, number) in text.lines().map(str::trim).zip(1..) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |what: &str| format!("--users {name}: line {number}: {what}");
            let (user, hash) = line.split_once(':').ok_or_else(|| wrong("not USER:HASH"))?;
            if user.is_empty() {
                return Err(wrong("no name before the colon").into());
            }
            let hash = Hash::parse(hash).map_err(|error| wrong(&error))?;
            passwords.decoys.push(hash.clone());
            if passwords.by_user.insert(user.to_owned(), hash).is_some() {
                return Err(wrong("a second line for this user").into());
            }
        }
        Ok(passwords)
    }

    /// The hash to check, and whether the user exists.
    pub(super) fn hash_of(&self, user: &str) -> Option<(&Hash, bool)> {
        if let Some(hash) = self.by_user.get(user) {
            return Some((hash, true));
        }
        let number = self.chooser.hash_one(user) % (self.decoys.len() as u64).max(1);
        // Less than the length.
        self.decoys.get(number as usize).map(|hash| (hash, false))
    }
}

#[cfg(test)]
mod tests {
    use super::Passwords;

    /// Else a name that is not in the file would be known by its time: hashes have different costs.
    #[test]
    fn unknown_names_are_checked_like_any_of_the_known_ones() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let [cheap, dear] = [4, 6].map(|cost| bcrypt::hash("x", cost).unwrap());
        std::fs::write(file.path(), format!("a:{cheap}\nb:{dear}\n")).unwrap();
        let passwords = Passwords::read(file.path()).unwrap();
        let decoy = |name: &str| passwords.hash_of(name).unwrap().0.as_str().to_owned();
        let names: Vec<_> = (0..100).map(|n| format!("nobody-{n}")).collect();
        assert!(names.iter().any(|name| decoy(name) == cheap));
        assert!(names.iter().any(|name| decoy(name) == dear));
        assert!(names.iter().all(|name| decoy(name) == decoy(name)));
        assert!(names.iter().all(|name| !passwords.hash_of(name).unwrap().1));
    }
}
