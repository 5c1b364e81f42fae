//! Who asks for the same thing at the same time shares a run.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::future::join_all;
use http::StatusCode;
use tempfile::TempDir;

use crate::setup::{HELLO, Setup, script};
use crate::support::go::program;
use crate::support::{Client, Server};

/// A service whose go command writes down each of its runs.
pub(crate) fn counted() -> (Setup, TempDir, impl Fn(&str) -> usize) {
    let folder = TempDir::new().unwrap();
    let log: PathBuf = folder.path().join("log");
    let text = format!(
        "echo \"$@\" >> '{}'\nexec '{}' \"$@\"",
        log.display(),
        program().display()
    );
    let go = script(folder.path(), "go", &text);
    let setup = Setup::new().with(|settings| settings.go(go).max_wait(Duration::from_secs(600)));
    let runs = move |of: &str| {
        let log = fs::read_to_string(&log).unwrap();
        log.lines().filter(|line| line.contains(of)).count()
    };
    (setup, folder, runs)
}

/// 200 clients of 20 versions, ten for each, that ask for these files one after the other.
async fn two_hundred(setup: &Setup, orders: &[[&str; 3]]) {
    let repo = setup.hello();
    for i in 0..20 {
        repo.commit(&format!("{i}"));
        repo.tag(&format!("v1.{i}.0"));
    }
    let clients = (0..200).map(|i| async move {
        for extension in orders[i % orders.len()] {
            let path = format!("/{HELLO}/@v/v1.{}.0.{extension}", i % 20);
            let answer = setup.get(&path).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
    });
    join_all(clients).await;
    assert_eq!(setup.goget.runs().running(), 0);
}

/// As `go build` asks, which knows all versions from its go.sum. A go.mod makes no zip.
#[tokio::test]
async fn two_hundred_clients_of_twenty_versions_cost_twenty_downloads() {
    let (setup, _folder, runs) = counted();
    let orders = [["zip", "mod", "info"], ["mod", "zip", "info"]];
    two_hundred(&setup, &orders).await;
    assert_eq!(runs("mod download"), 20);
    assert!(runs("list") <= 20);
}

/// As `go mod download` asks. An info makes no zip, so it is a run of its own: a short one.
#[tokio::test]
async fn two_hundred_clients_that_ask_for_the_info_first_cost_twenty_downloads_and_twenty_look_ups()
{
    let (setup, _folder, runs) = counted();
    two_hundred(&setup, &[["info", "mod", "zip"]]).await;
    assert_eq!((runs("mod download"), runs("list")), (20, 20));
}

#[tokio::test]
async fn real_clients_cost_one_look_up_and_one_download_for_each_version() {
    let (setup, _folder, runs) = counted();
    let repo = setup.hello();
    let ids: Vec<_> = (0..3)
        .map(|i| {
            repo.commit(&format!("{i}"));
            repo.tag(&format!("v1.{i}.0"));
            format!("{HELLO}@v1.{i}.0")
        })
        .collect();
    let server = Server::start(setup.goget.clone()).await;
    let clients: Vec<_> = (0..3).map(|_| Client::new(server.url())).collect();
    join_all(clients.iter().map(|client| async {
        for id in &ids {
            client.go(&["mod", "download", id]).await;
        }
    }))
    .await;
    assert_eq!((runs("mod download"), runs("list")), (3, 3));
}

#[tokio::test]
async fn an_info_needs_no_run_of_its_own_where_the_zip_is_just_being_made() {
    let (setup, _folder, runs) = counted();
    setup.hello().tag("v1.0.0");
    let path = |extension| format!("/{HELLO}/@v/v1.0.0.{extension}");
    let (zip, info) = (path("zip"), path("info"));
    let making = crate::processes::begin(&setup.goget, &zip);
    crate::processes::until(|| making.is_finished() || setup.goget.runs().running() == 1).await;
    assert_eq!(setup.get(&info).await.status, 200);
    assert_eq!(making.await.unwrap(), Ok(StatusCode::OK));
    assert_eq!(runs("mod download"), 1);
    assert_eq!(runs("list"), 0);
}

#[tokio::test]
async fn an_info_and_a_go_mod_make_no_zip_whichever_comes_first() {
    for order in [["info", "mod"], ["mod", "info"]] {
        let (setup, _folder, runs) = counted();
        setup.hello().tag("v1.0.0");
        for extension in order {
            let path = format!("/{HELLO}/@v/v1.0.0.{extension}");
            assert_eq!(setup.get(&path).await.status, 200);
        }
        assert_eq!((runs("list"), runs("mod download")), (1, 0));
    }
}

/// As `go get m@main` asks: the query, then the files of what it stands for.
#[tokio::test]
async fn a_query_brings_the_go_mod_of_its_version() {
    let (setup, _folder, runs) = counted();
    setup.hello();
    let info = setup.json(&format!("/{HELLO}/@v/main.info")).await;
    let version = info["Version"].as_str().unwrap();
    for extension in ["info", "mod"] {
        let path = format!("/{HELLO}/@v/{version}.{extension}");
        assert_eq!(setup.get(&path).await.status, 200);
    }
    assert_eq!((runs("list"), runs("mod download")), (1, 0));
}

#[tokio::test]
async fn lists_and_failures_are_shared_by_who_waits_and_not_kept() {
    let (setup, _folder, runs) = counted();
    let repo = setup.hello();
    repo.tag("v1.0.0");
    let (list, none) = (
        format!("/{HELLO}/@v/list"),
        format!("/{HELLO}/@v/v1.1.0.zip"),
    );
    let all = |path: &str| {
        let path = path.to_owned();
        let setup = &setup;
        async move { join_all((0..10).map(|_| setup.get(&path))).await }
    };
    assert!(all(&list).await.iter().all(|one| one.body == "v1.0.0\n"));
    assert!(all(&none).await.iter().all(|one| one.status == 404));
    // With a clone of an earlier run a failure is tried once more.
    assert_eq!((runs("list"), runs("download")), (1, 2));

    repo.tag("v1.1.0");
    assert_eq!(setup.text(&list).await, "v1.0.0\nv1.1.0\n");
    assert_eq!(setup.get(&none).await.status, 200);
}

#[tokio::test]
async fn an_info_does_not_fail_with_the_zip_it_has_waited_for() {
    let folder = TempDir::new().unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(folder.path().join("fifo"))
        .status();
    assert!(made.unwrap().success());
    let text = format!(
        "case \"$1\" in mod) touch '{0}/begun'; cat '{0}/fifo'; echo '{{\"Error\":\"no zip\"}}'; exit 1;; esac\n\
         exec '{1}' \"$@\"",
        folder.path().display(),
        program().display()
    );
    let go = script(folder.path(), "go", &text);
    let setup = Setup::new().with(|goget| goget.go(go));
    setup.hello().tag("v1.0.0");
    let path = |extension| format!("/{HELLO}/@v/v1.0.0.{extension}");
    let zip = crate::processes::begin(&setup.goget, &path("zip"));
    crate::processes::until(|| folder.path().join("begun").exists()).await;
    let info = crate::processes::begin(&setup.goget, &path("info"));
    // It finds no file, and then the run of the zip.
    for _ in 0..100 {
        tokio::task::spawn_blocking(|| ()).await.unwrap();
    }
    assert_eq!(setup.goget.runs().running(), 1);
    fs::write(folder.path().join("fifo"), "").unwrap();
    assert_eq!(zip.await.unwrap(), Err(StatusCode::BAD_GATEWAY));
    assert_eq!(info.await.unwrap(), Ok(StatusCode::OK));
}
