//! The vectors for what is not public. `tests/protocol.rs` has the others.

use std::cmp::Ordering;

#[cfg(feature = "fill")]
use super::element::{Kind, check_elements};
use super::escape::escape;
use super::path::ModulePath;
use super::semver::Semver;
use super::version::Version;
use super::{suffix, vectors::data::Vector};

#[path = "../../tests/data/vectors.rs"]
pub(crate) mod data;

fn semver(text: &str) -> Option<Semver<'_>> {
    Semver::parse(text)
}

fn text(vector: &Vector, index: usize) -> &str {
    vector.text(index).expect("these inputs are UTF-8")
}

/// Where Go escapes a character in another way, and where it calls a fault by another name.
#[cfg(feature = "fill")]
#[test]
fn names_of_files_are_those_that_go_takes() {
    for vector in data::of("CheckFilePath", 31) {
        let path = text(&vector, 0);
        let found = match check_elements(path, Kind::File) {
            Ok(()) => "ok".to_owned(),
            Err(fault) => format!("error: {fault}"),
        };
        let fault = |text: &str| text.split('\'').next().unwrap_or_default().to_owned();
        match vector.result.contains("invalid path element") {
            true => assert!(found.starts_with("error: invalid path element"), "{path}"),
            false => assert_eq!(fault(&found), fault(&vector.result), "{path}"),
        }
    }
}

#[test]
fn major_suffixes_are_split_off_as_go_does() {
    for vector in data::of("SplitPathVersion", 6) {
        let path = text(&vector, 0);
        let found = match suffix::split(path) {
            Some((prefix, suffix)) => format!("{prefix:?} {suffix:?} true"),
            None => format!("{path:?} \"\" false"),
        };
        assert_eq!(found, vector.result, "{path}");
    }
}

#[test]
fn major_suffixes_admit_the_versions_that_go_admits() {
    for vector in data::of("MatchPathMajor", 7) {
        let version = semver(text(&vector, 0)).expect("a semantic version");
        let admitted = suffix::admits(text(&vector, 1), &version).is_ok();
        assert_eq!(admitted.to_string(), vector.result, "{vector:?}");
    }
}

#[test]
fn a_version_fits_a_path_when_it_does_for_go() {
    for vector in data::of("Check", 22) {
        let (path, version) = (text(&vector, 0), text(&vector, 1));
        let checked = ModulePath::new(path)
            .map_err(|error| error.0.to_string())
            .and_then(|path| {
                semver(version)
                    .ok_or("not a semantic version".into())
                    .and_then(|parts| suffix::admits(path.major_suffix(), &parts))
                    .map_err(|fault| format!("invalid version: {fault}"))
            });
        let found = checked.map_or_else(|fault| format!("error: {fault}"), |()| "ok".to_owned());
        assert_eq!(found, vector.result, "{path} {version}");
    }
}

#[test]
fn canonical_forms_are_those_of_go() {
    for vector in data::of("Canonical", 34) {
        let version = text(&vector, 0);
        let canonical = semver(version).map(|parts| {
            let pre = if parts.pre.is_empty() { "" } else { "-" };
            let build = if parts.is_incompatible() {
                "+incompatible"
            } else {
                ""
            };
            let Semver {
                major,
                minor,
                patch,
                ..
            } = parts;
            format!("v{major}.{minor}.{patch}{pre}{}{build}", parts.pre)
        });
        let expected = vector.result.split("   (").next().expect("the first part");
        let found = match &canonical {
            Some(canonical) => format!("canonical {canonical}"),
            None => "invalid".to_owned(),
        };
        assert_eq!(found, expected, "{version}");
        assert_eq!(
            Version::new(version).is_ok(),
            canonical.as_deref() == Some(version),
            "a version is a text that is its own canonical form: {version}"
        );
    }
}

#[test]
fn pseudo_versions_are_recognised_as_go_does() {
    for vector in data::of("Pseudo", 20) {
        let version = text(&vector, 0);
        let found = semver(version).is_some_and(|parts| parts.is_pseudo());
        assert_eq!(found, vector.result.starts_with("yes;"), "{version}");
    }
}

#[test]
fn precedence_is_that_of_go_in_both_forms() {
    for vector in data::of("Compare", 11) {
        let (a, b) = (text(&vector, 0), text(&vector, 1));
        let order = match vector.result.as_str() {
            "-1" => Ordering::Less,
            "0" => Ordering::Equal,
            _ => Ordering::Greater,
        };
        let [c, d] = [a, b].map(|text| escape(text.into()).expect("no bang"));
        for [a, b] in [[a, b], [&c, &d]] {
            let [left, right] = [a, b].map(|text| semver(text).expect("a semantic version"));
            assert_eq!(left.cmp_precedence(&right), order, "{a} {b}");
            assert_eq!(right.cmp_precedence(&left), order.reverse(), "{b} {a}");
        }
    }
}

#[test]
fn parts_of_a_version_are_those_of_go() {
    for vector in data::of("Major", 3) {
        let found = match semver(text(&vector, 0)) {
            None => r#"major="" mm="" pre="" build="""#.to_owned(),
            Some(Semver {
                major,
                minor,
                pre,
                build,
                ..
            }) => {
                let dash = if pre.is_empty() { "" } else { "-" };
                let plus = if build.is_empty() { "" } else { "+" };
                format!(
                    "major=\"v{major}\" mm=\"v{major}.{minor}\" pre=\"{dash}{pre}\" build=\"{plus}{build}\""
                )
            }
        };
        assert_eq!(found, vector.result, "{vector:?}");
    }
}

#[test]
fn escaped_capitals_compare_as_capitals() {
    let order = [
        "v1.0.0-0a",
        "v1.0.0-Z",
        "v1.0.0-a",
        "v1.0.0-aB",
        "v1.0.0-ab",
        "v1.0.0",
    ];
    for pair in order.windows(2) {
        let (low, high) = (Version::new(pair[0]), Version::new(pair[1]));
        assert!(
            low.expect("canonical") < high.expect("canonical"),
            "{pair:?}"
        );
    }
}
