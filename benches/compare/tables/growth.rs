//! Cost of tower-goproxy as work grows: what should be flat is flat.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::clients::{Connection, ONCE, get, load};
use crate::report::{Table, at_most, estimate, with};
use crate::servers::Peer::Ours;
use crate::servers::{Server, folder_with, storage};
use crate::world::{self, MIB, Speed, Target, World};

/// Microseconds of a hit and of a miss, and KiB of memory.
type Costs = [f64; 3];

pub fn measure(world: &World) -> Result<Table> {
    let mut table = Table::new("Cost as work grows", "hit");
    let sizes = ["1000 files", "100000 files", "1000000 files"];
    let mut storages = HashMap::new();
    for count in sizes.map(number) {
        storages.insert(count, stored(world, count)?);
    }
    let run = |count| files(world, &storages[&count], count);
    grow(&mut table, world, &sizes, "", run)?;
    let sizes = [
        "10 connections",
        "1 connection",
        "100 connections",
        "1000 connections",
    ];
    let run = |count| connections(world, count);
    grow(&mut table, world, &sizes, "", run)?;
    let sizes = ["10 MiB zip", "1 MiB zip", "100 MiB zip", "500 MiB zip"];
    let run = |size| zips(world, size);
    grow(&mut table, world, &sizes, "MiB of ", run)?;
    Ok(table)
}

fn number(case: &str) -> usize {
    let number = case.split(' ').next();
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Adds rows for the ratio of the last size to the first.
fn grow(
    table: &mut Table,
    world: &World,
    sizes: &[&str],
    part: &str,
    mut cost: impl FnMut(usize) -> Result<Costs>,
) -> Result<()> {
    let (hit, miss) = (format!("{part}hit, µs"), format!("{part}miss, µs"));
    let measures = [&hit, &miss, "memory, KiB"];
    table.measure(world, sizes, &[Ours], measures, |case, _| {
        cost(number(case))
    })?;
    let (few, many) = (sizes[0], sizes[sizes.len() - 1]);
    for measure in measures {
        let (costs, others) = (table.of(many, measure, Ours), table.of(few, measure, Ours));
        let ratio = with(&costs, &others, |many, few| many / few);
        let what = format!("{measure}: ratio to {few}");
        table.row(many, &what, at_most(1.5, 1.1), ratio);
    }
    Ok(())
}

/// Hits all over a storage and misses, one after the other.
fn files(world: &World, kept: &Path, count: usize) -> Result<Costs> {
    let folder = world.folder()?;
    symlink(kept, storage(&folder))?;
    let server = Server::with(world, Ours, Speed::Unlimited, folder)?;
    let ([hit, miss], memory) = server.process()?.memory_growth(|| {
        // The prime step spreads the hits over the storage.
        let hits = (0..2_000).map(|hit| info(hit * 611_953 % count));
        let misses = (0..200).map(|at| {
            let module = format!("example.com/missing{}", new_modules(world) + at);
            let content = format!("module {module}\n");
            target(format!("/{module}/@v/v1.0.0.mod"), &content)
        });
        Ok([median(&server, hits)?, median(&server, misses)?])
    })?;
    Ok([hit, miss, memory])
}

/// Microseconds.
fn median(server: &Server, targets: impl Iterator<Item = Target>) -> Result<f64> {
    let mut connection = Connection::open(server.address, ONCE)?;
    let times = targets.map(|target| Ok(connection.get(&target, ONCE, false)?[1] * 1e6));
    let times = times.collect::<Result<Vec<_>>>()?;
    Ok(estimate(&times).map_or(f64::NAN, |[median, ..]| median))
}

/// The first number of ten million modules that the registry has and nobody has requested.
fn new_modules(world: &World) -> usize {
    world.number() * 10_000_000
}

const VERSIONS: usize = 100;

/// The content of each stored file.
const INFO: &str = "{\"Version\":\"v1.0.0\",\"Time\":\"2026-01-02T03:04:05Z\"}";

fn info(number: usize) -> Target {
    let (module, version) = (number / VERSIONS, number % VERSIONS);
    let module = format!("/example.com/team{}/module{module}", module % 100);
    target(format!("{module}/@v/v1.{version}.0.info"), INFO)
}

fn target(path: String, content: &str) -> Target {
    let (len, sha256) = (content.len() as u64, [0; 32]);
    Target { path, len, sha256 }
}

/// A storage with `count` files. After the first 10,000 they are hard links to these, which are faster to make.
fn stored(world: &World, count: usize) -> Result<PathBuf> {
    const FILES: usize = 10_000;
    let root = storage(&folder_with(world, &[])?);
    let file = |number| root.join(&info(number).path[1..]);
    for number in 0..count {
        if number.is_multiple_of(VERSIONS) {
            fs::create_dir_all(file(number).with_file_name(""))?;
        }
        match number < FILES {
            true => fs::write(file(number), INFO)?,
            false => fs::hard_link(file(number % FILES), file(number))?,
        }
    }
    Ok(root)
}

/// Hits for a second, then misses for a second. The memory is that for each connection.
fn connections(world: &World, count: usize) -> Result<Costs> {
    let server = Server::start(world, Ours, Speed::Unlimited)?;
    let path = world.zip(world::SMALL, 0)?.path.replace(".zip", ".mod");
    get(server.address, &world.target(&path)?)?;
    let ([hits, misses], memory) = server.process()?.memory_growth(|| {
        let mode = format!("missing {}", new_modules(world));
        let hits = load(server.address, &path, count, "again")?;
        Ok([hits, load(server.address, "/", count, &mode)?])
    })?;
    Ok([1e6 / hits, 1e6 / misses, memory / count as f64])
}

/// The times are for each MiB.
fn zips(world: &World, size: usize) -> Result<Costs> {
    let zip = world.zip((&format!("zip{size}"), 1, size as u64 * MIB), 0)?;
    let server = Server::start(world, Ours, Speed::Unlimited)?;
    let ([hit, miss], memory) = server.process()?.memory_growth(|| {
        let mut connection = Connection::open(server.address, ONCE)?;
        let [_, miss, _] = connection.get(&zip, ONCE, false)?;
        let [_, hit, _] = connection.get(&zip, ONCE, false)?;
        Ok([hit, miss].map(|seconds| seconds * 1e6 / size as f64))
    })?;
    Ok([hit, miss, memory])
}
