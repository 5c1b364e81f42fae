//! A checksum database with a key of its own, which can be made to lie.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use sha2::{Digest, Sha256};
use signed_note::{Note, StandardSigner};
use tokio::sync::watch;
use tower::util::BoxCloneSyncService;

pub const KEY: &str = "sum.example+da89a45e+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
const PRIVATE_KEY: &str =
    "PRIVATE+KEY+sum.example+da89a45e+AQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

pub const EMPTY_ZIP: &str = "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
pub const EMPTY_MOD: &str = "h1:G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY=";

type Hash = [u8; 32];
type Tamper = Arc<dyn Fn(&str, Vec<u8>) -> Vec<u8> + Send + Sync>;

/// Clones are the same database.
#[derive(Clone, Default)]
pub struct Database(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    records: Vec<String>,
    leaves: Vec<Hash>,
    /// Record numbers by `{escaped path}@{escaped version}`.
    names: HashMap<String, usize>,
    requests: Vec<String>,
    away: bool,
    tamper: Option<Tamper>,
    gate: Option<watch::Receiver<bool>>,
    /// Which paths are never answered, and which are not found.
    silent: Option<fn(&str) -> bool>,
    gone: Option<fn(&str) -> bool>,
}

impl Database {
    /// With as many records of modules that nobody asks for.
    pub fn with_records(count: usize) -> Self {
        let database = Self::default();
        for number in 0..count {
            let module = format!("example.com/m{number}");
            database.add(&module, "v1.0.0", EMPTY_ZIP, EMPTY_MOD);
        }
        database
    }

    /// Capitals are escaped in the name alone.
    pub fn add(&self, module: &str, version: &str, zip: &str, go_mod: &str) {
        let record = format!("{module} {version} {zip}\n{module} {version}/go.mod {go_mod}\n");
        self.add_record(&format!("{module}@{version}"), record);
    }

    /// With any lines.
    pub fn add_record(&self, name: &str, record: String) {
        let mut state = self.lock();
        let number = state.records.len();
        state.names.insert(crate::support::escape(name), number);
        state.leaves.push(leaf(record.as_bytes()));
        state.records.push(record);
    }

    pub fn set_away(&self, away: bool) {
        self.lock().away = away;
    }

    /// Answers wait until the gate is open.
    pub fn set_gate(&self, gate: &watch::Sender<bool>) {
        self.lock().gate = Some(gate.subscribe());
    }

    /// These paths are never answered.
    pub fn set_silent(&self, paths: fn(&str) -> bool) {
        self.lock().silent = Some(paths);
    }

    /// These paths are not found.
    pub fn set_gone(&self, paths: fn(&str) -> bool) {
        self.lock().gone = Some(paths);
    }

    /// Changes each response by its path.
    pub fn tamper(&self, tamper: impl Fn(&str, Vec<u8>) -> Vec<u8> + Send + Sync + 'static) {
        self.lock().tamper = Some(Arc::new(tamper));
    }

    pub fn is_honest(&self) {
        self.lock().tamper = None;
    }

    pub fn requests(&self) -> Vec<String> {
        self.lock().requests.clone()
    }

    pub fn tree_hash(&self, size: usize) -> Hash {
        tree(&self.leaves()[..size])
    }

    fn leaves(&self) -> Vec<Hash> {
        self.lock().leaves.clone()
    }

    pub fn note(&self) -> String {
        let leaves = self.leaves();
        sign(&format!(
            "go.sum database tree\n{}\n{}\n",
            leaves.len(),
            base64(&tree(&leaves))
        ))
    }

    /// The response to a request, without what is done to it.
    pub fn truth(&self, path: &str) -> Option<Vec<u8>> {
        if path == "latest" {
            return Some(self.note().into());
        }
        if let Some(name) = path.strip_prefix("lookup/") {
            let state = self.lock();
            let number = *state.names.get(name)?;
            let record = state.records[number].clone();
            drop(state);
            return Some(format!("{number}\n{record}\n{}", self.note()).into());
        }
        let leaves = self.leaves();
        let (path, width) = match path.strip_prefix("tile/8/")?.split_once(".p/") {
            Some((path, width)) => (path, width.parse().ok()?),
            None => (path.strip_prefix("tile/8/")?, 256),
        };
        let (level, index) = path.split_once('/')?;
        let level: u32 = level.parse().ok()?;
        // No test has a thousand tiles.
        let index: usize = index.parse().ok()?;
        let span = 1 << (8 * level);
        let hash = |at: usize| Some(tree(leaves.get(at * span..(at + 1) * span)?).to_vec());
        let hashes: Option<Vec<_>> = (0..width).map(|at| hash(index * 256 + at)).collect();
        Some(hashes?.concat())
    }

    async fn answer(self, path: String) -> Result<Response<Full<Bytes>>, std::io::Error> {
        let path = path.trim_start_matches('/').to_owned();
        let gate = {
            let mut state = self.lock();
            state.requests.push(path.clone());
            if state.away {
                return Err(std::io::ErrorKind::ConnectionRefused.into());
            }
            (state.gate.clone(), state.silent)
        };
        let (gate, silent) = gate;
        if silent.is_some_and(|is_silent| is_silent(&path)) {
            std::future::pending::<()>().await;
        }
        if let Some(mut gate) = gate {
            gate.wait_for(|is_open| *is_open).await.unwrap();
        }
        let gone = self.lock().gone;
        let truth = self.truth(&path);
        let truth = truth.filter(|_| !gone.is_some_and(|is_gone| is_gone(&path)));
        let tamper = self.lock().tamper.clone();
        let mut response = Response::new(Full::default());
        match truth {
            Some(body) => {
                let body =
                    tamper.map_or_else(|| body.clone(), |tamper| tamper(&path, body.clone()));
                *response.body_mut() = body.into();
            }
            None => {
                *response.status_mut() = StatusCode::NOT_FOUND;
                *response.body_mut() = "not found: unknown to the database\n".into();
            }
        }
        Ok(response)
    }

    /// As an HTTP client that reaches this database.
    pub fn client<B: Send + 'static>(
        &self,
    ) -> BoxCloneSyncService<Request<B>, Response<Full<Bytes>>, std::io::Error> {
        let database = self.clone();
        let answer = move |request: Request<B>| {
            let path = request.uri().path().to_owned();
            database.clone().answer(path)
        };
        BoxCloneSyncService::new(tower::service_fn(answer))
    }

    /// As a server: one that is away answers 503.
    pub fn service<B: Send + 'static>(
        &self,
    ) -> BoxCloneSyncService<Request<B>, Response<Full<Bytes>>, Infallible> {
        let database = self.clone();
        let answer = move |request: Request<B>| {
            let answer = database.clone().answer(request.uri().path().to_owned());
            async {
                Ok(answer.await.unwrap_or_else(|_| {
                    let mut response = Response::new(Full::default());
                    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                    response
                }))
            }
        };
        BoxCloneSyncService::new(tower::service_fn(answer))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

pub fn sign(text: &str) -> String {
    let mut note = Note::new(text.as_bytes(), &[]).unwrap();
    note.add_sigs(&[&StandardSigner::new(PRIVATE_KEY).unwrap()])
        .unwrap();
    String::from_utf8(note.to_bytes()).unwrap()
}

/// The same key for a database of another name.
pub fn key_of(name: &str) -> String {
    use base64::Engine as _;
    let public = KEY.splitn(3, '+').last().unwrap();
    let key = base64::prelude::BASE64_STANDARD.decode(public).unwrap();
    let hash = Sha256::new().chain_update(name).chain_update(b"\n");
    let hash = hash.chain_update(key).finalize();
    let id: String = hash[..4].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{name}+{id}+{public}")
}

pub fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::prelude::BASE64_STANDARD.encode(bytes)
}

pub fn leaf(record: &[u8]) -> Hash {
    Sha256::new()
        .chain_update([0])
        .chain_update(record)
        .finalize()
        .into()
}

pub fn tree(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => *leaf,
        _ => {
            let half = leaves.len().next_power_of_two() / 2;
            let (left, right) = leaves.split_at(half);
            let node = Sha256::new().chain_update([1]).chain_update(tree(left));
            node.chain_update(tree(right)).finalize().into()
        }
    }
}
