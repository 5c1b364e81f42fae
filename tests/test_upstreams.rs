//! The upstreams that other tests rely on do what they are told, also when that is wrong.

mod support;

use bytes::{Bytes, BytesMut};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Collected, Empty};
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::TokioExecutor;
use support::module_zip::{incompressible, module_zip, not_a_zip, truncated};
use support::{
    Answer, Framing, Gate, MODULES, Recorded, ScriptedRegistry, StaticRegistry, Tree,
    zip_with_wrong_prefix,
};
use zip::ZipArchive;

const PATH: &str = "/example.com/m/@v/v1.0.0.zip";

async fn get(url: &str, http2: bool) -> Result<Response<Incoming>, Error> {
    Client::builder(TokioExecutor::new())
        .http2_only(http2)
        .build_http()
        .request(
            Request::get(url)
                .body(Empty::<Bytes>::new())
                .expect("the test's URL is well-formed"),
        )
        .await
}

fn body() -> Bytes {
    incompressible(300_000, 7).into()
}

/// Sends `body()` in three parts with this framing, and gives the head, the first part, and the rest
/// if it ends well.
async fn fetch(framing: Framing, http2: bool) -> (Response<()>, Bytes, Option<Bytes>) {
    let gate = Gate::closed();
    let answer = Answer::in_parts(body(), 100_000)
        .framing(framing)
        .gated(&gate);
    let script = move |_: &Recorded| answer.clone();
    let registry = if http2 {
        ScriptedRegistry::h2c(script).await
    } else {
        ScriptedRegistry::http1(script).await
    };
    let response = get(&format!("{}{PATH}", registry.url()), http2)
        .await
        .expect("a head arrives");
    let (head, mut incoming) = response.into_parts();
    let mut first = BytesMut::new();
    while first.len() < 100_000 {
        let frame = incoming.frame().await.expect("the first part is whole");
        first.extend(frame.expect("the first part is good").into_data());
    }
    gate.open();
    let rest = incoming.collect().await.ok().map(Collected::to_bytes);
    (Response::from_parts(head, ()), first.freeze(), rest)
}

#[tokio::test]
async fn complete_bodies_arrive_whole_with_each_framing() {
    for (framing, http2) in [
        (Framing::Length, false),
        (Framing::Chunked, false),
        (Framing::Close, false),
        (Framing::Length, true),
        (Framing::Chunked, true),
    ] {
        let (head, first, rest) = fetch(framing, http2).await;
        let whole = [first, rest.expect("a clean end")].concat();
        assert!(whole == body(), "{framing:?} http2={http2}");
        assert_eq!(
            head.headers().get("content-length").is_some(),
            framing == Framing::Length,
            "{framing:?} http2={http2}"
        );
    }
}

#[tokio::test]
async fn cut_bodies_are_an_error_of_the_body() {
    for (framing, http2) in [
        (Framing::Short(1), false),
        (Framing::Cut, false),
        (Framing::Reset, false),
        (Framing::Short(1), true),
        (Framing::Cut, true),
    ] {
        let (_, _, rest) = fetch(framing, http2).await;
        assert!(rest.is_none(), "{framing:?} http2={http2}");
    }
}

#[tokio::test]
async fn no_answer_is_an_error_before_the_head() {
    let answer = |_: &Recorded| Answer::new([""; 0]).framing(Framing::NoAnswer);
    let http1 = ScriptedRegistry::http1(answer).await;
    let http2 = ScriptedRegistry::h2c(answer).await;
    assert!(get(&http1.url(), false).await.is_err());
    assert!(get(&http2.url(), true).await.is_err());
}

#[tokio::test]
async fn a_gate_holds_each_part_back_until_it_is_allowed() {
    for http2 in [false, true] {
        let gate = Gate::closed();
        let answer = Answer::in_parts(body(), 100_000).gated(&gate);
        let script = move |_: &Recorded| answer.clone();
        let registry = if http2 {
            ScriptedRegistry::h2c(script).await
        } else {
            ScriptedRegistry::http1(script).await
        };
        let mut incoming = get(&registry.url(), http2)
            .await
            .expect("a head arrives")
            .into_body();
        let mut received = 0;
        for part in 1..=3 {
            while received < part * 100_000 {
                let frame = incoming.frame().await.expect("the body goes on");
                received += frame
                    .expect("the body is whole")
                    .into_data()
                    .map_or(0, |data| data.len());
            }
            gate.sent(part).await;
            assert_eq!(received, part * 100_000);
            assert_eq!(gate.sent_so_far(), part);
            gate.allow(1);
        }
        let rest = incoming.collect().await.expect("a clean end");
        assert!(rest.to_bytes().is_empty());
    }
}

#[tokio::test]
async fn a_withheld_head_comes_when_the_gate_opens() {
    let gate = Gate::closed();
    let registry = ScriptedRegistry::serving(PATH, Answer::new(["late"]).withheld(&gate)).await;
    let url = format!("{}{PATH}", registry.url());
    let request = tokio::spawn(async move { get(&url, false).await });
    registry.requests().arrived(1).await;
    assert!(
        !request.is_finished(),
        "the head came through a closed gate"
    );
    gate.open();
    let response = request.await.expect("the request does not panic");
    assert_eq!(response.expect("a head arrives").status(), 200);
}

#[tokio::test]
async fn a_script_sees_how_often_it_is_asked_and_with_which_headers() {
    let registry = ScriptedRegistry::http1(|request| match request.nth {
        0 => Answer::text(StatusCode::SERVICE_UNAVAILABLE, "again").header("retry-after", "1"),
        _ => Answer::in_parts(body(), 1000).gzip(),
    })
    .await;
    let url = format!("{}/example.com/%21m/@v/v1.0.0.mod", registry.url());
    assert_eq!(get(&url, false).await.expect("a head").status(), 503);
    let second = get(&url, false).await.expect("a head");
    assert_eq!(second.headers()["content-encoding"], "gzip");

    assert_eq!(
        registry.requests().count("/example.com/!m/@v/v1.0.0.mod"),
        2
    );
    let recorded = &registry.requests().all()[0];
    assert!(recorded.headers.contains_key("host"));
    assert_eq!(recorded.uri.path(), "/example.com/%21m/@v/v1.0.0.mod");
}

#[tokio::test]
async fn a_static_registry_serves_escaped_paths_and_refuses_when_it_is_stopped() {
    let odd = MODULES
        .iter()
        .filter(|module| module.extra != support::modules::Extra::Big);
    let tree = Tree::of(odd.clone());
    for http2 in [false, true] {
        let registry = StaticRegistry::start(tree.root()).await;
        for key in odd.clone().map(|module| module.key("zip")) {
            let url = format!("{}/{}", registry.url(), key.replace('!', "%21"));
            let response = get(&url, http2).await.expect("a head arrives");
            let length = response.headers()["content-length"].clone();
            let body = response.into_body().collect().await.expect("a whole body");
            let body = body.to_bytes();
            assert_eq!(length, body.len().to_string());
            assert_eq!(body, tree.read(&key));
            assert_eq!(registry.requests().count(&format!("/{key}")), 1);
        }
        let url = registry.url();
        registry.shutdown().await;
        assert!(
            get(&url, http2)
                .await
                .is_err_and(|error| error.is_connect())
        );
    }
}

#[test]
fn corrupt_zips_are_corrupt_and_good_ones_good() {
    let (path, version) = ("example.com/Mod", "v1.0.0-RC.1");
    let good = module_zip(path, version, &[("go.mod", b"module example.com/Mod\n")]);
    let names = |zip: Vec<u8>| -> Option<Vec<String>> {
        let archive = ZipArchive::new(std::io::Cursor::new(zip)).ok()?;
        let names = archive.file_names().map(|name| name.map(Into::into));
        names.collect::<Result<_, _>>().ok()
    };
    assert_eq!(
        names(good.clone()),
        Some(vec!["example.com/Mod@v1.0.0-RC.1/go.mod".to_owned()])
    );
    assert_eq!(names(truncated(&good)), None);
    assert_eq!(names(not_a_zip()), None);
    let wrong = names(zip_with_wrong_prefix(path, version)).expect("it is a zip");
    assert!(
        wrong
            .iter()
            .all(|name| !name.starts_with("example.com/Mod@"))
    );
}
