//! One plot a table: a bar for each figure, with its spread.

use std::path::Path;

use anyhow::Result;
use plotters::prelude::*;

use crate::report::{Table, estimate, show, unique};

/// Draws nothing if no figure of the plot was measured.
pub fn draw(file: &Path, table: &Table) -> Result<()> {
    let mut bars = Vec::new();
    for figure in &table.figures {
        if table.plot.split('*').all(|part| figure.name.contains(part)) {
            bars.extend(estimate(&figure.values).map(|found| (figure, found)));
        }
    }
    if bars.is_empty() {
        return Ok(());
    }
    let ends = bars.iter().map(|(_, [_, least, most])| (*least, *most));
    let (least, most) = ends.fold((f64::INFINITY, 0.0_f64), |(least, most), (low, high)| {
        (least.min(low), most.max(high))
    });
    // The axis spans whole decades.
    let from = 10_f64.powf((least.max(1e-6) / 1.5).log10().floor());
    let to = 10_f64.powf(most.max(from * 1.5).log10().ceil());
    let count = bars.len();
    let servers = unique(bars.iter().map(|(figure, _)| figure.server));

    let root = SVGBackend::new(file, (900, 24 * count as u32 + 80)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption(table.title, ("sans-serif", 18))
        .margin(15)
        .x_label_area_size(25)
        .build_cartesian_2d((from..to).log_scale(), 0.0..count as f64)?;
    let mut mesh = chart.configure_mesh();
    mesh.disable_mesh().disable_y_axis().draw()?;
    for (number, (figure, [median, least, most])) in bars.iter().enumerate() {
        let bottom = (count - 1 - number) as f64;
        let server = servers.iter().position(|server| *server == figure.server);
        let colour = Palette99::pick(server.unwrap_or(0)).mix(0.4);
        let corners = [(from, bottom + 0.1), (*median, bottom + 0.9)];
        let bar = Rectangle::new(corners, colour.filled());
        let spread = [(least.max(from), bottom + 0.5), (*most, bottom + 0.5)];
        let text = format!("{}: {} {}", figure.server, figure.name, show(*median));
        let text = Text::new(text, (from * 1.02, bottom + 0.75), ("sans-serif", 12));
        chart.draw_series([bar])?;
        chart.draw_series([PathElement::new(spread, BLACK.mix(0.5))])?;
        chart.draw_series([text])?;
    }
    Ok(root.present()?)
}
