//! A median of blocks, with an interval that assumes nothing of their distribution.
//!
//! There is deliberately no t-test and no bootstrap here: on the heavy-tailed and two-humped
//! noise of real machines they cover far less than they promise (METHODOLOGY.md, "Interval").

use super::rank::rank;

/// Point and interval of a set of paired log ratios, one per block.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Estimate {
    /// Median; 0 where `n` is 0.
    pub point: f64,
    /// `[d₍k₎, d₍n+1−k₎]`; `None` where there are too few blocks for an interval.
    pub interval: Option<(f64, f64)>,
    /// Rank of the interval's ends; 0 where there is none.
    pub k: usize,
    /// Values used. Those that are not finite are not.
    pub n: usize,
}

impl Estimate {
    /// Estimates the median of `log_ratios`, covering it with at least 1 − `alpha`.
    ///
    /// ```
    /// use deadheat_core::stats::Estimate;
    /// let twelve: Vec<f64> = (1..=12).map(f64::from).collect();
    /// let estimate = Estimate::of(&twelve, 0.05);
    /// assert_eq!((estimate.point, estimate.k), (6.5, 3));
    /// assert_eq!(estimate.interval, Some((3.0, 10.0)));
    /// ```
    pub fn of(log_ratios: &[f64], alpha: f64) -> Self {
        let sorted = sorted(log_ratios);
        let n = sorted.len();
        let Some(point) = median_of_sorted(&sorted) else { return Self::default() };
        let k = rank(n, alpha);
        let interval = (k > 0).then(|| (sorted[k - 1], sorted[n - k]));
        Self { point, interval, k, n }
    }

    /// Half the interval's width, on the log scale.
    pub fn half_width(&self) -> Option<f64> {
        self.interval.map(|(lo, hi)| (hi - lo) / 2.0)
    }
}

/// The median of the finite values; `None` where there are none.
pub fn median(values: &[f64]) -> Option<f64> {
    median_of_sorted(&sorted(values))
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    finite.sort_by(f64::total_cmp);
    finite
}

fn median_of_sorted(sorted: &[f64]) -> Option<f64> {
    let n = sorted.len();
    match n {
        0 => None,
        _ if n % 2 == 1 => Some(sorted[n / 2]),
        _ => Some(f64::midpoint(sorted[n / 2 - 1], sorted[n / 2])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_blocks_have_a_point_and_no_interval() {
        let estimate = Estimate::of(&[0.5, 0.1, 0.3], 0.05);
        assert_eq!(estimate, Estimate { point: 0.3, interval: None, k: 0, n: 3 });
        assert_eq!(Estimate::of(&[], 0.05), Estimate::default());
    }

    #[test]
    fn what_is_not_finite_is_not_counted() {
        let estimate = Estimate::of(&[f64::NAN, 1.0, f64::INFINITY, 2.0, f64::NEG_INFINITY], 0.05);
        assert_eq!((estimate.point, estimate.n), (1.5, 2));
    }
}
