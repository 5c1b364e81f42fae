//! The rules of golang.org/x/mod/zip on names and sizes.

use std::cmp::Ordering;

use icu_casemap::CaseMapper;

use super::entries::Names;
use crate::module::element::{Kind, check_elements};
use crate::verify::failed::Failed;

/// The most bytes of a zip, and of all its files together.
pub(super) const MAX_ZIP: u64 = 500 * 1024 * 1024;
/// The most bytes of the `go.mod` and of the `LICENSE` in the root.
const MAX_SMALL: u64 = 16 * 1024 * 1024;

/// The zip is not too large.
pub(super) fn check_len(len: u64) -> Result<(), Failed> {
    match len > MAX_ZIP {
        true => Err(format!(".zip has more than {MAX_ZIP} bytes").into()),
        false => Ok(()),
    }
}

/// The files have names and sizes that a module may have. `prefix` is `{module}@{version}/`.
pub(super) fn check(
    names: &Names,
    size: impl Fn(usize) -> u64,
    prefix: &str,
) -> Result<(), Failed> {
    let mut total: u64 = 0;
    for index in 0..names.len() {
        let path = names.get(index);
        let Some(path) = path.strip_prefix(prefix.as_bytes()) else {
            let path = shown(path);
            return Err(format!(".zip has a file outside {prefix}: {path}").into());
        };
        if path.is_empty() {
            continue;
        }
        let is_folder = names.is_folder(index);
        let name = path.strip_suffix(b"/").unwrap_or(path);
        let checked = std::str::from_utf8(name).map_err(|_| "not UTF-8".to_owned());
        let checked = checked.and_then(|name| {
            let fault = check_elements(name, Kind::File).err();
            fault.map_or(Ok(name), |fault| Err(fault.to_string()))
        });
        let name = checked.map_err(|fault| format!(".zip has {}: {fault}", shown(path)))?;
        if is_folder {
            continue;
        }
        if name.starts_with("go.mod/") {
            // Not in x/mod/zip: the go command fails when it reads the extracted files.
            return Err(".zip has a folder go.mod".into());
        }
        let base = name.rsplit_once('/').map_or(name, |(_, base)| base);
        if base.eq_ignore_ascii_case("go.mod") && name != "go.mod" {
            return Err(format!(".zip has {}, which is not the go.mod", shown(path)).into());
        }
        let size = size(index);
        total = total.saturating_add(size);
        if total > MAX_ZIP {
            return Err(format!(".zip has files of more than {MAX_ZIP} bytes").into());
        }
        if matches!(name, "go.mod" | "LICENSE") && size > MAX_SMALL {
            return Err(format!(".zip has a {name} of more than {MAX_SMALL} bytes").into());
        }
    }
    check_collisions(names, prefix.len())
}

/// No two files or folders have the same name, also where case does not count. All names have the prefix.
fn check_collisions(names: &Names, prefix: usize) -> Result<(), Failed> {
    // Names that share a folder stand together, so it is enough to compare neighbours.
    let order = names.sorted(|a, b| compare_folded(&a[prefix..], &b[prefix..]));
    for pair in order.windows(2) {
        let [a, b] = [pair[0] as usize, pair[1] as usize];
        let [first, second] = [a, b].map(|index| &names.get(index)[prefix..]);
        if first.is_empty() {
            continue;
        }
        let is_folder = |index| names.is_folder(index);
        if collide(first, is_folder(a), second, is_folder(b)) {
            let (first, second) = (shown(first), shown(second));
            return Err(format!(".zip has names that collide: {first}, {second}").into());
        }
    }
    Ok(())
}

fn collide(first: &[u8], first_is_folder: bool, second: &[u8], second_is_folder: bool) -> bool {
    let [first, second] = [first, second].map(|path| path.strip_suffix(b"/").unwrap_or(path));
    let mut other = second.split(|byte| *byte == b'/');
    for element in first.split(|byte| *byte == b'/') {
        match other.next() {
            Some(same) if same == element => {}
            Some(same) => return compare_folded(same, element) == Ordering::Equal,
            // The first is not the longer one of two with the same beginning.
            None => return false,
        }
    }
    match other.next() {
        // The first is in the path of the second.
        Some(_) => !first_is_folder,
        None => !(first_is_folder && second_is_folder),
    }
}

/// By folded elements: what is in a folder follows the folder.
fn compare_folded(a: &[u8], b: &[u8]) -> Ordering {
    let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    // Not within a character.
    let same = (0..=same)
        .rev()
        .find(|at| [a, b].iter().all(|name| is_boundary(name, *at)))
        .unwrap_or_default();
    folded(&a[same..]).cmp(folded(&b[same..]))
}

fn is_boundary(name: &[u8], at: usize) -> bool {
    name.get(at).is_none_or(|byte| byte & 0xc0 != 0x80)
}

/// Simple case folding, with the slash in front of all others. The names are UTF-8.
fn folded(name: &[u8]) -> impl Iterator<Item = char> + '_ {
    let name = name.strip_suffix(b"/").unwrap_or(name);
    let chars = std::str::from_utf8(name).unwrap_or_default().chars();
    chars.map(|char| match char {
        '/' => '\0',
        char if char.is_ascii() => char.to_ascii_lowercase(),
        char => CaseMapper::new().simple_fold(char),
    })
}

/// A name of a stranger, for a line of text.
fn shown(name: &[u8]) -> String {
    const MAX: usize = 100;
    let text = String::from_utf8_lossy(name);
    let line = text.chars().flat_map(char::escape_default).take(MAX);
    format!("\"{}\"", line.collect::<String>())
}
