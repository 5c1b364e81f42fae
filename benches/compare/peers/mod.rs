//! Who is compared: each is a process of its own, on a port of 127.0.0.1.

pub mod nginx;
pub mod ours;
pub mod serve_dir;
pub mod varnish;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs, thread};

use crate::process::{Process, unpacked};
use crate::upstream::{Speed, Upstream};
use crate::usage;

/// A server that answers the requests of a registry.
#[derive(Debug)]
pub struct Peer {
    pub name: &'static str,
    pub address: SocketAddr,
    /// None when it is the upstream itself.
    pub process: Option<Process>,
    /// Where it keeps what it has fetched, if that is on disk.
    pub stored: Option<Stored>,
}

#[derive(Debug)]
pub enum Stored {
    /// A file for each path, there once it is whole.
    Tree(PathBuf),
    /// Files by names of its own.
    Cache(PathBuf),
}

impl Peer {
    /// Of its process, for one that has its own.
    pub fn id(&self) -> u32 {
        self.process.as_ref().expect("a server of our own").id()
    }

    /// Processor time of it until now; none for the upstream, which is not measured.
    pub fn processor(&self) -> Duration {
        let process = self.process.as_ref();
        process.map_or(Duration::ZERO, |process| usage::processor(process.id()))
    }

    /// No proxy at all.
    pub fn direct(upstream: &Upstream, speed: Speed) -> Self {
        Self {
            name: "direct",
            address: upstream.address(speed),
            process: None,
            stored: None,
        }
    }

    /// A file of a storage is whole.
    pub fn wait_until_stored(&self, path: &str) {
        if let Some(Stored::Tree(root)) = &self.stored {
            wait_for(|| root.join(path).exists(), "the file is stored");
        }
    }

    /// Throws away what a measurement has stored, once it is stored: what one peer leaves to be
    /// written to disk does not slow down the next one.
    pub fn tidy(&self, path: &str) {
        match &self.stored {
            None => {}
            Some(Stored::Tree(root)) => {
                self.wait_until_stored(path);
                fs::remove_file(root.join(path)).expect("it is ours");
            }
            Some(Stored::Cache(root)) => {
                for entry in fs::read_dir(root).expect("the cache is there").flatten() {
                    // What is being written has another name, and is gone when it is whole.
                    let _ = fs::remove_dir_all(entry.path());
                }
            }
        }
    }
}

/// The path of an installed program. Those of servers are often not on the PATH of a user.
pub fn installed(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain([
        "/usr/sbin".into(),
        "/usr/local/sbin".into(),
        unpacked().join("sbin"),
    ]);
    folders
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

/// Nobody listens on it now.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address")
}

/// A program that was started listens; or it has ended, which its log explains, and is left out.
fn listening(mut process: Process, address: SocketAddr, log: &Path) -> Option<Process> {
    let mut ended = false;
    let listens_or_ended = || {
        ended = process.has_ended();
        ended || TcpStream::connect(address).is_ok()
    };
    wait_for(listens_or_ended, "a server listens");
    if ended {
        let log = fs::read_to_string(log).unwrap_or_default();
        eprintln!("a server ended at its start, and is left out:\n{log}");
        return None;
    }
    Some(process)
}

fn wait_for(mut holds: impl FnMut() -> bool, what: &str) {
    for _ in 0..6_000 {
        if holds() {
            return;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("waited in vain until {what}");
}
