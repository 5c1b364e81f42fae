//! An nginx that keeps what it may.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Stops when it is dropped.
pub(crate) struct Nginx {
    child: Child,
    address: SocketAddr,
    /// Goes away after the process.
    _folder: TempDir,
}

impl Nginx {
    /// In front of this server, with a cache that tells requests apart by their path alone. A response without
    /// `Cache-Control` is kept too, whatever its status.
    pub(crate) fn start(upstream: SocketAddr) -> Self {
        // Somebody else may take the port before nginx does.
        let started = (0..5).find_map(|_| Self::try_start(upstream));
        started.expect("nginx starts: see its messages above")
    }

    fn try_start(upstream: SocketAddr) -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let file = folder.path().join("nginx.conf");
        fs::write(&file, configuration(folder.path(), address, upstream)).unwrap();
        let child = Command::new(program())
            .args(["-e", "stderr", "-p"])
            .arg(folder.path())
            .arg("-c")
            .arg(&file)
            .stdin(Stdio::null())
            .spawn()
            .expect("nginx runs: scripts/test.sh installs it");
        let mut nginx = Self {
            child,
            address,
            _folder: folder,
        };
        nginx.listens().then_some(nginx)
    }

    fn listens(&mut self) -> bool {
        let begun = Instant::now();
        while self.child.try_wait().unwrap().is_none() && begun.elapsed() < Duration::from_secs(30)
        {
            if TcpStream::connect(self.address).is_ok() {
                return true;
            }
            sleep(Duration::from_millis(10));
        }
        false
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
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
        listen {address};
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
