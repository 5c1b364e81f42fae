//! Stored zips, for each kind of client.

use std::time::Instant;

use anyhow::Result;

use super::small::{of, start};
use crate::clients::{Client, get};
use crate::report::{Table, at_least, at_most};
use crate::servers::Peer::{Goproxy, NginxCopy, NginxSendfile, Ours};
use crate::world::{self, World};

const RATE: &str = "MiB/s";
const CPU: &str = "CPU time, s/GiB";
const FIRST: &str = "slowest first byte, ms";

pub fn measure(world: &World) -> Result<Table> {
    let mut table = Table::new("Stored zips", "64 at once*MiB/s");
    let peers = [Ours, Goproxy, NginxSendfile, NginxCopy];
    let servers = start(world, &peers)?;
    for (size, zip) in [
        ("5 MiB", world.zip(world::MIDDLE, 0)?),
        ("100 MiB", world.zip(world::LARGE, 0)?),
    ] {
        for server in &servers {
            // The first request stores it.
            get(server.address, &zip)?;
        }
        for connections in [1, 8, 64] {
            let case = format!("{size}, {connections} at once");
            for (name, client) in Client::ALL {
                let case = format!("{case}, {name}");
                table.measure(world, &[&case], &peers, [RATE, CPU], |_, peer| {
                    let server = of(&servers, peer)?;
                    let (start, before) = (Instant::now(), server.process()?.cpu());
                    let rate = client.rate(server.address, &zip, connections)?;
                    let gib = rate * start.elapsed().as_secs_f64() / 1024.0;
                    Ok([rate, (server.process()?.cpu() - before) / gib])
                })?;
            }
            table.worst(&case, RATE, Goproxy, at_least(0.7, 1.0));
            table.worst(&case, RATE, NginxCopy, at_least(0.75, 1.0));
            table.worst(&case, CPU, NginxSendfile, at_most(4.0, 2.5));
        }
    }
    let (case, zip) = ("100 MiB, 64 threads", world.zip(world::LARGE, 0)?);
    table.measure(world, &[case], &[Ours], [FIRST], |_, peer| {
        let [first, _] = Client::Threads.burst(of(&servers, peer)?.address, &zip, 64)?;
        Ok([first * 1e3])
    })?;
    table.ours(case, FIRST, at_most(80.0, 25.0));
    Ok(table)
}
