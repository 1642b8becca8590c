//! Axes. Most are logarithmic, because models differ by factors; bars start at 0, and so do theirs.

/// Maps values to pixels by their logarithm.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Log {
    lo: f64,
    hi: f64,
    from: f64,
    to: f64,
}

impl Log {
    /// `lo` is shown at `from`, `hi` at `to`; both have to be above 0.
    pub(crate) fn new((lo, hi): (f64, f64), (from, to): (f64, f64)) -> Self {
        let (lo, hi) = (lo.max(f64::MIN_POSITIVE), hi.max(f64::MIN_POSITIVE));
        let hi = if hi > lo { hi } else { lo * 1.001 };
        Self { lo: lo.ln(), hi: hi.ln(), from, to }
    }

    /// Where a value is shown, kept within the axis.
    pub(crate) fn at(&self, value: f64) -> f64 {
        let part = (value.max(f64::MIN_POSITIVE).ln() - self.lo) / (self.hi - self.lo);
        self.from + part.clamp(0.0, 1.0) * (self.to - self.from)
    }

    /// Whether a value lies on the axis.
    pub(crate) fn holds(&self, value: f64) -> bool {
        value > 0.0 && (self.lo..=self.hi).contains(&value.ln())
    }

    /// The candidates that lie on the axis, at least `gap` pixels apart; earlier ones win.
    pub(crate) fn ticks(&self, candidates: &[f64], gap: f64) -> Vec<f64> {
        let mut kept: Vec<f64> = Vec::new();
        let slack = (self.hi - self.lo) * 1e-9;
        for &value in candidates {
            let on = value > 0.0 && value.ln() >= self.lo - slack && value.ln() <= self.hi + slack;
            if on && kept.iter().all(|other| (self.at(*other) - self.at(value)).abs() >= gap) {
                kept.push(value);
            }
        }
        kept.sort_by(f64::total_cmp);
        kept
    }
}

/// Maps values from 0 on to pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Linear {
    hi: f64,
    from: f64,
    to: f64,
}

impl Linear {
    /// 0 is shown at `from`, `hi` at `to`.
    pub(crate) fn new(hi: f64, (from, to): (f64, f64)) -> Self {
        Self { hi: if hi > 0.0 { hi } else { 1.0 }, from, to }
    }

    /// Where a value is shown, kept within the axis.
    pub(crate) fn at(&self, value: f64) -> f64 {
        self.from + (value / self.hi).clamp(0.0, 1.0) * (self.to - self.from)
    }
}

/// 1, 2 and 5 of every power of ten: tens first, so that they win.
pub(crate) fn decades() -> Vec<f64> {
    let powers = || (-3..=15).map(|power| 10_f64.powi(power));
    let mut ticks: Vec<f64> = powers().collect();
    ticks.extend(powers().map(|power| power * 2.0));
    ticks.extend(powers().map(|power| power * 5.0));
    ticks
}

/// Ratios that people read at a glance, the most telling first.
pub(crate) fn ratios() -> Vec<f64> {
    let mut ticks = vec![1.0];
    for near in [
        &[0.1, 0.5, 2.0, 10.0, 100.0, 0.01, 1000.0, 0.001][..],
        &[0.8, 1.25, 0.2, 5.0, 0.05, 20.0, 50.0, 0.02, 200.0, 500.0],
        &[0.9, 1.1, 1.5, 0.7, 0.6, 3.0, 1.2],
        &[0.95, 1.05, 0.85, 1.15, 0.98, 1.02, 0.96, 1.04, 0.99, 1.01, 0.97, 1.03],
    ] {
        ticks.extend(near);
    }
    ticks
}

/// "20.0 µs" is "20 µs" on an axis, and "2.00k" is "2k".
pub(crate) fn short(text: &str) -> String {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number = if number.contains('.') {
        number.trim_end_matches('0').trim_end_matches('.')
    } else {
        number
    };
    format!("{number}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_on_the_axis() {
        let axis = Log::new((1.0, 100.0), (0.0, 200.0));
        assert!((axis.at(10.0) - 100.0).abs() < 1e-9);
        assert!(axis.at(-1.0) < 1e-9 && (axis.at(1e9) - 200.0).abs() < 1e-9);
        assert!(Log::new((0.0, 0.0), (0.0, 1.0)).at(1.0).is_finite());
    }

    #[test]
    fn ticks_are_short() {
        assert_eq!(
            ["20.0 µs", "2.00k", "100", "1.50 ms"].map(short),
            ["20 µs", "2k", "100", "1.5 ms"]
        );
    }

    #[test]
    fn ticks_keep_their_distance() {
        let axis = Log::new((0.9, 16.0), (0.0, 300.0));
        let ticks = axis.ticks(&ratios(), 40.0);
        assert!(ticks.contains(&1.0) && ticks.contains(&2.0) && ticks.contains(&10.0));
        assert!(ticks.windows(2).all(|pair| axis.at(pair[1]) - axis.at(pair[0]) >= 40.0));
    }
}
