//! A zip of 100 MiB that nobody has yet, asked for by many at once.

use crate::content::{self, ZIP_100M};
use crate::load::large::{Reading, at_once};
use crate::peers::Peer;
use crate::plot::{Axis, Chart, Series};
use crate::process::Cpu;
use crate::report::{Details, Report};
use crate::rounds::{self, Rounds};
use crate::rows::cold_rows;
use crate::stats::median;
use crate::upstream::Speed;
use crate::world::World;

/// Times in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    pub usual_first_byte: f64,
    pub slowest_first_byte: f64,
    pub last_byte: f64,
    pub fetches: f64,
    /// Of the peer, in seconds for each GiB that its clients got.
    processor_per_gib: f64,
}

/// Who has a row with many clients, with this upstream behind it.
pub fn ours_and_nginx_cache(world: &World, speed: Speed) -> Vec<Peer> {
    let peers = [
        Some(world.ours_empty(speed)),
        world.nginx_cache(speed, Cpu::Any),
    ];
    peers.into_iter().flatten().collect()
}

/// Who has a row with one client, where the network is the limit.
pub fn ours_and_direct(world: &World, speed: Speed) -> Vec<Peer> {
    vec![
        Peer::direct(&world.upstream, speed),
        world.ours_empty(speed),
    ]
}

/// Who is compared.
pub fn peers(world: &World, speed: Speed) -> Vec<Peer> {
    let mut peers = ours_and_direct(world, speed);
    peers.extend(world.nginx_cache(speed, Cpu::Any));
    peers.extend(world.nginx_pass(speed));
    peers.extend(world.varnish(speed, Cpu::Any));
    peers
}

pub fn measure(
    world: &World,
    peers: &[Peer],
    speed: Speed,
    clients: usize,
    report: &mut Report,
) -> Rounds<Sample> {
    // Where the ends of one connection and the threads between them run varies most.
    let rounds = match (speed, clients) {
        (Speed::Unlimited, 1) => 8 * world.rounds,
        (Speed::Unlimited, 16) => 3 * world.rounds,
        _ => world.rounds,
    };
    let found = rounds::run(rounds, peers, |peer| ask(world, peer, clients));
    let upstream = match speed {
        Speed::Unlimited => "unlimited upstream",
        Speed::Far => "upstream of 20 MiB/s",
        Speed::Slow => "upstream of 1 MiB/s",
        Speed::Trickle => "upstream of 32 KiB/s",
    };
    let plural = if clients == 1 { "" } else { "s" };
    let case = format!("cold 100 MiB, {upstream}, {clients} client{plural}");
    let rows = found.peers().map(|(name, samples)| {
        let of = |figure: fn(&Sample) -> f64| {
            median(&samples.iter().map(figure).collect::<Vec<_>>()).expect("a round")
        };
        vec![
            name.to_owned(),
            format!("{:.1}", of(|sample| sample.usual_first_byte)),
            format!("{:.1}", of(|sample| sample.slowest_first_byte)),
            format!("{:.1}", of(|sample| sample.last_byte)),
            format!("{:.0}", of(|sample| sample.fetches)),
            match name {
                "direct" => "-".to_owned(),
                _ => format!("{:.2}", of(|sample| sample.processor_per_gib)),
            },
        ]
    });
    report.details(Details {
        title: case.clone(),
        heads: vec![
            "",
            "first byte, ms",
            "slowest first byte, ms",
            "last byte of all, ms",
            "fetches",
            "processor, s/GiB",
        ],
        rows: rows.collect(),
    });
    cold_rows::add(&found, &case, speed, clients, report);
    found
}

fn ask(world: &World, peer: &Peer, clients: usize) -> Sample {
    let path = world.missing(&ZIP_100M);
    let content = content::find(&path).expect("the upstream has it");
    // For each of them alike, and before the clock runs. The upstream has a connection too.
    world.touch_memory(content.len(), clients + 1);
    let before = peer.processor();
    let reading = Reading::AsFastAsItCan;
    let (times, total) = at_once(clients, peer.address, reading, |_, client| {
        client.get(&path, &content)
    });
    // To store the file is part of the work.
    peer.tidy(&path);
    let processor = (peer.processor() - before).as_secs_f64();
    let millis = |time: std::time::Duration| time.as_secs_f64() * 1e3;
    let first: Vec<_> = times.iter().map(|times| millis(times.first_byte)).collect();
    let gib = (content.len() * clients as u64) as f64 / f64::from(1 << 30);
    Sample {
        usual_first_byte: median(&first).unwrap_or_default(),
        slowest_first_byte: first.iter().copied().fold(0.0, f64::max),
        last_byte: millis(total),
        fetches: world.upstream.fetches(&path) as f64,
        processor_per_gib: processor / gib,
    }
}

/// First and last byte over the number of clients.
pub fn charts(found: &[(usize, Rounds<Sample>)], speed: Speed, report: &mut Report) {
    let (name, upstream) = match speed {
        Speed::Unlimited => ("fast", "unlimited upstream"),
        _ => ("far", "upstream of 20 MiB/s"),
    };
    let mut add = |file: &str, title: &str, figure: fn(&Sample) -> f64| {
        let peers = ["ours", "direct", "varnish", "nginx proxy_cache"];
        let series = peers.map(|peer| Series {
            name: peer,
            points: found
                .iter()
                .filter_map(|(clients, rounds)| {
                    Some((*clients as f64, median(&rounds.of(peer, figure))?))
                })
                .collect(),
        });
        report.chart(Chart {
            file: format!("{file}-{name}"),
            title: format!("{title} a missing 100 MiB zip, {upstream}"),
            x: Axis::log("clients at once"),
            y: Axis::log("milliseconds"),
            series: series.into(),
        });
    };
    add("first-byte", "Slowest first byte of", |sample| {
        sample.slowest_first_byte
    });
    add("last-byte", "Last client done with", |sample| {
        sample.last_byte
    });
}
