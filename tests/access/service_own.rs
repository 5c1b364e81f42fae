//! The credentials that a service has for everyone, where an owner has others.

use std::fs;

use tower_goproxy::{Access, GoGet};

use crate::scene::{HERS, Scene, ask, file};
use crate::setup::script;

const HEADER: &str = "Authorization: Basic cm9ib3Q6cmFpc2lu";

/// Gives a service credentials of its own by every way that there is.
fn ways(scene: &Scene) -> Vec<(&'static str, GoGet)> {
    let address = scene.host.address();
    let settings = || scene.settings.clone();
    let at = |name: &str| scene.folder.path().join(name);
    fs::write(
        at("netrc"),
        "machine 127.0.0.1 login robot password raisin\n",
    )
    .unwrap();
    fs::write(at("default"), "default login robot password raisin\n").unwrap();
    fs::write(at("store"), format!("https://robot:raisin@{address}\n")).unwrap();
    let helper = format!("store --file={}", at("store").display());
    let url = format!("https://{address}");
    let config = format!(
        "[credential \"{url}\"]\n\thelper = {helper}\n[http \"{url}/\"]\n\textraHeader = {HEADER}\n"
    );
    fs::write(at("gitconfig"), config).unwrap();
    let user = url.replace("https://", "https://robot:raisin@");
    let ways = vec![
        (
            "credentials",
            settings().credentials(&address, "robot", "raisin").unwrap(),
        ),
        ("netrc", settings().netrc(at("netrc")).unwrap()),
        ("default of netrc", settings().netrc(at("default")).unwrap()),
        (
            "helper of the host",
            settings().git_config(format!("credential.{url}.helper"), &helper),
        ),
        (
            "helper of a path",
            settings().git_config(format!("credential.{url}/team.helper"), &helper),
        ),
        (
            "header of a path",
            settings().git_config(format!("http.{url}/team/.extraHeader"), HEADER),
        ),
        (
            "url",
            settings().git_config(
                format!("url.{user}/team/.insteadOf"),
                "https://github.com/team/",
            ),
        ),
        ("file", settings().git_config_file(at("gitconfig"))),
    ];
    let ways = ways.into_iter();
    ways.map(|(way, settings)| (way, GoGet::new(settings).unwrap()))
        .collect()
}

#[tokio::test]
async fn they_are_not_sent_to_a_host_that_the_owner_has_credentials_for() {
    let scene = Scene::new().await;
    scene.host.allow("robot", "raisin", &["team/hers"]);
    let guess = scene.user("mallory", "guess");
    for (way, goget) in ways(&scene) {
        let answer = ask(&goget, Some(&guess), &file(HERS, "zip")).await;
        assert_eq!(answer.status, 502, "{way}: {}", answer.text());
        assert_eq!(scene.host.senders(), ["mallory"], "{way}");
        // git has a helper forget what was refused.
        let stored = fs::read_to_string(scene.folder.path().join("store"));
        assert!(stored.unwrap().contains("robot:raisin"), "{way}");
    }
}

#[tokio::test]
async fn they_are_not_mixed_with_those_of_the_owner() {
    let scene = Scene::new().await;
    for (way, goget) in ways(&scene) {
        // An owner of his own, so that nothing is there yet.
        let access = Access::new(way)
            .credentials(scene.host.address(), "alice", "apple-pie")
            .unwrap();
        let answer = ask(&goget, Some(&access), &file(HERS, "zip")).await;
        assert_eq!(answer.status, 200, "{way}: {}", answer.text());
        assert_eq!(scene.host.senders(), ["alice"], "{way}");
    }
}

#[tokio::test]
async fn they_are_sent_where_the_owner_has_none_and_the_files_are_his_all_the_same() {
    let scene = Scene::new().await;
    scene.host.allow("robot", "raisin", &["team/hers"]);
    let carol = Access::new("carol")
        .credentials("elsewhere.example", "carol", "cherry")
        .unwrap();
    let (_, goget) = ways(&scene).swap_remove(0);
    ask(&goget, Some(&carol), &file(HERS, "zip"))
        .await
        .assert(200, "");
    assert_eq!(scene.host.senders(), ["robot"]);
    let clones = scene.folder.path().join("clones");
    assert!(clones.join(hash_of("carol")).read_dir().unwrap().count() > 0);
    assert!(!clones.join("everyone").exists());
}

#[tokio::test]
async fn no_ssh_key_of_the_service_is_used_for_an_owner_with_credentials() {
    let scene = Scene::new().await;
    let bin = scene.folder.path().join("bin");
    fs::create_dir(&bin).unwrap();
    let log = scene.folder.path().join("ssh.log");
    let text = format!("echo \"$*\" >> '{}'; exit 255", log.display());
    script(&bin, "ssh", &text);
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let settings = scene
        .settings
        .clone()
        .env("PATH", path)
        .ssh_key("/etc/goproxy/key")
        .git_config(
            "url.ssh://git@ssh.example/.insteadOf",
            "https://github.com/team/",
        );
    let goget = GoGet::new(settings).unwrap();
    let called = || fs::read_to_string(&log).unwrap_or_default();

    let nameless = Access::new("carol");
    ask(&goget, Some(&nameless), &file(HERS, "zip")).await;
    assert!(called().contains("/etc/goproxy/key"), "{}", called());
    assert!(!called().contains("PreferredAuthentications=none"));
    fs::remove_file(&log).unwrap();

    ask(&goget, Some(&scene.alice()), &file(HERS, "zip")).await;
    let lines = called();
    assert!(!lines.is_empty());
    for line in lines.lines() {
        assert!(line.contains("PreferredAuthentications=none"), "{line}");
    }
}

/// As a folder is called.
fn hash_of(owner: &str) -> String {
    use sha2::{Digest as _, Sha256};

    let hash = Sha256::digest(owner);
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn what_is_for_whatever_host_is_refused_by_its_name() {
    let scene = Scene::new().await;
    for key in [
        "http.extraHeader",
        "http.cookieFile",
        "http.sslKey",
        "http.sslCert",
        "credential.helper",
        "core.askPass",
        "core.sshCommand",
        "include.path",
    ] {
        let error = GoGet::new(scene.settings.clone().git_config(key, "raisin")).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(key) && !text.contains("raisin"), "{text}");

        let file = scene.folder.path().join("gitconfig");
        let (section, name) = key.split_once('.').unwrap();
        fs::write(&file, format!("[{section}]\n\t{name} = raisin\n")).unwrap();
        let goget = GoGet::new(scene.settings.clone().git_config_file(&file)).unwrap();
        let error = goget.check().await.unwrap_err().to_string();
        // git writes the name in small letters.
        let name = key.to_lowercase();
        assert!(
            error.contains(&name) && !error.contains("raisin"),
            "{error}"
        );
        let answer = ask(&goget, None, &file_of(HERS)).await;
        assert_eq!(answer.status, 500, "{}", answer.text());
    }
    for name in [
        "GIT_ASKPASS",
        "SSH_AUTH_SOCK",
        "GOAUTH",
        "GIT_CONFIG_COUNT",
        "NETRC",
    ] {
        let error = GoGet::new(scene.settings.clone().env(name, "raisin")).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(name) && !text.contains("raisin"), "{text}");
    }
}

fn file_of(module: &str) -> String {
    file(module, "zip")
}
