//! A git host that wants to know who asks: git's own server behind basic auth and TLS.

use std::fs;

use tower_goproxy::goget::Settings;

use crate::errors::assert_error;
use crate::setup::Setup;
use crate::support::GitHost;

const MODULE: &str = "/github.com/team/hello/@v";

/// A host with a repository that one user may see.
async fn start(setup: &Setup) -> GitHost {
    setup
        .repos
        .module("team/hello", "github.com/team/hello")
        .tag("v1.0.0");
    let host = GitHost::start(setup.repos.root()).await;
    host.allow("robot", "cranberry", &["team/hello"]);
    host
}

/// A service for which this is GitHub.
fn github(host: &GitHost, setup: &Setup) -> Settings {
    let (key, value) = host.instead_of("https://github.com/");
    Settings::new(setup.folder.path())
        .go(crate::support::go::program())
        .git_config(key, value)
        .git_config("http.sslCAInfo", host.authority())
}

async fn assert_served(host: &GitHost, goget: Settings) {
    let setup = Setup::new().with(|_| goget);
    assert_eq!(setup.text(&format!("{MODULE}/list")).await, "v1.0.0\n");
    let zip = setup.get(&format!("{MODULE}/v1.0.0.zip")).await;
    assert_eq!(zip.status, 200, "{}", zip.text());
    assert_eq!(host.leaks(), [""; 0]);
}

#[tokio::test]
async fn right_credentials_open_a_repository_and_are_in_no_process_list() {
    let setup = Setup::new();
    let host = start(&setup).await;
    let goget = github(&host, &setup);
    let goget = goget
        .credentials(host.address(), "robot", "cranberry")
        .unwrap();
    assert_served(&host, goget).await;
}

#[tokio::test]
async fn a_netrc_file_opens_a_repository() {
    let setup = Setup::new();
    let host = start(&setup).await;
    let file = setup.folder.path().join("netrc");
    fs::write(&file, "machine 127.0.0.1 login robot password cranberry\n").unwrap();
    let goget = github(&host, &setup).netrc(file).unwrap();
    assert_served(&host, goget).await;
}

#[tokio::test]
async fn a_credential_helper_opens_a_repository() {
    let setup = Setup::new();
    let host = start(&setup).await;
    let file = setup.folder.path().join("store");
    fs::write(
        &file,
        format!("https://robot:cranberry@{}\n", host.address()),
    )
    .unwrap();
    let helper = format!("store --file={}", file.display());
    let goget = github(&host, &setup).git_config(
        format!("credential.https://{}.helper", host.address()),
        helper,
    );
    assert_served(&host, goget).await;
}

#[tokio::test]
async fn wrong_credentials_are_a_bad_gateway_that_tells_what_is_wrong() {
    let setup = Setup::new();
    let host = start(&setup).await;
    let file = setup.folder.path().join("netrc");
    fs::write(
        &file,
        "machine 127.0.0.1 login robot password wrong-secret\n",
    )
    .unwrap();
    for goget in [
        github(&host, &setup)
            .credentials(host.address(), "robot", "wrong-secret")
            .unwrap(),
        github(&host, &setup).netrc(file).unwrap(),
    ] {
        let setup = Setup::new().with(|_| goget);
        let path = format!("{MODULE}/v1.0.0.zip");
        let answer = setup.get(&path).await;
        assert_error(&answer, 502, "the host of the repository refuses access");
        let request = crate::support::get(&path);
        let error = setup.goget.try_call(&request).await.unwrap_err();
        for text in [
            error.to_string(),
            format!("{error:?}"),
            format!("{:?}", setup.goget),
        ] {
            assert!(!text.contains("wrong-secret"), "{text}");
        }
    }
}

#[tokio::test]
async fn no_credentials_are_a_not_found_that_tells_what_may_be_missing() {
    let setup = Setup::new();
    let host = start(&setup).await;
    // Those of another host stay there.
    let goget = github(&host, &setup);
    let goget = goget
        .credentials("other.example", "robot", "cranberry")
        .unwrap();
    let setup = Setup::new().with(|_| goget);
    let answer = setup.get(&format!("{MODULE}/v1.0.0.zip")).await;
    assert_error(&answer, 404, "the server lacks credentials for the host");
}

#[tokio::test]
async fn of_two_credentials_for_one_host_the_later_count() {
    let setup = Setup::new();
    let host = start(&setup).await;
    let goget = github(&host, &setup)
        .credentials(host.address(), "robot", "outdated")
        .unwrap()
        .credentials(host.address(), "robot", "cranberry")
        .unwrap();
    assert_served(&host, goget).await;
}

#[test]
fn credentials_that_could_break_out_of_their_line_are_refused() {
    for (host, user, password) in [
        ("", "robot", "secret"),
        ("host/path", "robot", "secret"),
        ("host", "ro bot", "secret"),
        ("host", "ro:bot", "secret"),
        ("host", "robot", "sec\nret"),
        ("host", "robot", ""),
    ] {
        let error = Settings::new("unused")
            .credentials(host, user, password)
            .unwrap_err();
        assert!(!error.to_string().contains("sec"), "{error}");
    }
}
