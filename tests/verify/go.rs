//! The real go command and the built-in check say the same of random files.
//!
//! An ordinary run tries a few hundred. `TOWER_GOPROXY_RANDOM=2000` tries as many zips, and a fourth of it infos, and
//! `TOWER_GOPROXY_SEED=1000000` others.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::check::{in_pieces, streamed, whole};
use crate::random::{Random, info, module_file, zip};
use crate::support::Client;

fn count() -> usize {
    number("TOWER_GOPROXY_RANDOM").unwrap_or(300)
}

fn random(file: usize) -> Random {
    let first = number("TOWER_GOPROXY_SEED").unwrap_or(0);
    Random::new((first + file) as u64)
}

fn number(variable: &str) -> Option<usize> {
    let number = std::env::var(variable).ok()?;
    Some(number.parse().expect("a number"))
}

/// What `go mod download` says of each module: the hash of its zip, or the error.
async fn downloads(
    registry: &Path,
    modules: &[String],
) -> BTreeMap<String, Result<String, String>> {
    let mut said = BTreeMap::new();
    for modules in modules.chunks(250) {
        let client = Client::new(format!("file://{}", registry.display()));
        let mut args = vec!["mod", "download", "-json"];
        args.extend(modules.iter().map(String::as_str));
        let output = client.try_go(&args).await;
        let values =
            serde_json::Deserializer::from_str(&output.stdout).into_iter::<serde_json::Value>();
        for value in values {
            let value = value.expect("go prints JSON");
            let text = |name: &str| value[name].as_str().map(str::to_owned);
            let module = format!("{}@v1.0.0", text("Path").expect("a path"));
            let said_of = match text("Error") {
                Some(error) => Err(error),
                None => Ok(text("Sum").expect("a hash")),
            };
            said.insert(module, said_of);
        }
    }
    said
}

fn write(registry: &Path, module: &str, extension: &str, content: &[u8]) {
    let folder = registry.join(module).join("@v");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(format!("v1.0.0.{extension}")), content).unwrap();
}

#[tokio::test]
async fn random_zips_have_the_verdict_and_the_hash_of_the_go_command() {
    let registry = tempfile::tempdir().unwrap();
    let mut zips = BTreeMap::new();
    for number in 0..count() {
        let module = format!("example.com/z{number}");
        let zip = zip(&mut random(number), &format!("{module}@v1.0.0/"));
        write(registry.path(), &module, "info", br#"{"Version":"v1.0.0"}"#);
        write(
            registry.path(),
            &module,
            "mod",
            format!("module {module}\n").as_bytes(),
        );
        write(registry.path(), &module, "zip", &zip);
        zips.insert(format!("{module}@v1.0.0"), zip);
    }
    let modules: Vec<String> = zips.keys().cloned().collect();
    let said = downloads(registry.path(), &modules).await;
    assert_eq!(said.len(), zips.len());
    let (mut differences, mut taken, mut followed) = (Vec::new(), 0, 0);
    for (module, zip) in &zips {
        let path = format!("/{}/@v/v1.0.0.zip", module.strip_suffix("@v1.0.0").unwrap());
        let (ours, theirs) = (whole(&path, zip).await, &said[module]);
        let is_same = match (&ours, theirs) {
            (Ok(ours), Ok(theirs)) => ours.as_ref() == Some(theirs),
            (Err(_), Err(_)) => true,
            _ => false,
        };
        if !is_same {
            differences.push(format!("{module}: we say {ours:?}, go says {theirs:?}"));
        }
        taken += usize::from(theirs.is_ok());
        let mut of_len = Random::new(zip.len() as u64);
        let piece = 1 + of_len.below(zip.len().max(1) * 2);
        assert_eq!(
            in_pieces(&path, zip, piece).await,
            ours,
            "{module} in pieces of {piece}"
        );
        if let Some(streamed) = streamed(&path, zip, piece).await {
            assert_eq!(streamed, ours, "{module} as a stream of {piece}");
            followed += 1;
        }
    }
    assert_eq!(differences, [""; 0], "of {}", zips.len());
    // The zips are not all of one kind.
    assert!(
        taken > zips.len() / 5 && taken < zips.len() * 4 / 5,
        "{taken} are taken"
    );
    assert!(followed > zips.len() / 10, "{followed} can be followed");
}

#[tokio::test]
async fn random_infos_have_the_verdict_of_the_go_command() {
    let registry = tempfile::tempdir().unwrap();
    let mut infos = BTreeMap::new();
    for number in 0..count() / 4 {
        let module = format!("example.com/i{number}");
        let info = info(&mut random(number));
        let prefix = format!("{module}@v1.0.0/");
        let zip =
            crate::archive::Archive::of([crate::archive::File::new(format!("{prefix}a.go"), "")]);
        write(registry.path(), &module, "info", &info);
        write(
            registry.path(),
            &module,
            "mod",
            format!("module {module}\n").as_bytes(),
        );
        write(registry.path(), &module, "zip", &zip.bytes());
        infos.insert(format!("{module}@v1.0.0"), info);
    }
    let modules: Vec<String> = infos.keys().cloned().collect();
    let said = downloads(registry.path(), &modules).await;
    let (mut differences, mut taken) = (Vec::new(), 0);
    for (module, info) in &infos {
        let path = format!(
            "/{}/@v/v1.0.0.info",
            module.strip_suffix("@v1.0.0").unwrap()
        );
        let (ours, theirs) = (whole(&path, info).await, &said[module]);
        if ours.is_ok() != theirs.is_ok() {
            let info = String::from_utf8_lossy(info);
            differences.push(format!("{info:?}: we say {ours:?}, go says {theirs:?}"));
        }
        taken += usize::from(theirs.is_ok());
    }
    assert_eq!(differences, [""; 0], "of {}", infos.len());
    assert!(
        taken > infos.len() / 9 && taken < infos.len() * 4 / 5,
        "{taken} are taken"
    );
}

/// The go command reads these more strictly for the main module: it refuses lines there that it leaves unread in others.
#[tokio::test]
async fn what_the_go_command_takes_for_a_go_mod_is_taken() {
    let (client, folder) = (Client::new("off"), tempfile::tempdir().unwrap());
    let (mut taken, mut refused) = (0, 0);
    // These are errors in every module.
    let of_module = [
        "repeated module statement",
        "usage: module",
        "mod files must use // comments",
    ];
    for number in 0..count() / 2 {
        let text = module_file(&mut random(number));
        let file = folder.path().join(format!("{number}.mod"));
        fs::write(&file, &text).unwrap();
        let file = file.to_str().unwrap();
        let output = client
            .run_in(folder.path(), &["mod", "edit", "-json", file])
            .await;
        let ours = whole("/example.com/m/@v/v1.0.0.mod", &text).await;
        let said = serde_json::from_str(&output.stdout).unwrap_or(serde_json::Value::Null);
        // Without one the module cannot be required.
        let has_path = said["Module"]["Path"]
            .as_str()
            .is_some_and(|path| !path.is_empty());
        let text = String::from_utf8_lossy(&text);
        if output.success && has_path {
            assert!(ours.is_ok(), "{text:?}: {ours:?}");
            taken += 1;
        } else if output.success || of_module.iter().any(|why| output.stderr.contains(why)) {
            assert!(ours.is_err(), "{text:?}: {}", output.stderr);
            refused += 1;
        }
    }
    assert!(taken > 20 && refused > 5, "{taken}, {refused}");
}
