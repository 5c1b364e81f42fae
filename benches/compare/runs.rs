//! What a run measures, in which order.

use std::time::Duration;

use crate::growth;
use crate::peers::nginx;
use crate::process::Place;
use crate::report::Report;
use crate::rows::memory_rows::{self, Sizes};
use crate::rows::small_hits::{self, Of};
use crate::rows::{check, cold, layer, memory_plot, timeline, zip_hits};
use crate::table::{Bound, Outcome, Row};
use crate::upstream::Speed;
use crate::world::World;

/// Everything; `part` chooses among the parts by name.
pub fn all(world: &World, part: &str, report: &mut Report) {
    let wanted = |name: &str| name.contains(part);
    if wanted("layer") {
        layer::measure(world.rounds, report);
    }
    if wanted("rules") {
        growth::rules::rows(world.rounds, report);
    }
    if wanted("small hits") {
        for place in [Place::OneCoreEach, Place::Anywhere] {
            let peers = small_hits::peers(world, place);
            small_hits::measure(
                world,
                &peers,
                place,
                Of::Time,
                Duration::from_secs(2),
                report,
            );
        }
    }
    if wanted("zip hits") {
        for case in &zip_hits::CASES {
            zip_hits::measure(world, case, report);
        }
    }
    if wanted("cold fast") {
        cold_over_clients(world, Speed::Unlimited, &[1, 4, 16, 64], report);
    }
    if wanted("cold far") {
        cold_over_clients(world, Speed::Far, &[1, 16, 64], report);
    }
    if wanted("check") {
        check::measure(world, report);
    }
    if wanted("memory of readers") {
        memory_rows::slow_readers(world, Sizes::All, report);
        memory_plot::measure(world, report);
    }
    if wanted("memory of fills") {
        memory_rows::running_fills(world, report);
    }
    if wanted("timeline") {
        timeline::measure(world, report);
    }
    if wanted("growth fills") {
        growth::fills::measure(world, report);
    }
    if wanted("growth readers") {
        growth::readers::measure(world, report);
    }
    if wanted("growth modules") {
        growth::modules::measure(world, report);
    }
    if wanted("growth rules") {
        growth::rules::measure(world.rounds, report);
    }
    if wanted("growth files") {
        growth::files::measure(world, report);
    }
}

fn cold_over_clients(world: &World, speed: Speed, clients: &[usize], report: &mut Report) {
    let peers = cold::peers(world, speed);
    let found = clients.iter().map(|clients| {
        let rounds = cold::measure(world, &peers, speed, *clients, report);
        (*clients, rounds)
    });
    let found: Vec<_> = found.collect();
    cold::charts(&found, speed, report);
}

/// What a noisy machine cannot hide: counts, memory, and ratios with a lower floor. Returns the rows of which it is
/// broken.
pub fn short(world: &World, report: &mut Report) -> Vec<Row> {
    let time = Duration::from_secs(1);
    let parts: [&dyn Fn(&mut Report); 7] = [
        &|report| layer::measure(world.rounds, report),
        &|report| growth::rules::rows(world.rounds, report),
        &|report| {
            let place = Place::OneCoreEach;
            let peers = small_hits::peers_of_rows(world, place);
            small_hits::measure(world, &peers, place, Of::Processor, time, report);
        },
        &|report| zip_hits::measure(world, &zip_hits::FOR_SHORT, report),
        &|report| {
            let peers = cold::ours_and_nginx_cache(world, Speed::Unlimited);
            cold::measure(world, &peers, Speed::Unlimited, 16, report);
        },
        &|report| {
            let peers = cold::ours_and_direct(world, Speed::Far);
            cold::measure(world, &peers, Speed::Far, 1, report);
        },
        &|report| {
            memory_rows::slow_readers(world, Sizes::Usual, report);
            memory_rows::running_fills(world, report);
        },
    ];
    for part in parts {
        best_of_three(part, report);
    }
    let broken = report.rows.iter().filter(|row| !holds(row));
    broken.cloned().collect()
}

/// One that is met, by a quarter less where it is no count. All peers that may be missing in a row are an nginx.
fn holds(row: &Row) -> bool {
    match row.loosened(1.25) {
        Outcome::Broken => false,
        Outcome::NotMeasured => nginx::program().is_none(),
        Outcome::Must | Outcome::Goal => true,
    }
}

fn best_of_three(measure: &dyn Fn(&mut Report), report: &mut Report) {
    let mut best = Report::default();
    measure(&mut best);
    for _ in 0..2 {
        if best.rows.iter().all(holds) {
            break;
        }
        let mut again = Report::default();
        measure(&mut again);
        for (row, other) in best.rows.iter_mut().zip(again.rows) {
            // What is counted has to be right each time.
            let take = match row.bound {
                Bound::Exactly(_) => !holds(&other),
                _ => other.is_better_than(row),
            };
            if take {
                *row = other;
            }
        }
    }
    report.rows.append(&mut best.rows);
}
