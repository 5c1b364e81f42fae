//! An nginx that keeps what it may.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::yield_now;

use tempfile::TempDir;

use crate::support::Port;

/// Stops when it is dropped.
pub(crate) struct Nginx {
    child: Child,
    port: Port,
    /// Goes away after the process.
    _folder: TempDir,
}

impl Nginx {
    /// In front of this server, with a cache that tells requests apart by their path alone. A response without
    /// `Cache-Control` is kept too, whatever its status.
    pub(crate) fn start(upstream: SocketAddr) -> Self {
        let (folder, port) = (TempDir::new().unwrap(), Port::new());
        let file = folder.path().join("nginx.conf");
        let text = configuration(folder.path(), port.address(), upstream);
        fs::write(&file, text).unwrap();
        let mut child = Command::new(program())
            .args(["-e", "stderr", "-p"])
            .arg(folder.path())
            .arg("-c")
            .arg(&file)
            .stdin(Stdio::null())
            .spawn()
            .expect("nginx runs: scripts/test.sh installs it");
        while TcpStream::connect(port.address()).is_err() {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "nginx ended: see its messages above");
            yield_now();
        }
        Self {
            child,
            port,
            _folder: folder,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.port.address()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // It is a single process.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program() -> OsString {
    let given = env::var_os("TOWER_GOPROXY_NGINX").filter(|path| !path.is_empty());
    given.unwrap_or_else(|| {
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = env::split_paths(&path).chain(["/usr/sbin".into()]);
        let found = folders
            .map(|folder| folder.join("nginx"))
            .find(|nginx| nginx.is_file());
        found
            .expect("no nginx: run scripts/test.sh, which installs one")
            .into()
    })
}

fn configuration(folder: &Path, address: SocketAddr, upstream: SocketAddr) -> String {
    let folder = folder.display();
    format!(
        "daemon off; master_process off; pid {folder}/pid; error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    proxy_cache_path {folder}/cache keys_zone=all:1m;
    server {{
        listen {address} reuseport;
        location / {{
            proxy_pass http://{upstream};
            proxy_cache all; proxy_cache_key $uri; proxy_cache_valid any 1h;
            add_header X-Nginx $upstream_cache_status always;
        }}
    }}
}}
"
    )
}
