//! Memory over units: what one more waiting task, thread or connection costs.

use super::estimate::median;
use crate::record::Trial;

/// A line by Theil and Sen: bytes = `intercept` + `slope` · units.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Line {
    /// Median of the slopes of all pairs of points.
    pub slope: f64,
    /// Median of what the slope leaves of each point.
    pub intercept: f64,
}

/// The median of all pairwise slopes: up to 29% of the points may be anything.
/// `None` without two different abscissae. Source: Sen, JASA 63 (1968).
///
/// ```
/// use deadheat_core::stats::theil_sen;
/// let line = theil_sen(&[(0.0, 1.0), (1.0, 3.0), (2.0, 5.0), (3.0, 99.0), (4.0, 9.0)]).unwrap();
/// assert_eq!((line.slope, line.intercept), (2.0, 1.0));
/// ```
pub fn theil_sen(points: &[(f64, f64)]) -> Option<Line> {
    let mut slopes = Vec::with_capacity(points.len() * points.len().saturating_sub(1) / 2);
    for (i, &(x, y)) in points.iter().enumerate() {
        // Equal abscissae give no number, and the median leaves out what is not finite.
        slopes.extend(points[i + 1..].iter().map(|later| (later.1 - y) / (later.0 - x)));
    }
    let slope = median(&slopes)?;
    let rests: Vec<f64> = points.iter().map(|(x, y)| y - slope * x).collect();
    Some(Line { slope, intercept: median(&rests)? })
}

/// Memory over units across the slices of a trial; `None` where the scenario holds no units.
pub fn memory_line(trial: &Trial) -> Option<Line> {
    theil_sen(&memory_points(trial))
}

/// `(units, bytes)` of every slice that has both.
pub(super) fn memory_points(trial: &Trial) -> Vec<(f64, f64)> {
    let counted = trial.slices.iter().filter(|slice| slice.invalid.is_empty());
    counted.filter_map(|slice| Some((slice.units? as f64, slice.memory? as f64))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_abscissa_has_no_slope() {
        assert_eq!(theil_sen(&[]), None);
        assert_eq!(theil_sen(&[(1.0, 2.0)]), None);
        assert_eq!(theil_sen(&[(1.0, 2.0), (1.0, 3.0)]), None);
    }
}
