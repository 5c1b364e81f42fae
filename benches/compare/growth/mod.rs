//! Whether something grows that should not: what one of them costs, when there are many.

mod files;
mod fills;
mod readers;
mod rules;

use crate::plot::{Axis, Chart, Series};
use crate::report::{Details, Report};
use crate::world::World;

/// What one costs, over how many there are.
type Costs = Vec<(f64, f64)>;

pub fn measure(world: &World, report: &mut Report) {
    fills::measure(world, report);
    readers::measure(world, report);
    rules::measure(report);
    files::measure(world, report);
}

struct Figure {
    file: &'static str,
    title: &'static str,
    x: &'static str,
    y: &'static str,
}

fn add(report: &mut Report, figure: &Figure, series: Vec<(&'static str, Costs)>) {
    let mut rows = Vec::new();
    for (name, costs) in &series {
        let costs = costs
            .iter()
            .map(|(count, cost)| format!("{count}: {cost:.1}"));
        rows.push(vec![
            (*name).to_owned(),
            costs.collect::<Vec<_>>().join(" · "),
        ]);
    }
    report.details(Details {
        title: figure.title.to_owned(),
        heads: vec![figure.x, figure.y],
        rows,
    });
    let series = series
        .into_iter()
        .map(|(name, points)| Series { name, points });
    report.chart(Chart {
        file: format!("growth-{}", figure.file),
        title: figure.title.to_owned(),
        x: Axis::log(figure.x),
        y: Axis::linear(figure.y),
        series: series.collect(),
    });
}
