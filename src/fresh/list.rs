//! Lists of versions.

use std::cmp::Ordering;

use bytes::Bytes;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::latest::Latest;
use crate::module::semver::Semver;
use crate::module::{ModulePath, Version, check};

/// A longer list is sorted on a thread of its own, when no other one is.
const LONG: usize = 4 * 1024;

/// So much memory goes back to the system once it is free, whoever has taken it.
const LARGE: usize = 1 << 20;

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
        return sorted(module, &list, Vec::new(), String::new()).into();
    }
    // Nobody closes it.
    let _turn = sorting.acquire().await;
    let ends = list.iter().filter(|byte| **byte == b'\n').count();
    let lines = Vec::with_capacity(ends + 1);
    // Not by the thread that sorts, which is another one each time: an allocator keeps for each what it has taken.
    let is_large = list.len() >= LARGE;
    let text = String::with_capacity(if is_large { 0 } else { list.len() + 1 });
    let module = module.clone().into_owned();
    let work = move || sorted(&module, &list, lines, text);
    // It neither panics nor is it aborted, unless the runtime ends.
    spawn_blocking(work).await.unwrap_or_default().into()
}

/// What clients see of such a list, with more versions, which are escaped.
pub(super) fn with(list: &Bytes, more: &[String]) -> Bytes {
    let list = tagged(list);
    let more = more.iter().filter_map(|escaped| {
        let version = Version::from_escaped(&**escaped).ok()?;
        (!version.is_pseudo()).then(|| version.unescaped().into_owned())
    });
    let mut more: Vec<String> = more.collect();
    more.sort_unstable_by(|a, b| order(a, b));
    more.dedup();
    // Not sorted again: it may have millions of lines.
    let (mut united, mut rest) = (Vec::new(), &list[..]);
    for version in more {
        let (before, line) = rest.split_at(place(rest, &version));
        if begins_with(line, &version) {
            continue;
        }
        if united.is_empty() {
            united.reserve_exact(list.len() + version.len() + 1);
        }
        united.extend_from_slice(before);
        united.extend_from_slice(version.as_bytes());
        united.push(b'\n');
        rest = line;
    }
    if united.is_empty() {
        return list;
    }
    united.extend_from_slice(rest);
    keeping(united.into(), list)
}

/// Whether a source that has this list can have this latest version.
pub(super) fn goes_with(list: &Bytes, latest: &Version<'_>) -> bool {
    let (list, latest_text) = (tagged(list), latest.unescaped());
    match latest.is_pseudo() {
        true => list.is_empty(),
        false => begins_with(&list[place(&list, &latest_text)..], &latest_text),
    }
}

fn begins_with(list: &[u8], version: &str) -> bool {
    list.split(|byte| *byte == b'\n').next() == Some(version.as_bytes())
}

/// Where the first line of an ordered list begins that does not come before this version.
fn place(list: &[u8], version: &str) -> usize {
    let (mut low, mut high) = (0, list.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let is_end = |byte: &u8| *byte == b'\n';
        let start = list[low..middle].iter().rposition(is_end);
        let start = start.map_or(low, |end| low + end + 1);
        let len = list[start..].iter().position(is_end);
        let end = len.map_or(list.len(), |len| start + len);
        let line = str::from_utf8(&list[start..end]).unwrap_or_default();
        match order(line, version) {
            Ordering::Less => low = end + 1,
            _ => high = start,
        }
    }
    low.min(list.len())
}

/// As versions are compared, with fewer checks: there are many comparisons.
fn order(a: &str, b: &str) -> Ordering {
    let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let rests = [a, b].map(|text| &text.as_bytes()[same..]);
    let digits = |rest: &[u8]| rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let [left, right] = rests.map(|rest| (digits(rest), rest));
    // Most differ in a number. The longer one is the larger: none has leading zeros.
    if left.0 + right.0 > 0 && !a.bytes().take(same).any(|byte| b"-+".contains(&byte)) {
        return left.cmp(&right);
    }
    let parts = [a, b].map(Semver::parse);
    let [Some(left), Some(right)] = parts else {
        return a.cmp(b);
    };
    left.cmp_precedence(&right).then_with(|| a.cmp(b))
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

/// All versions of a list.
pub(super) fn versions(list: &[u8]) -> impl Iterator<Item = Version<'_>> {
    list.split(|byte| *byte == b'\n')
        .filter_map(|line| Version::new(word(line)?).ok())
}

fn word(line: &[u8]) -> Option<&str> {
    str::from_utf8(line).ok()?.split_ascii_whitespace().next()
}

/// `lines`: where they begin, since a long list has more of them than memory should be spent on.
fn sorted(module: &ModulePath<'_>, list: &[u8], mut lines: Vec<u32>, mut text: String) -> String {
    let (mut at, mut newest) = (0, Latest::default());
    for line in list.split_inclusive(|byte| *byte == b'\n') {
        let version = versions(line).next();
        match version.filter(|version| check(module, version).is_ok()) {
            Some(pseudo) if pseudo.is_pseudo() => newest.add(&pseudo),
            // No list is as long as that.
            Some(_) => lines.push((at + line.len() - line.trim_ascii_start().len()) as u32),
            None => {}
        }
        at += line.len();
    }
    let text_at = |at: &u32| {
        let version = list[*at as usize..].split(u8::is_ascii_whitespace).next();
        str::from_utf8(version.unwrap_or_default()).unwrap_or_default()
    };
    lines.sort_unstable_by(|a, b| order(text_at(a), text_at(b)));
    lines.dedup_by(|a, b| text_at(a) == text_at(b));
    let newest = newest.version(false);
    let newest = newest.as_ref().map(Version::unescaped);
    let all = || lines.iter().map(text_at).chain(newest.as_deref());
    text.reserve_exact(all().map(|version| version.len() + 1).sum());
    for version in all() {
        text.push_str(version);
        text.push('\n');
    }
    text.shrink_to_fit();
    text
}

#[cfg(test)]
mod tests {
    use super::{Bytes, ModulePath, Version, order, with};

    fn sorted(module: &ModulePath<'_>, list: &[u8]) -> String {
        super::sorted(module, list, Vec::new(), String::new())
    }

    #[test]
    fn lines_have_the_order_of_versions() {
        let cores =
            "v0.0.0 v1.0.0 v1.0.1 v1.0.9 v1.0.10 v1.1.0 v1.9.1 v1.10.0 v1.12.0 v9.0.0 v10.0.0";
        let ends = " -0 -1 -2 -10 -1a -rc.1 -rc.2 -rc.10 -rc.10.0 -RC.1 -0.1 -a-1 +incompatible";
        let of = |core| ends.split(' ').map(move |end| format!("{core}{end}"));
        let all = cores.split(' ').flat_map(of);
        let all: Vec<_> = all.filter(|text| Version::new(&**text).is_ok()).collect();
        assert!(all.len() > 140);
        for (a, b) in all.iter().flat_map(|a| all.iter().map(move |b| (a, b))) {
            let [left, right] = [a, b].map(|text| Version::new(&**text).unwrap());
            assert_eq!(order(a, b), left.cmp(&right), "{a} {b}");
        }
    }

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

    #[test]
    fn more_versions_take_their_places() {
        let list = Bytes::from("v1.0.0\nv1.2.0\nv0.0.0-20240102030405-abcdef012345\n");
        let with = |list: &Bytes, more: &[&str]| {
            let more: Vec<_> = more.iter().map(|version| (*version).to_owned()).collect();
            with(list, &more)
        };
        assert_eq!(with(&list, &[]), "v1.0.0\nv1.2.0\n");
        let more = [
            "v1.1.0-!r!c.1",
            "v1.0.0",
            "v0.0.0-20240102030405-abcdef012345",
            "v1.10.0",
            "v0.9.0",
            "v1.1.0-!r!c.1",
        ];
        let united = "v0.9.0\nv1.0.0\nv1.1.0-RC.1\nv1.2.0\nv1.10.0\n";
        assert_eq!(with(&list, &more), united);
        let alone = "v0.9.0\nv1.0.0\nv1.1.0-RC.1\nv1.10.0\n";
        assert_eq!(with(&Bytes::new(), &more), alone);
        let all: Vec<_> = (0..30).map(|n| format!("v1.{n}.0")).collect();
        let whole = all.join("\n") + "\n";
        for left_out in 0..30 {
            for step in 1..5 {
                let is_new = |n: usize| n >= left_out && (n - left_out).is_multiple_of(step);
                let known = (0..30).filter(|n| !is_new(*n));
                let known: String = known.map(|n| format!("{}\n", all[n])).collect();
                let new: Vec<_> = (0..30).filter(|n| is_new(*n)).map(|n| &*all[n]).collect();
                assert_eq!(with(&known.into(), &new), whole);
            }
        }
    }
}
