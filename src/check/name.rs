//! What the name of a stored file says.

use crate::access::value::OwnerName;
use crate::source::Area;
use crate::storage::Key;
use crate::target::{Resource, Target};

pub(super) enum Name {
    /// A file of a version.
    File(Key, Target<'static>),
    /// The hash beside a zip, with the zip.
    Hash(Key),
    /// A record of this crate, a file that only the go command uses, or a folder of the file system.
    Known,
    /// A folder that may not be read, and may have files of modules.
    Locked,
    /// No module has it.
    Stray,
}

impl Name {
    pub(super) fn of(path: &str) -> Self {
        if path.starts_with("@records/") {
            return Self::Known;
        }
        if path.ends_with('/') {
            let first = path.split('/').next().unwrap_or_default();
            // Only hosts have dots. The root of a volume has a `lost+found`.
            return match first.contains('.') || first.starts_with('@') {
                true => Self::Locked,
                false => Self::Known,
            };
        }
        if let Some((key, target)) = file(path) {
            return Self::File(key, target);
        }
        match path.strip_suffix("hash").and_then(file) {
            Some((key, target)) if target.resource() == Resource::Zip => Self::Hash(key),
            _ if is_of_go_command(path) => Self::Known,
            _ => Self::Stray,
        }
    }
}

fn file(path: &str) -> Option<(Key, Target<'static>)> {
    let mut owner = None;
    let (area, file) = match path.split_once('/')? {
        ("@direct", file) => (Area::Direct, file),
        ("@private", file) => (Area::Included, file),
        ("@for", rest) => {
            let (name, file) = rest.split_once('/')?;
            owner = Some(OwnerName::parse(name)?);
            match file.strip_prefix("@included/") {
                Some(file) => (Area::Included, file),
                None => (Area::Direct, file),
            }
        }
        _ => (Area::Included, path),
    };
    let request = format!("/{file}");
    let target = Target::parse(&request).ok()??;
    let key = Key::new(&target, area, owner.as_ref())?;
    let key = match path.starts_with("@private/") {
        true => key.to_private(),
        false => key,
    };
    (**key.path() == *path).then(|| (key, target.into_owned()))
}

/// In `$(go env GOMODCACHE)/cache/download`, from which a storage may be seeded.
fn is_of_go_command(path: &str) -> bool {
    let is_in_module = path.contains("/@v/") || path.ends_with("/@latest");
    match path.rsplit_once('/') {
        None => path == "cache.lock",
        Some(_) if path.starts_with("sumdb/") => true,
        Some((_, name)) if is_in_module => {
            let request = format!("/{path}");
            let target = Target::parse(&request).ok().flatten();
            let is_query = target.is_some_and(|target| target.as_str() == path);
            is_query || name.ends_with(".lock") || name.ends_with(".partial")
        }
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::Name;

    fn kind(path: &str) -> &'static str {
        match Name::of(path) {
            Name::File(key, _) if key.is_plain() => "file",
            Name::File(..) => "apart",
            Name::Hash(_) => "hash",
            Name::Known => "known",
            Name::Locked => "locked",
            Name::Stray => "stray",
        }
    }

    #[test]
    fn names_say_what_a_file_is() {
        let owner = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        for (path, expected) in [
            ("example.com/m/@v/v1.0.0.zip", "file"),
            ("github.com/!acme/m/v2/@v/v2.0.0-!rc.1.info", "file"),
            ("example.com/m/@v/v1.0.0.ziphash", "hash"),
            ("@direct/example.com/m/@v/v1.0.0.mod", "apart"),
            ("@private/example.com/m/@v/v1.0.0.mod", "apart"),
            ("@private/example.com/m/@v/v1.0.0.ziphash", "hash"),
            (
                &format!("@for/{owner}/example.com/m/@v/v1.0.0.mod"),
                "apart",
            ),
            (
                &format!("@for/{owner}/@included/example.com/m/@v/v1.0.0.zip"),
                "apart",
            ),
            ("@records/removed/example.com/m/@v/v1.0.0.zip", "known"),
            ("example.com/m/@v/list", "known"),
            ("example.com/m/@latest", "known"),
            ("example.com/m/@v/main.info", "known"),
            ("example.com/m/@v/v1.0.0.lock", "known"),
            ("example.com/m/@v/v1.0.0.zip123.partial", "known"),
            ("sumdb/sum.golang.org/lookup/example.com/m@v1.0.0", "known"),
            ("cache.lock", "known"),
            ("lost+found/", "known"),
            ("example.com/m/", "locked"),
            ("@direct/", "locked"),
            ("@for/alice/example.com/m/@v/v1.0.0.mod", "stray"),
            (
                &format!("@for/{owner}/@direct/example.com/m/@v/v1.0.0.zip"),
                "stray",
            ),
            ("@private/@direct/example.com/m/@v/v1.0.0.zip", "stray"),
            ("@else/example.com/m/@v/v1.0.0.zip", "stray"),
            ("github.com/BurntSushi/toml/@v/v1.0.0.zip", "stray"),
            ("example.com/%6d/@v/v1.0.0.zip", "stray"),
            ("example.com/m/@v/v2.0.0.zip", "stray"),
            ("example.com/m/@v/v1.0.0.modhash", "stray"),
            ("m/@v/v1.0.0.zip", "stray"),
            ("example.com/m/@v/v1.0.0.zip.bak", "stray"),
            ("readme.txt", "stray"),
            ("a/b", "stray"),
        ] {
            assert_eq!(kind(path), expected, "{path}");
        }
    }
}
