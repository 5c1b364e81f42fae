//! The layer alone, 100,000 rules, and the check of a zip.

use std::convert::Infallible;
use std::hint::black_box;
use std::time::Instant;

use anyhow::Result;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use tower::{Layer, Service, service_fn};
use tower_goproxy::filter::FilterLayer;
use tower_goproxy::policy::Rules;
use tower_goproxy::{SharedCaches, Target};

use crate::clients::get;
use crate::process::wait_until;
use crate::report::{Table, at_most, exactly, gate};
use crate::servers::Peer::Ours;
use crate::servers::Server;
use crate::support::{allocations, now};
use crate::world::{self, MIB, Speed, World};

const REQUESTS: usize = 200_000;

/// A request for each way through the layer: to the inner service, direct, include.
const PATHS: [&str; 3] = [
    "/api/v1/users/42/settings",
    "/git.corp.example/team/module/@v/v1.2.3.zip",
    "/github.com/!burnt!sushi/toml/@v/v1.4.0.zip",
];

const TIME: &str = "time added to a request, ns";
const ALLOCATIONS: &str = "allocations added to a request";
const RULES: &str = "100,000 rules";
const CLASSIFY: &str = "classify one target, ns";
const FILES: &str = "zip of 18,000 files";
const CPU: &str = "CPU time of a whole fill per MiB, ms";

pub fn measure(world: &World) -> Result<Table> {
    let mut table = Table::new("The layer alone, 100,000 rules, the check of a zip", ", ns");
    layer(world, &mut table)?;
    rules(world, &mut table)?;
    check(world, &mut table)?;
    Ok(table)
}

fn layer(world: &World, table: &mut Table) -> Result<()> {
    // The inner service costs nothing, so what is measured is the layer.
    let mut still = service_fn(|request: Request<Empty<Bytes>>| {
        black_box(request);
        std::future::ready(Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new())))
    });
    let rules = Rules::parse("+\nD git.corp.example\n- github.com/evil")?;
    // Otherwise the layer adds a header to each response.
    let layer = FilterLayer::new(rules, still).shared_caches(SharedCaches::Allowed);
    let mut layered = layer.layer(still);
    table.measure(world, &PATHS, &[Ours], [TIME, ALLOCATIONS], |path, _| {
        let time = time(&mut layered, path) - time(&mut still, path);
        let with = allocations(|| ask(&mut layered, path));
        let without = allocations(|| ask(&mut still, path));
        Ok([time, with as f64 - without as f64])
    })?;
    for path in PATHS {
        table.ours(path, TIME, at_most(1_500.0, 500.0));
        table.ours(path, ALLOCATIONS, gate(exactly(0.0)));
    }
    Ok(())
}

/// Nanoseconds of one request.
fn time<S: Service<Request<Empty<Bytes>>>>(service: &mut S, path: &str) -> f64 {
    let start = Instant::now();
    for _ in 0..REQUESTS {
        black_box(ask(service, black_box(path)));
    }
    start.elapsed().as_secs_f64() * 1e9 / REQUESTS as f64
}

fn ask<S: Service<Request<Empty<Bytes>>>>(service: &mut S, path: &str) -> Option<S::Response> {
    let mut request = Request::new(Empty::new());
    *request.uri_mut() = path.parse().ok()?;
    now(service.call(request)).ok()
}

/// 10,000 of the modules are requested, so that the CPU caches do not hold their rules.
fn rules(world: &World, table: &mut Table) -> Result<()> {
    let module = |number: usize| {
        let (host, team) = (number % 7, number % 1_009);
        format!("git{host}.example.com/team-{team}/module-{number}")
    };
    let line = |number| format!("{} {}\n", ["-", "D", "+"][number % 3], module(number));
    let lines: String = (0..100_000).map(line).collect();
    let rules = Rules::parse(&format!("+\n{lines}"))?;
    let path = |at: usize| format!("/{}/@v/v1.2.3.zip", module(at * 7_919 % 100_000));
    let paths: Vec<_> = (0..10_000).map(path).collect();
    let targets = paths.iter().map(|path| Target::parse(path));
    let targets = targets.collect::<Result<Vec<_>, _>>()?;
    table.measure(world, &[RULES], &[Ours], [CLASSIFY], |_, _| {
        let start = Instant::now();
        for target in targets.iter().flatten().cycle().take(REQUESTS) {
            black_box(rules.rule_for(black_box(target)));
        }
        Ok([start.elapsed().as_secs_f64() * 1e9 / REQUESTS as f64])
    })?;
    table.ours(RULES, CLASSIFY, at_most(1_500.0, 300.0));
    Ok(())
}

/// The crate computes no h1 hash. This measures whole fills instead, which verify zips of 18,000 files.
fn check(world: &World, table: &mut Table) -> Result<()> {
    // Each zip is filled once: one that is removed and requested again may be answered by the fill that still ends.
    let zips = (0..4).map(|version| world.zip(world::FILES, version));
    let zips = zips.collect::<Result<Vec<_>>>()?;
    table.measure(world, &[FILES], &[Ours], [CPU], |_, peer| {
        let server = Server::start(world, peer, Speed::Unlimited)?;
        let process = server.process()?;
        let before = process.cpu();
        for zip in &zips {
            get(server.address, zip)?;
            wait_until("the zip is stored", 120, || server.stored(zip).exists())?;
        }
        let bytes: u64 = zips.iter().map(|zip| zip.len).sum();
        Ok([(process.cpu() - before) * 1e3 * MIB as f64 / bytes as f64])
    })?;
    table.ours(FILES, CPU, at_most(12.0, 9.0));
    Ok(())
}
