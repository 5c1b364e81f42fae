//! Stored `.info` and `.mod` files, on 64 connections.

use anyhow::{Context, Result};

use crate::clients::{get, load};
use crate::report::{Table, at_least};
use crate::servers::Peer::{self, Athens, Goproxy, NginxSendfile, Ours};
use crate::servers::Server;
use crate::world::{self, Speed, World};

const RATE: &str = "requests/s";

pub fn measure(world: &World) -> Result<Table> {
    let mut table = Table::new("Stored small files, 64 connections of wrk", "");
    let path = world.zip(world::SMALL, 0)?.path;
    let peers = [Ours, Goproxy, Athens, NginxSendfile];
    let servers = start(world, &peers)?;
    for case in [".info", ".mod"] {
        let target = world.target(&path.replace(".zip", case))?;
        for server in &servers {
            get(server.address, &target)?;
        }
        table.measure(world, &[case], &peers, [RATE], |_, peer| {
            let at = of(&servers, peer)?.address;
            Ok([load(at, &target.path, 64, "again")?])
        })?;
        table.ratio(case, RATE, Goproxy, at_least(2.5, 4.0));
        table.ratio(case, RATE, Athens, at_least(2.5, 4.0));
        table.ratio(case, RATE, NginxSendfile, at_least(0.9, 1.25));
    }
    Ok(table)
}

/// Starts the peers that are available.
pub fn start(world: &World, peers: &[Peer]) -> Result<Vec<Server>> {
    let there = peers.iter().filter(|peer| peer.is_there(world));
    let start = |peer: &Peer| Server::start(world, *peer, Speed::Unlimited);
    there.map(start).collect()
}

pub fn of(servers: &[Server], peer: Peer) -> Result<&Server> {
    let found = servers.iter().find(|server| server.peer == peer);
    found.context("a server is missing")
}
