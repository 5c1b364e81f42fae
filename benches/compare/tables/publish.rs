//! Hits while 64 fills publish through a disk whose fsync takes two seconds.

use std::process::Command;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, ensure};

use super::memory::fills;
use crate::clients::{Connection, ONCE, threads};
use crate::report::{Table, at_most};
use crate::servers::Peer::Ours;
use crate::servers::{LIBRARY, Server, folder_with};
use crate::world::{self, Speed, World};

const CASE: &str = "64 fills publish, fsync takes 2 s";
const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/compare/slow_sync.c");
const SLOWEST: &str = "slowest hit, ms";

pub fn measure(world: &World) -> Result<Table> {
    let mut table = Table::new("Hits while 64 fills publish through a slow disk", "slowest");
    let zip = world.zip(world::MIDDLE, 0)?;
    let small = world.target(&zip.path.replace(".zip", ".mod"))?;
    let fills = fills(world)?;
    let measures = [SLOWEST, "hits", "all are published after, s"];
    table.measure(world, &[CASE], &[Ours], measures, |_, peer| {
        let folder = folder_with(world, &[&zip, &small])?;
        // Rust needs a C compiler for linking.
        let mut cc = Command::new("cc");
        let library = folder.join(LIBRARY);
        cc.args(["-shared", "-fPIC", SOURCE, "-o"]).arg(library);
        ensure!(cc.status().context("cc")?.success(), "cc fails");
        let server = Server::with(world, peer, Speed::Unlimited, folder)?;

        let mut connection = Connection::open(server.address, ONCE)?;
        let (start, mut slowest, mut hits) = (Instant::now(), 0.0_f64, 0.0);
        thread::scope(|scope| {
            let targets: Vec<_> = fills.iter().collect();
            let at = server.address;
            let filling = scope.spawn(move || threads(at, &targets, ONCE));
            while !fills.iter().all(|fill| server.stored(fill).exists()) {
                ensure!(start.elapsed().as_secs() < 120, "a fill is not published");
                for target in [&small, &zip] {
                    let [_, last, _] = connection.get(target, ONCE, false)?;
                    slowest = slowest.max(last);
                    hits += 1.0;
                }
            }
            let filled = filling.join();
            filled.map_err(|_| anyhow!("a client has panicked"))??;
            Ok([slowest * 1e3, hits, start.elapsed().as_secs_f64()])
        })
    })?;
    table.ours(CASE, SLOWEST, at_most(200.0, 50.0));
    Ok(table)
}
