//! A missing 100 MiB zip behind an upstream without limit, for each kind of client.

use anyhow::Result;

use super::{FETCHES, FIRST, LAST};
use crate::clients::Client;
use crate::report::{Table, at_most, exactly, gate};
use crate::servers::Peer::{self, NginxCache, Ours};
use crate::servers::Server;
use crate::world::{self, Speed, World};

const PEERS: [Peer; 2] = [Ours, NginxCache];
const MEASURES: [&str; 3] = [FIRST, LAST, FETCHES];

pub fn measure(world: &World) -> Result<Table> {
    let mut table = Table::new("A missing 100 MiB zip, upstream without limit", "last byte");
    let zip = world.zip(world::LARGE, 0)?;
    let cases = [("1 client", 1), ("16 clients", 16), ("64 clients", 64)];
    for (case, clients) in cases.into_iter().skip(if world.short { 2 } else { 0 }) {
        let mut fetches = Vec::new();
        for (name, client) in Client::ALL {
            let case = format!("{case}, {name}");
            table.measure(world, &[&case], &PEERS, MEASURES, |_, peer| {
                let server = Server::start(world, peer, Speed::Unlimited)?;
                let mark = world.mark()?;
                let [first, last] = client.burst(server.address, &zip, clients)?;
                drop(server);
                Ok([first, last, world.fetches(mark, &zip.path)?])
            })?;
            fetches.extend(table.of(&case, FETCHES, Ours));
        }
        let last = [at_most(1.3, 1.0), at_most(1.2, 0.7)][usize::from(clients > 1)];
        table.worst(case, LAST, NginxCache, gate(last));
        table.row(case, FETCHES, gate(exactly(1.0)), fetches);
    }
    table.worst("64 clients", FIRST, NginxCache, at_most(0.15, 0.04));
    Ok(table)
}
