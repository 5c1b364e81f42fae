//! The servers that are compared. Each is a process with a port on 127.0.0.1 and a storage.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::{env, fs};

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tower::Layer;
use tower_goproxy::fill::FillLayer;
use tower_goproxy::filter::FilterLayer;
use tower_goproxy::policy::Rules;
use tower_goproxy::{Storage, Upstream};

use crate::process::{Process, find, free_address, server};
use crate::world::{self, Speed, Target, World};
use crate::{clients, nginx};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    Ours,
    Goproxy,
    Athens,
    NginxCache,
    NginxSendfile,
    NginxCopy,
    /// The upstream itself.
    Direct,
}

use Peer::{Athens, Direct, Goproxy, NginxCache, NginxCopy, NginxSendfile, Ours};

impl Peer {
    pub fn name(self) -> &'static str {
        match self {
            Ours => "tower-goproxy",
            Goproxy => "goproxy",
            Athens => "Athens",
            NginxCache => "nginx cache with lock",
            NginxSendfile => "nginx with sendfile",
            NginxCopy => "nginx without sendfile",
            Direct => "no proxy",
        }
    }

    /// Whether it can be started; the Go servers are built first.
    pub fn is_there(self, world: &World) -> bool {
        !matches!(self, Goproxy | Athens) || (!world.short && go_server(self).is_ok())
    }
}

#[derive(Debug)]
pub struct Server {
    pub peer: Peer,
    pub address: SocketAddr,
    process: Option<Process>,
    folder: PathBuf,
}

impl Server {
    /// Starts one that fetches from the registry of the benchmark, with an empty storage.
    pub fn start(world: &World, peer: Peer, speed: Speed) -> Result<Self> {
        Self::with(world, peer, speed, world.folder()?)
    }

    /// The same in an existing folder.
    pub fn with(world: &World, peer: Peer, speed: Speed, folder: PathBuf) -> Result<Self> {
        let upstream = format!("http://{}", world.upstream(speed));
        let server = Self::start_in(world, peer, &upstream, folder)?;
        // The first request opens connections and is not measured.
        clients::get(server.address, &world.zip(world::SMALL, 0)?).context(peer.name())?;
        Ok(server)
    }

    pub fn start_in(world: &World, peer: Peer, upstream: &str, folder: PathBuf) -> Result<Self> {
        let (mut address, storage) = (free_address()?, storage(&folder));
        fs::create_dir_all(&storage)?;
        let at = address.to_string();
        let run = |command: &mut Command| {
            Process::start(command.env("HOME", &folder), &folder.join("log"), address).map(Some)
        };
        let process = match peer {
            Ours => {
                let mut command = server(&env::current_exe()?)?;
                command.arg(SERVE).arg(&at).arg(&storage).arg(upstream);
                let library = folder.join(LIBRARY);
                run(command.envs(library.exists().then_some(("LD_PRELOAD", library))))
            }
            Goproxy => {
                let mut command = server(&go_server(peer)?)?;
                command.args(["server", "--address", &at, "--cacher-dir"]);
                command.arg(&storage).arg("--temp-dir").arg(&folder);
                run(command.env("GOPROXY", upstream).env("GONOSUMDB", "*"))
            }
            Athens => {
                let go = "GONOSUMDB=*;GOFLAGS=-modcacherw;GOTOOLCHAIN=local;GOPROXY=";
                let mut command = server(&go_server(peer)?)?;
                let fixed = "GO_ENV=production ATHENS_STORAGE_TYPE=disk ATHENS_SUM_DBS= \
                    ATHENS_LOG_LEVEL=error ATHENS_TIMEOUT=600";
                command.envs(fixed.split(' ').filter_map(|pair| pair.split_once('=')));
                command.env("ATHENS_GO_BINARY_ENV_VARS", format!("{go}{upstream}"));
                command.env("ATHENS_DISK_STORAGE_ROOT", &storage);
                command.env("ATHENS_GOGET_DIR", &folder);
                run(command.env("ATHENS_PORT", &at))
            }
            NginxCache => nginx::cache(&folder, address, upstream).map(Some),
            NginxSendfile => nginx::files(&folder, address, &world.registry, "on").map(Some),
            NginxCopy => nginx::files(&folder, address, &world.registry, "off").map(Some),
            Direct => {
                address = upstream.trim_start_matches("http://").parse()?;
                Ok(None)
            }
        };
        let process = process.with_context(|| format!("cannot start {}", peer.name()))?;
        Ok(Self {
            peer,
            address,
            process,
            folder,
        })
    }

    pub fn process(&self) -> Result<&Process> {
        let process = self.process.as_ref();
        process.context("the upstream is not measured")
    }

    /// Where tower-goproxy stores a file.
    pub fn stored(&self, target: &Target) -> PathBuf {
        storage(&self.folder).join(&target.path[1..])
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.take());
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The storage of a server in its folder.
pub fn storage(folder: &Path) -> PathBuf {
    folder.join("storage")
}

/// If this file is in the folder of tower-goproxy, it is preloaded.
pub const LIBRARY: &str = "library.so";

/// A new folder for tower-goproxy, in which these files are stored.
pub fn folder_with(world: &World, stored: &[&Target]) -> Result<PathBuf> {
    let folder = world.folder()?;
    for target in stored {
        let file = storage(&folder).join(&target.path[1..]);
        fs::create_dir_all(file.with_file_name(""))?;
        fs::hard_link(world.registry.join(&target.path[1..]), file)?;
    }
    Ok(folder)
}

/// The first argument of this program when it is the measured server.
pub const SERVE: &str = "role:serve";

/// tower-goproxy with its defaults on axum, as the README shows it. Needs an address, a folder and an upstream.
pub fn serve(arguments: &[String]) -> Result<()> {
    Runtime::new()?.block_on(async {
        let storage = Storage::disk(&arguments[1])?;
        let fill = FillLayer::new(storage).layer(Upstream::new(&arguments[2])?);
        let app = Router::new().layer(FilterLayer::new(Rules::default(), fill));
        let listener = TcpListener::bind(&arguments[0]).await?;
        let listener = listener.tap_io(|connection| {
            let _ = connection.set_nodelay(true);
        });
        Ok(axum::serve(listener, app).await?)
    })
}

/// The program of a Go server. Prints once if it cannot be built.
fn go_server(peer: Peer) -> Result<PathBuf> {
    static BUILT: [OnceLock<Option<PathBuf>>; 2] = [const { OnceLock::new() }; 2];
    let program = BUILT[usize::from(peer == Athens)].get_or_init(|| {
        let built = match peer {
            Athens => build("athens", "github.com/gomods/athens/cmd/proxy"),
            _ => build("goproxy", "github.com/goproxy/goproxy/cmd/goproxy"),
        };
        let say = |error: &_| eprintln!("{} is left out: {error:#}", peer.name());
        built.inspect_err(say).ok()
    });
    program.clone().context("it is not built")
}

/// Builds it in the target folder, again only if its go.mod has changed.
fn build(name: &str, package: &str) -> Result<PathBuf> {
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/compare/peers");
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("compare-peers");
    let (program, of) = (built.join(name), built.join(format!("{name}.mod")));
    let wanted = fs::read(peers.join(name).join("go.mod"))?;
    if !fs::read(&of).is_ok_and(|of| of == wanted) {
        let mut go = Command::new(find("go")?);
        eprintln!("building {name}, once (goproxy takes half a minute, Athens five)");
        fs::create_dir_all(&built)?;
        go.current_dir(peers.join(name)).env("GOTOOLCHAIN", "local");
        go.args(["build", "-o"]).arg(&program).arg(package);
        let output = go.output()?;
        let text = String::from_utf8_lossy(&output.stderr);
        let last = text.lines().last().unwrap_or_default();
        ensure!(output.status.success(), "go build: {last}");
        fs::write(of, wanted)?;
    }
    Ok(program)
}
