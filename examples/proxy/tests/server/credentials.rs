//! Which credentials are sent, also when their files change.

use std::fs;

use http::StatusCode;
use http::header::AUTHORIZATION;
use tempfile::TempDir;

use crate::direct::{KNOWN, NOBODY, Scene, go};
use crate::proxy::{Proxy, command};
use crate::registries::registry;
use crate::support::{
    Answer, GitHost, Recorded, Repos, ScriptedRegistry, Tls, company, within_minutes,
};
use crate::users::basic;

/// Both entries of its list are on one host; this machine needs no https for itself.
#[tokio::test]
async fn a_token_goes_to_all_of_one_host_and_to_no_other_registry() {
    let not_found = || Answer::text(StatusCode::NOT_FOUND, "not found");
    let own = ScriptedRegistry::http1(move |request| match request.path.starts_with("/b/") {
        true => Answer::new(["module corp.example/m\n"]),
        false => not_found(),
    })
    .await;
    let default = ScriptedRegistry::http1(|_| Answer::new(["module example.com/m\n"])).await;
    let folder = TempDir::new().unwrap();
    let (config, token) = (
        folder.path().join("server.toml"),
        folder.path().join("token"),
    );
    fs::write(&token, "secret-token\n").unwrap();
    let text = format!(
        "upstream = \"{}\"\nstorage = \"memory:\"\n[[registry]]\nmodules = \"corp.example\"\n\
         upstream = \"{1}/a,{1}/b\"\ntoken-file = \"{2}\"\n",
        default.url(),
        own.url(),
        token.display(),
    );
    fs::write(&config, text).unwrap();
    let proxy = Proxy::start(&["--config", config.to_str().unwrap()]).await;
    for module in ["corp.example/m", "example.com/m"] {
        let path = format!("/{module}/@v/v1.0.0.mod");
        let answered = proxy.get(&path).await.whole();
        assert_eq!(answered.text(), format!("module {module}\n"));
    }
    let asked = own.requests().all();
    assert_eq!(asked.len(), 2);
    for asked in asked {
        assert_eq!(asked.headers[AUTHORIZATION], "Bearer secret-token");
    }
    let asked = default.requests().all();
    let sent = |asked: &Recorded| asked.headers.contains_key(AUTHORIZATION);
    assert!(!asked.iter().any(sent));

    fs::write(&token, "another-token\n").unwrap();
    let mut version = 0;
    within_minutes(async {
        loop {
            version += 1;
            let path = format!("/corp.example/m/@v/v1.1.{version}.mod");
            proxy.get(&path).await.whole();
            let asked = own.requests().all();
            let last = &asked.last().unwrap().headers[AUTHORIZATION];
            if last == "Bearer another-token" {
                break;
            }
        }
    })
    .await;
}

/// A token was rotated, or the file was made after the start.
#[tokio::test]
async fn the_netrc_file_of_the_home_directory_is_read_again_when_it_changes() {
    let tls = Tls::new();
    let registry = registry(&tls).await;
    let home = TempDir::new().unwrap();
    let (upstream, authority) = (registry.url(), tls.authority_file());
    let args = ["--storage", "memory:", "--upstream", &upstream, "--ca-file"];
    let mut server = command(&[&args[..], &[authority.to_str().unwrap()]].concat());
    server.env("HOME", home.path());
    let proxy = Proxy::run(server).await;
    let mut version = 0;
    let mut sent = async || {
        version += 1;
        proxy
            .get(&format!("/example.com/m/@v/v1.0.{version}.mod"))
            .await
            .whole();
        let asked = registry.requests().all();
        asked.last().unwrap().headers.get(AUTHORIZATION).cloned()
    };
    assert_eq!(sent().await, None);
    for password in ["one", "another"] {
        let line = format!(
            "machine {} login dev password {password}\n",
            registry.address()
        );
        fs::write(home.path().join(".netrc"), line).unwrap();
        let expected = basic("dev", password);
        within_minutes(async { while sent().await.is_none_or(|sent| sent != *expected) {} }).await;
    }
}

#[tokio::test]
async fn credentials_of_an_entry_are_for_its_modules_and_no_others() {
    let repos = Repos::new();
    company::private(&repos);
    let host = GitHost::start(repos.root()).await;
    host.allow("robot", "raspberry", &["corp/one"]);
    host.allow("partner", "gooseberry", &["corp/two"]);
    for (entry, has_own, [one, two]) in [
        ("github.com/corp/two", true, [true, true]),
        ("github.com/corp/one", true, [false, false]),
        ("github.com/corp/one", false, [false, false]),
    ] {
        let scene = Scene::corp(&host);
        scene.write(
            "own",
            "machine 127.0.0.1 login partner password gooseberry\n",
        );
        let name = |file| scene.at(file).display().to_string();
        let netrc = format!("netrc = \"{}\"\n", name("own"));
        let config = format!(
            "[[direct]]\nmodules = \"{entry}\"\ngo-private = \"{entry}\"\ngit-config = \"{}\"\n{}",
            name("gitconfig"),
            if has_own { &netrc } else { "" },
        );
        scene.write("server.toml", &config);
        let options = format!("{} {KNOWN} --config @/server.toml", go());
        let proxy = scene.start(NOBODY, &options).await;
        for (module, is_there) in [("one", one), ("two", two)] {
            let path = format!("/github.com/corp/{module}/@v/list");
            let answered = proxy.get(&path).await;
            let found = answered.status == Some(StatusCode::OK);
            assert_eq!(found, is_there, "{config}{module}: {}", answered.text());
        }
    }
    assert_eq!(host.leaks(), [""; 0]);
}
