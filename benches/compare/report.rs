//! What a table shows: figures as measured, and rows with floor, goal and verdict.

use std::path::Path;
use std::time::SystemTime;
use std::{fs, thread};

use anyhow::Result;
use serde::Serialize;

use crate::chart;
use crate::clients::Client;
use crate::servers::Peer::{self, Ours};
use crate::world::World;

/// A sign (`≥`, `≤`, or `=` in each round), floor, goal, and whether `--short` fails below the floor.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Bound(&'static str, f64, f64, bool);

pub fn at_least(floor: f64, goal: f64) -> Bound {
    Bound("≥", floor, goal, false)
}

pub fn at_most(floor: f64, goal: f64) -> Bound {
    Bound("≤", floor, goal, false)
}

pub fn exactly(count: f64) -> Bound {
    Bound("=", count, count, false)
}

pub fn gate(Bound(sign, floor, goal, _): Bound) -> Bound {
    Bound(sign, floor, goal, true)
}

impl Bound {
    fn allows(self, value: f64, limit: f64) -> bool {
        match self.0 {
            "≥" => value >= limit,
            "≤" => value <= limit,
            _ => value == limit,
        }
    }

    /// There is no verdict if the spread is larger than the distance from the floor.
    fn verdict(self, values: &[f64]) -> &'static str {
        let Self(sign, floor, goal, _) = self;
        match estimate(values) {
            None => "not measured",
            Some([_, least, most]) if sign == "=" && least != most => "**below floor**",
            Some([median, least, most]) if most - least > (median - floor).abs() => "unclear",
            Some([median, ..]) if self.allows(median, goal) => "goal",
            Some([median, ..]) if self.allows(median, floor) => "floor",
            Some(_) => "**below floor**",
        }
    }

    /// Counts must be exact. Everything else may miss its floor by a quarter, since other programs may run.
    fn passes(self, values: &[f64]) -> bool {
        let Self(sign, floor, _, gate) = self;
        let found = estimate(values);
        let holds = |[median, least, most]: [f64; 3]| match sign {
            "≥" => median >= floor / 1.25,
            "≤" => median <= floor * 1.25,
            _ => least == floor && most == floor,
        };
        !gate || found.is_some_and(holds)
    }
}

/// Median, least and most.
pub fn estimate(values: &[f64]) -> Option<[f64; 3]> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let (least, most) = (*values.first()?, *values.last()?);
    let median = (values[(values.len() - 1) / 2] + values[values.len() / 2]) / 2.0;
    Some([median, least, most])
}

pub fn show(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 || large.fract() == 0.0 => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        0.1.. => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

/// Median and spread.
fn found(values: &[f64]) -> String {
    estimate(values).map_or_else(String::new, |found| {
        let [median, least, most] = found.map(show);
        format!("{median} ({least} to {most})")
    })
}

/// What was measured of one server, one value a round. The name contains the case, the measure and its unit.
#[derive(Debug, Serialize)]
pub struct Figure {
    pub name: String,
    pub server: &'static str,
    pub values: Vec<f64>,
}

#[derive(Debug, Serialize)]
pub struct Row {
    name: String,
    bound: Bound,
    /// One value a round; none if a peer is missing.
    values: Vec<f64>,
    verdict: &'static str,
}

#[derive(Debug, Serialize)]
pub struct Table {
    pub title: &'static str,
    machine: String,
    date: String,
    pub rows: Vec<Row>,
    pub figures: Vec<Figure>,
    /// The plot shows the figures whose name contains each of these, separated by `*`.
    #[serde(skip)]
    pub plot: &'static str,
}

impl Table {
    pub fn new(title: &'static str, plot: &'static str) -> Self {
        Self {
            title,
            machine: machine(),
            date: httpdate::fmt_http_date(SystemTime::now()),
            rows: Vec::new(),
            figures: Vec::new(),
            plot,
        }
    }

    /// Measures each server in each case once a round; each round reverses the order of the one before. `measures` names what
    /// `run` returns, with units. NaN means not measured.
    pub fn measure<const N: usize>(
        &mut self,
        world: &World,
        cases: &[&str],
        peers: &[Peer],
        measures: [&str; N],
        mut run: impl FnMut(&str, Peer) -> Result<[f64; N]>,
    ) -> Result<()> {
        let there = peers.iter().filter(|peer| peer.is_there(world));
        let turns = there.flat_map(|peer| cases.iter().map(|case| (*case, *peer)));
        let mut turns: Vec<_> = turns.collect();
        for _ in 0..world.rounds {
            for (case, peer) in &turns {
                let found = measures.into_iter().zip(run(case, *peer)?);
                for (measure, value) in found.filter(|(_, value)| !value.is_nan()) {
                    self.add(format!("{case}: {measure}"), peer.name(), value);
                }
            }
            turns.reverse();
        }
        Ok(())
    }

    fn add(&mut self, name: String, server: &'static str, value: f64) {
        let mut figures = self.figures.iter_mut();
        let found = figures.find(|figure| figure.name == name && figure.server == server);
        match found {
            Some(figure) => figure.values.push(value),
            None => {
                let values = vec![value];
                self.figures.push(Figure {
                    name,
                    server,
                    values,
                });
            }
        }
    }

    /// The values of a figure; none if it was not measured.
    pub fn of(&self, case: &str, measure: &str, peer: Peer) -> Vec<f64> {
        self.values(&format!("{case}: {measure}"), peer.name())
    }

    fn values(&self, name: &str, server: &str) -> Vec<f64> {
        let mut figures = self.figures.iter();
        let found = figures.find(|figure| figure.name == name && figure.server == server);
        found.map_or_else(Vec::new, |figure| figure.values.clone())
    }

    pub fn row(&mut self, case: &str, measure: &str, bound: Bound, values: Vec<f64>) {
        let name = format!("{case}: {measure}");
        let verdict = bound.verdict(&values);
        let row = Row {
            name,
            bound,
            values,
            verdict,
        };
        self.rows.push(row);
    }

    /// Adds a row for a figure of tower-goproxy.
    pub fn ours(&mut self, case: &str, measure: &str, bound: Bound) {
        self.row(case, measure, bound, self.of(case, measure, Ours));
    }

    /// Adds a row for the ratio of tower-goproxy to a peer.
    pub fn ratio(&mut self, case: &str, measure: &str, peer: Peer, bound: Bound) {
        let ratios = self.ratios(case, measure, peer);
        let what = format!("{measure}: ratio to {}", peer.name());
        self.row(case, &what, bound, ratios);
    }

    fn ratios(&self, case: &str, measure: &str, peer: Peer) -> Vec<f64> {
        let (ours, theirs) = (self.of(case, measure, Ours), self.of(case, measure, peer));
        with(&ours, &theirs, |ours, theirs| ours / theirs)
    }

    /// Adds a row for how much later tower-goproxy is than a peer, in milliseconds.
    pub fn later(&mut self, case: &str, measure: &str, peer: Peer, bound: Bound) {
        let (ours, theirs) = (self.of(case, measure, Ours), self.of(case, measure, peer));
        let later = with(&ours, &theirs, |ours, theirs| (ours - theirs) * 1e3);
        let what = format!("{measure}: ms later than {}", peer.name());
        self.row(case, &what, bound, later);
    }

    /// Adds a row for the ratio with the worst kind of client, of the cases `{case}, {client}`.
    pub fn worst(&mut self, case: &str, measure: &str, peer: Peer, bound: Bound) {
        let (mut worst, mut all) = (None, Vec::new());
        for (client, _) in Client::ALL {
            let ratios = self.ratios(&format!("{case}, {client}"), measure, peer);
            let Some([median, ..]) = estimate(&ratios) else {
                continue;
            };
            all.push(format!("{client} {}", show(median)));
            let is_worse = |(other, _): &(f64, _)| bound.allows(*other, median);
            if worst.as_ref().is_none_or(is_worse) {
                worst = Some((median, ratios));
            }
        }
        let (name, all) = (peer.name(), all.join(", "));
        let what = format!("{measure}: ratio to {name} ({all})");
        self.row(case, &what, bound, worst.unwrap_or_default().1);
    }

    /// The rows that `--short` fails for, without the figures of single clients in brackets.
    pub fn failed(&self) -> Vec<String> {
        let mut failed = self.rows.iter().collect::<Vec<_>>();
        failed.retain(|row| !row.bound.passes(&row.values));
        let name = |row: &&Row| row.name.split(" (").next().map(str::to_owned);
        failed.iter().filter_map(name).collect()
    }

    pub fn markdown(&self) -> String {
        let cell = str::to_owned;
        let heads = ["row", "floor", "goal", "found (spread)", "verdict"];
        let mut rows = vec![heads.map(cell).to_vec()];
        for row in &self.rows {
            let Bound(sign, floor, goal, _) = row.bound;
            let (floor, goal) = (format!("{sign} {}", show(floor)), show(goal));
            let (name, verdict) = (row.name.clone(), cell(row.verdict));
            rows.push(vec![name, floor, goal, found(&row.values), verdict]);
        }
        let servers = unique(self.figures.iter().map(|figure| figure.server));
        let mut heads = vec![cell("measured (spread)")];
        heads.extend(servers.iter().copied().map(cell));
        let mut figures = vec![heads];
        for name in unique(self.figures.iter().map(|figure| &*figure.name)) {
            let of = |server: &&str| found(&self.values(name, server));
            let mut line = vec![cell(name)];
            line.extend(servers.iter().map(of));
            figures.push(line);
        }
        format!("{}\n{}", lines(&rows), lines(&figures))
    }

    pub fn write(&self, folder: &Path, name: &str) -> Result<()> {
        fs::create_dir_all(folder)?;
        let file = folder.join(name);
        let json = serde_json::to_string_pretty(self)? + "\n";
        fs::write(file.with_extension("json"), json)?;
        let text = format!("## {}\n\n{}", self.title, self.markdown());
        fs::write(file.with_extension("md"), text)?;
        chart::draw(&file.with_extension("svg"), self)
    }
}

/// Compares the values of each round.
pub fn with(ours: &[f64], theirs: &[f64], compare: fn(f64, f64) -> f64) -> Vec<f64> {
    let both = ours.iter().zip(theirs);
    both.map(|(ours, theirs)| compare(*ours, *theirs)).collect()
}

/// Without duplicates, in the order of their first occurrence.
pub fn unique<'a>(all: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut found = Vec::new();
    for item in all {
        if !found.contains(&item) {
            found.push(item);
        }
    }
    found
}

/// The processor and the kernel.
pub fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let processor = read("/proc/cpuinfo");
    let model = processor.split("model name\t: ").nth(1).unwrap_or("");
    let model = model.lines().next().unwrap_or("unknown");
    let kernel = read("/proc/sys/kernel/osrelease");
    let cores = thread::available_parallelism().map_or(0, usize::from);
    format!("{cores} cores, {model}, Linux {}", kernel.trim())
}

/// An aligned Markdown table; empty without rows.
fn lines(rows: &[Vec<String>]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate().filter(|_| rows.len() > 1) {
        for (column, cell) in row.iter().enumerate() {
            text += &format!("| {cell:0$} ", width(column).unwrap_or(0));
        }
        text += "|\n";
        if number == 0 {
            text += &format!("{}|\n", "|---".repeat(row.len()));
        }
    }
    text
}
