//! Answers of a source that are passed on and not stored.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{Empty, Full};
use tower::{ServiceBuilder, service_fn};
use tower_goproxy::Storage;
use tower_goproxy::fill::{FillLayer, OnMiss};
use tower_goproxy::source::Area;

use super::fixtures::{INFO, MOD, ZIP, info, large_zip, module_file, not_found, proxy, zip};
use super::support::{Answer, Framing, Gate, Source, ask, get, quiet, request, whole};

/// Asks for what is no file to be stored: each of three requests is answered by the source itself.
/// One who never wants to see an unchecked byte does not get it.
async fn assert_passes(layer: FillLayer<Area>, path: &'static str, answer: Answer, body: &[u8]) {
    let source = Source::serving(path, answer.clone());
    let streaming = proxy(&layer, &source);
    for asked in 1..=3 {
        let response = ask(&streaming, get(path)).await;
        assert_eq!(
            response.headers()["cache-status"],
            "tower-goproxy; fwd=miss"
        );
        assert!(!response.headers().contains_key("etag"));
        assert!(whole(response.into_body()).await.unwrap() == body);
        layer.fills().idle().await;
        assert_eq!(source.requests().total(), asked);
    }
    let layer = layer.on_miss(OnMiss::Wait);
    let response = ask(&proxy(&layer, &source), get(path)).await;
    assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
    layer.fills().idle().await;
}

/// However it is asked for, and each time anew.
async fn assert_is_bad_gateway(storage: Storage, path: &'static str, answer: Answer) {
    for on_miss in [OnMiss::Stream, OnMiss::Wait] {
        let source = Source::serving(path, answer.clone());
        let layer = FillLayer::new(storage.clone())
            .area(Area::Included)
            .on_miss(on_miss);
        let proxy = proxy(&layer, &source);
        for asked in 1..=2 {
            let response = ask(&proxy, get(path)).await;
            assert_eq!(
                response.status(),
                StatusCode::BAD_GATEWAY,
                "{path} {answer:?}"
            );
            assert_eq!(response.headers()["cache-control"], "no-store");
            assert!(whole(response.into_body()).await.unwrap().len() < 1000);
            layer.fills().idle().await;
            assert_eq!(source.requests().total(), asked);
        }
        let response = ask(&proxy, request(Method::HEAD, path, &[])).await;
        assert_eq!(
            response.status(),
            StatusCode::BAD_GATEWAY,
            "HEAD {path} {answer:?}"
        );
    }
}

on_each_storage! {
    /// Identity was asked for, and what is encoded can neither be checked nor read.
    async fn an_encoded_answer_is_a_502(storage: Storage) {
        let list = "/example.com/!mod/@v/list";
        for (path, content) in [(INFO, info()), (MOD, module_file()), (ZIP, zip()), (ZIP, large_zip()), (list, "v1.0.0\n".into())] {
            for encoding in ["gzip", "br", "identity, br"] {
                let encoded = Answer::new([content.clone()]).header("content-encoding", encoding);
                assert_is_bad_gateway(storage.clone(), path, encoded.clone()).await;
                let unstored = encoded.header("cache-control", "no-store");
                assert_is_bad_gateway(storage.clone(), path, unstored).await;
            }
        }
    }

    async fn a_file_that_is_not_to_be_stored(storage: Storage) {
        let layer = FillLayer::new(storage).area(Area::Included);
        for (path, content) in [(INFO, info()), (MOD, module_file()), (ZIP, zip()), (ZIP, large_zip())] {
            let answer = Answer::new([content.clone()]).header("cache-control", "no-store");
            assert_passes(layer.clone(), path, answer, &content).await;
        }
    }

    /// Neither a range nor a condition was sent, so nothing but a 200 is the file.
    async fn a_success_that_is_no_200_is_a_502(storage: Storage) {
        let list = "/example.com/!mod/@v/list";
        for status in [201, 202, 203, 204, 205, 206] {
            let status = StatusCode::from_u16(status).unwrap();
            for path in [INFO, MOD, ZIP, list] {
                let answer = Answer::new([large_zip()]).status(status);
                assert_is_bad_gateway(storage.clone(), path, answer).await;
            }
        }
    }

    async fn a_part_that_says_it_is_the_whole_is_a_502(storage: Storage) {
        let part = Answer::new([module_file()]).header("content-range", "bytes 0-3/10");
        for path in [INFO, MOD, ZIP] {
            assert_is_bad_gateway(storage.clone(), path, part.clone()).await;
        }
    }

    async fn a_file_that_is_declared_too_large(storage: Storage) {
        let layer = FillLayer::new(storage).area(Area::Included);
        for (layer, path, content) in [
            (layer.clone().max_zip_size(zip().len() as u64 - 1), ZIP, zip()),
            (layer.clone().max_mod_size(module_file().len() as u64 - 1), MOD, module_file()),
            (layer.clone().max_info_size(info().len() as u64 - 1), INFO, info()),
        ] {
            assert_passes(layer, path, Answer::new([content.clone()]), &content).await;
        }
    }

    async fn a_file_of_just_the_largest_size_is_stored(storage: Storage) {
        let layer = FillLayer::new(storage).area(Area::Included)
            .max_zip_size(zip().len() as u64)
            .max_mod_size(module_file().len() as u64)
            .max_info_size(info().len() as u64);
        for (path, content) in [(ZIP, zip()), (MOD, module_file()), (INFO, info())] {
            let answer = Answer::in_parts(content.clone(), 7).framing(Framing::Chunked);
            let source = Source::serving(path, answer);
            let proxy = proxy(&layer, &source);
            for _ in 0..2 {
                let body = ask(&proxy, get(path)).await.into_body();
                assert_eq!(whole(body).await.unwrap(), content);
                layer.fills().idle().await;
            }
            assert_eq!(source.requests().total(), 1);
        }
    }

    async fn a_file_that_turns_out_too_large(storage: Storage) {
        let answer = Answer::in_parts(large_zip(), 50_000).framing(Framing::Chunked);
        let source = Source::serving(ZIP, answer);
        let layer = FillLayer::new(storage).area(Area::Included).max_zip_size(500_000);
        let proxy = proxy(&layer, &source);
        for asked in 1..=2 {
            let response = ask(&proxy, get(ZIP)).await;
            assert_eq!(response.status(), StatusCode::OK);
            assert!(whole(response.into_body()).await.unwrap() == large_zip());
            layer.fills().idle().await;
            assert_eq!(source.requests().total(), asked);
        }
    }

    async fn a_file_that_turns_out_too_large_cannot_be_had_checked(storage: Storage) {
        let answer = Answer::in_parts(large_zip(), 50_000).framing(Framing::Chunked);
        let source = Source::serving(ZIP, answer);
        let layer = FillLayer::new(storage).area(Area::Included).max_zip_size(500_000).on_miss(OnMiss::Wait);
        let proxy = proxy(&layer, &source);
        for asked in 1..=2 {
            let response = ask(&proxy, get(ZIP)).await;
            assert!(response.status().is_server_error());
            assert!(whole(response.into_body()).await.unwrap().len() < 1000);
            layer.fills().idle().await;
            assert_eq!(source.requests().total(), asked);
        }
    }

    async fn a_file_that_turns_out_too_large_is_passed_to_all_who_had_attached(storage: Storage) {
        let gate = Gate::closed();
        let answer = Answer::in_parts(large_zip(), 100_000).framing(Framing::Chunked);
        let source = Source::serving(ZIP, answer.gated(&gate));
        let layer = FillLayer::new(storage).area(Area::Included).max_zip_size(500_000);
        let proxy = proxy(&layer, &source);
        let responses = join_all((0..5).map(|_| ask(&proxy, get(ZIP)))).await;
        gate.open();
        let bodies = join_all(responses.into_iter().map(|one| whole(one.into_body()))).await;
        assert!(bodies.into_iter().all(|body| body.unwrap() == large_zip()));
        layer.fills().idle().await;
        assert_eq!(source.requests().total(), 1);
    }

    async fn all_who_wait_for_an_answer_that_cannot_be_shared_get_one_of_their_own(storage: Storage) {
        let gate = Gate::closed();
        let answer = Answer::new([zip()]).header("cache-control", "no-store").withheld(&gate);
        let source = Source::serving(ZIP, answer);
        let layer = FillLayer::new(storage).area(Area::Included);
        let proxy = proxy(&layer, &source);
        let asked = join_all((0..4).map(|_| ask(&proxy, get(ZIP))));
        let opened = async {
            quiet().await;
            gate.open();
        };
        let (responses, ()) = tokio::join!(asked, opened);
        for response in responses {
            assert_eq!(response.headers()["cache-control"], "no-store");
            assert_eq!(whole(response.into_body()).await.unwrap(), zip());
        }
        layer.fills().idle().await;
        assert_eq!(source.requests().total(), 4);
    }

    async fn an_error_is_shared_and_not_remembered(storage: Storage) {
        for status in [404, 410, 429, 500, 503] {
            let status = StatusCode::from_u16(status).unwrap();
            let gate = Gate::closed();
            let answer = Answer::text(status, "why not")
                .header("retry-after", "7")
                .header("set-cookie", "session=1")
                .withheld(&gate);
            let source = Source::serving(ZIP, answer);
            let layer = FillLayer::new(storage.clone()).area(Area::Included);
            let proxy = proxy(&layer, &source);
            let asked = join_all((0..3).map(|_| ask(&proxy, get(ZIP))));
            let opened = async {
                quiet().await;
                gate.open();
            };
            let (responses, ()) = tokio::join!(asked, opened);
            assert_eq!(source.requests().total(), 1, "{status}");
            for response in responses {
                assert_eq!(response.status(), status);
                let headers = response.headers();
                assert_eq!(headers["content-type"], "text/plain; charset=utf-8");
                assert_eq!(headers["content-length"], "7");
                assert_eq!(headers["retry-after"], "7");
                assert_eq!(headers["cache-status"], "tower-goproxy; fwd=miss");
                assert!(!headers.contains_key("set-cookie"));
                assert!(!headers.contains_key("etag"));
                assert_eq!(whole(response.into_body()).await.unwrap(), "why not");
            }
            layer.fills().idle().await;
            assert_eq!(ask(&proxy, get(ZIP)).await.status(), status);
            layer.fills().idle().await;
            assert_eq!(source.requests().total(), 2, "{status}");
        }
    }

    async fn a_file_that_comes_after_an_error_is_stored(storage: Storage) {
        let source = Source::new(|request| match request.nth {
            0 => not_found(),
            _ => Answer::new([zip()]),
        });
        let layer = FillLayer::new(storage).area(Area::Included);
        let proxy = proxy(&layer, &source);
        let mut statuses = Vec::new();
        for _ in 0..3 {
            statuses.push(ask(&proxy, get(ZIP)).await.status().as_u16());
            layer.fills().idle().await;
        }
        assert_eq!(statuses, [404, 200, 200]);
        assert_eq!(source.requests().total(), 2);
    }

    /// RFC 9112, section 6.3: a proxy discards such an answer, and says 502.
    async fn two_lengths_that_disagree_are_no_answer(storage: Storage) {
        let content = module_file();
        let len = content.len().to_string();
        for lengths in [["10", &*len], [&*len, "10"], [&*len, "many"], ["10", "10"]] {
            assert_is_no_answer(storage.clone(), lengths).await;
        }
    }
}

async fn assert_is_no_answer(storage: Storage, lengths: [&str; 2]) {
    let lengths = lengths.map(str::to_owned);
    let source = service_fn(move |_: Request<Empty<Bytes>>| {
        let mut response = Response::builder();
        for len in &lengths {
            response = response.header("content-length", len);
        }
        let response = response.body(Full::new(module_file()));
        async move { Ok::<_, Infallible>(response.expect("the headers are well-formed")) }
    });
    for on_miss in [OnMiss::Stream, OnMiss::Wait] {
        let layer = FillLayer::new(storage.clone())
            .area(Area::Included)
            .on_miss(on_miss);
        let proxy = ServiceBuilder::new()
            .layer(layer.clone())
            .service(source.clone());
        for _ in 0..2 {
            let response = ask(&proxy, get(MOD)).await;
            assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
            assert_eq!(
                response.headers()["content-type"],
                "text/plain; charset=utf-8"
            );
            layer.fills().idle().await;
        }
    }
}
