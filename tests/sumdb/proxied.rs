//! The database as clients of the proxy see it.

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::BodyExt as _;
use tokio::sync::watch;
use tower::{Layer as _, ServiceExt as _};
use tower_goproxy::sumdb::{SumDb, SumDbLayer, SumDbService};
use tower_goproxy::{NotFound, Storage};

use crate::database::{Database, EMPTY_MOD, EMPTY_ZIP, key_of};
use crate::scene::sumdb;
use crate::support::Kept;

pub fn proxy(databases: impl IntoIterator<Item = SumDb>) -> SumDbService<NotFound> {
    SumDbLayer::new(databases).layer(NotFound)
}

pub async fn send(proxy: &SumDbService<NotFound>, method: Method, path: &str) -> Response<Bytes> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .body(())
        .unwrap();
    let response = proxy.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
}

pub async fn get(proxy: &SumDbService<NotFound>, path: &str) -> (u16, Bytes) {
    let response = send(proxy, Method::GET, path).await;
    (response.status().as_u16(), response.into_body())
}

pub const LOOKUP: &str = "/sumdb/sum.example/lookup/example.com/m2@v1.0.0";
const TILE: &str = "/sumdb/sum.example/tile/8/0/000.p/5";

#[tokio::test]
async fn the_worked_database() {
    let database = Database::with_records(5);
    let proxy = proxy([sumdb(&database)]);
    assert_eq!(get(&proxy, "/sumdb/sum.example/supported").await.0, 200);
    let (status, record) = get(&proxy, LOOKUP).await;
    let wanted = "2\n\
        example.com/m2 v1.0.0 h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\
        example.com/m2 v1.0.0/go.mod h1:G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY=\n\
        \n\
        go.sum database tree\n\
        5\n\
        Ehj8zqLtqm7JEMJTvDg8bPqMzNUAeBbsRY8nknqiBtM=\n\
        \n\
        \u{2014} sum.example 2omkXhhao9H6fuBnCfdMtFjPyLrz8uQY/2pYZQrh1kJn+stkhaP+qmmnuLfSlj95ZHf+XAvvotvcX6BqSSIcNdIpUQw=\n";
    assert_eq!((status, &*String::from_utf8_lossy(&record)), (200, wanted));
    let (status, tile) = get(&proxy, TILE).await;
    assert_eq!((status, tile.len()), (200, 160));
    assert_eq!(tile[..4], [0x46, 0x55, 0xa7, 0x74]);
    let (status, latest) = get(&proxy, "/sumdb/sum.example/latest").await;
    assert_eq!((status, &*latest), (200, database.note().as_bytes()));
}

#[tokio::test]
async fn only_configured_names_and_known_paths_are_answered() {
    let database = Database::with_records(5);
    let proxy = proxy([sumdb(&database)]);
    for path in [
        "/sumdb/sum.golang.org/supported",
        "/sumdb/127.0.0.1:80/supported",
        "/sumdb/sum.example",
        "/sumdb/sum.example/",
        "/sumdb/sum.examplex/supported",
        "/sumdb/sum.example/supported/x",
        "/sumdb/sum.example/tile/8/data/000",
        "/sumdb/sum.example/tile/8/0/../../latest",
        "/sumdb/sum.example/tile/8/0/0",
        "/sumdb/sum.example/lookup",
        "/example.com/m/@v/list",
    ] {
        assert_eq!(get(&proxy, path).await.0, 404, "{path}");
    }
    for name in [
        "m",
        "example.com/m2",
        "example.com/M@v1.0.0",
        "../x@v1.0.0",
        "example.com/m2@v1",
        "x.y/z@v1.0.0/../..",
    ] {
        let path = format!("/sumdb/sum.example/lookup/{name}");
        assert_eq!(get(&proxy, &path).await.0, 400, "{path}");
    }
    assert_eq!(
        database.requests(),
        [""; 0],
        "none of them reaches the database"
    );
    let posted = send(&proxy, Method::POST, LOOKUP).await;
    assert_eq!(posted.status(), 405);
    let head = send(&proxy, Method::HEAD, LOOKUP).await;
    assert!(head.status() == 200 && head.body().is_empty());
    assert!(
        head.headers()["content-length"]
            .to_str()
            .unwrap()
            .parse::<u64>()
            .unwrap()
            > 100
    );
}

#[tokio::test]
async fn a_name_may_begin_with_another_one() {
    let (database, below) = (Database::with_records(5), Database::with_records(7));
    let below = SumDb::with_client(&key_of("sum.example/x"), below.client()).unwrap();
    let proxy = proxy([sumdb(&database), below]);
    for path in [
        "/sumdb/sum.example/x/supported",
        "/sumdb/sum.example/supported",
        TILE,
    ] {
        assert_eq!(get(&proxy, path).await.0, 200, "{path}");
    }
}

#[tokio::test]
async fn excluded_names_stay_inside() {
    let database = Database::with_records(5);
    database.add("git.corp.example/Team/m", "v1.0.0", EMPTY_ZIP, EMPTY_MOD);
    let proxy = proxy([sumdb(&database).exclude("git.corp.example/Team")]);
    let path = "/sumdb/sum.example/lookup/git.corp.example/!team/m@v1.0.0";
    for path in [
        path.to_owned(),
        path.replace('!', "%21").replace('@', "%40"),
    ] {
        assert_eq!(get(&proxy, &path).await.0, 403, "{path}");
    }
    assert_eq!(database.requests(), [""; 0]);
    assert_eq!(get(&proxy, LOOKUP).await.0, 200);
}

/// No setting of the go command stops it from looking these up.
#[tokio::test]
async fn toolchains_are_never_excluded() {
    let database = Database::with_records(5);
    let (toolchain, version) = ("golang.org/toolchain", "v0.0.1-go1.99.0.linux-amd64");
    database.add(toolchain, version, EMPTY_ZIP, EMPTY_MOD);
    let proxy = proxy([sumdb(&database).exclude("*,golang.org")]);
    let path = format!("/sumdb/sum.example/lookup/{toolchain}@{version}");
    assert_eq!(get(&proxy, &path).await.0, 200);
    let other = path.replace("toolchain", "toolchains");
    assert_eq!(get(&proxy, &other).await.0, 403);
}

#[tokio::test(start_paused = true)]
async fn a_database_that_is_away() {
    let database = Database::with_records(300);
    let storage = Storage::memory();
    let before = proxy([sumdb(&database).storage(storage.clone())]);
    let tile = "/sumdb/sum.example/tile/8/1/000.p/1";
    let (_, record) = get(&before, LOOKUP).await;
    let (_, hashes) = get(&before, tile).await;
    database.set_away(true);
    // Also after a restart.
    for proxy in [before, proxy([sumdb(&database).storage(storage)])] {
        assert_eq!(get(&proxy, LOOKUP).await, (200, record.clone()));
        assert_eq!(get(&proxy, tile).await, (200, hashes.clone()));
        assert_eq!(get(&proxy, "/sumdb/sum.example/latest").await.0, 200);
        assert_eq!(get(&proxy, "/sumdb/sum.example/supported").await.0, 200);
        let unknown = LOOKUP.replace("m2", "m3");
        let (status, text) = get(&proxy, &unknown).await;
        assert_eq!(status, 502);
        let text = String::from_utf8_lossy(&text);
        assert!(text.contains("cannot be reached"), "{text}");
        assert!(
            !text.contains("refused"),
            "what went wrong may name hosts: {text}"
        );
    }
}

/// They were proved when they were stored, and clients prove them too.
#[tokio::test(start_paused = true)]
async fn look_ups_whose_tiles_are_lost_are_served_while_the_database_is_away() {
    let (database, kept) = (Database::with_records(300), Kept::in_memory());
    let before = proxy([sumdb(&database).storage(kept.storage())]);
    let found = get(&before, LOOKUP).await;
    for name in kept.all_names().await {
        if name.contains("/tile/") {
            kept.write(&name, "x").await;
        }
    }
    database.set_away(true);
    let after = proxy([sumdb(&database).storage(kept.storage())]);
    assert_eq!(found.0, 200);
    assert_eq!(get(&after, LOOKUP).await, found);
}

#[tokio::test(start_paused = true)]
async fn what_it_does_not_know_is_passed_on_and_remembered_shortly() {
    let database = Database::with_records(5);
    let proxy = proxy([sumdb(&database)]);
    let path = "/sumdb/sum.example/lookup/example.com/new@v1.0.0";
    for _ in 0..3 {
        let (status, text) = get(&proxy, path).await;
        assert_eq!(
            (status, &*text),
            (404, &b"not found: unknown to the database \n"[..])
        );
    }
    assert_eq!(database.requests().len(), 1);
    database.add("example.com/new", "v1.0.0", EMPTY_ZIP, EMPTY_MOD);
    tokio::time::advance(std::time::Duration::from_secs(61)).await;
    assert_eq!(get(&proxy, path).await.0, 200);
}

#[tokio::test]
async fn a_wrong_tile_is_neither_served_nor_stored() {
    let database = Database::with_records(300);
    let storage = Storage::memory();
    let proxy = proxy([sumdb(&database).storage(storage)]);
    database.tamper(|path, mut body| {
        if path.contains("tile/") {
            body[3] ^= 1;
        }
        body
    });
    let tile = "/sumdb/sum.example/tile/8/0/000";
    assert_eq!(get(&proxy, tile).await.0, 502);
    database.is_honest();
    let (status, bytes) = get(&proxy, tile).await;
    assert_eq!(
        (status, &*bytes),
        (200, &*database.truth("tile/8/0/000").unwrap())
    );
}

/// A part of a tile is the beginning of the tile.
#[tokio::test]
async fn old_parts_of_tiles_come_from_the_whole_ones() {
    let database = Database::with_records(200);
    let proxy = proxy([sumdb(&database)]);
    let part = "/sumdb/sum.example/tile/8/0/000.p/200";
    let (_, first) = get(&proxy, part).await;
    for number in 200..300 {
        database.add(
            &format!("example.com/m{number}"),
            "v1.0.0",
            EMPTY_ZIP,
            EMPTY_MOD,
        );
    }
    let (_, whole) = get(&proxy, "/sumdb/sum.example/tile/8/0/000").await;
    assert_eq!(whole.len(), 8192);
    assert_eq!(whole[..6400], first);
    let asked = database.requests().len();
    let (_, middle) = get(&proxy, "/sumdb/sum.example/tile/8/0/000.p/250").await;
    assert_eq!(whole[..8000], middle);
    assert_eq!(database.requests().len(), asked);
    assert_eq!(get(&proxy, "/sumdb/sum.example/tile/8/0/002").await.0, 404);
}

/// Else each new tree would leave some behind. The widest one has all that was there before.
#[tokio::test(start_paused = true)]
async fn one_part_of_a_tile_is_stored_however_often_it_grows() {
    let (database, kept) = (Database::with_records(260), Kept::in_memory());
    let storage = kept.storage();
    for round in 0..5 {
        let proxy = proxy([sumdb(&database).storage(storage.clone())]);
        let name = format!("example.com/r{round}");
        database.add(&name, "v1.0.0", EMPTY_ZIP, EMPTY_MOD);
        let path = format!("/sumdb/sum.example/lookup/{name}@v1.0.0");
        assert_eq!(get(&proxy, &path).await.0, 200);
    }
    let names = kept.all_names().await;
    let tiles = names.iter().filter(|name| name.contains("/tile/"));
    assert_eq!(tiles.count(), 2, "{names:?}");
    database.set_away(true);
    let proxy = proxy([sumdb(&database).storage(storage)]);
    for width in [1, 5, 9] {
        let path = format!("tile/8/0/001.p/{width}");
        let (status, bytes) = get(&proxy, &format!("/sumdb/sum.example/{path}")).await;
        assert_eq!(
            (status, bytes.to_vec()),
            (200, database.truth(&path).unwrap())
        );
    }
}

/// The database may have grown since it signed its tree.
#[tokio::test]
async fn a_part_of_a_tile_that_has_gone_is_read_from_the_whole_one() {
    let database = Database::with_records(200);
    let old = database.truth("lookup/example.com/m2@v1.0.0").unwrap();
    for number in 200..300 {
        let name = format!("example.com/m{number}");
        database.add(&name, "v1.0.0", EMPTY_ZIP, EMPTY_MOD);
    }
    database.set_gone(|path| path.contains(".p/200"));
    database.tamper(move |path, body| match path.starts_with("lookup/") {
        true => old.clone(),
        false => body,
    });
    let proxy = proxy([sumdb(&database)]);
    assert_eq!(get(&proxy, LOOKUP).await.0, 200);
}

/// Each look-up is proved by the same first tiles.
#[tokio::test(start_paused = true)]
async fn look_ups_of_many_modules_share_their_tiles() {
    let database = Database::with_records(300);
    let gate = watch::Sender::new(false);
    database.set_gate(&gate);
    let proxy = proxy([sumdb(&database)]);
    let clients = (0..30).map(|number| {
        let proxy = proxy.clone();
        let path = LOOKUP.replace("m2", &format!("m{number}"));
        tokio::spawn(async move { get(&proxy, &path).await.0 })
    });
    let clients: Vec<_> = clients.collect();
    crate::support::quiet().await;
    gate.send_replace(true);
    for client in clients {
        assert_eq!(client.await.unwrap(), 200);
    }
    let asked = database.requests();
    let tiles = asked.iter().filter(|path| path.starts_with("tile/"));
    assert!(tiles.count() < 10, "{asked:?}");
}

/// However many clients want a tile.
#[tokio::test(start_paused = true)]
async fn one_request_for_many_clients() {
    let database = Database::with_records(5);
    let gate = watch::Sender::new(false);
    database.set_gate(&gate);
    let proxy = proxy([sumdb(&database)]);
    let clients = (0..50).map(|number| {
        let proxy = proxy.clone();
        let path = if number % 2 == 0 { LOOKUP } else { TILE };
        tokio::spawn(async move { get(&proxy, path).await.0 })
    });
    let clients: Vec<_> = clients.collect();
    crate::support::quiet().await;
    gate.send_replace(true);
    for client in clients {
        assert_eq!(client.await.unwrap(), 200);
    }
    assert!(database.requests().len() <= 5, "{:?}", database.requests());
}
