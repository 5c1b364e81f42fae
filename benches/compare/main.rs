//! How fast a hit and a miss are, and what they cost, next to what people use today: nginx, varnish,
//! `ServeDir` of tower-http, and no proxy at all.
//!
//! `scripts/peers.sh` installs nginx and varnish where Debian's packages can be; a peer that is not
//! there is left out. Then
//!
//! ```sh
//! cargo bench --features full --bench compare
//! ```
//!
//! Everything runs on 127.0.0.1 and ends with this program. Linux only.

#![allow(missing_docs)]

mod content;
mod load;
mod peers;
mod process;
mod report;
mod roles;
mod rounds;
mod rows;
mod stats;
mod table;
mod upstream;
mod usage;
mod world;

use std::env;
use std::time::Duration;

use clap::Parser;

use crate::report::Report;
use crate::rows::small_hits::{self, Place};
use crate::rows::{cold, zip_hits};
use crate::upstream::Speed;
use crate::world::World;

/// Compares tower-goproxy with nginx, varnish, ServeDir, and no proxy at all.
#[derive(Debug, Parser)]
struct Args {
    /// How often each peer is measured in each case.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Only the cases whose name holds this.
    #[arg(default_value = "")]
    filter: String,
    /// Given by `cargo bench`; nothing is measured without it.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    if let [role, arguments @ ..] = &*arguments {
        roles::take_on(role, arguments);
    }
    // `cargo test --benches` runs this too.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    let args = Args::parse();
    let world = World::new(args.rounds);
    let mut report = Report::default();
    let wanted = |name: &str| name.contains(&args.filter);
    if wanted("small") {
        for place in [Place::OneCoreEach, Place::Anywhere] {
            small_hits::measure(&world, place, Duration::from_secs(2), &mut report);
        }
    }
    for case in zip_hits::CASES.iter().filter(|case| wanted(case.title)) {
        zip_hits::measure(&world, case, &mut report);
    }
    for (speed, name) in [(Speed::Unlimited, "cold unlimited"), (Speed::Far, "cold far")] {
        if wanted(name) {
            let peers = cold::peers(&world, speed);
            for clients in [1, 16, 64] {
                cold::measure(&world, &peers, speed, clients, &mut report);
            }
        }
    }
    println!("{}", report.markdown());
}
