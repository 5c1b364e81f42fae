//! A Go module proxy to run: a storage that is filled while it answers, rules, registries, version control for private
//! modules, users, TLS.
//!
//! ```sh
//! cargo run --release -p tower-goproxy-server
//! GOPROXY=http://127.0.0.1:3000 go mod download
//! ```

mod access_log;
mod app;
mod cli;
mod config;
mod current;
mod direct;
mod health;
mod life;
mod metrics;
mod miss;
mod modules;
mod options;
mod registry;
mod reload;
mod request_id;
mod roots;
mod rules;
mod seconds;
mod serve;
mod server;
mod storage;
mod stored;
mod sumdb;
mod users;

use std::error::Error;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::Duration;

use tokio::runtime::Runtime;

use crate::cli::Command;
use crate::config::Loaded;

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// How long threads that wait for the system may delay the end.
const THREADS: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    // The first thing, so nobody has installed another one: that of registries, of cloud stores and of this server.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // glibc returns free memory to the system until the program has freed a larger buffer once: mallopt(3),
    // M_MMAP_THRESHOLD. Without this a stored zip of 100 MiB takes 1,300 to 11,000 page faults and a sixth more time.
    drop(black_box(Vec::<u8>::with_capacity(512 * 1024)));
    let (command, loaded) = match cli::parse(std::env::args_os()) {
        Ok(parsed) => parsed,
        Err(code) => return code,
    };
    let done = match command {
        Command::Serve => serve(&loaded),
        Command::Config => {
            print!("{}", loaded.show());
            Ok(())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", chain(&*error));
            ExitCode::FAILURE
        }
    }
}

fn serve(loaded: &Loaded) -> Result<(), BoxError> {
    let runtime = Runtime::new()?;
    let done = runtime.block_on(serve::run(loaded));
    // A file system or a name server that is away may keep a thread for ever.
    runtime.shutdown_timeout(THREADS);
    done
}

/// An error with its causes. What a message says already is not said twice.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}
