//! Where a value lies on an axis.

#[derive(Debug)]
pub struct Scale {
    least: f64,
    most: f64,
    log: bool,
    /// In units of the picture.
    from: f64,
    to: f64,
}

impl Scale {
    pub fn new(
        values: impl Iterator<Item = f64> + Clone,
        log: bool,
        (from, to): (f64, f64),
    ) -> Self {
        let least = values.clone().fold(f64::INFINITY, f64::min);
        let most = values.fold(f64::NEG_INFINITY, f64::max);
        Self {
            least,
            most,
            log,
            from,
            to,
        }
    }

    /// A logarithmic one has no zero.
    pub fn with_zero(mut self) -> Self {
        if !self.log {
            self.least = 0.0;
        }
        self
    }

    /// Up to a round number; a logarithmic one spans whole decades.
    pub fn up_to_a_tick(mut self) -> Self {
        if self.log {
            self.least = 10_f64.powf(self.least.max(1e-6).log10().floor());
            self.most = 10_f64.powf(self.most.max(1e-6).log10().ceil());
            if self.least == self.most {
                self.most *= 10.0;
            }
        } else {
            let step = self.step();
            self.most = (self.most / step).ceil().max(1.0) * step;
        }
        self
    }

    pub fn place(&self, value: f64) -> f64 {
        let part = if self.log {
            let value = value.max(self.least);
            (value / self.least).log10() / (self.most / self.least).log10()
        } else {
            (value - self.least) / (self.most - self.least)
        };
        self.from + part * (self.to - self.from)
    }

    pub fn ticks(&self) -> Vec<f64> {
        if self.log {
            let decades = (self.most / self.least).log10().round() as i32;
            let ticks = (0..=decades).map(|decade| self.least * 10_f64.powi(decade));
            let between: &[f64] = if decades < 3 {
                &[1.0, 2.0, 5.0]
            } else {
                &[1.0]
            };
            let ticks = ticks.flat_map(|tick| between.iter().map(move |by| tick * by));
            return ticks.filter(|tick| *tick <= self.most * 1.001).collect();
        }
        let step = self.step();
        let count = ((self.most - self.least) / step + 1e-6).floor() as usize;
        (0..=count)
            .map(|at| self.least + at as f64 * step)
            .collect()
    }

    /// 1, 2 or 5 times a power of ten, for five steps or so.
    fn step(&self) -> f64 {
        let rough = ((self.most - self.least) / 5.0).max(1e-9);
        let power = 10_f64.powf(rough.log10().floor());
        let steps = [1.0, 2.0, 5.0, 10.0].map(|by| by * power);
        steps
            .into_iter()
            .find(|step| *step >= rough)
            .unwrap_or(rough)
    }
}
