//! How fast tower-goproxy is and what it costs, next to the servers that people run: Athens, goproxy, and nginx.
//!
//! ```sh
//! scripts/peers.sh
//! cargo bench --features full --bench compare -- --out docs/bench
//! ```
//!
//! A file of `tables` is a table. It starts servers (`servers`) that fetch from a registry of made-up modules (`world`),
//! lets clients load them in rounds (`clients`), and returns rows with floor, goal and verdict (`report`, `chart`).
//! All traffic stays on 127.0.0.1, but for the tables `tree` and `first-run`, which use the registries of modules and
//! crates. Linux only.

#![allow(missing_docs)]
// `rust-version` is that of the crate without features.
#![allow(clippy::incompatible_msrv)]

mod chart;
mod clients;
mod nginx;
mod process;
mod report;
mod servers;
#[path = "../support/mod.rs"]
mod support;
mod tables;
mod world;

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Parser;
use clap::builder::PossibleValuesParser;
use rustix::process::{Resource, getrlimit, setrlimit};

use crate::tables::TABLES;
use crate::world::World;

/// Compares tower-goproxy with Athens, goproxy and nginx.
#[derive(Debug, Parser)]
struct Args {
    /// Takes at most three minutes, without the Go servers. Fails if a count is wrong, or a ratio is worse than its
    /// floor by more than a quarter in each of three runs.
    #[arg(long)]
    short: bool,
    /// Runs only this table; can be given more than once.
    #[arg(long, value_name = "TABLE", value_parser = PossibleValuesParser::new(TABLES.map(|table| table.0)))]
    only: Vec<String>,
    /// Also writes each table as JSON, Markdown and SVG into this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How often each server is measured in each case [default: 5, or 1 with --short].
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u8).range(1..))]
    rounds: Option<u8>,
    /// Given by `cargo bench`; nothing is measured without it.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let done = match arguments.split_first() {
        Some((role, rest)) if role == process::RUN => process::run(rest).map(|()| true),
        Some((role, rest)) if role == servers::SERVE => servers::serve(rest).map(|()| true),
        // `cargo test --benches` runs this too.
        _ if !arguments.iter().any(|argument| argument == "--bench") => Ok(true),
        _ => measure(&Args::parse()),
    };
    match done {
        Ok(true) => return ExitCode::SUCCESS,
        Ok(false) => {}
        Err(error) => eprintln!("error: {error:#}"),
    }
    ExitCode::FAILURE
}

/// False if a row fails.
fn measure(args: &Args) -> Result<bool> {
    // A thousand connections have two ends each; servers inherit the limit.
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit)?;
    let rounds = args.rounds.unwrap_or(if args.short { 1 } else { 5 });
    let world = World::new(args.short, rounds.into())?;
    println!("{}", report::machine());
    let (start, mut failed) = (Instant::now(), Vec::new());
    for (name, in_short, measure) in TABLES {
        let chosen = args.only.is_empty() && (in_short || !args.short);
        if !chosen && !args.only.iter().any(|only| only == name) {
            continue;
        }
        let mut table = measure(&world).context(name)?;
        let mut wrong = table.failed();
        for _ in 0..2 {
            if args.short && !wrong.is_empty() {
                eprintln!("again, since these failed: {}", wrong.join("; "));
                table = measure(&world).context(name)?;
                let again = table.failed();
                wrong.retain(|row| again.contains(row));
            }
        }
        failed.extend(wrong);
        println!("\n## {}\n\n{}", table.title, table.markdown());
        let seconds = start.elapsed().as_secs();
        eprintln!("table {name}: done, {seconds} s since the start");
        if let Some(folder) = &args.out {
            let written = table.write(folder, name);
            written.with_context(|| folder.display().to_string())?;
        }
    }
    for row in &failed {
        eprintln!("below its floor by more than a quarter, or a wrong count: {row}");
    }
    Ok(failed.is_empty() || !args.short)
}
