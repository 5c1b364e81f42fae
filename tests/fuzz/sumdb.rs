//! What a checksum database sends: records, notes and tiles. Its key has signed one tree of five records, so that nothing
//! but these may ever be taken for true.
//!
//! The first byte says who signs, then three parts follow with a zero byte between them: the response to a look-up, the
//! bytes of every tile, and a path below `/sumdb/{name}/` that a client requests.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty, Full};
use signed_note::{Note, StandardSigner};
use tokio::runtime::{Builder, Runtime};
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_goproxy::NotFound;
use tower_goproxy::sumdb::{SumDb, SumDbLayer};

const KEY: &str = "sum.example+da89a45e+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
const PRIVATE_KEY: &str =
    "PRIVATE+KEY+sum.example+da89a45e+AQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
const NOTE: &str = "go.sum database tree\n5\nEhj8zqLtqm7JEMJTvDg8bPqMzNUAeBbsRY8nknqiBtM=\n\n\
    \u{2014} sum.example 2omkXhhao9H6fuBnCfdMtFjPyLrz8uQY/2pYZQrh1kJn+stkhaP+qmmnuLfSlj95ZHf+XAvvotvcX6BqSSIcNdIpUQw=\n";
const LOOK_UP: &str = "lookup/example.com/m2@v1.0.0";

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread().enable_time().build().unwrap();
}

pub fn run(data: &[u8]) {
    let Some((signs, rest)) = data.split_first() else {
        return;
    };
    let mut parts = rest.splitn(2, |byte| *byte == 0);
    let record = parts.next().unwrap_or_default();
    // A path has no zero byte, and tiles may have any.
    let mut parts = parts
        .next()
        .unwrap_or_default()
        .rsplitn(2, |byte| *byte == 0);
    let path = String::from_utf8_lossy(parts.next().unwrap_or_default());
    let tile = Bytes::copy_from_slice(parts.next().unwrap_or_default());
    let is_honest = signs % 2 == 0;
    let (look_up, latest) = match is_honest {
        true => (record.to_vec(), NOTE.as_bytes().to_vec()),
        false => signed(record),
    };
    let answers = Arc::new((Bytes::from(look_up), Bytes::from(latest), tile));
    RUNTIME.with(|runtime| {
        runtime.block_on(async {
            let proxy = proxy(&answers);
            let (status, body) = get(&proxy, LOOK_UP).await.expect("it is a path");
            if is_honest && status == StatusCode::OK {
                let body = String::from_utf8_lossy(&body);
                let (id, rest) = body.split_once('\n').expect("a record has a number");
                let id: u64 = id.parse().expect("it is a number");
                assert!(id < 5 && rest.starts_with(&truth(id)), "forged: {body}");
            }
            get(&proxy, "latest").await;
            get(&proxy, &path).await;
        });
    });
}

fn truth(id: u64) -> String {
    format!(
        "example.com/m{id} v1.0.0 h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\
         example.com/m{id} v1.0.0/go.mod h1:G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY=\n\n"
    )
}

/// A look-up whose tree, behind the first empty line, is signed by the database, and a note of that tree.
fn signed(record: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let at = record.windows(2).position(|two| two == b"\n\n");
    let (record, tree) = record.split_at(at.map_or(0, |at| at + 2));
    let note = Note::new(tree, &[]).ok().and_then(|mut note| {
        let signer = StandardSigner::new(PRIVATE_KEY).ok()?;
        note.add_sigs(&[&signer]).ok()?;
        Some(note.to_bytes())
    });
    let note = note.unwrap_or_default();
    ([record, &note].concat(), note)
}

fn proxy(answers: &Arc<(Bytes, Bytes, Bytes)>) -> impl Proxy {
    let answers = Arc::clone(answers);
    let client = service_fn(move |request: Request<Empty<Bytes>>| {
        let (look_up, latest, tile) = &*answers;
        let body = match request.uri().path() {
            path if path.contains("/lookup/") => look_up,
            path if path.contains("/tile/") => tile,
            _ => latest,
        };
        let response = Response::new(Full::new(body.clone()));
        async move { Ok::<_, Infallible>(response) }
    });
    let sumdb = SumDb::with_client(KEY, client).expect("the key is right");
    SumDbLayer::new([sumdb]).layer(NotFound)
}

trait Proxy: Clone {
    fn call(self, request: Request<Empty<Bytes>>) -> impl Future<Output = (StatusCode, Bytes)>;
}

impl<S, B> Proxy for S
where
    S: tower::Service<Request<Empty<Bytes>>, Response = Response<B>, Error = Infallible> + Clone,
    B: http_body::Body<Data = Bytes>,
{
    async fn call(self, request: Request<Empty<Bytes>>) -> (StatusCode, Bytes) {
        let Ok(response) = self.oneshot(request).await;
        let (head, body) = response.into_parts();
        let body = body
            .collect()
            .await
            .map(http_body_util::Collected::to_bytes);
        (head.status, body.unwrap_or_default())
    }
}

/// `None` for what is not a path.
async fn get(proxy: &impl Proxy, path: &str) -> Option<(StatusCode, Bytes)> {
    let uri = format!("/sumdb/sum.example/{path}");
    let request = Request::get(uri).body(Empty::new()).ok()?;
    Some(proxy.clone().call(request).await)
}
