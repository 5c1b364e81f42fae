//! How the sources are laid out: which file may import which, what `mod.rs` holds, how long a file is.
//!
//! Read from the tokens of the files, macros included; comments and texts do not count.

mod imports;
mod rules;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rules::{FLOORS, Sources, too_long, violations};

#[test]
fn the_floors_hold() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Sources::new();
    read(&src, "", &mut sources);
    let found = violations(&sources);
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
    for module in FLOORS.concat() {
        let files = [format!("{module}.rs"), format!("{module}/mod.rs")];
        let exists = files.iter().any(|file| sources.contains_key(file));
        assert!(exists, "FLOORS names {module}, which is not a module");
    }
}

#[test]
fn files_beside_the_sources_are_not_too_long_either() {
    let mut files = Sources::new();
    for folder in ["tests", "examples", "benches"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        read(&path, &format!("{folder}/"), &mut files);
    }
    assert!(files.contains_key("tests/floors/main.rs"));
    let found = too_long(&files);
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

fn read(dir: &Path, prefix: &str, sources: &mut Sources) {
    let entries = fs::read_dir(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    for entry in entries {
        let path = entry.expect("a folder can be listed").path();
        let name = path.file_name().expect("an entry has a name");
        let name = format!("{prefix}{}", name.to_string_lossy());
        if path.is_dir() {
            read(&path, &format!("{name}/"), sources);
        } else if name.ends_with(".rs") {
            let text = fs::read_to_string(&path);
            let text = text.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            sources.insert(name, text);
        }
    }
}

/// What is wrong with a layout of these files, beside an empty `lib.rs`.
fn wrong(files: &[(&str, &str)]) -> String {
    let sources: BTreeMap<_, _> = files
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect();
    violations(&sources).join("\n")
}

#[test]
fn imports_of_lower_floors_and_of_the_own_module_pass() {
    let found = wrong(&[
        (
            "lib.rs",
            "mod fill; mod target; pub use fill::layer::FillLayer;",
        ),
        (
            "fill/mod.rs",
            "//! Docs.\nmod layer;\nmod body;\n#[cfg(test)]\nmod tests;\npub use layer::FillLayer;",
        ),
        (
            "fill/layer.rs",
            "use super::body::Body; use crate::{module::path::ModulePath, target::Target};",
        ),
        (
            "fill/body.rs",
            "// use crate::upstream::Upstream;\n/// See [`crate::filter`].\npub struct Body; mod tests { use super::*; }",
        ),
        ("fill/tests.rs", "use super::layer::FillLayer;"),
        ("target.rs", "use crate::module::path::ModulePath;"),
        ("module/mod.rs", "pub(crate) mod path;"),
        ("module/path.rs", ""),
    ]);
    assert_eq!(found, "");
}

#[test]
fn an_import_of_a_higher_floor_is_found_however_it_is_written() {
    for import in [
        "use crate::fill::layer::FillLayer;",
        "use crate::{module::path::ModulePath, fill::{layer::FillLayer}};",
        "use super::fill::layer::FillLayer;",
        "fn f() { crate::fill::layer::new(); }",
        "pin_project! { struct S { x: crate::fill::layer::FillLayer } }",
        "mod tests { use super::super::fill::layer::FillLayer; }",
    ] {
        let found = wrong(&[("target.rs", import), ("fill/layer.rs", "")]);
        assert!(
            found.contains("target.rs (floor 1) imports fill (floor 7)"),
            "{import}: {found}"
        );
    }
}

#[test]
fn fill_knows_nothing_of_filter_upstream_and_goget() {
    for other in ["filter", "upstream", "goget"] {
        let found = wrong(&[
            ("fill/task.rs", &format!("use crate::{other}::service::X;")),
            (&format!("{other}/service.rs"), ""),
        ]);
        assert!(
            found.contains(&format!("fill/task.rs imports {other}")),
            "{found}"
        );
    }
}

#[test]
fn the_spool_knows_only_files() {
    let found = wrong(&[
        (
            "fill/spool/mod.rs",
            "mod reader; mod state; pub(super) use self::state::Spool;",
        ),
        (
            "fill/spool/reader.rs",
            "use super::state::State; use crate::files::SharedFile;",
        ),
        ("fill/spool/state.rs", "use crate::storage::Sink;"),
        ("fill/pace.rs", ""),
    ]);
    let expected = "fill/spool/state.rs imports storage::Sink: fill/spool knows only files";
    assert_eq!(found, expected);
    let found = wrong(&[
        ("fill/spool.rs", "use super::pace::Pace;"),
        ("fill/pace.rs", ""),
    ]);
    let expected = "fill/spool.rs imports fill::pace::Pace: fill/spool knows only files";
    assert_eq!(found, expected);
}

#[test]
fn imports_in_a_circle_are_found() {
    let found = wrong(&[
        ("storage/key.rs", "use crate::verify::zip::Z;"),
        ("verify/zip.rs", "use crate::policy::rule::R;"),
        ("policy/rule.rs", "use crate::storage::key::K;"),
    ]);
    assert!(
        found.contains("policy, storage, verify import each other in a circle"),
        "{found}"
    );
}

#[test]
fn imports_through_a_reexport_of_the_own_module_or_of_the_crate_are_found() {
    let found = wrong(&[
        ("fill/mod.rs", "mod layer; pub use layer::FillLayer;"),
        ("fill/layer.rs", "use crate::Target;"),
        ("fill/task.rs", "use super::FillLayer;"),
    ]);
    assert!(
        found.contains("fill/layer.rs imports crate::Target from lib.rs"),
        "{found}"
    );
    assert!(
        found.contains("fill/task.rs imports FillLayer from fill/mod.rs"),
        "{found}"
    );
}

#[test]
fn a_file_on_no_floor_is_found() {
    let found = wrong(&[("novel/thing.rs", "")]);
    assert!(
        found.contains("novel/thing.rs is on no floor: add"),
        "{found}"
    );
}

#[test]
fn a_mod_rs_with_more_than_modules_and_reexports_is_found() {
    for code in [
        "pub fn f() {}",
        "#[derive(Debug)] pub struct S;",
        "impl S {}",
        "mod inline { }",
        "macro_rules! m { () => {} }",
    ] {
        let found = wrong(&[("fill/mod.rs", code)]);
        assert!(
            found.contains("fill/mod.rs holds more than"),
            "{code}: {found}"
        );
    }
}

#[test]
fn a_file_that_is_too_long_is_found() {
    let lines = "\n".repeat(351);
    let found = wrong(&[("info.rs", &lines), ("reply.rs", &lines[1..])]);
    assert_eq!(found, "info.rs has 351 lines, more than 350");
}
