//! `go mod download` of a real tree (the modules of Athens), from the registry and through each server.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::process::{client, find};
use crate::report::{Table, at_most, with};
use crate::servers::Peer::{self, Athens, Direct, Goproxy, Ours};
use crate::servers::Server;
use crate::world::World;

const CASE: &str = "all that Athens needs";
const COLD: &str = "cold, s";
const WARM: &str = "warm, s";

pub fn measure(world: &World) -> Result<Table> {
    let mut table = Table::new("go mod download of a real tree", ", s");
    let peers = [Ours, Goproxy, Athens, Direct];
    match Tree::new(world) {
        Ok(tree) => {
            let run = |_: &str, peer| tree.through(world, peer);
            table.measure(world, &[CASE], &peers, [COLD, WARM, "modules"], run)?;
        }
        Err(error) => eprintln!("the table is left out: {error:#}"),
    }
    table.ratio(CASE, COLD, Goproxy, at_most(0.7, 0.4));
    table.ratio(CASE, COLD, Athens, at_most(0.5, 0.25));
    let warm = |peer| table.of(CASE, WARM, peer);
    let better = with(&warm(Goproxy), &warm(Athens), f64::min);
    let ratio = with(&warm(Ours), &better, |ours, better| ours / better);
    table.row(CASE, "warm, ratio to the better", at_most(1.1, 1.0), ratio);
    Ok(table)
}

struct Tree {
    go: PathBuf,
    registry: String,
    /// Contains go.mod and go.sum.
    folder: PathBuf,
    /// The module cache, on a RAM disk where there is one.
    cache: PathBuf,
}

impl Tree {
    fn new(world: &World) -> Result<Self> {
        let (go, folder) = (find("go")?, world.folder()?);
        let output = Command::new(&go).args(["env", "GOPROXY"]).output()?;
        let list = String::from_utf8(output.stdout)?;
        let registry = list.trim().trim_end_matches(",direct").to_owned();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/compare/peers/athens");
        for file in ["go.mod", "go.sum"] {
            fs::copy(source.join(file), folder.join(file))?;
        }
        let user = rustix::process::geteuid().as_raw();
        let memory = Path::new("/dev/shm").join(format!("tower-goproxy-compare-{user}"));
        let cache = match fs::create_dir_all(&memory) {
            Ok(()) => memory,
            Err(_) => world.folder()?,
        };
        let tree = Self {
            go,
            registry,
            folder,
            cache,
        };
        // Fails if the registry cannot be reached.
        tree.download(&tree.registry)?;
        Ok(tree)
    }

    fn through(&self, world: &World, peer: Peer) -> Result<[f64; 3]> {
        if peer == Direct {
            let [cold, modules] = self.download(&self.registry)?;
            return Ok([cold, f64::NAN, modules]);
        }
        let server = Server::start_in(world, peer, &self.registry, world.folder()?)?;
        let url = format!("http://{}", server.address);
        let [cold, modules] = self.download(&url).context(peer.name())?;
        let [warm, _] = self.download(&url).context(peer.name())?;
        Ok([cold, warm, modules])
    }

    /// Returns the seconds with an empty module cache, and the number of modules. The go command verifies each with go.sum.
    fn download(&self, registry: &str) -> Result<[f64; 2]> {
        fs::remove_dir_all(&self.cache)?;
        fs::create_dir(&self.cache)?;
        let mut go = client(&self.go);
        go.args(["mod", "download", "-json"]);
        go.current_dir(&self.folder).env("HOME", &self.folder);
        go.env("GOPROXY", registry).env("GONOSUMDB", "*");
        go.env("GOMODCACHE", &self.cache);
        go.env("GOFLAGS", "-modcacherw");
        let start = Instant::now();
        let output = go.output()?;
        let seconds = start.elapsed().as_secs_f64();
        let text = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "go: {text}{errors}");
        Ok([seconds, text.matches("\"Zip\":").count() as f64])
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.cache);
    }
}
