//! The storage in front of any source: whose files and whose fills they are.

use std::convert::Infallible;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Body;
use tokio::sync::watch;
use tower::{BoxError, Layer as _, Service, service_fn};
use tower_goproxy::fill::{FillLayer, OnMiss};
use tower_goproxy::source::Area;
use tower_goproxy::{Access, SharedCaches, Storage};

use crate::scene::{Answer, ask};
use crate::support::{Kept, within_minutes};

const MOD: &str = "/example.com/m/@v/v1.0.0.mod";
/// The SHA-256 of "alice".
const ALICE: &str = "2bd806c97f0e00af1a1fc3328fa763a9269723c8db8fac4f93af71db186d6e90";

fn user(name: &str, password: &str) -> Access {
    Access::new(name)
        .credentials("git.corp.example", name, password)
        .unwrap()
}

/// A source that says who has asked. Alice, with her old password, waits until she is let go, and is then refused.
#[derive(Clone)]
struct Source {
    waiting: watch::Sender<usize>,
    open: watch::Sender<bool>,
}

impl Source {
    fn new() -> Self {
        Self {
            waiting: watch::Sender::new(0),
            open: watch::Sender::new(false),
        }
    }

    fn service<R: Send + 'static>(
        &self,
    ) -> impl Service<Request<R>, Response = Response<String>, Error = Infallible, Future: Send>
    + Clone
    + Send
    + 'static {
        let source = self.clone();
        service_fn(move |request: Request<R>| {
            let (source, access) = (
                source.clone(),
                request.extensions().get::<Access>().cloned(),
            );
            async move {
                let password = access.as_ref().and_then(|access| {
                    let one = access.credentials_for("git.corp.example")?;
                    Some(one.password().to_owned())
                });
                if password.as_deref() == Some("old") {
                    source.waiting.send_modify(|waiting| *waiting += 1);
                    let mut open = source.open.subscribe();
                    open.wait_for(|open| *open).await.unwrap();
                    let mut response = Response::new("who are you?".to_owned());
                    *response.status_mut() = StatusCode::FORBIDDEN;
                    return Ok(response);
                }
                let owner = access.as_ref().map_or("everyone", Access::owner);
                Ok(Response::new(format!("module example.com/m // {owner}\n")))
            }
        })
    }
}

fn cache_control(headers: &HeaderMap) -> &str {
    headers["cache-control"].to_str().unwrap()
}

#[tokio::test]
async fn what_is_stored_for_one_owner_is_no_hit_for_another_or_for_nobody() {
    for (area, all, own) in [
        (Area::Included, "", "/@included"),
        (Area::Direct, "@direct/", ""),
    ] {
        let (kept, source) = (Kept::in_memory(), Source::new());
        let layer = FillLayer::new(kept.storage()).area(area);
        assert_kept_apart(&layer, &layer.layer(source.service())).await;
        let names = kept.names().await;
        assert_eq!(names.len(), 3);
        let alices = format!("@for/{ALICE}{own}{MOD}");
        assert!(names.contains(&alices), "{names:?}");
        let everyones = format!("{all}{}", &MOD[1..]);
        assert!(names.contains(&everyones), "{names:?}");
    }
}

async fn assert_kept_apart<S, B>(layer: &FillLayer<Area>, proxy: &S)
where
    S: Service<Request<()>, Response = Response<B>, Error = Infallible> + Clone,
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    let (alice, bob) = (user("alice", "new"), user("bob", "new"));
    for status in ["tower-goproxy; fwd=miss; stored", "tower-goproxy; hit"] {
        for (who, name) in [
            (Some(&alice), "alice"),
            (Some(&bob), "bob"),
            (None, "everyone"),
        ] {
            let answer = ask(proxy, who, MOD).await;
            answer.assert(200, &format!("// {name}\n"));
            assert_eq!(answer.header("cache-status"), status, "{name}");
            layer.fills().idle().await;
        }
    }
}

/// The same owner with a new password: the file is his, whoever asked for it.
#[tokio::test]
async fn files_are_the_owners_whatever_his_credentials() {
    let layer = FillLayer::new(Storage::memory()).area(Area::Included);
    let proxy = layer.layer(Source::new().service());
    ask(&proxy, Some(&user("alice", "new")), MOD).await;
    layer.fills().idle().await;
    let answer = ask(&proxy, Some(&user("alice", "newer")), MOD).await;
    assert_eq!(answer.header("cache-status"), "tower-goproxy; hit");
}

#[tokio::test]
async fn nobody_attaches_to_a_fill_of_another_owner_or_with_other_credentials() {
    let source = Source::new();
    let layer = FillLayer::new(Storage::memory()).area(Area::Included);
    let proxy = layer.layer(source.service());
    let asked = |who: Option<Access>| {
        let proxy = proxy.clone();
        tokio::spawn(async move { ask(&proxy, who.as_ref(), MOD).await })
    };
    let first = asked(Some(user("alice", "old")));
    let mut waiting = source.waiting.subscribe();
    within_minutes(waiting.wait_for(|waiting| *waiting == 1))
        .await
        .unwrap();
    for (who, name) in [
        (Some(user("alice", "new")), "alice"),
        (Some(user("bob", "new")), "bob"),
        (None, "everyone"),
    ] {
        let answer = within_minutes(asked(who)).await.unwrap();
        answer.assert(200, &format!("// {name}\n"));
        assert_eq!(
            answer.header("cache-status"),
            "tower-goproxy; fwd=miss; stored"
        );
    }
    source.open.send_replace(true);
    // The other file was stored meanwhile; this fill was refused all the same.
    within_minutes(first)
        .await
        .unwrap()
        .assert(403, "who are you?");
}

#[tokio::test]
async fn those_with_the_same_credentials_attach_and_get_the_same_end() {
    let source = Source::new();
    let layer = FillLayer::new(Storage::memory()).area(Area::Included);
    let proxy = layer.layer(source.service());
    let clients: Vec<_> = (0..10)
        .map(|_| {
            let proxy = proxy.clone();
            tokio::spawn(async move { ask(&proxy, Some(&user("alice", "old")), MOD).await })
        })
        .collect();
    let mut waiting = source.waiting.subscribe();
    within_minutes(waiting.wait_for(|waiting| *waiting == 1))
        .await
        .unwrap();
    assert_eq!(layer.fills().running(), 1);
    source.open.send_replace(true);
    for client in clients {
        let answer: Answer = within_minutes(client).await.unwrap();
        answer.assert(403, "who are you?");
    }
}

#[tokio::test]
async fn a_shared_storage_is_for_all_and_holds_one_file() {
    let kept = Kept::in_memory();
    let layer = FillLayer::new(kept.storage()).area(Area::Included).shared();
    let proxy = layer.layer(Source::new().service());
    let allowed = layer.clone().shared_caches(SharedCaches::Allowed);
    let allowed = allowed.layer(Source::new().service());
    for who in [Some(user("alice", "new")), Some(user("bob", "new")), None] {
        let answer = ask(&proxy, who.as_ref(), MOD).await;
        answer.assert(200, "// alice\n");
        // Who may come to the proxy at all is not this layer's to know, so it is careful.
        let said = cache_control(&answer.headers);
        assert_eq!(said.contains("private"), who.is_some(), "{said}");
        layer.fills().idle().await;
        let answer = ask(&allowed, who.as_ref(), MOD).await;
        let public = "public, max-age=31536000, immutable";
        assert_eq!(cache_control(&answer.headers), public);
    }
    assert_eq!(kept.names().await, [&MOD[1..]]);
}

#[tokio::test]
async fn answers_for_an_owner_are_for_no_cache_that_others_use() {
    let said = |text: &'static str| {
        let service = service_fn(move |_| async move {
            let mut response = Response::new("v1.0.0\n".to_owned());
            if !text.is_empty() {
                let value = text.parse().unwrap();
                response.headers_mut().insert("cache-control", value);
            }
            Ok::<_, Infallible>(response)
        });
        FillLayer::new(Storage::memory())
            .area(Area::Included)
            .layer(service)
    };
    let (alice, list) = (user("alice", "new"), "/example.com/m/@v/list");
    for (text, want) in [
        ("", "private"),
        ("public, max-age=60", "private, max-age=60"),
        ("public, s-maxage=60, no-cache", "no-cache, private"),
        ("max-age=0, no-store", "max-age=0, no-store"),
    ] {
        let answer = ask(&said(text), Some(&alice), list).await;
        assert_eq!(cache_control(&answer.headers), want);
        let answer = ask(&said(text), None, list).await;
        assert_eq!(answer.header("cache-control"), text);
    }
    let layer = FillLayer::new(Storage::memory()).area(Area::Included);
    let proxy = layer.layer(Source::new().service());
    for _ in 0..2 {
        let answer = ask(&proxy, Some(&alice), MOD).await;
        let said = cache_control(&answer.headers);
        assert!(
            said.contains("private") && !said.contains("public"),
            "{said}"
        );
        assert!(
            said.contains("max-age=31536000") && said.contains("immutable"),
            "{said}"
        );
        layer.fills().idle().await;
    }
}

#[tokio::test]
async fn one_who_waits_for_the_stored_file_gets_his_own() {
    let layer = FillLayer::new(Storage::memory())
        .area(Area::Included)
        .on_miss(OnMiss::Wait);
    let proxy = layer.layer(Source::new().service());
    for name in ["alice", "bob"] {
        let answer = ask(&proxy, Some(&user(name, "new")), MOD).await;
        answer.assert(200, &format!("// {name}\n"));
    }
}
