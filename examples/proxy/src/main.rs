//! A Go module proxy to run: a storage that is filled while it answers, rules, registries, version control for private
//! modules, users, TLS.
//!
//! ```sh
//! cargo run --release -p tower-goproxy-server
//! GOPROXY=http://127.0.0.1:3000 go mod download
//! ```

mod access_log;
mod app;
mod check;
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
mod places;
mod registry;
mod reload;
mod request_id;
mod roots;
mod rules;
mod seconds;
mod serve;
mod server;
mod shares;
mod storage;
mod stored;
mod sumdb;
mod users;

use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use mimalloc::MiMalloc;
use tokio::runtime::Runtime;

use crate::cli::Command;

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// With that of glibc, memory grows from one crowd of clients to the next: each thread keeps what it has freed.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// How long threads that wait for the system may delay the end.
const THREADS: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    // The first thing, so nobody has installed another one: that of registries, of cloud stores and of this server.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (command, loaded) = match cli::parse(std::env::args_os()) {
        Ok(parsed) => parsed,
        Err(code) => return code,
    };
    let done = match command {
        Command::Serve => run(serve::run(&loaded)).map(|()| true),
        Command::Check(args) => run(check::run(&loaded, args)),
        Command::Config => match write!(io::stdout(), "{}", loaded.show()) {
            Ok(()) => Ok(true),
            Err(error) => Err(error.into()),
        },
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {}", chain(&*error));
            ExitCode::FAILURE
        }
    }
}

fn run<T>(command: impl Future<Output = Result<T, BoxError>>) -> Result<T, BoxError> {
    let runtime = Runtime::new()?;
    let done = runtime.block_on(command);
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
