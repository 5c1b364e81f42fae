//! nginx as upstream, as cache, and as server of static files.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::thread::available_parallelism;

use anyhow::Result;

use crate::process::{Process, find, free_address, server};

/// Serves the files of a folder. `sendfile` is `on` or `off`.
pub fn files(folder: &Path, at: SocketAddr, root: &Path, sendfile: &str) -> Result<Process> {
    let root = root.display();
    let job = format!("root {root}; sendfile {sendfile}; tcp_nopush {sendfile};");
    serve(folder, at, &job)
}

/// A cache with lock: clients of a missing file wait for the first of them, longer than the default of 5 seconds.
pub fn cache(folder: &Path, at: SocketAddr, upstream: &str) -> Result<Process> {
    let job = format!(
        "proxy_pass {upstream}; proxy_http_version 1.1; proxy_set_header Connection \"\"; sendfile off;
        proxy_cache all; proxy_cache_valid 200 1h; proxy_cache_lock on; proxy_cache_lock_timeout 300s;
        proxy_cache_lock_age 300s;"
    );
    serve(folder, at, &job)
}

fn serve(folder: &Path, at: SocketAddr, job: &str) -> Result<Process> {
    let http = format!(
        "access_log off; server {{ listen {at} backlog=4096; location / {{ {job} }} }}
        proxy_cache_path cache levels=1:2 keys_zone=all:10m inactive=1h use_temp_path=off;"
    );
    run(folder, at, available_parallelism()?.get(), &http)
}

/// Three ports: without limit, with 20 MiB/s, and with 1 MiB/s a connection. It logs each fetch, and has a go.mod for every
/// module `missing` followed by a number.
pub fn registry(folder: &Path, root: &Path, log: &Path) -> Result<([SocketAddr; 3], Process)> {
    let addresses = [free_address()?, free_address()?, free_address()?];
    let (root, log) = (root.display(), log.display());
    let log = format!("log_format path $uri; access_log {log} path;");
    let mut http = format!("{log} root {root}; sendfile on;");
    for (at, rate) in addresses.iter().zip(["0", "20m", "1m"]) {
        http += &format!(
            "server {{ listen {at} backlog=4096; limit_rate {rate};
            location = /connections {{ stub_status; access_log off; }}
            location ~ \"^/(example.com/missing[0-9]+)/@v/[^/]*[.]mod$\" {{ return 200 \"module $1\\n\"; }} }}"
        );
    }
    // One worker, so that its count of connections and its log agree.
    Ok((addresses, run(folder, addresses[0], 1, &http)?))
}

fn run(folder: &Path, at: SocketAddr, workers: usize, http: &str) -> Result<Process> {
    // By default the workers of root run as a user who cannot read these files.
    let root = rustix::process::geteuid().is_root();
    let user = if root { "user root;" } else { "" };
    let configuration = format!(
        "{user} worker_processes {workers}; daemon off; pid pid; error_log stderr;
        events {{ worker_connections 8192; }}
        http {{
            keepalive_timeout 300s; keepalive_requests 100000000; tcp_nodelay on;
            client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
            uwsgi_temp_path uwsgi; scgi_temp_path scgi;
            {http}
        }}"
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, configuration)?;
    let mut command = server(&find("nginx")?)?;
    command.args(["-e", "stderr", "-p"]).arg(folder);
    command.arg("-c").arg(file);
    Process::start(&mut command, &folder.join("log"), at)
}
