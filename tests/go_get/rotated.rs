//! Credentials that change while the service runs.

use std::fs;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tower_goproxy::GoGet;
use tower_goproxy::access::Credentials;
use tower_goproxy::goget::Settings;

use crate::errors::assert_error;
use crate::setup::Setup;
use crate::support::GitHost;

const LIST: &str = "/github.com/team/hello/@v/list";

async fn scene() -> (GitHost, Setup) {
    let setup = Setup::new();
    setup
        .repos
        .module("team/hello", "github.com/team/hello")
        .tag("v1.0.0");
    let host = GitHost::start(setup.repos.root()).await;
    host.allow("robot", "first", &["team/hello"]);
    let (key, value) = host.instead_of("https://github.com/");
    let settings = Settings::new(setup.folder.path())
        .go(crate::support::go::program())
        .git_config(key, value)
        .git_config("http.sslCAInfo", host.authority());
    (host, setup.with(|_| settings))
}

/// The host no longer takes the first password, and takes the second.
fn rotate(host: &GitHost) {
    host.refuse("robot", "first");
    host.allow("robot", "second", &["team/hello"]);
}

#[tokio::test]
async fn a_netrc_file_is_read_again() {
    let (host, setup) = scene().await;
    let file = setup.folder.path().join("netrc");
    let write = |password: &str| {
        let text = format!("machine 127.0.0.1 login robot password {password}\n");
        fs::write(&file, text).unwrap();
    };
    write("first");
    let setup = setup.with(|settings| settings.netrc(&file).unwrap());
    assert_eq!(setup.text(LIST).await, "v1.0.0\n");
    rotate(&host);
    assert_error(&setup.get(LIST).await, 502, "refuses access");
    write("second");
    assert_eq!(setup.text(LIST).await, "v1.0.0\n");
    fs::remove_file(&file).unwrap();
    assert_error(&setup.get(LIST).await, 500, "a file of its settings");
    write("second");
    assert_eq!(setup.text(LIST).await, "v1.0.0\n");
}

#[tokio::test]
async fn a_provider_is_asked_before_each_run() {
    let (host, setup) = scene().await;
    let password = Arc::new(Mutex::new("first"));
    let (given, address) = (Arc::clone(&password), host.address());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let modules = Arc::clone(&asked);
    let settings = setup
        .settings
        .clone()
        .credentials_from(move |module, access| {
            assert!(access.is_none());
            modules.lock().unwrap().push(module);
            let one = Credentials::new(address.clone(), "robot", *given.lock().unwrap());
            async move { Ok(vec![one?]) }
        });
    let setup = setup.with(|_| settings);
    assert_eq!(setup.text(LIST).await, "v1.0.0\n");
    rotate(&host);
    assert_error(&setup.get(LIST).await, 502, "refuses access");
    *password.lock().unwrap() = "second";
    assert_eq!(setup.text(LIST).await, "v1.0.0\n");
    assert_eq!(*asked.lock().unwrap(), ["github.com/team/hello"; 3]);
    // It is set, and never shown.
    assert!(!format!("{:?}", setup.goget).contains("second"));

    *password.lock().unwrap() = "two words";
    assert_error(&setup.get(LIST).await, 500, "trouble on the server");
}

#[tokio::test]
async fn handles_on_runs_stay_good_and_settings_can_be_used_again() {
    let (_host, setup) = scene().await;
    let runs = setup.goget.runs();
    let clone = setup.goget.clone();
    let other = GoGet::new(setup.settings.clone().max_runs(1)).unwrap();
    assert_eq!(setup.get("/github.com/team/none/@v/list").await.status, 404);
    crate::support::within(runs.idle()).await;
    assert_eq!(clone.runs().running() + other.runs().running(), 0);
}

#[tokio::test]
async fn a_credential_helper_is_asked_again() {
    let (host, setup) = scene().await;
    let file = setup.folder.path().join("store");
    let write = |password: &str| {
        let line = format!("https://robot:{password}@{}\n", host.address());
        fs::write(&file, line).unwrap();
    };
    write("first");
    let setup = setup.with(|settings| {
        let key = format!("credential.https://{}.helper", host.address());
        settings.git_config(key, format!("store --file={}", file.display()))
    });
    assert_eq!(setup.text(LIST).await, "v1.0.0\n");
    rotate(&host);
    assert_ne!(setup.get(LIST).await.status, 200);
    write("second");
    assert_eq!(setup.text(LIST).await, "v1.0.0\n");
}

#[tokio::test]
async fn a_file_of_git_settings_is_read_again() {
    let (host, setup) = scene().await;
    let file = setup.folder.path().join("gitconfig");
    let write = |password: &str| {
        let basic = BASE64_STANDARD.encode(format!("robot:{password}"));
        let section = format!("[http \"https://{}/\"]", host.address());
        let text = format!("{section}\n\textraHeader = Authorization: Basic {basic}\n");
        fs::write(&file, text).unwrap();
    };
    write("first");
    let setup = setup.with(|settings| settings.git_config_file(&file));
    assert_eq!(setup.text(LIST).await, "v1.0.0\n");
    rotate(&host);
    assert_ne!(setup.get(LIST).await.status, 200);
    write("second");
    assert_eq!(setup.text(LIST).await, "v1.0.0\n");
}
