//! varnish, which keeps its cache in memory and sends an answer on while it arrives.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::{Peer, free_address, installed, listening};
use crate::process::{Cpu, Process};

pub fn program() -> Option<PathBuf> {
    installed("varnishd")
}

/// None where it is not installed, or ends at its start.
pub fn start(upstream: SocketAddr, cpu: Cpu, folder: &Path) -> Option<Peer> {
    let program = program()?;
    let address = free_address();
    let folder = folder.join(format!("varnish-{}", address.port()));
    fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("cache.vcl");
    fs::write(&file, configuration(upstream)).expect("a file");
    let log = folder.join("log");
    let text = |path: &Path| path.display().to_string();
    let arguments = [
        "-F".to_owned(),
        "-j".to_owned(),
        "none".to_owned(),
        "-n".to_owned(),
        text(&folder.join("run")),
        "-a".to_owned(),
        address.to_string(),
        "-f".to_owned(),
        text(&file),
        "-s".to_owned(),
        "malloc,3g".to_owned(),
    ];
    let process = Process::start(cpu, &log, &program, &arguments);
    let process = listening(process, address, &log)?;
    Some(Peer {
        name: "varnish",
        address,
        process: Some(process),
        stored: None,
    })
}

fn configuration(upstream: SocketAddr) -> String {
    format!(
        "vcl 4.1;
backend registry {{ .host = \"{}\"; .port = \"{}\"; }}
sub vcl_backend_response {{ set beresp.do_stream = true; set beresp.ttl = 1h; }}
",
        upstream.ip(),
        upstream.port()
    )
}
