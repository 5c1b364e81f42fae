//! Lists of versions.

use std::collections::HashSet;

use bytes::Bytes;
use tokio::sync::Semaphore;

use crate::module::escape::Form;
use crate::module::semver::Semver;
use crate::module::{ModulePath, Version, check};

/// A longer list is sorted on a thread of its own, when no other one is.
const LONG: usize = 4 * 1024;

/// Bytes that are kept for as long as something else.
struct With<T>(Bytes, T);

impl<T> AsRef<[u8]> for With<T> {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// These bytes, which keep something else for as long as anybody has them.
pub(super) fn keeping(bytes: Bytes, other: impl Send + 'static) -> Bytes {
    Bytes::from_owner(With(bytes, other))
}

/// The versions of a source's list that a module can have, each once, in order. What stands behind a version in its line is
/// left out, and so are pseudo-versions, but for the newest one at the end: it is the latest version of a source without
/// `@latest`.
pub(super) async fn canonical(module: &ModulePath<'_>, list: Bytes, sorting: &Semaphore) -> Bytes {
    if list.len() <= LONG {
        return sorted(module, &list);
    }
    // Nobody closes it.
    let _turn = sorting.acquire().await;
    let module = module.clone().into_owned();
    let work = move || sorted(&module, &list);
    // It neither panics nor is it aborted, unless the runtime ends.
    tokio::task::spawn_blocking(work).await.unwrap_or_default()
}

/// What clients see of such a list, with more versions, which are escaped.
pub(super) async fn with(
    module: &ModulePath<'_>,
    list: &Bytes,
    more: &[String],
    sorting: &Semaphore,
) -> Bytes {
    let list = tagged(list);
    let new = more.iter().filter_map(|escaped| {
        let version = Version::from_escaped(&**escaped).ok()?;
        (!version.is_pseudo()).then(|| version.unescaped().into_owned())
    });
    let mut new: HashSet<String> = new.collect();
    // One pass: a list may have millions of lines, and a module thousands of stored versions.
    for line in list.split(|byte| *byte == b'\n') {
        if new.is_empty() {
            break;
        }
        if let Ok(line) = str::from_utf8(line) {
            new.remove(line);
        }
    }
    if new.is_empty() {
        return list;
    }
    let new: Vec<String> = new.into_iter().collect();
    let united = [&list, new.join("\n").as_bytes()].concat();
    keeping(canonical(module, united.into(), sorting).await, list)
}

/// Without the pseudo-version at the end.
fn tagged(list: &Bytes) -> Bytes {
    let lines = list.strip_suffix(b"\n").unwrap_or(list);
    let last = lines
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    let text = str::from_utf8(&lines[last..]).unwrap_or_default();
    match Version::new(text) {
        Ok(version) if version.is_pseudo() => list.slice(..last),
        _ => list.clone(),
    }
}

/// The version for `@latest`, as the go command would choose it.
pub(super) fn latest<'a>(versions: impl Iterator<Item = Version<'a>>) -> Option<Version<'a>> {
    versions.max_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.cmp(b)))
}

/// Releases, then pre-releases, then by the time of the commit; before all, what has a go.mod by its name.
fn rank(version: &Version<'_>) -> (bool, bool, bool, String) {
    if version.is_pseudo() {
        let text = version.unescaped();
        let time = text
            .rsplit('-')
            .nth(1)
            .and_then(|time| time.rsplit('.').next());
        return (false, false, false, time.unwrap_or_default().to_owned());
    }
    (
        true,
        !version.is_prerelease(),
        !version.is_incompatible(),
        String::new(),
    )
}

/// All versions of a list.
pub(super) fn versions(list: &[u8]) -> impl Iterator<Item = Version<'_>> {
    list.split(|byte| *byte == b'\n')
        .filter_map(|line| Version::new(word(line)?).ok())
}

fn word(line: &[u8]) -> Option<&str> {
    str::from_utf8(line).ok()?.split_ascii_whitespace().next()
}

fn sorted(module: &ModulePath<'_>, list: &[u8]) -> Bytes {
    let newest = latest(
        versions(list).filter(|version| version.is_pseudo() && check(module, version).is_ok()),
    );
    // Where the lines of versions begin: a long list has more of them than memory should be spent on.
    let mut lines: Vec<u32> = Vec::new();
    let mut at = 0;
    for line in list.split_inclusive(|byte| *byte == b'\n') {
        let version = versions(line).next();
        let fits = |version: &Version<'_>| !version.is_pseudo() && check(module, version).is_ok();
        if version.is_some_and(|version| fits(&version)) {
            // No list is as long as that.
            lines.push(at as u32);
        }
        at += line.len();
    }
    let text_at = |line: &u32| {
        let line = list[*line as usize..].split(|byte| *byte == b'\n').next();
        line.and_then(word).unwrap_or_default()
    };
    // As versions are compared, with fewer checks: there are many comparisons.
    lines.sort_unstable_by(|a, b| {
        let (a, b) = (text_at(a), text_at(b));
        let parts = [a, b].map(|text| Semver::parse(text, Form::Plain));
        let [Some(left), Some(right)] = parts else {
            return a.cmp(b);
        };
        left.cmp_precedence(&right).then_with(|| a.cmp(b))
    });
    lines.dedup_by(|a, b| text_at(a) == text_at(b));
    let newest = newest.as_ref().map(Version::unescaped);
    let mut sorted = String::with_capacity(list.len().min(lines.len() * 16));
    for version in lines.iter().map(text_at).chain(newest.as_deref()) {
        sorted.push_str(version);
        sorted.push('\n');
    }
    sorted.shrink_to_fit();
    sorted.into()
}

#[cfg(test)]
mod tests {
    use super::{Bytes, ModulePath, Semaphore, Version, latest, sorted, with};

    #[test]
    fn a_list_is_what_the_go_command_takes_in_order() {
        let plain = ModulePath::new("example.com/m").unwrap();
        let list = "v1.10.0\r\nv1.2.0 2020-01-02T03:04:05Z\n\n  v1.2.0  \nv1.2.0-RC.1\nv1\nv1.0\nv1.0.0+meta\nv2.0.0\n\
            v3.0.0+incompatible\nv0.0.0-20240102030405-abcdef012345\n<html>\n\u{feff}v0.1.0\nv0.2.0";
        let expected = "v0.2.0\nv1.2.0-RC.1\nv1.2.0\nv1.10.0\nv3.0.0+incompatible\nv0.0.0-20240102030405-abcdef012345\n";
        assert_eq!(sorted(&plain, list.as_bytes()), expected);
        let second = ModulePath::new("example.com/m/v2").unwrap();
        assert_eq!(sorted(&second, list.as_bytes()), "v2.0.0\n");
        assert_eq!(sorted(&plain, b"\xff\xfe\nv1.0.0"), "v1.0.0\n");
    }

    #[tokio::test]
    async fn more_versions_take_their_places() {
        let module = ModulePath::new("example.com/m").unwrap();
        let list = Bytes::from("v1.0.0\nv1.2.0\nv0.0.0-20240102030405-abcdef012345\n");
        let sorting = Semaphore::new(1);
        let alone = with(&module, &list, &[], &sorting).await;
        assert_eq!(alone, "v1.0.0\nv1.2.0\n");
        let more = [
            "v1.1.0-!r!c.1",
            "v1.0.0",
            "v0.0.0-20240102030405-abcdef012345",
        ];
        let united = with(&module, &list, &more.map(str::to_owned), &sorting).await;
        assert_eq!(united, "v1.0.0\nv1.1.0-RC.1\nv1.2.0\n");
    }

    #[test]
    fn latest_is_the_highest_release_then_the_highest_pre_release_then_the_newest_commit() {
        let old = "v1.2.4-0.20230102030405-abcdef012345";
        let new = "v0.0.0-20240102030405-abcdef012345";
        for (versions, expected) in [
            (
                &["v1.0.0", "v1.10.0", "v1.2.0", "v2.0.0-rc.1", new][..],
                "v1.10.0",
            ),
            (&["v1.0.0", "v2.0.0+incompatible"], "v1.0.0"),
            (
                &["v2.0.0+incompatible", "v1.0.0-rc.1"],
                "v2.0.0+incompatible",
            ),
            (&["v1.0.0-rc.1", "v1.0.0-rc.10", new], "v1.0.0-rc.10"),
            (&[old, new], new),
        ] {
            let versions = versions
                .iter()
                .map(|version| Version::new(*version).unwrap());
            assert_eq!(latest(versions).unwrap().unescaped(), expected);
        }
        assert_eq!(latest([].into_iter()), None);
    }
}
