//! The real go command of two users, each with a netrc file, behind an auth layer in axum.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tower::Layer as _;
use tower_goproxy::Access;
use tower_goproxy::fill::FillLayer;

use crate::scene::{HERS, HIS, Scene};
use crate::support::{Client, Kept, Server, Tls};

/// Users of the proxy, by what their go command sends, with what they have for the host of repositories now.
type Users = Arc<Mutex<[(&'static str, Access); 2]>>;

async fn auth(State(users): State<Users>, mut request: Request, next: Next) -> Response {
    let sent = request.headers().get("authorization");
    let users = users.lock().unwrap().clone();
    let found = users
        .into_iter()
        .find(|(known, _)| sent.is_some_and(|sent| sent == known));
    let Some((_, access)) = found else {
        let ask = [("www-authenticate", "Basic realm=\"modules\"")];
        return (StatusCode::UNAUTHORIZED, ask, "who are you?\n").into_response();
    };
    request.extensions_mut().insert(access);
    next.run(request).await
}

#[tokio::test]
async fn each_downloads_his_own_modules_and_is_told_that_there_are_no_others() {
    let (scene, kept, tls) = (Scene::new().await, Kept::on_disk(), Tls::new());
    let users: Users = Arc::new(Mutex::new([
        ("Basic YWxpY2U6b25l", scene.alice()), // alice:one
        ("Basic Ym9iOnR3bw==", scene.bob()),   // bob:two
    ]));
    let layer = FillLayer::new(kept.storage());
    let app = Router::new()
        .fallback_service(layer.layer(scene.goget.clone()))
        .layer(middleware::from_fn_with_state(Arc::clone(&users), auth));
    let server = Server::start_tls(app, &tls).await;
    let client = |user: &str, password: &str| {
        let netrc = format!(
            "machine {} login {user} password {password}\n",
            server.address()
        );
        Client::new(server.url())
            .trusting(&tls.authority_file())
            .netrc(&netrc)
    };
    // Twice: the second time it is stored.
    for _ in 0..2 {
        for (user, password, own, other) in [("alice", "one", HERS, HIS), ("bob", "two", HIS, HERS)]
        {
            let client = client(user, password);
            client
                .go(&["mod", "download", "-json", &format!("{own}@v1.0.0")])
                .await;
            client.go(&["list", "-m", "-versions", own]).await;
            for version in ["v1.0.0", "latest", "main"] {
                let argument = format!("{other}@{version}");
                let output = client
                    .try_go(&["mod", "download", "-json", &argument])
                    .await;
                assert!(!output.success, "{user} has {argument}");
                assert!(output.stdout.contains("404 Not Found"), "{}", output.stdout);
            }
        }
        layer.fills().idle().await;
    }
    let stranger = client("mallory", "three");
    let argument = format!("{HERS}@v1.0.0");
    let output = stranger
        .try_go(&["mod", "download", "-json", &argument])
        .await;
    assert!(
        output.stdout.contains("401 Unauthorized"),
        "{}",
        output.stdout
    );
    let names = kept.names().await;
    assert!(
        names.iter().all(|name| name.starts_with("@for/")),
        "{names:?}"
    );

    // Her token is replaced, at the host and in the store of the auth layer, while all of it runs.
    scene.host.refuse("alice", "apple-pie");
    scene.host.allow("alice", "apple-crumble", &["team/hers"]);
    for (module, name) in [(HERS, "team/hers"), (HIS, "team/his")] {
        scene.repos.at(name).commit(module);
        scene.repos.at(name).tag("v1.1.0");
    }
    let download = async |user: &str, password: &str, id: String| {
        let client = client(user, password);
        client.try_go(&["mod", "download", "-json", &id]).await
    };
    // What is stored needs no token, and what is new needs the new one.
    assert!(
        download("alice", "one", format!("{HERS}@v1.0.0"))
            .await
            .success
    );
    let output = download("alice", "one", format!("{HERS}@v1.1.0")).await;
    assert!(
        output.stdout.contains("502 Bad Gateway"),
        "{}",
        output.stdout
    );
    users.lock().unwrap()[0].1 = scene.user("alice", "apple-crumble");
    for (user, password, own) in [("alice", "one", HERS), ("bob", "two", HIS)] {
        for version in ["v1.1.0", "v1.0.0"] {
            let output = download(user, password, format!("{own}@{version}")).await;
            assert!(output.success, "{user} {version}: {}", output.stdout);
        }
    }
    assert!(
        !download("bob", "two", format!("{HERS}@v1.1.0"))
            .await
            .success
    );
    assert_eq!(scene.host.leaks(), [""; 0]);
}
