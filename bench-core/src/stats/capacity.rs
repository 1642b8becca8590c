//! The most load that a model carries under an objective, such as "p99 below 20 ms".
//!
//! The path is [`Grid`] (which rates are measured) → [`Point`] (what one rate showed in one block)
//! → [`carried`] (a line through 1/quantile against rate, and where it meets 1/objective) →
//! [`judge_capacity`] (medians and exact intervals over blocks, ratios, verdicts, sentences).
//!
//! Deliberately not a bisection: it follows the noise of its first steps, and what it ends at has
//! no interval. The rates are fixed beforehand, and every block measures all of them.

mod grid;
mod judge;

use std::{fmt, str::FromStr, time::Duration};

pub use self::{
    grid::{Grid, Search, rate_of},
    judge::{Carrying, judge_capacity, meets},
};
use crate::duration;

/// Points that make a line; fewer are told as they are.
const LINE: usize = 3;

/// Quantiles beyond so many times the objective are left out of the line: they say nothing of
/// where it is met, and a window is too short for the queues that they belong to.
const FAR: f64 = 3.0;

/// What has to hold for a load to be carried, besides that 99% of its operations end well.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Objective {
    /// Which quantile of the response time (or of service time in closed loads): 0.99.
    pub quantile: f64,
    /// What it has to stay below.
    pub limit: Duration,
}

impl Objective {
    /// The limit, ns.
    pub fn limit_ns(&self) -> f64 {
        self.limit.as_nanos() as f64
    }

    /// The quantile's name: `p99`.
    pub fn name(&self) -> String {
        // 0.999 is p99.9, without the last bits of a product.
        let percent = (self.quantile * 100.0 * 1e6).round() / 1e6;
        format!("p{percent}")
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}<{}", self.name(), duration::format(self.limit))
    }
}

impl FromStr for Objective {
    type Err = String;

    /// `p99<20ms`, `p50<500us`, `p99.9<1s`.
    fn from_str(text: &str) -> Result<Self, String> {
        let form = || format!("\"{text}\" is not of the form p99<20ms");
        let (name, limit) = text.split_once('<').ok_or_else(form)?;
        let percent: f64 =
            name.trim().strip_prefix('p').and_then(|p| p.parse().ok()).ok_or_else(form)?;
        if !(50.0..=99.9).contains(&percent) {
            return Err(format!("{} is not between p50 and p99.9", name.trim()));
        }
        let limit = duration::parse(limit.trim_start_matches('=').trim())?;
        let (least, most) = (Duration::from_micros(10), Duration::from_secs(10));
        if !(least..=most).contains(&limit) {
            let [limit, least, most] = [limit, least, most].map(duration::format);
            return Err(format!("{limit} is not between {least} and {most}"));
        }
        Ok(Self { quantile: percent / 100.0, limit })
    }
}

/// What one rate showed of a contender in one block.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// Offered, per second.
    pub rate: f64,
    /// The objective's quantile, ns; `None` where too few samples lie beyond it.
    pub quantile_ns: Option<f64>,
    /// Samples beyond it.
    pub beyond: f64,
    /// It fell behind, or less than 99% of what was offered ended well.
    pub is_saturated: bool,
}

/// What a capacity is known to lie between; equal ends where it is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Per second; 0 where no load of the grid was carried.
    pub lo: f64,
    /// Per second; infinite where every load of the grid was.
    pub hi: f64,
}

impl Bounds {
    fn known(rate: f64) -> Self {
        Self { lo: rate, hi: rate }
    }

    fn below(rate: f64) -> Self {
        Self { lo: 0.0, hi: rate }
    }

    fn above(rate: f64) -> Self {
        Self { lo: rate, hi: f64::INFINITY }
    }

    /// Beyond `limit` nothing is known of the model: what lies there is the generator's doing.
    fn limited(self, limit: Option<f64>) -> Self {
        match limit {
            Some(limit) if self.hi > limit => Self { lo: self.lo.min(limit), hi: f64::INFINITY },
            _ => self,
        }
    }
}

/// The load that a contender carries, by one block: where the least-squares line through
/// 1/quantile against rate, over the unsaturated rates (but those far beyond the objective), meets
/// 1/`limit_ns`; at most the highest
/// rate below saturation. It is never extrapolated beyond the grid. `None` where nothing was
/// measured.
///
/// The reciprocal, because it makes a line of a queue: for M/M/1 the response time is
/// exponential with the rate μ − λ, so its quantile is ln(1/(1−q))/(μ − λ). Source: e.g. Kleinrock,
/// *Queueing Systems* I, §5.12. For other queues it is an approximation, whose error is small
/// where the grid is narrow.
///
/// ```
/// use deadheat_core::stats::{Point, carried};
/// // M/M/1 with μ = 1,000/s: p99 = 4.605 s/(1,000 − λ), which is 20 ms at λ = 769.7/s.
/// let point = |rate: f64| Point {
///     rate,
///     quantile_ns: Some(100_f64.ln() / (1_000.0 - rate) * 1e9),
///     beyond: 100.0,
///     is_saturated: false,
/// };
/// let points: Vec<_> = (0..9).map(|i| point(600.0 * 1.07_f64.powi(i))).collect();
/// let carried = carried(&points, 20e6).unwrap();
/// assert!((carried.lo - 769.74).abs() < 0.01 && carried.hi == carried.lo);
/// ```
pub fn carried(points: &[Point], limit_ns: f64) -> Option<Bounds> {
    let points = ascending(points);
    let (lowest, highest) = (points.first()?.rate, points.last()?.rate);
    let saturation = saturation(&points);
    let carried = &points[..saturation.unwrap_or(points.len())];
    let line: Vec<(f64, f64)> = line(carried, limit_ns)
        .filter_map(|point| Some((point.rate, 1.0 / point.quantile_ns?)))
        .collect();
    // With nothing that was carried, not even the lowest was.
    let Some(top) = carried.iter().map(|point| point.rate).next_back() else {
        return Some(Bounds::below(lowest));
    };
    if line.len() < LINE {
        return bracket(&points, limit_ns);
    }
    let crossing = crossing(&line, 1.0 / limit_ns)?;
    Some(match saturation {
        _ if crossing < lowest => Bounds::below(lowest),
        Some(_) => Bounds::known(crossing.min(top)),
        None if crossing > highest => Bounds::above(highest),
        None => Bounds::known(crossing),
    })
}

/// How many samples lie beyond the quantile at the rates that say where the objective is met: those
/// of the line, all together, or all that tell anything where they are too few for a line.
///
/// Not at each rate: 100 at every one would take three to four times as long as a search does, and
/// the crossing rests on all of the line's.
fn samples(points: &[Point], limit_ns: f64) -> f64 {
    let points = ascending(points);
    let carried = &points[..saturation(&points).unwrap_or(points.len())];
    let told = points.iter().filter(|point| point.is_saturated || point.quantile_ns.is_some());
    if line(carried, limit_ns).count() < LINE {
        told.map(|point| point.beyond).sum()
    } else {
        line(carried, limit_ns).map(|point| point.beyond).sum()
    }
}

/// Those of them that the line goes through: neither saturated, nor far beyond the objective.
fn line(carried: &[Point], limit_ns: f64) -> impl Iterator<Item = &Point> {
    let is_near = move |ns: f64| 1.0 / ns * limit_ns * FAR >= 1.0;
    let unsaturated = carried.iter().filter(|point| !point.is_saturated);
    unsaturated.filter(move |point| point.quantile_ns.is_some_and(is_near))
}

/// Those that are numbers, by their rate.
fn ascending(points: &[Point]) -> Vec<Point> {
    let mut points: Vec<Point> = points.iter().copied().filter(Point::is_sound).collect();
    points.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    points
}

impl Point {
    fn is_sound(&self) -> bool {
        let quantile = self.quantile_ns.unwrap_or(1.0);
        self.rate.is_finite() && self.rate > 0.0 && quantile.is_finite() && quantile > 0.0
    }
}

/// Where points are too few for a line: between the highest rate that met the objective, and the next
/// one that did not.
fn bracket(points: &[Point], limit_ns: f64) -> Option<Bounds> {
    let meets = |point: &Point| Some(!point.is_saturated && point.quantile_ns? <= limit_ns);
    let told = || {
        let full = |point: &Point| point.is_saturated.then_some(false);
        points.iter().filter_map(move |point| Some((point.rate, full(point).or(meets(point))?)))
    };
    let lo = told().filter(|(_, met)| *met).map(|(rate, _)| rate).fold(0.0, f64::max);
    let failed = told().filter(|(rate, met)| !met && *rate > lo).map(|(rate, _)| rate);
    let hi = failed.fold(f64::INFINITY, f64::min);
    (lo > 0.0 || hi.is_finite()).then_some(Bounds { lo, hi })
}

/// The first rate from which on it is saturated: a single rate that is, among others that are not,
/// is weather.
fn saturation(points: &[Point]) -> Option<usize> {
    let is = |i: usize| points.get(i).is_none_or(|point| point.is_saturated);
    (0..points.len()).find(|i| is(*i) && is(*i + 1))
}

/// Where the line meets `level`: ±∞ where it lies wholly on one side. `None` without points.
fn crossing(points: &[(f64, f64)], level: f64) -> Option<f64> {
    let n = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    if points.is_empty() {
        return None;
    }
    let flat = if y >= level { f64::INFINITY } else { f64::NEG_INFINITY };
    let sum = |of: &dyn Fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>();
    let slope = sum(&|(px, py)| (px - x) * (py - y)) / sum(&|(px, _)| (px - x).powi(2));
    // A quantile that does not rise with the load meets the objective everywhere, or nowhere.
    Some(if slope < 0.0 { x + (level - y) / slope } else { flat })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MU: f64 = 1_000.0;

    fn mm1(rate: f64) -> Point {
        let quantile_ns = Some(100_f64.ln() / (MU - rate) * 1e9).filter(|_| rate < MU);
        Point { rate, quantile_ns, beyond: 100.0, is_saturated: rate >= MU }
    }

    fn rates(from: f64) -> Vec<f64> {
        (0..9).map(|i| from * 1.07_f64.powi(i)).collect()
    }

    fn points(from: f64) -> Vec<Point> {
        rates(from).into_iter().map(mm1).collect()
    }

    #[test]
    fn objectives_are_read_and_written() {
        for text in ["p99<20ms", "p50<500us", "p99.9<1s"] {
            assert_eq!(text.parse::<Objective>().unwrap().to_string(), text);
        }
        assert_eq!("p99 <= 20ms".parse::<Objective>().unwrap().to_string(), "p99<20ms");
        for (text, why) in [
            ("", "not of the form"),
            ("99<20ms", "not of the form"),
            ("p99", "not of the form"),
            ("px<1ms", "not of the form"),
            ("p10<1ms", "not between p50 and p99.9"),
            ("p100<1ms", "not between p50 and p99.9"),
            ("pNaN<1ms", "not between p50 and p99.9"),
            ("p99<20", "needs a unit"),
            ("p99<0ms", "not between 10us and 10s"),
            ("p99<1m", "not between 10us and 10s"),
        ] {
            let error = text.parse::<Objective>().unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn saturated_rates_bend_no_line() {
        // 950 is carried by the line, and 900 is the highest rate that was not saturated.
        let mut points: Vec<_> = [600.0, 700.0, 800.0, 900.0].map(mm1).to_vec();
        let full = |rate| Point { quantile_ns: Some(1e9), is_saturated: true, ..mm1(rate) };
        points.extend([full(970.0), full(1_050.0)]);
        let at = |limit_ms: f64| carried(&points, limit_ms * 1e6).unwrap();
        assert_eq!(at(200.0), Bounds::known(900.0));
        let twenty = at(20.0);
        assert!((twenty.lo - (MU - 100_f64.ln() / 0.02)).abs() < 1e-6);
    }

    #[test]
    fn samples_count_where_they_say_something() {
        // Of nine rates the last is saturated, and at the one before it p99 is 126 ms: far.
        let points = points(600.0);
        // With one on the line, all count that tell anything.
        let mut blind = points.clone();
        blind[1..].iter_mut().for_each(|point| point.quantile_ns = None);
        let of = |points: &[Point]| samples(points, 20e6);
        assert_eq!((of(&points), of(&blind), of(&[])), (700.0, 200.0, 0.0));
    }

    #[test]
    fn one_saturated_rate_among_others_is_weather() {
        let mut points = points(600.0);
        let before = carried(&points, 20e6).unwrap();
        points[2].is_saturated = true;
        let after = carried(&points, 20e6).unwrap();
        assert!((before.lo - after.lo).abs() < 1e-6);
    }

    #[test]
    fn an_objective_that_no_load_meets_or_every_load() {
        assert_eq!(carried(&points(500.0), 1e6), Some(Bounds::below(500.0)));
        let every = carried(&points(100.0), 20e6).unwrap();
        assert_eq!((every.lo, every.hi), (100.0 * 1.07_f64.powi(8), f64::INFINITY));
        let drowned = points(2_000.0);
        assert_eq!(carried(&drowned, 20e6), Some(Bounds::below(2_000.0)));
    }

    #[test]
    fn a_quantile_that_does_not_rise_meets_it_everywhere_or_nowhere() {
        let flat: Vec<_> = rates(100.0)
            .into_iter()
            .map(|rate| Point { quantile_ns: Some(1e6), ..mm1(rate) })
            .collect();
        assert!(carried(&flat, 2e6).unwrap().hi.is_infinite());
        assert_eq!(carried(&flat, 0.5e6), Some(Bounds::below(100.0)));
        assert_eq!(carried(&flat[..1], 2e6), Some(Bounds::above(100.0)));
        assert_eq!(carried(&[], 1e6), None);
        // Too few points for a line: what they say themselves.
        let quantile = |ns| Point { quantile_ns: ns, ..mm1(100.0) };
        let sparse = [
            Point { rate: 100.0, ..quantile(Some(1e6)) },
            Point { rate: 107.0, ..quantile(None) },
            Point { rate: 114.0, ..quantile(Some(7e6)) },
        ];
        assert_eq!(carried(&sparse, 2e6), Some(Bounds { lo: 100.0, hi: 114.0 }));
        let blind = [Point { quantile_ns: None, ..mm1(100.0) }];
        assert_eq!(carried(&blind, 1e6), None);
    }

    #[test]
    fn what_lies_beyond_the_generator_is_not_known() {
        let at = |lo, hi, limit| Bounds { lo, hi }.limited(limit);
        assert_eq!(at(500.0, 500.0, Some(800.0)), Bounds::known(500.0));
        assert_eq!(at(900.0, 900.0, Some(800.0)), Bounds::above(800.0));
        assert_eq!(at(500.0, f64::INFINITY, None), Bounds::above(500.0));
    }

    proptest! {
        #[test]
        fn any_points_give_bounds_within_the_grid(
            raw in prop::collection::vec((any::<f64>(), prop::option::of(any::<f64>()), any::<bool>()), 0..12),
            limit in 1.0..1e12_f64,
        ) {
            let points: Vec<Point> = raw.into_iter().map(|(rate, quantile_ns, is_saturated)| {
                Point { rate, quantile_ns, beyond: 1.0, is_saturated }
            }).collect();
            if let Some(bounds) = carried(&points, limit) {
                prop_assert!(bounds.lo <= bounds.hi && bounds.lo >= 0.0);
                let sound = || points.iter().filter(|point| point.is_sound()).map(|point| point.rate);
                let highest = sound().fold(0.0, f64::max);
                prop_assert!(bounds.lo <= highest);
            }
        }

        #[test]
        fn units_of_rate_and_time_do_not_matter(from in 100.0..900.0_f64, scale in 0.01..100.0_f64) {
            let one = carried(&points(from), 20e6).unwrap();
            let scaled: Vec<_> = points(from).into_iter().map(|point| Point {
                rate: point.rate * scale,
                quantile_ns: point.quantile_ns.map(|ns| ns / scale),
                ..point
            }).collect();
            let other = carried(&scaled, 20e6 / scale).unwrap();
            prop_assert!((other.lo - one.lo * scale).abs() <= 1e-6 * other.lo.max(1.0));
        }
    }
}
