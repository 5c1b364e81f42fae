//! How fast a hit and a miss are, and what they cost, next to what people use today: nginx, varnish,
//! `ServeDir` of tower-http, and no proxy at all.
//!
//! `scripts/peers.sh` installs nginx and varnish where Debian's packages can be; a peer that is not
//! there is left out. Then
//!
//! ```sh
//! cargo bench --features full --bench compare -- --out docs/bench
//! ```
//!
//! `--short` checks in three minutes what a noisy machine cannot hide, and fails when a count is wrong, a floor broken by
//! more than a quarter, or a peer that is installed does not start.
//! Everything runs on 127.0.0.1 and ends with this program. Linux only.

#![allow(missing_docs)]

mod content;
mod growth;
mod load;
mod peers;
mod plot;
mod process;
mod report;
mod roles;
mod rounds;
mod rows;
mod runs;
mod scale;
mod stats;
#[path = "../support/mod.rs"]
mod support;
mod table;
mod upstream;
mod usage;
mod workplace;
mod world;

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::peers::{nginx, varnish};
use crate::report::Report;
use crate::world::World;

/// Compares tower-goproxy with nginx, varnish, ServeDir, and no proxy at all.
#[derive(Debug, Parser)]
struct Args {
    /// How often each peer is measured in each case.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..))]
    rounds: u8,
    /// Only what a noisy machine cannot hide. Fails when a count is wrong, or a floor broken by more than a quarter.
    #[arg(long)]
    short: bool,
    /// Also writes the tables, and plots, into this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Only one part: "layer", "rules", "small hits", "zip hits", "cold fast", "cold far", "check",
    /// "memory of readers", "memory of fills", "timeline", "growth fills", "growth readers", "growth
    /// modules", "growth rules", or "growth files"; or what some of these have in common.
    #[arg(
        long,
        value_name = "PART",
        default_value = "",
        hide_default_value = true,
        conflicts_with = "short"
    )]
    only: String,
    /// Given by `cargo bench`; nothing is measured without it.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    if let [role, arguments @ ..] = &*arguments {
        roles::take_on(role, arguments);
    }
    // `cargo test --benches` runs this too.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    let args = Args::parse();
    allow_many_files();
    for (program, name) in [(nginx::program(), "nginx"), (varnish::program(), "varnish")] {
        if program.is_none() {
            eprintln!(
                "{name} is not installed (scripts/peers.sh does that): its rows are left out"
            );
        }
    }
    let rounds = if args.short { 3 } else { args.rounds.into() };
    let world = World::new(rounds);
    let mut report = Report::default();
    let broken = if args.short {
        runs::short(&world, &mut report)
    } else {
        runs::all(&world, &args.only, &mut report);
        Vec::new()
    };
    println!("{}", report.markdown());
    if let Some(folder) = args.out {
        report
            .write(&folder)
            .expect("a folder that can be written to");
    }
    if broken.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("wrong, broken by more than a quarter, or not measured, in three runs:");
    eprintln!("{}", table::show(&broken));
    ExitCode::FAILURE
}

/// A thousand fills take some files each; servers inherit the limit.
fn allow_many_files() {
    let most = getrlimit(Resource::Nofile).maximum;
    let limit = Rlimit {
        current: most,
        maximum: most,
    };
    setrlimit(Resource::Nofile, limit).expect("up to the maximum it is allowed");
}
