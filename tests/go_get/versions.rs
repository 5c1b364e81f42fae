//! What each kind of version is answered with.

use std::io::Read as _;

use crate::setup::{HELLO, Setup};

/// The commit's time, as it stands in a pseudo-version.
const TIME: &str = "20240102030405";

fn pseudo(prefix: &str, hash: &str) -> String {
    format!("{prefix}{TIME}-{}", &hash[..12])
}

/// All files of a version are there, and the go command alone computes the same hash.
async fn assert_served(setup: &Setup, module: &str, version: &str) {
    let info = setup.json(&format!("/{module}/@v/{version}.info")).await;
    assert_eq!(info["Version"], version, "{module}");
    assert_eq!(info["Time"], "2024-01-02T03:04:05Z");
    let sums = setup.sums_through(module, version).await;
    assert_eq!(sums, setup.sums_alone(module, version).await);
    assert!(sums.0.starts_with("h1:") && sums.1.starts_with("h1:"));
}

#[tokio::test]
async fn tags_have_the_hashes_that_go_alone_computes() {
    let setup = Setup::new();
    let repo = setup.hello();
    repo.tag("v1.0.0");
    repo.write("more.go", "package hello\n\nconst W = 2\n");
    repo.commit("two");
    repo.tag("v1.1.0-rc.1");
    let list = setup.text(&format!("/{HELLO}/@v/list")).await;
    assert_eq!(list, "v1.0.0\nv1.1.0-rc.1\n");
    for version in ["v1.0.0", "v1.1.0-rc.1"] {
        assert_served(&setup, HELLO, version).await;
    }
    // Known beforehand: the commit depends on nothing but its files.
    let sums = setup.sums_through(HELLO, "v1.0.0").await;
    assert_eq!(sums.0, "h1:vhpy5y9LVI/jSB0eS5RavIGqKAM/TXB4SFfFRZznfBk=");
    assert_eq!(sums.1, "h1:brYGiW2KDCbef5Tcbj2lqPAxXFlNipKWYSCnpCZjdpk=");
}

#[tokio::test]
async fn lists_are_in_the_order_of_versions_with_what_is_retracted() {
    let setup = Setup::new();
    let repo = setup.hello();
    for tag in [
        "v1.10.0", "v1.9.0", "v1.2.0", "v1", "v1.0", "other", "v3.0.0",
    ] {
        repo.tag(tag);
    }
    repo.write(
        "go.mod",
        "module example.com/team/hello.git\n\ngo 1.20\n\nretract [v1.9.0, v1.11.0]\n",
    );
    repo.commit("retract");
    repo.tag("v1.11.0");
    let list = setup.text(&format!("/{HELLO}/@v/list")).await;
    assert_eq!(list, "v1.2.0\nv1.9.0\nv1.10.0\nv1.11.0\n");
    let latest = setup.json(&format!("/{HELLO}/@latest")).await;
    assert_eq!(latest["Version"], "v1.2.0");
}

/// As the go command has it without a proxy.
#[tokio::test]
async fn where_all_is_retracted_the_newest_commit_is_the_latest() {
    let setup = Setup::new();
    let repo = setup.hello();
    repo.write("go.mod", &format!("module {HELLO}\n\nretract v1.0.0\n"));
    let tip = repo.commit("retract");
    repo.tag("v1.0.0");
    assert_eq!(setup.text(&format!("/{HELLO}/@v/list")).await, "v1.0.0\n");
    let latest = setup.json(&format!("/{HELLO}/@latest")).await;
    assert_eq!(latest["Version"], pseudo("v0.0.0-", &tip));
}

#[tokio::test]
async fn branches_and_commits_stand_for_versions_and_make_no_zip() {
    let setup = Setup::new();
    let repo = setup.hello();
    repo.tag("v1.2.3");
    let tip = repo.commit("two");
    repo.git(&["branch", "next"]);
    let version = pseudo("v1.2.4-0.", &tip);
    for query in ["main", "next", &tip, &tip[..8]] {
        let info = setup.json(&format!("/{HELLO}/@v/{query}.info")).await;
        assert_eq!(info["Version"], version, "{query}");
        assert_eq!(info["Origin"]["Hash"], tip, "{query}");
        assert!(info["Origin"].get("TagSum").is_none());
    }
    let info = setup.json(&format!("/{HELLO}/@v/v1.info")).await;
    assert_eq!(info["Version"], "v1.2.3");

    // A branch moves on.
    let tip = repo.commit("three");
    let info = setup.json(&format!("/{HELLO}/@v/main.info")).await;
    assert_eq!(info["Version"], pseudo("v1.2.4-0.", &tip));
}

#[tokio::test]
async fn pseudo_versions_of_all_three_forms() {
    let setup = Setup::new();
    let repo = setup.hello();
    let first = repo.git(&["rev-parse", "HEAD"]);
    assert_served(&setup, HELLO, &pseudo("v0.0.0-", &first)).await;
    repo.tag("v1.2.3-rc.1");
    let second = repo.commit("two");
    assert_served(&setup, HELLO, &pseudo("v1.2.3-rc.1.0.", &second)).await;
    repo.tag("v1.2.3");
    let third = repo.commit("three");
    assert_served(&setup, HELLO, &pseudo("v1.2.4-0.", &third)).await;
}

#[tokio::test]
async fn an_untagged_module_has_an_empty_list_and_a_latest() {
    let setup = Setup::new();
    let repo = setup.hello();
    let tip = repo.git(&["rev-parse", "HEAD"]);
    assert_eq!(setup.text(&format!("/{HELLO}/@v/list")).await, "");
    let latest = setup.json(&format!("/{HELLO}/@latest")).await;
    assert_eq!(latest["Version"], pseudo("v0.0.0-", &tip));
}

#[tokio::test]
async fn modules_in_folders_have_tags_of_their_own_and_the_license_of_the_root() {
    let setup = Setup::new();
    let repo = setup.hello();
    let sub = "example.com/team/hello.git/sub";
    repo.write("LICENSE", "do as you like\n");
    repo.write("sub/go.mod", &format!("module {sub}\n"));
    repo.write("sub/sub.go", "package sub\n");
    repo.commit("sub");
    repo.tag("v1.0.0");
    repo.tag("sub/v0.1.0");
    assert_eq!(setup.text(&format!("/{sub}/@v/list")).await, "v0.1.0\n");
    assert_served(&setup, sub, "v0.1.0").await;
    let zip = setup.get(&format!("/{sub}/@v/v0.1.0.zip")).await.body;
    let zip = zip::ZipArchive::new(std::io::Cursor::new(zip)).unwrap();
    let mut names: Vec<_> = zip.file_names().map(Result::unwrap).collect();
    names.sort_unstable();
    let prefix = format!("{sub}@v0.1.0");
    assert_eq!(
        names,
        ["LICENSE", "go.mod", "sub.go"].map(|name| format!("{prefix}/{name}"))
    );
}

#[tokio::test]
async fn major_versions_have_a_path_of_their_own_or_none_of_their_module() {
    let setup = Setup::new();
    let repo = setup.repos.module("team/v2", "github.com/team/v2mod/v2");
    repo.tag("v2.0.0");
    std::fs::rename(repo.path(), setup.repos.root().join("team/v2mod")).unwrap();
    assert_served(&setup, "github.com/team/v2mod/v2", "v2.0.0").await;

    let old = setup.repos.init("team/old");
    old.write("old.go", "package old\n");
    old.commit("one");
    old.tag("v1.0.0");
    old.tag("v2.0.0");
    let module = "github.com/team/old";
    let list = setup.text(&format!("/{module}/@v/list")).await;
    assert_eq!(list, "v1.0.0\nv2.0.0+incompatible\n");
    assert_served(&setup, module, "v2.0.0+incompatible").await;
    let info = setup.json(&format!("/{module}/@v/v2.0.0.info")).await;
    assert_eq!(info["Version"], "v2.0.0+incompatible");
    let go_mod = setup.text(&format!("/{module}/@v/v1.0.0.mod")).await;
    assert_eq!(go_mod, "module github.com/team/old\n");
}

#[tokio::test]
async fn capitals_are_escaped_on_the_way() {
    let setup = Setup::new();
    let repo = setup.repos.module("Team/Hello", "github.com/Team/Hello");
    repo.tag("v1.0.0-RC1");
    let path = "/github.com/%21team/!hello/@v/v1.0.0-!r!c1";
    let info = setup.json(&format!("{path}.info")).await;
    assert_eq!(info["Version"], "v1.0.0-RC1");
    let zip = setup.get(&format!("{path}.zip")).await;
    assert_eq!(zip.status, 200);
}

/// Its clients have that go. Only the server's does not.
#[tokio::test]
async fn a_module_for_a_newer_go_is_served() {
    for (folder, prefix) in [("", ""), ("sub/", "/sub")] {
        let setup = Setup::new();
        let repo = setup.hello();
        let module = format!("{HELLO}{prefix}");
        let go_mod = format!("module {module} // go 1.99\n\n\tgo 1.99\n\ntoolchain go1.99.1\n");
        let license = "\ngo 1 place further\n\n";
        repo.write("LICENSE", license);
        repo.write(&format!("{folder}go.mod"), &go_mod);
        repo.write(&format!("{folder}a.go"), "package a\n");
        let tip = repo.commit("new");
        repo.tag(&format!("{folder}v1.0.0"));
        let zip = setup.get(&format!("/{module}/@v/v1.0.0.zip")).await;
        assert_eq!(zip.status, 200, "{}", zip.text());
        let mut zip = zip::ZipArchive::new(std::io::Cursor::new(zip.body)).unwrap();
        for (name, want) in [("go.mod", &*go_mod), ("LICENSE", license)] {
            let mut text = String::new();
            let mut file = zip.by_name(&format!("{module}@v1.0.0/{name}")).unwrap();
            file.read_to_string(&mut text).unwrap();
            assert_eq!(text, want);
        }
        assert_eq!(
            setup.text(&format!("/{module}/@v/v1.0.0.mod")).await,
            go_mod
        );
        for file in ["@v/v1.0.0.info", "@v/main.info", "@latest"] {
            let info = setup.json(&format!("/{module}/{file}")).await;
            assert_eq!(info["Version"], "v1.0.0", "{file}");
            assert_eq!(info["Origin"]["Hash"], tip, "{file}");
        }
        // What is wrong with it all the same is said.
        repo.write(&format!("{folder}a:b"), "");
        repo.commit("bad");
        repo.tag(&format!("{folder}v1.1.0"));
        let answer = setup.get(&format!("/{module}/@v/v1.1.0.zip")).await;
        crate::errors::assert_error(&answer, 404, "malformed file path");
    }
}
