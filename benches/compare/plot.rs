//! Line charts as SVG, to be read on a light page and on a dark one.

use std::fmt::Write;

use crate::scale::Scale;

#[derive(Debug)]
pub struct Chart {
    /// Its name, without a suffix.
    pub file: String,
    pub title: String,
    pub x: Axis,
    pub y: Axis,
    /// The first one is ours.
    pub series: Vec<Series>,
}

#[derive(Debug)]
pub struct Series {
    pub name: &'static str,
    pub points: Vec<(f64, f64)>,
}

#[derive(Debug)]
pub struct Axis {
    pub label: &'static str,
    pub log: bool,
}

impl Axis {
    pub const fn linear(label: &'static str) -> Self {
        Self { label, log: false }
    }

    pub const fn log(label: &'static str) -> Self {
        Self { label, log: true }
    }
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 72.0;
const RIGHT: f64 = 44.0;
const TOP: f64 = 76.0;
const BOTTOM: f64 = 56.0;

/// Distinct also for those who see few colours: light page, dark page, dashes.
const COLOURS: [(&str, &str, &str); 5] = [
    ("#c2410c", "#fb923c", ""),
    ("#475569", "#94a3b8", "2 4"),
    ("#1d4ed8", "#60a5fa", "9 4"),
    ("#15803d", "#4ade80", "6 3 2 3"),
    ("#7e22ce", "#c084fc", "12 3 3 3"),
];

impl Chart {
    pub fn svg(&self) -> String {
        let shown: Vec<_> = self
            .series
            .iter()
            .filter(|series| !series.points.is_empty())
            .collect();
        let all = || shown.iter().flat_map(|series| &series.points);
        let x = Scale::new(
            all().map(|point| point.0),
            self.x.log,
            (LEFT, WIDTH - RIGHT),
        )
        .with_zero();
        let y = Scale::new(
            all().map(|point| point.1),
            self.y.log,
            (HEIGHT - BOTTOM, TOP),
        )
        .with_zero()
        .up_to_a_tick();
        let mut svg = head(&self.title);
        for tick in y.ticks() {
            let (at, text) = (y.place(tick), label(tick));
            let _ = write!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\n\
                 <text class=\"tick\" text-anchor=\"end\" x=\"{}\" y=\"{:.1}\">{text}</text>\n",
                WIDTH - RIGHT,
                LEFT - 8.0,
                at + 4.0,
            );
        }
        // On a logarithmic axis the places where something was measured say more than decades.
        let ticks = if self.x.log {
            measured(all().map(|point| point.0))
        } else {
            x.ticks()
        };
        for tick in ticks {
            let (at, text) = (x.place(tick), label(tick));
            let _ = write!(
                svg,
                "<line class=\"axis\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{0}\" y2=\"{1}\"/>\n\
                 <text class=\"tick\" text-anchor=\"middle\" x=\"{at:.1}\" y=\"{2}\">{text}</text>\n",
                HEIGHT - BOTTOM,
                HEIGHT - BOTTOM + 5.0,
                HEIGHT - BOTTOM + 20.0,
            );
        }
        self.axes(&mut svg);
        // Ours is broad and lies below the others, so that both can be seen where they meet.
        for (at, series) in shown.iter().enumerate() {
            line(&mut svg, at, series, &x, &y);
        }
        legend(&mut svg, &shown);
        svg.push_str("</svg>\n");
        svg
    }

    fn axes(&self, svg: &mut String) {
        let floor = HEIGHT - BOTTOM;
        let _ = write!(
            svg,
            "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{0}\" y1=\"{floor}\" y2=\"{floor}\"/>\n\
             <text class=\"label\" text-anchor=\"middle\" x=\"{1}\" y=\"{2}\">{3}</text>\n\
             <text class=\"label\" text-anchor=\"middle\" transform=\"translate(18 {4}) rotate(-90)\">{5}</text>\n",
            WIDTH - RIGHT,
            (LEFT + WIDTH - RIGHT) / 2.0,
            HEIGHT - 14.0,
            self.x.label,
            (TOP + floor) / 2.0,
            self.y.label,
        );
    }
}

fn head(title: &str) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" \
         height=\"{HEIGHT}\" font-family=\"system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif\" \
         role=\"img\">\n<title>{title}</title>\n<style>\n\
         .page{{fill:#fff}} .title{{fill:#0f172a;font-size:16px;font-weight:600}}\n\
         .label{{fill:#334155;font-size:13px}} .tick{{fill:#475569;font-size:12px}}\n\
         .grid{{stroke:#e2e8f0}} .axis{{stroke:#64748b}}\n"
    );
    for (at, (light, _, _)) in COLOURS.iter().enumerate() {
        let _ = writeln!(svg, ".s{at}{{stroke:{light}}} .d{at}{{fill:{light}}}");
    }
    svg.push_str(
        "@media (prefers-color-scheme:dark){\n\
         .page{fill:#0d1117} .title{fill:#f0f6fc} .label{fill:#c9d1d9} .tick{fill:#9da7b3}\n\
         .grid{stroke:#21262d} .axis{stroke:#6e7681}\n",
    );
    for (at, (_, dark, _)) in COLOURS.iter().enumerate() {
        let _ = writeln!(svg, ".s{at}{{stroke:{dark}}} .d{at}{{fill:{dark}}}");
    }
    let _ = write!(
        svg,
        "}}\n</style>\n<rect class=\"page\" width=\"100%\" height=\"100%\" rx=\"8\"/>\n\
         <text class=\"title\" x=\"20\" y=\"30\">{title}</text>\n"
    );
    svg
}

fn line(svg: &mut String, at: usize, series: &Series, x: &Scale, y: &Scale) {
    let points: Vec<_> = series
        .points
        .iter()
        .map(|&(a, b)| (x.place(a), y.place(b)))
        .collect();
    let path: Vec<_> = points
        .iter()
        .map(|(a, b)| format!("{a:.1},{b:.1}"))
        .collect();
    let width = if at == 0 { 5 } else { 2 };
    let _ = writeln!(
        svg,
        "<polyline class=\"s{at}\" fill=\"none\" stroke-width=\"{width}\" stroke-dasharray=\"{}\" \
         stroke-linejoin=\"round\" points=\"{}\"/>",
        COLOURS[at].2,
        path.join(" ")
    );
    if points.len() <= 12 {
        for (a, b) in points {
            let _ = writeln!(
                svg,
                "<circle class=\"d{at}\" cx=\"{a:.1}\" cy=\"{b:.1}\" r=\"{}\"/>",
                width / 2 + 2
            );
        }
    }
}

fn legend(svg: &mut String, shown: &[&Series]) {
    let mut left = 20.0;
    for (at, series) in shown.iter().enumerate() {
        let width = if at == 0 { 5 } else { 2 };
        let _ = write!(
            svg,
            "<line class=\"s{at}\" stroke-width=\"{width}\" stroke-dasharray=\"{}\" x1=\"{left}\" x2=\"{}\" \
             y1=\"52\" y2=\"52\"/>\n<text class=\"label\" x=\"{}\" y=\"56\">{}</text>\n",
            COLOURS[at].2,
            left + 30.0,
            left + 37.0,
            series.name,
        );
        left += 58.0 + 7.2 * series.name.len() as f64;
    }
}

fn measured(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    values
}

/// As one writes numbers: 1,000,000, and no more places than needed.
fn label(value: f64) -> String {
    if value < 1_000.0 {
        return format!("{}", (value * 1e6).round() / 1e6);
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
