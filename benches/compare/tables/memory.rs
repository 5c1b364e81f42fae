//! Memory of tower-goproxy: for each slow reader, for each running fill, and for zips of different size.

use anyhow::Result;

use crate::clients::{How, ONCE, threads};
use crate::report::{Table, at_most, gate, with};
use crate::servers::Peer::Ours;
use crate::servers::{Server, folder_with};
use crate::world::{self, Speed, Target, World};

const SMALL: &str = "zip of 5 MiB";
const LARGE: &str = "zip of 100 MiB";
const HIT: &str = "each slow reader, stored, KiB";
const MISS: &str = "each slow reader, missing, KiB";
const FILLS: &str = "64 fills of 5 MiB";
const EACH: &str = "each with a reader, KiB";

/// Reads 256 KiB/s for three seconds and disconnects.
const SLOW: How = How(262_144.0, 3.0);

pub fn measure(world: &World) -> Result<Table> {
    let mut table = Table::new("Memory with 64 slow readers, or 64 fills", "each");
    let (small, large) = (world.zip(world::MIDDLE, 0)?, world.zip(world::LARGE, 0)?);
    for measure in [HIT, MISS] {
        table.measure(world, &[SMALL, LARGE], &[Ours], [measure], |case, peer| {
            let zip = if case == SMALL { &small } else { &large };
            let stored: &[&Target] = if measure == HIT { &[zip] } else { &[] };
            let folder = folder_with(world, stored)?;
            let server = Server::with(world, peer, Speed::Line, folder)?;
            let read = || threads(server.address, &[zip; 64], SLOW);
            Ok([server.process()?.memory_growth(read)?.1 / 64.0])
        })?;
        let of = |case| table.of(case, measure, Ours);
        let more = with(&of(LARGE), &of(SMALL), |large, small| large / small - 1.0);
        table.ours(LARGE, measure, gate(at_most(384.0, 192.0)));
        let what = format!("{measure}: more than that of 5 MiB, as a part of it");
        table.row(LARGE, &what, at_most(0.15, 0.05), more);
    }
    let fills = fills(world)?;
    let fills: Vec<_> = fills.iter().collect();
    table.measure(world, &[FILLS], &[Ours], [EACH], |_, peer| {
        let server = Server::start(world, peer, Speed::Slow)?;
        let fill = || threads(server.address, &fills, ONCE);
        Ok([server.process()?.memory_growth(fill)?.1 / 64.0])
    })?;
    table.ours(FILLS, EACH, gate(at_most(768.0, 256.0)));
    Ok(table)
}

/// 64 zips of 5 MiB.
pub fn fills(world: &World) -> Result<Vec<Target>> {
    let fill = |version| world.zip(world::MIDDLE, version);
    (1..65).map(fill).collect()
}
