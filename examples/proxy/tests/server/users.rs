//! Users, tokens, and who is not let in.

use std::fs;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::AUTHORIZATION;
use http::{Request, StatusCode};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::proxy::{Proxy, refusal};
use crate::support::wire::{Answered, Connection, Protocol};
use crate::support::{Answer, ScriptedRegistry, within_minutes};
use crate::{MOD, module_file};

/// Cheap, so that tests are fast.
pub(crate) fn hash(password: &str) -> String {
    bcrypt::hash(password, 4).unwrap()
}

pub(crate) fn basic(user: &str, password: &str) -> String {
    format!(
        "Basic {}",
        BASE64_STANDARD.encode(format!("{user}:{password}"))
    )
}

pub(crate) async fn get_as(proxy: &Proxy, path: &str, credentials: &str) -> Answered {
    let request = Request::get(path).header(AUTHORIZATION, credentials);
    let mut connection = Connection::open(proxy.address, Protocol::Http11).await;
    connection.send(request.body(()).unwrap()).await
}

pub(crate) fn sha256(token: &str) -> String {
    let digest = Sha256::digest(token);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

struct Scene {
    folder: TempDir,
    registry: ScriptedRegistry,
}

impl Scene {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        // `argon2 saltsaltsalt -id` of the word `horse`.
        let argon2 = argon2_of("horse");
        let users = format!("alice:{}\n# comment\nbob:{argon2}\n", hash("one"));
        fs::write(folder.path().join("users"), users).unwrap();
        let tokens = format!("ci {}\n", sha256("a-random-token"));
        fs::write(folder.path().join("tokens"), tokens).unwrap();
        Self {
            folder,
            registry: module_file().await,
        }
    }

    fn at(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    async fn start(&self, options: &[&str]) -> Proxy {
        let (users, tokens, upstream) = (self.at("users"), self.at("tokens"), self.registry.url());
        let args = ["--storage", "memory:", "--upstream", &upstream];
        let own = ["--users", &users, "--tokens", &tokens];
        Proxy::start(&[&args[..], &own, options].concat()).await
    }
}

fn argon2_of(password: &str) -> String {
    use argon2::PasswordHasher as _;
    let params = argon2::Params::new(8, 1, 1, None).unwrap();
    let argon2 = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    argon2
        .hash_password(password.as_bytes())
        .unwrap()
        .to_string()
}

#[tokio::test]
async fn users_of_the_file_and_tokens_are_let_in_and_nobody_else() {
    let scene = Scene::new().await;
    let proxy = scene.start(&["--basic-auth", "dev:secret"]).await;
    for good in [
        &*basic("alice", "one"),
        &basic("bob", "horse"),
        &basic("dev", "secret"),
        &basic("alice", "one").replace("Basic", "bASIC"),
        &basic("alice", "one").replace("Basic", "BASIC  "),
        "Bearer a-random-token",
        "bearer a-random-token",
    ] {
        let answered = get_as(&proxy, MOD, good).await.whole();
        let cache_control = answered.header("cache-control");
        assert!(
            cache_control.starts_with("private"),
            "{good}: {cache_control}"
        );
    }
    for bad in [
        &*basic("alice", "two"),
        &basic("alice", ""),
        &basic("bob", "one"),
        &basic("carol", "one"),
        &basic("dev", "one"),
        &basic("alice", &hash("one")),
        "Basic YWxpY2U=",
        "Basic",
        "Digest x",
        "Bearer b",
        &format!("Bearer {}", sha256("a-random-token")),
    ] {
        let answered = get_as(&proxy, MOD, bad).await;
        assert_eq!(answered.status, Some(StatusCode::UNAUTHORIZED), "{bad}");
        assert_eq!(answered.header("cache-control"), "no-store");
    }
    assert_eq!(proxy.get(MOD).await.status, Some(StatusCode::UNAUTHORIZED));
    proxy.get("/healthz").await.whole();
    proxy.get("/readyz").await.whole();
}

/// All clients of a build begin at once with one password: it is checked once. There are not places for so many checks, and
/// each takes longer than all requests take to come.
#[tokio::test]
async fn many_clients_with_one_password_are_all_let_in() {
    let scene = Scene::new().await;
    let users = format!("alice:{}\n", bcrypt::hash("one", 12).unwrap());
    fs::write(scene.at("users"), users).unwrap();
    let proxy = scene.start(&[]).await;
    let mut clients = JoinSet::new();
    for _ in 0..200 {
        let address = proxy.address;
        clients.spawn(async move {
            let request = Request::get(MOD).header(AUTHORIZATION, basic("alice", "one"));
            let mut connection = Connection::open(address, Protocol::Http11).await;
            connection.send(request.body(()).unwrap()).await.status
        });
    }
    for status in clients.join_all().await {
        assert_eq!(status, Some(StatusCode::OK));
    }
}

#[tokio::test]
async fn tokens_are_read_again() {
    let scene = Scene::new().await;
    let proxy = scene.start(&[]).await;
    let [old, new] = ["Bearer a-random-token", "Bearer another"];
    let status = async |token| get_as(&proxy, MOD, token).await.status;
    assert_eq!(status(old).await, Some(StatusCode::OK));
    assert_eq!(status(new).await, Some(StatusCode::UNAUTHORIZED));
    fs::write(scene.at("tokens"), format!("ci {}\n", sha256("another"))).unwrap();
    proxy.signal("-HUP").await;
    within_minutes(async { while status(new).await != Some(StatusCode::OK) {} }).await;
    assert_eq!(status(old).await, Some(StatusCode::UNAUTHORIZED));
}

#[tokio::test]
async fn a_wrong_file_of_users_or_tokens_is_named_at_the_start() {
    let scene = Scene::new().await;
    let (users, tokens) = (scene.at("users"), scene.at("tokens"));
    for (option, file, text, expected) in [
        ("--users", &users, "alice", "line 1: not USER:HASH"),
        (
            "--users",
            &users,
            "alice:$apr1$x$y",
            "line 1: the hash is neither bcrypt",
        ),
        (
            "--users",
            &users,
            "\nalice:plain",
            "line 2: the hash is neither bcrypt",
        ),
        (
            "--users",
            &users,
            ":$2b$10$WbbJwrnu1xU..h6k2OPDQukRSjIsa7D.DsDIdD1x4JnYl6ytyqk2.",
            "line 1: no name before the colon",
        ),
        (
            "--users",
            &users,
            "a:$2b$99$WbbJwrnu1xU..h6k2OPDQukRSjIsa7D.DsDIdD1x4JnYl6ytyqk2.",
            "line 1: the bcrypt cost is 99, not 4 to 16",
        ),
        (
            "--users",
            &users,
            "a:$argon2x$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
            "line 1: not an argon2 hash",
        ),
        (
            "--users",
            &users,
            "a:$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ",
            "line 1: not an argon2 hash",
        ),
        (
            "--users",
            &users,
            "a:$argon2id$v=19$m=4000000000,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
            "line 1: argon2 takes 4000000000 KiB and 1 passes",
        ),
        (
            "--users",
            &users,
            "a:$argon2id$v=19$m=8,t=4000000000,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
            "line 1: argon2 takes 8 KiB and 4000000000 passes",
        ),
        (
            "--tokens",
            &tokens,
            "ci",
            "line 1: not a name and the SHA-256",
        ),
        (
            "--tokens",
            &tokens,
            "ci a-random-token",
            "line 1: not a name and the SHA-256",
        ),
    ] {
        fs::write(file, text).unwrap();
        let args = ["--storage", "memory:", option, file];
        let said = refusal(crate::proxy::command(&args), 1).await;
        assert!(
            said.contains(&format!("{option} {file}: {expected}")),
            "{said}"
        );
    }
    let args = ["--storage", "memory:", "--trusted-proxy", "proxy.example"];
    let said = refusal(crate::proxy::command(&args), 1).await;
    assert!(said.contains("--trusted-proxy proxy.example"), "{said}");
}

#[tokio::test]
async fn a_module_of_another_is_told_apart_from_one_that_is_missing() {
    let registry = ScriptedRegistry::serving("/x", Answer::new(["x"])).await;
    let upstream = registry.url();
    let args = [
        "--storage",
        "memory:",
        "--upstream",
        &upstream,
        "--basic-auth",
        "a:b",
    ];
    let proxy = Proxy::start(&args).await;
    let missing = get_as(&proxy, MOD, &basic("a", "b")).await;
    assert_eq!(missing.status, Some(StatusCode::NOT_FOUND));
    assert!(!missing.header("cache-control").contains("public"));
}
