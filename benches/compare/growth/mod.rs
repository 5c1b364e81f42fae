//! Whether something grows that should not: what one of them costs, when there are many.

pub mod files;
pub mod fills;
pub mod modules;
pub mod readers;
pub mod rules;

use crate::plot::{Axis, Chart, Series};
use crate::report::{Details, Report};

/// What one costs, over how many there are.
type Costs = Vec<(f64, f64)>;

struct Figure {
    file: &'static str,
    title: &'static str,
    x: &'static str,
    y: Axis,
}

fn add(report: &mut Report, figure: Figure, series: Vec<(&'static str, Costs)>) {
    let mut rows = Vec::new();
    for (name, costs) in &series {
        for (count, cost) in costs {
            eprintln!(
                "{}, {count} {}: {cost:.1} {}",
                figure.title, figure.x, figure.y.label
            );
            rows.push(vec![
                (*name).to_owned(),
                count.to_string(),
                format!("{cost:.1}"),
            ]);
        }
    }
    report.details(Details {
        title: figure.title.to_owned(),
        heads: vec!["", figure.x, figure.y.label],
        rows,
    });
    let series = series
        .into_iter()
        .map(|(name, points)| Series { name, points });
    report.chart(Chart {
        file: format!("growth-{}", figure.file),
        title: figure.title.to_owned(),
        x: Axis::log(figure.x),
        y: figure.y,
        series: series.collect(),
    });
}
