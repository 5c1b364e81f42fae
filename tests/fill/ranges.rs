//! Range, If-Range, If-None-Match and If-Match, on stored files and on those that are being filled.

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use tower_goproxy::Storage;
use tower_goproxy::fill::{Fill, FillLayer};
use tower_goproxy::source::Area;

use super::fixtures::{ZIP, large_zip, proxy};
use super::support::{Answer, Framing, Gate, Source, ask, get, read, request, whole};

const PART: usize = 100_000;

fn header<'a, B>(response: &'a Response<B>, name: &str) -> Option<&'a str> {
    let value = response.headers().get(name)?;
    Some(value.to_str().expect("a header is text"))
}

fn etag<B>(response: &Response<B>) -> String {
    header(response, "etag")
        .expect("each file has a tag")
        .to_owned()
}

/// A proxy with the large zip stored, and its tag.
async fn stored(storage: Storage) -> (Fill<Source>, Source, String) {
    let source = Source::serving(ZIP, Answer::new([large_zip()]));
    let layer = FillLayer::new(storage).area(Area::Included);
    let proxy = proxy(&layer, &source);
    ask(&proxy, get(ZIP)).await;
    layer.fills().idle().await;
    let tag = etag(&ask(&proxy, request(Method::HEAD, ZIP, &[])).await);
    source.requests().clear();
    (proxy, source, tag)
}

/// A proxy whose source sends the first part of the large zip, and each other one on demand.
fn gated(storage: Storage, framing: Framing) -> (FillLayer<Area>, Fill<Source>, Source, Gate) {
    let gate = Gate::closed();
    let answer = Answer::in_parts(large_zip(), PART)
        .gated(&gate)
        .framing(framing);
    let source = Source::serving(ZIP, answer);
    let layer = FillLayer::new(storage).area(Area::Included);
    let proxy = proxy(&layer, &source);
    (layer, proxy, source, gate)
}

async fn assert_part<B>(response: Response<B>, tag: &str, from: usize, to: usize)
where
    B: http_body::Body<Data = Bytes, Error = tower::BoxError>,
{
    let content = large_zip();
    assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT);
    let range = format!("bytes {from}-{}/{}", to - 1, content.len());
    assert_eq!(header(&response, "content-range"), Some(&*range));
    assert_eq!(
        header(&response, "content-length"),
        Some(&*(to - from).to_string())
    );
    assert_eq!(etag(&response), tag);
    assert_eq!(header(&response, "content-type"), Some("application/zip"));
    assert!(whole(response.into_body()).await.unwrap() == content[from..to]);
}

on_each_storage! {
    async fn a_range_of_a_stored_file(storage: Storage) {
        let (proxy, source, tag) = stored(storage).await;
        let len = large_zip().len();
        for (range, from, to) in [
            ("bytes=0-0", 0, 1),
            ("bytes=1-70000", 1, 70_001),
            ("bytes=65536-", 65_536, len),
            ("bytes=-1", len - 1, len),
            ("bytes=1000000-99999999", 1_000_000, len),
        ] {
            let response = ask(&proxy, request(Method::GET, ZIP, &[("range", range)])).await;
            assert_eq!(header(&response, "cache-status"), Some("tower-goproxy; hit"));
            assert_part(response, &tag, from, to).await;
        }
        assert_eq!(source.requests().total(), 0);
    }

    async fn if_range_gives_the_part_of_the_same_file_and_the_whole_of_another(storage: Storage) {
        let (proxy, _, tag) = stored(storage).await;
        let range = ("range", "bytes=10-19");
        let same = request(Method::GET, ZIP, &[range, ("if-range", &tag)]);
        assert_part(ask(&proxy, same).await, &tag, 10, 20).await;
        let weak = format!("W/{tag}");
        for other in ["\"other\"", &weak, "Mon, 01 Jan 2024 00:00:00 GMT"] {
            let asked = request(Method::GET, ZIP, &[range, ("if-range", other)]);
            let response = ask(&proxy, asked).await;
            assert_eq!(response.status(), StatusCode::OK, "{other}");
            assert!(whole(response.into_body()).await.unwrap() == large_zip());
        }
    }

    async fn a_known_file_is_not_modified(storage: Storage) {
        let (proxy, source, tag) = stored(storage).await;
        let (weak, several) = (format!("W/{tag}"), format!("\"x\", {tag}"));
        for method in [Method::GET, Method::HEAD] {
            for known in [&*tag, &weak, &several, "*"] {
                let asked = request(method.clone(), ZIP, &[("if-none-match", known)]);
                let response = ask(&proxy, asked).await;
                assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "{known}");
                assert_eq!(etag(&response), tag);
                assert!(header(&response, "cache-control").is_some());
                assert!(whole(response.into_body()).await.unwrap().is_empty());
            }
            let other = request(method, ZIP, &[("if-none-match", "\"other\"")]);
            assert_eq!(ask(&proxy, other).await.status(), StatusCode::OK);
        }
        assert_eq!(source.requests().total(), 0);
    }

    async fn a_condition_that_fails_is_said(storage: Storage) {
        let (proxy, _, tag) = stored(storage).await;
        let asked = request(Method::GET, ZIP, &[("if-match", "\"other\"")]);
        let response = ask(&proxy, asked).await;
        assert_eq!(response.status(), StatusCode::PRECONDITION_FAILED);
        assert!(whole(response.into_body()).await.unwrap().is_empty());
        let asked = request(Method::GET, ZIP, &[("if-match", &tag)]);
        assert_eq!(ask(&proxy, asked).await.status(), StatusCode::OK);

        let beyond = request(Method::GET, ZIP, &[("range", "bytes=99999999-")]);
        let response = ask(&proxy, beyond).await;
        assert_eq!(response.status(), StatusCode::RANGE_NOT_SATISFIABLE);
        let all = format!("bytes */{}", large_zip().len());
        assert_eq!(header(&response, "content-range"), Some(&*all));
        assert!(header(&response, "cache-control").is_none_or(|value| !value.contains("immutable")));
        assert!(whole(response.into_body()).await.unwrap().is_empty());
    }

    /// RFC 9110, section 14.2: ranges are defined for GET alone.
    async fn a_range_means_nothing_to_head(storage: Storage) {
        let (proxy, _, _) = stored(storage).await;
        for range in ["bytes=0-9", "bytes=99999999-"] {
            let response = ask(&proxy, request(Method::HEAD, ZIP, &[("range", range)])).await;
            assert_eq!(response.status(), StatusCode::OK);
            assert_eq!(header(&response, "content-range"), None);
            let len = large_zip().len().to_string();
            assert_eq!(header(&response, "content-length"), Some(&*len));
        }
    }

    async fn a_range_on_a_miss_comes_out_of_the_fill_as_soon_as_it_is_there(storage: Storage) {
        let (layer, proxy, source, gate) = gated(storage, Framing::Length);
        let first = request(Method::GET, ZIP, &[("range", "bytes=10-99999")]);
        let response = ask(&proxy, first).await;
        let miss = "tower-goproxy; fwd=miss; stored";
        assert_eq!(header(&response, "cache-status"), Some(miss));
        let tag = etag(&response);
        assert_part(response, &tag, 10, PART).await;
        assert_eq!(gate.sent_so_far(), 1, "the range did not wait for the file");

        let second = request(Method::GET, ZIP, &[("range", "bytes=150000-")]);
        let mut response = ask(&proxy, second).await;
        assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT);
        assert_eq!(etag(&response), tag, "it is the same fill");
        gate.allow(1);
        let part = read(response.body_mut(), 50_000).await.unwrap();
        assert!(part == large_zip()[150_000..200_000]);
        gate.open();
        let rest = whole(response.into_body()).await.unwrap();
        assert!(rest == large_zip()[200_000..]);

        layer.fills().idle().await;
        assert_eq!(source.requests().total(), 1);
        assert!(source.requests().all()[0].headers.get("range").is_none());
        let hit = ask(&proxy, get(ZIP)).await;
        assert!(whole(hit.into_body()).await.unwrap() == large_zip());
        assert_eq!(source.requests().total(), 1);
    }

    /// It would have to wait for the end.
    async fn a_range_of_a_fill_of_unknown_length_is_ignored(storage: Storage) {
        let (layer, proxy, source, gate) = gated(storage, Framing::Chunked);
        for range in ["bytes=-10", "bytes=10-19", "bytes=1000000-"] {
            let response = ask(&proxy, request(Method::GET, ZIP, &[("range", range)])).await;
            assert_eq!(response.status(), StatusCode::OK);
            assert_eq!(header(&response, "content-range"), None);
            assert_eq!(gate.sent_so_far(), 1, "it does not wait");
            let mut body = response.into_body();
            let begin = read(&mut body, PART - 64).await.unwrap();
            assert!(large_zip().starts_with(&begin));
        }
        let last = ask(&proxy, request(Method::GET, ZIP, &[("range", "bytes=-10")])).await;
        gate.open();
        assert!(whole(last.into_body()).await.unwrap() == large_zip());
        layer.fills().idle().await;
        assert_eq!(source.requests().total(), 1);
    }

    async fn conditions_are_judged_on_a_running_fill(storage: Storage) {
        let (layer, proxy, source, gate) = gated(storage, Framing::Length);
        let tag = etag(&ask(&proxy, get(ZIP)).await);
        let other = ("range", "bytes=0-9");
        for (name, value, status) in [
            ("if-none-match", &*tag, StatusCode::NOT_MODIFIED),
            ("if-match", "\"other\"", StatusCode::PRECONDITION_FAILED),
            ("range", "bytes=99999999-", StatusCode::RANGE_NOT_SATISFIABLE),
            ("if-range", "\"other\"", StatusCode::OK),
            ("if-range", &*tag, StatusCode::PARTIAL_CONTENT),
        ] {
            let mut headers = vec![(name, value)];
            headers.extend((name == "if-range").then_some(other));
            let response = ask(&proxy, request(Method::GET, ZIP, &headers)).await;
            assert_eq!(response.status(), status, "{name}");
            assert_eq!(etag(&response), tag);
        }
        assert_eq!(gate.sent_so_far(), 1);
        gate.open();
        layer.fills().idle().await;
        assert_eq!(source.requests().total(), 1);
        let hit = ask(&proxy, get(ZIP)).await;
        assert!(whole(hit.into_body()).await.unwrap() == large_zip());
        assert_eq!(source.requests().total(), 1, "a client with conditions fills all the same");
    }

    async fn conditions_are_judged_on_a_running_fill_of_unknown_length_too(storage: Storage) {
        let (layer, proxy, _, gate) = gated(storage, Framing::Chunked);
        let tag = etag(&ask(&proxy, get(ZIP)).await);
        let range = ("range", "bytes=0-9");
        for (headers, status) in [
            (vec![("if-none-match", &*tag)], StatusCode::NOT_MODIFIED),
            (vec![("if-none-match", "\"other\"")], StatusCode::OK),
            (vec![("if-match", "\"other\"")], StatusCode::PRECONDITION_FAILED),
            (vec![("if-match", &*tag)], StatusCode::OK),
            (vec![("if-range", &*tag), range], StatusCode::OK),
        ] {
            let response = ask(&proxy, request(Method::GET, ZIP, &headers)).await;
            assert_eq!(response.status(), status, "{headers:?}");
            assert_eq!(etag(&response), tag);
        }
        assert_eq!(gate.sent_so_far(), 1);
        gate.open();
        layer.fills().idle().await;
    }

    /// A later fill may bring other bytes of the same length.
    async fn the_tag_of_a_fill_is_that_of_no_other_fill(storage: Storage) {
        let (layer, proxy, source, gate) = gated(storage.clone(), Framing::Length);
        let first = etag(&ask(&proxy, get(ZIP)).await);
        gate.open();
        layer.fills().idle().await;
        assert_eq!(source.requests().total(), 1);

        // The stored file may have another one, and then it is sent as a whole.
        let headers = [("range", "bytes=10-19"), ("if-range", &*first)];
        let response = ask(&proxy, request(Method::GET, ZIP, &headers)).await;
        assert_eq!(header(&response, "cache-status"), Some("tower-goproxy; hit"));
        assert_ne!(etag(&response), first);
        assert_eq!(response.status(), StatusCode::OK);
        assert!(whole(response.into_body()).await.unwrap() == large_zip());

        let (layer, proxy, _, gate) = gated(Storage::memory(), Framing::Length);
        let response = ask(&proxy, request(Method::GET, ZIP, &headers)).await;
        assert_eq!(header(&response, "cache-status"), Some("tower-goproxy; fwd=miss; stored"));
        assert_ne!(etag(&response), first);
        assert_eq!(response.status(), StatusCode::OK);
        gate.open();
        assert!(whole(response.into_body()).await.unwrap() == large_zip());
        layer.fills().idle().await;
    }
}
