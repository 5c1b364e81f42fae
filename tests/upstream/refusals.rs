//! What a registry refuses: whose fault it is, and what a client and an operator learn of it.

use http::header::{AUTHORIZATION, CACHE_CONTROL, RETRY_AFTER};
use http::{HeaderName, HeaderValue};
use tower_goproxy::Upstream;

use crate::ask::{LIST, ZIP, get, read};
use crate::script::Part::Data;
use crate::script::{Script, Turn, status};

const PLAIN: (&str, &str) = ("content-type", "text/plain; charset=utf-8");

fn refusal(code: u16) -> Turn {
    status(
        code,
        &[PLAIN],
        [Data("blocked: known malware\nsee policy 7\n")],
    )
}

fn registry(list: &str, turn: Turn) -> Upstream<Script> {
    let script = Script::new([turn]);
    Upstream::with_client(list, script).unwrap().retries(0)
}

#[tokio::test]
async fn a_refusal_keeps_its_status_and_its_text_where_no_credentials_were_sent() {
    for code in [400, 402, 403, 406, 409, 418, 422, 425, 451] {
        for path in [LIST, ZIP] {
            let response = get(&registry("https://a.test", refusal(code)), path).await;
            assert_eq!(response.status(), code);
            assert_eq!(response.headers()[CACHE_CONTROL], "no-cache");
            let text = b"blocked: known malware\nsee policy 7\n";
            assert_eq!(read(response).await.unwrap(), text);
        }
    }
    let silent = registry("https://a.test", status(403, &[], []));
    let response = get(&silent, LIST).await;
    assert_eq!(response.status(), 403);
    assert_eq!(read(response).await.unwrap(), b"forbidden\n");
}

#[tokio::test]
async fn a_refusal_of_credentials_is_a_bad_gateway_without_its_text() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "machine a.test login a password b").unwrap();
    for code in [401, 403] {
        let token = HeaderValue::from_static("t");
        for upstream in [
            registry("https://user:pw@a.test", refusal(code)),
            registry("https://a.test?token=secret", refusal(code)),
            registry("https://a.test", refusal(code)).header(AUTHORIZATION, token.clone()),
            registry("https://a.test", refusal(code))
                .header(HeaderName::from_static("x-token"), token),
            registry("https://a.test", refusal(code))
                .netrc(file.path())
                .unwrap(),
        ] {
            let response = get(&upstream, LIST).await;
            assert_eq!(response.status(), 502, "{upstream:?}");
            assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
            let text = b"bad gateway: upstream refused access\n";
            assert_eq!(read(response).await.unwrap(), text);
        }
    }
    // Credentials of other hosts are none.
    let upstream = registry("https://b.test", refusal(403)).netrc(file.path());
    assert_eq!(get(&upstream.unwrap(), LIST).await.status(), 403);
}

#[tokio::test]
async fn a_text_that_repeats_a_secret_of_ours_is_not_passed() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "machine a.test login robot password s3cret").unwrap();
    let plain = |it: Upstream<Script>| it;
    let netrc = |it: Upstream<Script>| it.netrc(file.path()).unwrap();
    let header = |it: Upstream<Script>| {
        let token = HeaderValue::from_static("Bearer s3cret");
        it.header(AUTHORIZATION, token)
    };
    type With<'a> = &'a dyn Fn(Upstream<Script>) -> Upstream<Script>;
    let with: [(_, With<'_>); 4] = [
        ("https://a.test?key=s3cret", &plain),
        ("https://robot:s3cret@a.test", &plain),
        ("https://a.test", &netrc),
        ("https://a.test", &header),
    ];
    for (list, with) in with {
        for (said, shown) in [
            ("no such version", "no such version"),
            ("GET /m/@v/list?key=s3cret: no such file", "not found"),
            (
                "sent: Basic cm9ib3Q6czNjcmV0, Bearer s3cret, key=s3cret",
                "not found",
            ),
        ] {
            let upstream = with(registry(list, status(404, &[PLAIN], [Data(said)])));
            let response = get(&upstream, LIST).await;
            assert_eq!(response.status(), 404);
            let text = read(response).await.unwrap();
            assert_eq!(text, format!("{shown}\n").as_bytes(), "{list} {said}");
        }
    }
}

#[tokio::test]
async fn what_is_about_our_request_is_a_bad_gateway() {
    for code in [
        401, 405, 407, 408, 412, 416, 417, 426, 431, 500, 501, 502, 503,
    ] {
        let response = get(&registry("https://a.test", refusal(code)), LIST).await;
        assert_eq!(response.status(), 502, "{code}");
        let text = String::from_utf8(read(response).await.unwrap()).unwrap();
        assert!(!text.contains("malware"), "{code}: {text}");
    }
}

#[tokio::test]
async fn a_busy_registry_says_so_to_the_client() {
    for (code, after, want) in [
        (503, Some("7"), 503),
        (503, Some("Wed, 21 Oct 2026 07:28:00 GMT"), 503),
        (503, Some("soon"), 502),
        (503, None, 502),
        (504, Some("60"), 504),
        (504, None, 504),
    ] {
        let header = after.map(|after| ("retry-after", after));
        let turn = status(code, header.as_slice(), [Data("inner")]);
        let response = get(&registry("https://a.test", turn), LIST).await;
        assert_eq!(response.status(), want, "{code} {after:?}");
        let passed = response.headers().get(RETRY_AFTER);
        let expected = after.filter(|_| want == code && after != Some("soon"));
        assert_eq!(passed.map(|value| value.to_str().unwrap()), expected);
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
        assert!(!read(response).await.unwrap().starts_with(b"inner"));
    }
}

#[tokio::test]
async fn what_does_not_exist_may_be_remembered_unless_the_registry_forbids_it() {
    for (headers, want) in [
        (&[][..], "no-cache"),
        (&[("cache-control", "public, max-age=600")], "no-cache"),
        (&[("cache-control", "no-store")], "no-store"),
    ] {
        for code in [404, 410, 403] {
            let response = get(&registry("https://a.test", status(code, headers, [])), LIST).await;
            assert_eq!(
                response.headers()[CACHE_CONTROL],
                want,
                "{code} {headers:?}"
            );
        }
    }
}
