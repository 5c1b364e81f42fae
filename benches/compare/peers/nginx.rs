//! nginx, the way its own documentation sets it up for each use.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;

use super::{Peer, Stored, free_address, installed, listening};
use crate::process::{Cpu, Process};

/// What nginx does.
#[derive(Clone, Copy, Debug)]
pub enum Job<'a> {
    /// Static files, which the kernel sends.
    Sendfile(&'a Path),
    /// The same, of which it keeps the opened files.
    OpenFiles(&'a Path),
    /// Static files, which it reads and writes itself, as for TLS.
    NoSendfile(&'a Path),
    /// Passes answers on and stores nothing.
    Pass(SocketAddr),
    /// Stores answers; clients of one missing file wait for the first of them.
    Cache(SocketAddr),
}

pub fn program() -> Option<PathBuf> {
    installed("nginx")
}

/// None where it is not installed, or ends at its start. `folder` is for it alone.
pub fn start(job: Job<'_>, cpu: Cpu, folder: &Path) -> Option<Peer> {
    let program = program()?;
    let folder = folder.join(format!("nginx-{}", short_name(job)));
    fs::create_dir_all(folder.join("cache")).expect("a folder");
    let address = free_address();
    let file = folder.join("nginx.conf");
    fs::write(&file, configuration(job, cpu, &folder, address)).expect("a file");
    let log = folder.join("log");
    let arguments = [
        "-p".to_owned(),
        folder.display().to_string(),
        "-e".to_owned(),
        "stderr".to_owned(),
        "-c".to_owned(),
        file.display().to_string(),
    ];
    let process = Process::start(cpu, &log, &program, &arguments);
    let process = listening(process, address, &log)?;
    Some(Peer {
        name: name(job),
        address,
        process: Some(process),
        stored: matches!(job, Job::Cache(_)).then(|| Stored::Cache(folder.join("cache"))),
    })
}

fn name(job: Job<'_>) -> &'static str {
    match job {
        Job::Sendfile(_) => "nginx",
        Job::OpenFiles(_) => "nginx, open_file_cache",
        Job::NoSendfile(_) => "nginx, sendfile off",
        Job::Pass(_) => "nginx proxy_pass",
        Job::Cache(_) => "nginx proxy_cache",
    }
}

fn short_name(job: Job<'_>) -> String {
    let kind = match job {
        Job::Sendfile(_) => "sendfile",
        Job::OpenFiles(_) => "open",
        Job::NoSendfile(_) => "copy",
        Job::Pass(_) => "pass",
        Job::Cache(_) => "cache",
    };
    // Two of a kind may run at once, with upstreams of different speed.
    format!("{kind}-{}", free_address().port())
}

fn configuration(job: Job<'_>, cpu: Cpu, folder: &Path, address: SocketAddr) -> String {
    let workers = match cpu {
        Cpu::Any => available_parallelism().map_or(1, usize::from),
        Cpu::Only(_) => 1,
    };
    // Workers of root would be somebody who cannot read our files.
    let user = match rustix::process::geteuid().is_root() {
        true => "user root;",
        false => "",
    };
    let location = match job {
        Job::Sendfile(root) => sendfile(root),
        Job::OpenFiles(root) => {
            sendfile(root) + "open_file_cache max=10000 inactive=60s; open_file_cache_valid 60s;"
        }
        Job::NoSendfile(root) => format!("root {}; sendfile off;", root.display()),
        Job::Pass(upstream) => pass(upstream),
        Job::Cache(upstream) => {
            pass(upstream)
                + "proxy_cache all; proxy_cache_valid 200 1h; sendfile on; proxy_cache_lock on;\
                   proxy_cache_lock_timeout 300s; proxy_cache_lock_age 300s;"
        }
    };
    let folder = folder.display();
    format!(
        "{user} worker_processes {workers}; daemon off; pid {folder}/pid; error_log stderr;
events {{ worker_connections 4096; }}
http {{
    access_log off; keepalive_timeout 300s; keepalive_requests 100000000; tcp_nodelay on;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    proxy_cache_path {folder}/cache levels=1:2 keys_zone=all:10m inactive=1h use_temp_path=off;
    server {{ listen {address} backlog=4096; location / {{ {location} }} }}
}}
"
    )
}

fn sendfile(root: &Path) -> String {
    format!("root {}; sendfile on; tcp_nopush on;", root.display())
}

fn pass(upstream: SocketAddr) -> String {
    format!(
        "proxy_pass http://{upstream}; proxy_http_version 1.1; proxy_set_header Connection \"\";"
    )
}
