//! The table: what was to be reached, and what was.

use std::fmt::{self, Write};

use crate::stats::Estimate;

/// What a figure has to be, and what we are out for.
#[derive(Clone, Copy, Debug)]
pub enum Bound {
    AtLeast {
        must: f64,
        goal: f64,
    },
    AtMost {
        must: f64,
        goal: f64,
    },
    /// How far from 1 it may be.
    NearOne {
        must: f64,
        goal: f64,
    },
    /// In every round.
    Exactly(f64),
}

#[derive(Clone, Copy, Debug)]
pub enum Unit {
    Ratio,
    Times,
    Nanoseconds,
    Milliseconds,
    Kibibytes,
    Mebibytes,
    Count,
}

#[derive(Clone, Debug)]
pub struct Row {
    pub case: String,
    pub measure: String,
    pub bound: Bound,
    pub unit: Unit,
    /// None when the peer is not installed, or did not start.
    pub found: Option<Estimate>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    NotMeasured,
    Broken,
    Must,
    Goal,
}

impl Row {
    pub fn outcome(&self) -> Outcome {
        self.loosened(1.0)
    }

    pub fn is_better_than(&self, other: &Self) -> bool {
        let (Some(this), Some(other)) = (self.found, other.found) else {
            return self.found.is_some() && other.found.is_none();
        };
        match self.bound {
            Bound::AtLeast { .. } => this.median > other.median,
            Bound::AtMost { .. } => this.median < other.median,
            Bound::NearOne { .. } => (this.median - 1.0).abs() < (other.median - 1.0).abs(),
            Bound::Exactly(value) => (this.median - value).abs() < (other.median - value).abs(),
        }
    }

    /// With a floor that is this much lower, for machines that others use too.
    pub fn loosened(&self, by: f64) -> Outcome {
        let Some(found) = self.found else {
            return Outcome::NotMeasured;
        };
        let (must, goal) = match self.bound {
            Bound::AtLeast { must, goal } => (found.median * by >= must, found.median >= goal),
            Bound::AtMost { must, goal } => (found.median <= must * by, found.median <= goal),
            Bound::NearOne { must, goal } => {
                let apart = (found.median - 1.0).abs();
                (apart <= must * by, apart <= goal)
            }
            Bound::Exactly(value) => {
                let exact = found.least == value && found.most == value;
                (exact, exact)
            }
        };
        match (must, goal) {
            (_, true) => Outcome::Goal,
            (true, _) => Outcome::Must,
            _ => Outcome::Broken,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::NotMeasured => "-",
            Self::Broken => "**not met**",
            Self::Must => "must",
            Self::Goal => "goal",
        })
    }
}

impl Unit {
    pub fn show(self, value: f64) -> String {
        match self {
            Self::Ratio => format!("{value:.2}"),
            Self::Times => format!("{value:.3}"),
            Self::Nanoseconds => format!("{value:.0} ns"),
            Self::Milliseconds if value.abs() < 10.0 => format!("{value:.1} ms"),
            Self::Milliseconds => format!("{value:.0} ms"),
            Self::Kibibytes => format!("{value:.0} KiB"),
            Self::Mebibytes => format!("{value:.1} MiB"),
            Self::Count => format!("{value:.0}"),
        }
    }
}

/// Markdown, wide enough to be read as text too.
pub fn markdown(heads: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([heads[column].len(), 3]).max().unwrap_or(3)
    };
    let widths: Vec<_> = (0..heads.len()).map(width).collect();
    let mut text = String::new();
    let mut line = |cells: &mut dyn Iterator<Item = &str>| {
        for (cell, width) in cells.zip(&widths) {
            let _ = write!(text, "| {cell:width$} ");
        }
        text.push_str("|\n");
    };
    line(&mut heads.iter().copied());
    let rules: Vec<_> = widths.iter().map(|width| "-".repeat(*width)).collect();
    line(&mut rules.iter().map(String::as_str));
    for row in rows {
        line(&mut row.iter().map(String::as_str));
    }
    text
}

pub fn show(rows: &[Row]) -> String {
    let heads = [
        "case", "measure", "must", "goal", "found", "spread", "rounds", "met",
    ];
    let cells = rows.iter().map(|row| {
        let show = |value| row.unit.show(value);
        let (must, goal) = match row.bound {
            Bound::AtLeast { must, goal } => {
                (format!("≥ {}", show(must)), format!("≥ {}", show(goal)))
            }
            Bound::AtMost { must, goal } => {
                (format!("≤ {}", show(must)), format!("≤ {}", show(goal)))
            }
            Bound::NearOne { must, goal } => {
                (format!("1 ± {}", show(must)), format!("1 ± {}", show(goal)))
            }
            Bound::Exactly(value) => (format!("= {}", show(value)), format!("= {}", show(value))),
        };
        let found = row
            .found
            .map_or("not measured".to_owned(), |found| show(found.median));
        let spread = row.found.map_or(String::new(), |found| {
            format!("{} to {}", show(found.least), show(found.most))
        });
        let rounds = row.found.map_or(0, |found| found.rounds).to_string();
        let met = row.outcome().to_string();
        vec![
            row.case.clone(),
            row.measure.clone(),
            must,
            goal,
            found,
            spread,
            rounds,
            met,
        ]
    });
    markdown(&heads, &cells.collect::<Vec<_>>())
}
