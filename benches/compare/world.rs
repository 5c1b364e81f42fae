//! What all measurements share: the upstream, the files, and where servers keep theirs.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

use crate::content::{self, Module};
use crate::peers::nginx::{self, Job};
use crate::peers::ours::{self, Miss};
use crate::peers::{Peer, serve_dir, varnish};
use crate::process::Cpu;
use crate::upstream::{Speed, Upstream};
use crate::workplace::Workplace;

#[derive(Debug)]
pub struct World {
    proxy: PathBuf,
    pub upstream: Upstream,
    pub rounds: usize,
    next: Cell<usize>,
    /// Goes last, after what uses it.
    folder: Workplace,
}

/// The version of which all static servers have the files.
pub const STORED: usize = 0;

impl World {
    pub fn new(rounds: usize) -> Self {
        Self {
            proxy: ours::build(),
            upstream: Upstream::start(),
            rounds,
            next: Cell::new(STORED + 1),
            folder: Workplace::new(),
        }
    }

    /// The path of a zip that nobody has asked for.
    pub fn missing(&self, module: &Module) -> String {
        content::path(module, self.next(), "zip")
    }

    /// A number that was not used yet.
    fn next(&self) -> usize {
        self.next.replace(self.next.get() + 1)
    }

    /// The path of a file that is stored.
    pub fn stored(&self, module: &Module, extension: &str) -> String {
        let path = content::path(module, STORED, extension);
        let file = self.files().join(&path);
        if !file.exists() {
            let content = content::find(&path).expect("a file of a module");
            content.write(&file).expect("room on the disk");
        }
        path
    }

    /// A new folder.
    pub fn folder(&self) -> PathBuf {
        let folder = self.folder.path().join(self.next().to_string());
        fs::create_dir_all(&folder).expect("room on the disk");
        folder
    }

    /// As much as a file of that length and so many connections take; see [`Workplace::touch_memory`].
    pub fn touch_memory(&self, file: u64, connections: usize) {
        // What the kernel has on the way in one connection, if it has to be copied: 4 MiB where it is sent from, and some
        // where it is received.
        self.folder
            .touch_memory(file as usize + connections * (6 << 20));
    }

    /// Where static servers find their files; a storage is laid out the same way.
    pub fn files(&self) -> PathBuf {
        self.folder.path().join("files")
    }

    pub fn ours_with(&self, storage: &Path, speed: Speed, miss: Miss, cpu: Cpu) -> Peer {
        ours::start(
            &self.proxy,
            storage,
            self.upstream.address(speed),
            miss,
            cpu,
        )
    }

    /// Ours with all files stored.
    pub fn ours(&self, cpu: Cpu) -> Peer {
        self.ours_with(&self.files(), Speed::Unlimited, Miss::Stream, cpu)
    }

    /// Ours with nothing stored.
    pub fn ours_empty(&self, speed: Speed) -> Peer {
        self.ours_in(&self.folder(), speed)
    }

    pub fn ours_in(&self, storage: &Path, speed: Speed) -> Peer {
        self.ours_with(storage, speed, Miss::Stream, Cpu::Any)
    }

    pub fn ours_with_places(&self, storage: &Path, speed: Speed, places: usize) -> Peer {
        ours::start_with_places(storage, self.upstream.address(speed), places)
    }

    /// Removes what was stored there, by a server that has ended.
    pub fn forget(&self, folder: &Path) {
        fs::remove_dir_all(folder).expect("it is ours");
    }

    pub fn nginx(&self, cpu: Cpu) -> Option<Peer> {
        nginx::start(Job::Sendfile(&self.files()), cpu, self.folder.path())
    }

    pub fn nginx_open_files(&self, cpu: Cpu) -> Option<Peer> {
        nginx::start(Job::OpenFiles(&self.files()), cpu, self.folder.path())
    }

    pub fn nginx_without_sendfile(&self, cpu: Cpu) -> Option<Peer> {
        nginx::start(Job::NoSendfile(&self.files()), cpu, self.folder.path())
    }

    pub fn nginx_pass(&self, speed: Speed) -> Option<Peer> {
        let job = Job::Pass(self.upstream.address(speed));
        nginx::start(job, Cpu::Any, self.folder.path())
    }

    pub fn nginx_cache(&self, speed: Speed, cpu: Cpu) -> Option<Peer> {
        let job = Job::Cache(self.upstream.address(speed));
        nginx::start(job, cpu, self.folder.path())
    }

    pub fn varnish(&self, speed: Speed, cpu: Cpu) -> Option<Peer> {
        varnish::start(self.upstream.address(speed), cpu, self.folder.path())
    }

    pub fn serve_dir(&self, cpu: Cpu) -> Peer {
        serve_dir::start(&self.files(), cpu)
    }
}
