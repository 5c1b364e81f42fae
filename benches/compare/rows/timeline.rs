//! One missing zip, over a link of 20 MiB/s to the upstream and one of 20 MiB/s to the client.

use std::time::Instant;

use crate::content::{self, MIB, ZIP_100M};
use crate::load::large::{Client, Reading};
use crate::peers::Peer;
use crate::peers::ours::Miss;
use crate::plot::{Axis, Chart, Series};
use crate::process::Cpu;
use crate::report::Report;
use crate::upstream::Speed;
use crate::world::World;

pub fn measure(world: &World, report: &mut Report) {
    let far = Speed::Far;
    let peers = [
        world.ours_empty(far),
        Peer::direct(&world.upstream, far),
        world.ours_with(&world.folder(), far, Miss::Wait, Cpu::Any),
    ];
    let series = peers.iter().map(|peer| {
        let path = world.missing(&ZIP_100M);
        let content = content::find(&path).expect("a zip");
        let mut client = Client::connect(peer.address, Reading::Paced(20 * MIB));
        let mut points = vec![(0.0, 0.0)];
        let start = Instant::now();
        client.get_until(&path, &content, |bytes| {
            let seconds = start.elapsed().as_secs_f64();
            // Ten points a second are enough to draw.
            if points.len() == 1
                || seconds - points[points.len() - 1].0 > 0.1
                || bytes == content.len()
            {
                if points.len() == 1 {
                    points.push((seconds, 0.0));
                }
                points.push((seconds, bytes as f64 / MIB as f64));
            }
            false
        });
        peer.tidy(&path);
        Series {
            name: peer.name,
            points,
        }
    });
    report.chart(Chart {
        file: "timeline".to_owned(),
        title: "What a client has of a missing 100 MiB zip, on links of 20 MiB/s".to_owned(),
        x: Axis::linear("seconds"),
        y: Axis::linear("MiB"),
        series: series.collect(),
    });
}
