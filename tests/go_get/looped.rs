//! go-imports of the kind `mod`: they name a module proxy, which may be the very server that asks.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use tower::service_fn;
use tower_goproxy::GoGet;

use crate::errors::assert_error;
use crate::hosts::everywhere;
use crate::setup::{HELLO, Setup};
use crate::support::{Server, module_zip, within};

const MODULE: &str = "vanity.example/team/m";

/// A host that says of each path that this module proxy has it.
async fn page(proxy: &Arc<Mutex<String>>) -> Server {
    let proxy = Arc::clone(proxy);
    let service = service_fn(move |request: Request<Incoming>| {
        let proxy = proxy.lock().unwrap().clone();
        async move {
            let path = request.uri().path();
            let page =
                format!("<meta name=\"go-import\" content=\"vanity.example{path} mod {proxy}\">");
            let mut response = Response::new(Full::new(Bytes::from(page)));
            // A proxy for TLS it is not, so that the go command falls back to plain http.
            if request.method() == Method::CONNECT {
                *response.status_mut() = StatusCode::BAD_GATEWAY;
            }
            Ok::<_, Infallible>(response)
        }
    });
    Server::start(service).await
}

/// A service over repositories, for which all other hosts are the one with this page.
fn setup(page: &Server) -> Setup {
    Setup::new().with(|goget| everywhere(goget, &page.url()))
}

async fn assert_ends(setup: &Setup) {
    let paths = [
        "@v/list",
        "@latest",
        "@v/v1.0.0.info",
        "@v/v1.0.0.mod",
        "@v/v1.0.0.zip",
        "@v/main.info",
    ];
    let all = paths.iter().enumerate().map(|(i, path)| async move {
        // More at once than one host has run slots.
        let answers = [
            setup.get(&format!("/{MODULE}/{path}")).await,
            setup.get(&format!("/{MODULE}{i}/{path}")).await,
        ];
        for answer in answers {
            assert_error(
                &answer,
                502,
                "the go-import of the module leads back to this server",
            );
        }
    });
    within(join_all(all)).await;
    setup.hello().tag("v1.0.0");
    assert_eq!(setup.text(&format!("/{HELLO}/@v/list")).await, "v1.0.0\n");
}

#[tokio::test]
async fn one_that_leads_back_to_this_server_ends_with_an_error() {
    let address = Arc::default();
    let page = page(&address).await;
    let setup = setup(&page);
    let server = Server::start(setup.goget.clone()).await;
    *address.lock().unwrap() = server.url();
    assert_ends(&setup).await;
}

/// There the request that comes back meets the one that waits.
#[cfg(feature = "fill")]
#[tokio::test]
async fn one_that_leads_back_through_a_fill_layer_ends_with_an_error() {
    use tower::Layer as _;
    use tower_goproxy::Storage;
    use tower_goproxy::fill::FillLayer;

    let address = Arc::default();
    let page = page(&address).await;
    let setup = setup(&page);
    let layer = FillLayer::new(Storage::memory());
    let server = Server::start(layer.layer(setup.goget.clone())).await;
    *address.lock().unwrap() = server.url();
    let client = crate::support::Client::new(server.url());
    let outputs = join_all((0..8).map(|i| {
        let argument = format!("{MODULE}{i}@v1.0.0");
        let client = &client;
        async move { client.try_go(&["mod", "download", &argument]).await }
    }));
    for output in within(outputs).await {
        assert!(!output.success);
        assert!(
            output.stderr.contains("leads back to this server"),
            "{}",
            output.stderr
        );
    }
    assert_ends(&setup).await;
}

#[tokio::test]
async fn one_that_leads_to_another_module_proxy_is_followed() {
    let go_mod = format!("module {MODULE}\n\ngo 1.20\n");
    let zip = module_zip(MODULE, "v1.0.0", &[("go.mod", go_mod.as_bytes())]);
    let files: BTreeMap<_, Vec<u8>> = [
        ("list", b"v1.0.0\n".to_vec()),
        (
            "v1.0.0.info",
            br#"{"Version":"v1.0.0","Time":"2024-01-02T03:04:05Z"}"#.to_vec(),
        ),
        ("v1.0.0.mod", go_mod.clone().into()),
        ("v1.0.0.zip", zip.clone()),
    ]
    .into_iter()
    .map(|(name, bytes)| (format!("/{MODULE}/@v/{name}"), bytes))
    .collect();
    let registry = Server::start(service_fn(move |request: Request<Incoming>| {
        let file = files.get(request.uri().path()).cloned();
        async move {
            let mut response =
                Response::new(Full::new(Bytes::from(file.clone().unwrap_or_default())));
            if file.is_none() {
                *response.status_mut() = StatusCode::NOT_FOUND;
            }
            Ok::<_, Infallible>(response)
        }
    }))
    .await;
    let address = Arc::new(Mutex::new(registry.url()));
    let page = page(&address).await;
    let setup = setup(&page);
    assert_eq!(setup.text(&format!("/{MODULE}/@v/list")).await, "v1.0.0\n");
    assert_eq!(
        setup.text(&format!("/{MODULE}/@v/v1.0.0.mod")).await,
        go_mod
    );
    assert_eq!(
        setup.get(&format!("/{MODULE}/@v/v1.0.0.zip")).await.body,
        zip
    );
    let answer = setup.get(&format!("/{MODULE}/@v/v1.1.0.info")).await;
    assert_error(&answer, 404, "404 Not Found");

    // One of the settings needs no second look.
    let setup = setup.with(|goget| goget.proxy(format!("{},direct", registry.url())));
    let goget = GoGet::new(setup.settings.clone()).unwrap();
    assert_eq!(setup.text(&format!("/{MODULE}/@v/list")).await, "v1.0.0\n");
    assert_eq!(goget.runs().running(), 0);
}
