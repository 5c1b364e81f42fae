//! Medians, and how far the rounds lie apart.

/// A figure with its spread over the rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    pub median: f64,
    pub least: f64,
    pub most: f64,
    pub rounds: usize,
}

impl Estimate {
    /// None without a value.
    pub fn of(values: &[f64]) -> Option<Self> {
        Some(Self {
            median: median(values)?,
            least: values.iter().copied().reduce(f64::min)?,
            most: values.iter().copied().reduce(f64::max)?,
            rounds: values.len(),
        })
    }

    /// The ratio of the medians. The spread is that of the rounds: what was measured one after
    /// the other has met the same moods of the machine.
    pub fn ratio(ours: &[f64], theirs: &[f64]) -> Option<Self> {
        let pairs = ours.iter().zip(theirs);
        let rounds: Vec<_> = pairs.map(|(ours, theirs)| ours / theirs).collect();
        Some(Self {
            median: median(ours)? / median(theirs)?,
            ..Self::of(&rounds)?
        })
    }

    /// Ours less theirs.
    pub fn difference(ours: &[f64], theirs: &[f64]) -> Option<Self> {
        let pairs = ours.iter().zip(theirs);
        let rounds: Vec<_> = pairs.map(|(ours, theirs)| ours - theirs).collect();
        Some(Self {
            median: median(ours)? - median(theirs)?,
            ..Self::of(&rounds)?
        })
    }
}

pub fn median(values: &[f64]) -> Option<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        len if len % 2 == 1 => Some(values[middle]),
        _ => Some((values[middle - 1] + values[middle]) / 2.0),
    }
}
