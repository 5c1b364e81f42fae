//! What all tables share: the settings, a folder, and a registry of made-up modules behind nginx.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::nginx;
use crate::process::{Process, wait_until};

pub const MIB: u64 = 1 << 20;
/// The rate of the slow upstream and of a paced client, in bytes a second.
pub const LINE: u64 = 20 * MIB;

/// A file of the registry.
#[derive(Clone, Debug)]
pub struct Target {
    /// Begins with a slash.
    pub path: String,
    pub len: u64,
    pub sha256: [u8; 32],
}

/// A made-up module: its name, the number of files in its zip, and the size of the zip in bytes (exact for one file).
pub type Module<'a> = (&'a str, usize, u64);
/// The zip of most rows.
pub const LARGE: Module<'_> = ("large", 1, 100 * MIB);
pub const MIDDLE: Module<'_> = ("middle", 1, 5 * MIB);
/// For the first request to a server.
pub const SMALL: Module<'_> = ("small", 1, MIB / 10);
/// The zip that takes longest to verify.
pub const FILES: Module<'_> = ("files", 18_000, 20 * MIB);

/// The upstream's rate for each connection: unlimited, 20 MiB/s, 1 MiB/s.
#[derive(Clone, Copy, Debug)]
pub enum Speed {
    Unlimited,
    Line,
    Slow,
}

#[derive(Debug)]
pub struct World {
    pub short: bool,
    pub rounds: usize,
    /// The registry's files in the layout of the GOPROXY protocol.
    pub registry: PathBuf,
    fetches: PathBuf,
    upstreams: [SocketAddr; 3],
    upstream: Option<Process>,
    folder: PathBuf,
    next: Cell<usize>,
    /// Two runs at once would disturb each other.
    _lock: File,
}

impl World {
    pub fn new(short: bool, rounds: usize) -> Result<Self> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compare");
        let lock = File::create(folder.with_extension("lock"))?;
        lock.try_lock().context("another run measures")?;
        // Left by a run that was killed.
        let _ = fs::remove_dir_all(&folder);
        let (registry, fetches) = (folder.join("registry"), folder.join("fetches"));
        fs::create_dir_all(&registry)?;
        let (upstreams, upstream) = nginx::registry(&folder, &registry, &fetches)?;
        Ok(Self {
            short,
            rounds,
            registry,
            fetches,
            upstreams,
            upstream: Some(upstream),
            folder,
            next: Cell::new(0),
            _lock: lock,
        })
    }

    pub fn upstream(&self, speed: Speed) -> SocketAddr {
        self.upstreams[speed as usize]
    }

    /// Different with each call.
    pub fn number(&self) -> usize {
        self.next.replace(self.next.get() + 1)
    }

    /// A new folder.
    pub fn folder(&self) -> Result<PathBuf> {
        let folder = self.folder.join(self.number().to_string());
        fs::create_dir(&folder)?;
        Ok(folder)
    }

    /// The length of the log of fetches, for [`World::fetches`].
    pub fn mark(&self) -> Result<usize> {
        Ok(fs::read(&self.fetches)?.len())
    }

    /// Fetches of a path since then. The server that has fetched must have ended, since nginx logs at the end of a response.
    pub fn fetches(&self, mark: usize, path: &str) -> Result<f64> {
        let connections = || -> Result<String> {
            let mut stream = TcpStream::connect(self.upstream(Speed::Unlimited))?;
            stream.write_all(b"GET /connections HTTP/1.0\r\n\r\n")?;
            Ok(io::read_to_string(stream)?)
        };
        wait_until("the upstream has logged all fetches", 20, || {
            connections().is_ok_and(|text| text.contains("Active connections: 1 \n"))
        })?;
        let log = fs::read_to_string(&self.fetches)?;
        Ok(log[mark..].lines().filter(|line| *line == path).count() as f64)
    }

    /// The zip of a module; writes it if it does not exist.
    pub fn zip(&self, (name, files, len): Module<'_>, version: usize) -> Result<Target> {
        let version = format!("v1.{version}.0");
        let path = format!("/example.com/{name}/@v/{version}.zip");
        let file = self.registry.join(&path[1..]);
        if !file.exists() {
            fs::create_dir_all(file.with_file_name(""))?;
            let info = format!("{{\"Version\":\"{version}\",\"Time\":\"2026-01-02T03:04:05Z\"}}");
            fs::write(file.with_extension("info"), info)?;
            // 300 bytes, as usual ones.
            let text = format!("module example.com/{name}\n\ngo 1.22\n\n// {:x<250}\n", "");
            fs::write(file.with_extension("mod"), text)?;
            let root = format!("example.com/{name}@{version}");
            // The first zip has no content and shows how much remains for it.
            let frame = write_zip(&file, &root, files, 0)?;
            write_zip(&file, &root, files, len.saturating_sub(frame))?;
        }
        self.target(&path)
    }

    /// Any file of the registry.
    pub fn target(&self, path: &str) -> Result<Target> {
        let file = self.registry.join(&path[1..]);
        let bytes = fs::read(file).with_context(|| path.to_owned())?;
        let (len, sha256) = (bytes.len() as u64, Sha256::digest(&bytes).into());
        let path = path.to_owned();
        Ok(Target { path, len, sha256 })
    }
}

impl Drop for World {
    fn drop(&mut self) {
        drop(self.upstream.take());
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Returns the length of the zip.
fn write_zip(path: &Path, root: &str, files: usize, len: u64) -> Result<u64> {
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut zip = ZipWriter::new(File::create(path)?);
    let mut random = fastrand::Rng::with_seed(1);
    let mut block = vec![0; MIB as usize];
    let each = len / files as u64;
    for file in 0..files {
        let name = format!("{root}/package{}/file{file}.go", file % 300);
        zip.start_file(name, stored)?;
        for at in (0..each).step_by(block.len()) {
            let part = &mut block[..MIB.min(each - at) as usize];
            random.fill(part);
            zip.write_all(part)?;
        }
    }
    Ok(zip.finish()?.metadata()?.len())
}
