//! Conditional requests: whether the registry still has what a layer keeps.

use http::HeaderValue;
use tower_goproxy::Upstream;
use tower_goproxy::source::Validators;

use crate::ask::{LIST, call, get, read, request};
use crate::script::Part::Data;
use crate::script::{Script, status, turn};

const ETAG: (&str, &str) = ("etag", "W/\"1\"");
const DATE: (&str, &str) = ("last-modified", "Mon, 01 Jan 2024 00:00:00 GMT");

fn upstream(list: &str, script: &Script) -> Upstream<Script> {
    Upstream::with_client(list, script.clone()).unwrap()
}

#[tokio::test]
async fn what_a_response_can_be_revalidated_with_is_in_its_extensions() {
    let script = Script::new([turn(&[ETAG, DATE], [Data("a")]), turn(&[], [Data("a")])]);
    let upstream = upstream("https://user:secret@A.test/base/?key=secret", &script);
    let response = get(&upstream, LIST).await;
    let validators = response.extensions().get::<Validators>().unwrap();
    let expected = Validators {
        origin: "https://a.test/base".to_owned(),
        etag: Some(HeaderValue::from_static(ETAG.1)),
        last_modified: Some(HeaderValue::from_static(DATE.1)),
    };
    assert_eq!(*validators, expected);
    assert!(
        get(&upstream, LIST)
            .await
            .extensions()
            .get::<Validators>()
            .is_none()
    );
}

#[tokio::test]
async fn a_request_with_validators_may_be_answered_not_modified() {
    let script = Script::new([
        turn(&[ETAG, DATE], [Data("a")]),
        status(
            304,
            &[ETAG, ("cache-control", "max-age=60"), ("set-cookie", "a=b")],
            [],
        ),
        turn(&[("etag", "\"2\"")], [Data("b")]),
    ]);
    let upstream = upstream("https://a.test", &script);
    let mut asked = request(LIST);
    let response = get(&upstream, LIST).await;
    let validators = response.extensions().get::<Validators>().unwrap().clone();
    asked.extensions_mut().insert(validators.clone());
    let response = call(&upstream, asked.clone()).await;
    assert_eq!(response.status(), 304);
    assert_eq!(response.headers()["cache-control"], "max-age=60");
    assert!(!response.headers().contains_key("set-cookie"));
    assert!(read(response).await.unwrap().is_empty());
    let response = call(&upstream, asked).await;
    assert_eq!(response.status(), 200);
    assert_eq!(read(response).await.unwrap(), b"b");

    let tag = Some(ETAG.1.to_owned());
    assert_eq!(script.headers("if-none-match"), [None, tag.clone(), tag]);
    let date = Some(DATE.1.to_owned());
    assert_eq!(
        script.headers("if-modified-since"),
        [None, date.clone(), date]
    );
}

#[tokio::test]
async fn another_registry_of_the_list_is_asked_without_a_condition() {
    let script = Script::new([
        turn(&[DATE], [Data("a")]),
        status(404, &[], []),
        turn(&[], [Data("b")]),
        status(304, &[], []),
    ]);
    let upstream = upstream("https://a.test,https://b.test", &script);
    let mut asked = request(LIST);
    let response = get(&upstream, LIST).await;
    let validators = response.extensions().get::<Validators>().unwrap().clone();
    asked.extensions_mut().insert(validators);
    assert_eq!(call(&upstream, asked).await.status(), 200);
    let date = Some(DATE.1.to_owned());
    assert_eq!(script.headers("if-modified-since"), [None, date, None]);
    // Nobody has asked whether it is modified.
    assert_eq!(get(&upstream, LIST).await.status(), 502);
}
