//! The real go command over TLS, and what a client can speak.

use std::fs;

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::keys::{Keys, client};
use crate::proxy::Proxy;
use crate::support::{Client, StaticRegistry, Tree};
use crate::users::hash;

#[tokio::test]
async fn the_go_command_builds_over_tls_with_a_private_authority_and_a_user_of_its_netrc() {
    let tree = Tree::all();
    let registry = StaticRegistry::start(tree.root()).await;
    let keys = Keys::new();
    let folder = TempDir::new().unwrap();
    let users = folder.path().join("users");
    fs::write(&users, format!("dev:{}\n", hash("secret"))).unwrap();
    let upstream = registry.url();
    let options = keys.options();
    let tls: Vec<_> = options.iter().map(String::as_str).collect();
    let args = ["--storage", "memory:", "--upstream", &upstream];
    let users = ["--users", users.to_str().unwrap()];
    let proxy = Proxy::start(&[&args[..], &users, &tls].concat()).await;

    let goproxy = format!("https://{}", proxy.address);
    let netrc = format!("machine {} login dev password secret\n", proxy.address);
    let authority = keys.at("authority.pem");
    let go = || Client::new(&goproxy).trusting(&authority).netrc(&netrc);
    let built = go().build_program().await;
    registry.shutdown().await;
    // Again from the storage alone, with an empty module cache.
    assert_eq!(go().build_program().await, built);
    let module = tempfile::tempdir().unwrap();
    fs::write(
        module.path().join("go.mod"),
        "module main.example/m\n\ngo 1.20\n",
    )
    .unwrap();
    let (name, version) = built.modules[0].split_once('@').unwrap();
    let get = go()
        .env("GODEBUG", "http2debug=1")
        .run_in(module.path(), &["get", &format!("{name}@{version}")])
        .await;
    assert!(get.success, "{}", get.stderr);
    assert!(get.stderr.contains("http2: "), "{}", get.stderr);
    let all = go().run_in(module.path(), &["mod", "download"]).await;
    assert!(all.success, "{}", all.stderr);

    let wrong = Client::new(&goproxy).trusting(&authority);
    let refused = wrong
        .try_go(&["mod", "download", &format!("{name}@{version}")])
        .await;
    assert!(
        !refused.success && refused.stderr.contains("401"),
        "{}",
        refused.stderr
    );
}

#[tokio::test]
async fn http2_is_chosen_by_alpn() {
    let keys = Keys::new();
    let options = keys.options();
    let tls: Vec<_> = options.iter().map(String::as_str).collect();
    let args = ["--storage", "memory:", "--upstream", "off"];
    let proxy = Proxy::start(&[&args[..], &tls].concat()).await;
    let authority = keys.at("authority.pem");
    for (offered, chosen) in [
        (&["h2", "http/1.1"][..], Some("h2")),
        (&["http/1.1"], Some("http/1.1")),
        (&[], None),
    ] {
        let connector = TlsConnector::from(client(&authority, offered));
        let stream = TcpStream::connect(proxy.address).await.unwrap();
        let stream = connector
            .connect("one.example".try_into().unwrap(), stream)
            .await
            .unwrap();
        let found = stream.get_ref().1.alpn_protocol();
        assert_eq!(found, chosen.map(str::as_bytes));
        if chosen == Some("h2") {
            let io = TokioIo::new(stream);
            let handshake = http2::handshake::<_, _, Empty<Bytes>>(TokioExecutor::new(), io);
            let (mut sender, connection) = handshake.await.unwrap();
            tokio::spawn(connection);
            let request = Request::get("https://one.example/healthz")
                .body(Empty::new())
                .unwrap();
            assert_eq!(sender.send_request(request).await.unwrap().status(), 200);
        }
    }
}
