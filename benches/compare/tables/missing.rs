//! A missing 100 MiB zip behind an upstream of 20 MiB/s.

use anyhow::Result;

use super::{FETCHES, FIRST, LAST};
use crate::clients::{How, threads};
use crate::report::{Table, at_most, exactly, gate, with};
use crate::servers::Peer::{self, Athens, Direct, Goproxy, Ours};
use crate::servers::Server;
use crate::world::{self, LINE, Speed, Target, World};

const PACED: &str = "1 client of 20 MiB/s";
const PLOT: &str = "1 client of 20 MiB/s*byte";
const ONE: &str = "1 client";
const SOME: &str = "16 clients";
const MANY: &str = "64 clients";
const FILES: &str = "zip of 18,000 files";
const MEMORY: &str = "growth of memory, KiB";
const MEASURES: [&str; 4] = [FIRST, LAST, FETCHES, MEMORY];

pub fn measure(world: &World) -> Result<Table> {
    let mut table = Table::new("A missing 100 MiB zip, upstream of 20 MiB/s", PLOT);
    let all = [Ours, Goproxy, Athens, Direct];
    let (zip, files) = (world.zip(world::LARGE, 0)?, world.zip(world::FILES, 0)?);
    for (case, peers, zip, clients, rate) in [
        (PACED, &all[..3], &zip, 1, LINE as f64),
        (ONE, &all, &zip, 1, f64::INFINITY),
        (SOME, &all[..1], &zip, 16, f64::INFINITY),
        (MANY, &all[..3], &zip, 64, f64::INFINITY),
        (FILES, &[Ours, Direct], &files, 1, f64::INFINITY),
    ] {
        let run = |_: &str, peer| miss(world, peer, zip, clients, rate);
        table.measure(world, &[case], peers, MEASURES, run)?;
    }
    for peer in [Goproxy, Athens] {
        let crowd = [at_most(0.3, 0.15), at_most(0.7, 0.57)];
        table.ratio(PACED, FIRST, peer, at_most(0.01, 0.001));
        table.ratio(PACED, LAST, peer, at_most(0.55, 0.505));
        table.ratio(ONE, LAST, peer, at_most(1.0, 0.97));
        table.ratio(MANY, LAST, peer, crowd[usize::from(peer == Athens)]);
        table.ratio(MANY, MEMORY, peer, at_most(1.0, 0.5));
    }
    table.ratio(ONE, LAST, Direct, gate(at_most(1.02, 1.005)));
    table.later(ONE, FIRST, Direct, at_most(5.0, 2.0));
    table.later(FILES, LAST, Direct, at_most(60.0, 10.0));
    let (first, last) = (table.of(ONE, FIRST, Ours), table.of(ONE, LAST, Ours));
    let part = with(&first, &last, |first, last| first / last);
    table.row(
        ONE,
        "first byte, part of the total",
        gate(at_most(0.05, 0.005)),
        part,
    );
    for case in [ONE, SOME, MANY] {
        table.ours(case, FETCHES, gate(exactly(1.0)));
    }
    Ok(table)
}

fn miss(world: &World, peer: Peer, zip: &Target, clients: usize, rate: f64) -> Result<[f64; 4]> {
    let server = Server::start(world, peer, Speed::Line)?;
    let (at, mark) = (server.address, world.mark()?);
    let (zips, whole) = (vec![zip; clients], How(rate, f64::INFINITY));
    let ([first, last], memory) = match server.process() {
        Ok(process) => process.memory_growth(|| threads(at, &zips, whole))?,
        // The upstream has no process of its own.
        Err(_) => (threads(at, &zips, whole)?, f64::NAN),
    };
    drop(server);
    Ok([first, last, world.fetches(mark, &zip.path)?, memory])
}
