//! Whether clients are told that the proxy answers for the database.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Empty, Full};
use tower::ServiceExt as _;
use tower_goproxy::sumdb::SumDb;

use crate::database::{Database, KEY};
use crate::proxied::{LOOKUP, get, proxy};

/// A database that another proxy answers for at `/sumdb/sum.example`.
fn behind_a_proxy(database: &Database, supported: u16) -> SumDb {
    let database = database.client();
    let answer = move |request: Request<Empty<Bytes>>| {
        let database = database.clone();
        async move {
            let path = request.uri().path().strip_prefix("/sumdb/sum.example");
            let path = path.expect("its requests go to the proxy").to_owned();
            let answer = database
                .oneshot(Request::get(&path).body(()).unwrap())
                .await?;
            if path != "/supported" {
                return Ok(answer);
            }
            let answer = Response::builder().status(supported).body(Full::default());
            Ok::<_, std::io::Error>(answer.unwrap())
        }
    };
    let key = format!("{KEY} http://registry.example/sumdb/sum.example");
    SumDb::with_client(&key, tower::service_fn(answer)).unwrap()
}

/// Else clients would tell the database itself what they look up.
#[tokio::test(start_paused = true)]
async fn only_another_proxy_that_does_not_know_the_database_sends_clients_on() {
    let supported = "/sumdb/sum.example/supported";
    for (status, away, expected) in [
        (200, false, 200),
        (404, false, 404),
        (410, false, 404),
        (500, false, 200),
        (403, false, 200),
        (200, true, 200),
    ] {
        let database = Database::with_records(5);
        database.set_away(away);
        let proxy = proxy([behind_a_proxy(&database, status)]);
        let answer = get(&proxy, supported).await.0;
        assert_eq!(answer, expected, "{status}, away: {away}");
    }
    // It has answered for it before.
    let database = Database::with_records(5);
    let proxy = proxy([behind_a_proxy(&database, 404)]);
    assert_eq!(get(&proxy, LOOKUP).await.0, 200);
    assert_eq!(get(&proxy, supported).await.0, 200);
}
