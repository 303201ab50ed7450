//! Runs, medians and spread.

use std::time::{Duration, Instant};

/// What several runs gave.
pub struct Sample(Vec<f64>);

impl Sample {
    pub fn of(runs: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = runs.into_iter().collect();
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    pub fn median(&self) -> f64 {
        let middle = self.0.len() / 2;
        match self.0.len() {
            0 => f64::NAN,
            n if n % 2 == 1 => self.0[middle],
            _ => f64::midpoint(self.0[middle - 1], self.0[middle]),
        }
    }

    /// The median, and the smallest and largest run.
    pub fn show(&self, unit: &str) -> String {
        let (least, most) =
            (self.0.first().copied().unwrap_or(f64::NAN), self.0.last().copied().unwrap_or(f64::NAN));
        format!(
            "{} {unit} ({} to {}, {} runs)",
            round(self.median()),
            round(least),
            round(most),
            self.0.len()
        )
    }
}

fn round(value: f64) -> String {
    match value.abs() {
        v if v >= 1000.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// How long it takes, in milliseconds.
pub fn millis<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let start = Instant::now();
    let done = work();
    (as_millis(start.elapsed()), done)
}

pub fn as_millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Prints a line of the table; `target` says what it must reach.
pub fn line(name: &str, value: &str, target: &str) {
    let target = if target.is_empty() { String::new() } else { format!("   [target {target}]") };
    println!("  {name:<46} {value}{target}");
}
