//! A stored `.mod` of 300 bytes, asked for on 64 connections that stay open.

use std::time::Duration;

use crate::content::{self, ZIP_5M};
use crate::load::small::Load;
use crate::peers::Peer;
use crate::process::Place;
use crate::report::{Details, Report};
use crate::rounds;
use crate::stats::Estimate;
use crate::table::{Bound, Row, Unit};
use crate::upstream::Speed;
use crate::world::World;

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// A second of the clock.
    Time,
    /// A second of the server's processor, which says much the same on a machine that others use too.
    Processor,
}

struct Sample {
    per_second: f64,
    /// Of the server, in microseconds for each request.
    processor: f64,
}

/// Who has a row.
pub fn peers_of_rows(world: &World, place: Place) -> Vec<Peer> {
    let server = place.of_server();
    let peers = [
        Some(world.ours(server)),
        world.nginx(server),
        world.nginx_cache(Speed::Unlimited, server),
        Some(world.serve_dir(server)),
    ];
    peers.into_iter().flatten().collect()
}

/// Who is compared.
pub fn peers(world: &World, place: Place) -> Vec<Peer> {
    let server = place.of_server();
    let mut peers = peers_of_rows(world, place);
    peers.extend(world.nginx_open_files(server));
    peers.extend(world.varnish(Speed::Unlimited, server));
    peers
}

pub fn measure(
    world: &World,
    peers: &[Peer],
    place: Place,
    of: Of,
    time: Duration,
    report: &mut Report,
) {
    let load = place.of_load();
    let path = world.stored(&ZIP_5M, "mod");
    let expected = content::find(&path).expect("it is stored").head;
    let ask = |peer: &Peer, time| {
        let load = Load {
            address: peer.address,
            path: &path,
            expected: &expected,
            connections: 64,
            time,
            cpu: load,
        };
        let before = peer.processor();
        let requests = load.run();
        let used = peer.processor() - before;
        Sample {
            per_second: requests.per_second,
            processor: used.as_secs_f64() * 1e6 / requests.count as f64,
        }
    };
    for peer in peers {
        ask(peer, time / 4);
    }
    let found = rounds::run(world.rounds, peers, |peer| ask(peer, time));

    let case = format!(".mod hit, 64 connections, {}", place.label());
    let rows = found.peers().map(|(name, samples)| {
        let of = |figure: fn(&Sample) -> f64| {
            Estimate::of(&samples.iter().map(figure).collect::<Vec<_>>()).expect("a round")
        };
        let speed = of(|sample| sample.per_second);
        vec![
            name.to_owned(),
            format!(
                "{:.0} ({:.0} to {:.0})",
                speed.median, speed.least, speed.most
            ),
            format!("{:.1}", of(|sample| sample.processor).median),
        ]
    });
    report.details(Details {
        title: case.clone(),
        heads: vec!["", "requests a second", "processor for each, µs"],
        rows: rows.collect(),
    });
    let peers = [
        ("nginx", "nginx, static files", 0.9, 1.25),
        ("nginx proxy_cache", "an nginx proxy_cache hit", 0.9, 1.25),
        ("ServeDir", "ServeDir", 0.9, 1.25),
    ];
    let second = match of {
        Of::Time => "second",
        Of::Processor => "second of processor",
    };
    for (peer, label, must, goal) in peers {
        let speed = |peer| {
            found.of(peer, |sample: &Sample| match of {
                Of::Time => sample.per_second,
                Of::Processor => 1e6 / sample.processor,
            })
        };
        report.row(Row {
            case: case.clone(),
            measure: format!("requests a {second}, ratio to {label}"),
            bound: Bound::AtLeast { must, goal },
            unit: Unit::Ratio,
            found: Estimate::ratio(&speed("ours"), &speed(peer)),
        });
    }
}
