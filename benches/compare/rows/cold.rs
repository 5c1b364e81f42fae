//! A zip of 100 MiB that nobody has yet, asked for by many at once.

use crate::content::{self, ZIP_100M};
use crate::load::large::{Reading, at_once};
use crate::peers::Peer;
use crate::process::Cpu;
use crate::report::{Details, Report};
use crate::rounds::{self, Rounds};
use crate::stats::{Estimate, median};
use crate::table::{Bound, Row, Unit};
use crate::upstream::Speed;
use crate::usage;
use crate::world::World;

/// Times in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    pub usual_first_byte: f64,
    pub slowest_first_byte: f64,
    pub last_byte: f64,
    fetches: f64,
    /// Of the peer, in seconds for each GiB that its clients got.
    processor_per_gib: f64,
}

/// Who is compared, with this upstream behind it.
pub fn peers(world: &World, speed: Speed) -> Vec<Peer> {
    let peers = [
        Some(Peer::direct(&world.upstream, speed)),
        Some(world.ours_empty(speed)),
        world.nginx_cache(speed, Cpu::Any),
        world.nginx_pass(speed),
        world.varnish(speed),
    ];
    peers.into_iter().flatten().collect()
}

pub fn measure(
    world: &World,
    peers: &[Peer],
    speed: Speed,
    clients: usize,
    report: &mut Report,
) -> Rounds<Sample> {
    let found = rounds::run(world.rounds, peers, |peer| ask(world, peer, clients));
    let upstream = match speed {
        Speed::Unlimited => "unlimited upstream",
        Speed::Far => "upstream of 20 MiB/s",
        Speed::Slow => "upstream of 1 MiB/s",
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
            format!("{:.2}", of(|sample| sample.processor_per_gib)),
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
    rows_of(&found, &case, speed, clients, report);
    found
}

fn ask(world: &World, peer: &Peer, clients: usize) -> Sample {
    let path = world.missing(&ZIP_100M);
    let content = content::find(&path).expect("the upstream has it");
    let id = peer.process.as_ref().map(|process| process.id());
    let used = || id.map(usage::processor).unwrap_or_default();
    let before = used();
    let reading = Reading::AsFastAsItCan;
    let (times, _) = at_once(clients, peer.address, reading, |_, client| {
        client.get(&path, &content)
    });
    let processor = (used() - before).as_secs_f64();
    peer.tidy(&path);
    let millis = |time: std::time::Duration| time.as_secs_f64() * 1e3;
    let first: Vec<_> = times.iter().map(|times| millis(times.first_byte)).collect();
    let last = times.iter().map(|times| times.last_byte).max();
    let gib = (content.len() * clients as u64) as f64 / f64::from(1 << 30);
    Sample {
        usual_first_byte: median(&first).unwrap_or_default(),
        slowest_first_byte: first.iter().copied().fold(0.0, f64::max),
        last_byte: millis(last.unwrap_or_default()),
        fetches: world.upstream.fetches(&path) as f64,
        processor_per_gib: processor / gib,
    }
}

fn rows_of(found: &Rounds<Sample>, case: &str, speed: Speed, clients: usize, report: &mut Report) {
    let mut row = |measure: &str, bound, unit, found| {
        report.row(Row {
            case: case.to_owned(),
            measure: measure.to_owned(),
            bound,
            unit,
            found,
        });
    };
    let of = |peer, figure: fn(&Sample) -> f64| found.of(peer, figure);
    let last = |peer| of(peer, |sample| sample.last_byte);
    let slowest = |peer| of(peer, |sample| sample.slowest_first_byte);
    row(
        "upstream fetches",
        Bound::Exactly(1.0),
        Unit::Count,
        Estimate::of(&of("ours", |sample| sample.fetches)),
    );
    let at_most = |must, goal| Bound::AtMost { must, goal };
    match (speed, clients) {
        (Speed::Far, _) => {
            // Many direct clients are many fetches, which is another thing.
            if clients == 1 {
                row(
                    "total, ratio to direct",
                    at_most(1.02, 1.005),
                    Unit::Times,
                    Estimate::ratio(&last("ours"), &last("direct")),
                );
                row(
                    "first byte later than direct",
                    at_most(5.0, 2.0),
                    Unit::Milliseconds,
                    Estimate::difference(&slowest("ours"), &slowest("direct")),
                );
            }
        }
        (_, 1) => row(
            "total, ratio to nginx proxy_cache",
            at_most(1.0, 0.85),
            Unit::Ratio,
            Estimate::ratio(&last("ours"), &last("nginx proxy_cache")),
        ),
        (_, 16) => row(
            "last one done, ratio to nginx proxy_cache with lock",
            at_most(0.55, 0.40),
            Unit::Ratio,
            Estimate::ratio(&last("ours"), &last("nginx proxy_cache")),
        ),
        (_, 64) => row(
            "last one done, ratio to nginx proxy_cache with lock",
            at_most(0.95, 0.75),
            Unit::Ratio,
            Estimate::ratio(&last("ours"), &last("nginx proxy_cache")),
        ),
        _ => {}
    }
    if clients == 64 {
        row(
            "slowest first byte, ratio to nginx proxy_cache with lock",
            at_most(0.10, 0.04),
            Unit::Ratio,
            Estimate::ratio(&slowest("ours"), &slowest("nginx proxy_cache")),
        );
    }
}
