//! All that was found, in the order in which it was measured.

use std::path::Path;
use std::{fs, io};

use crate::plot::Chart;
use crate::table::{self, Row};

#[derive(Debug, Default)]
pub struct Report {
    pub rows: Vec<Row>,
    details: Vec<Details>,
    charts: Vec<Chart>,
}

/// The figures of all peers in one case, from which the rows are made.
#[derive(Debug)]
pub struct Details {
    pub title: String,
    pub heads: Vec<&'static str>,
    pub rows: Vec<Vec<String>>,
}

impl Report {
    pub fn row(&mut self, row: Row) {
        eprintln!(
            "{}",
            table::show(std::slice::from_ref(&row))
                .lines()
                .nth(2)
                .unwrap_or_default()
        );
        self.rows.push(row);
    }

    pub fn details(&mut self, details: Details) {
        self.details.push(details);
    }

    pub fn chart(&mut self, chart: Chart) {
        self.charts.push(chart);
    }

    /// The tables as Markdown, and every chart.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let mut text = format!("# What was measured\n\n{}", self.markdown());
        for chart in &self.charts {
            let file = format!("{}.svg", chart.file);
            fs::write(folder.join(&file), chart.svg())?;
            text.push_str(&format!("\n![{}]({file})\n", chart.title));
        }
        fs::write(folder.join("README.md"), text)
    }

    pub fn markdown(&self) -> String {
        let mut text = table::show(&self.rows);
        for details in &self.details {
            let rows = table::markdown(&details.heads, &details.rows);
            text.push_str(&format!("\n### {}\n\n{rows}", details.title));
        }
        text
    }
}
