//! Known answers: what must come out where the truth is known, and whether it did.
//!
//! An answer is a figure, its truth, and how far apart the two may be (METHODOLOGY.md, "Known
//! answers"). Those that need no machine are worked out here, by simulation and by formula; the
//! self-test and the tests hold the same functions against real processes and against instruments
//! that are broken on purpose.
//!
//! Not in here: whatever runs a process or reads a clock. It hands in what it measured.

use serde::Serialize;

pub mod queue;
pub mod recording;
pub mod simulated;

/// A figure whose truth is known.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Known {
    /// What it is of: `M/M/1, mean response time`.
    pub what: String,
    /// What it should be.
    pub truth: f64,
    /// What was found. Not a number: nothing was.
    pub measured: f64,
    /// For ratios: the interval of what was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<(f64, f64)>,
    /// How far it may be from its truth.
    pub limit: Limit,
    /// What it is counted in.
    pub unit: Unit,
}

/// How far a figure may be from its truth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// By this share of the truth, on either side.
    Relative(f64),
    /// By this much, on either side.
    Absolute(f64),
    /// Not below the truth, and above it by this share at most.
    Above(f64),
    /// The truth is the most that it may be.
    AtMost,
    /// The truth is the least that it may be.
    AtLeast,
    /// Its interval must lie within [truth/(1 + δ), truth·(1 + δ)]: a dead heat, proven. Where it
    /// reaches beyond on one side, nothing is proven.
    Margin(f64),
    /// Its interval must lie below the truth: less, proven. Where it reaches above, nothing is
    /// proven.
    Less,
}

/// What a figure is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Nanoseconds.
    Ns,
    /// Bytes.
    Bytes,
    /// Things that are counted.
    Count,
    /// A share of 1, or a probability.
    Share,
    /// A ratio or any other number.
    Number,
}

/// Whether a known answer came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// Within its limit.
    Holds,
    /// Its interval is too wide to tell.
    Undecided,
    /// Beyond its limit, or no number at all.
    Fails,
}

impl Known {
    /// A figure without an interval.
    pub fn new(
        what: impl Into<String>,
        unit: Unit,
        truth: f64,
        measured: f64,
        limit: Limit,
    ) -> Self {
        Self { what: what.into(), truth, measured, interval: None, limit, unit }
    }

    /// A ratio that must be a dead heat with `truth`, from its estimate on the log scale.
    pub fn ratio(
        what: impl Into<String>,
        truth: f64,
        estimate: &super::Estimate,
        margin: f64,
    ) -> Self {
        Self::estimated(what, truth, estimate, Limit::Margin(margin))
    }

    /// A ratio that must be less than `truth`, from its estimate on the log scale.
    pub fn less(what: impl Into<String>, truth: f64, estimate: &super::Estimate) -> Self {
        Self::estimated(what, truth, estimate, Limit::Less)
    }

    fn estimated(
        what: impl Into<String>,
        truth: f64,
        estimate: &super::Estimate,
        limit: Limit,
    ) -> Self {
        let interval = estimate.interval.map(|(lo, hi)| (lo.exp(), hi.exp()));
        let measured = if estimate.n > 0 { estimate.point.exp() } else { f64::NAN };
        Self { interval, ..Self::new(what, Unit::Number, truth, measured, limit) }
    }

    /// Whether it is within its limit. What is not a number never is; a ratio without an interval
    /// proves nothing.
    ///
    /// ```
    /// use deadheat_core::stats::known::{Finding, Known, Limit, Unit};
    /// let mean = |measured| Known::new("mean", Unit::Ns, 100.0, measured, Limit::Relative(0.03));
    /// assert_eq!(mean(102.0).finding(), Finding::Holds);
    /// assert_eq!(mean(96.0).finding(), Finding::Fails);
    /// assert_eq!(mean(f64::NAN).finding(), Finding::Fails);
    /// ```
    pub fn finding(&self) -> Finding {
        let off = self.measured - self.truth;
        let is = |holds: bool| if holds { Finding::Holds } else { Finding::Fails };
        match self.limit {
            // Where no block has enough samples for a quantile there is no ratio, and no proof.
            Limit::Margin(margin) => {
                self.lies_within(self.truth / (1.0 + margin), self.truth * (1.0 + margin))
            }
            Limit::Less => self.lies_within(0.0, self.truth),
            _ if self.measured.is_nan() || self.truth.is_nan() => Finding::Fails,
            Limit::Relative(share) => is(off.abs() <= share * self.truth.abs()),
            Limit::Absolute(most) => is(off.abs() <= most),
            Limit::Above(share) => is((0.0..=share * self.truth).contains(&off)),
            Limit::AtMost => is(off <= 0.0),
            Limit::AtLeast => is(off >= 0.0),
        }
    }

    fn lies_within(&self, least: f64, most: f64) -> Finding {
        match self.interval {
            Some((lo, hi)) if least <= lo && hi <= most => Finding::Holds,
            Some((lo, hi)) if lo > most || hi < least => Finding::Fails,
            None | Some(_) => Finding::Undecided,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_has_the_sides_that_it_says() {
        let finding = |limit, measured| {
            Known::new("it", Unit::Number, 10.0, measured, limit).finding() == Finding::Holds
        };
        assert!(finding(Limit::Absolute(1.0), 9.0) && !finding(Limit::Absolute(1.0), 8.9));
        assert!(finding(Limit::Above(0.05), 10.5) && !finding(Limit::Above(0.05), 9.99));
        assert!(finding(Limit::AtMost, 10.0) && !finding(Limit::AtMost, 10.1));
        assert!(finding(Limit::AtLeast, 10.0) && !finding(Limit::AtLeast, 9.9));
    }

    #[test]
    fn a_ratio_is_proven_refuted_or_neither() {
        let of = |interval| {
            Known { interval, ..Known::new("r", Unit::Number, 1.0, 1.0, Limit::Margin(0.05)) }
                .finding()
        };
        assert_eq!(of(Some((0.97, 1.04))), Finding::Holds);
        assert_eq!(of(Some((0.97, 1.06))), Finding::Undecided);
        assert_eq!(of(Some((1.06, 1.20))), Finding::Fails);
        assert_eq!(of(None), Finding::Undecided, "too few blocks prove nothing");
        let less = |interval| {
            Known { interval, ..Known::new("r", Unit::Number, 1.0, 1.0, Limit::Less) }.finding()
        };
        assert_eq!(less(Some((0.1, 0.9))), Finding::Holds);
        assert_eq!(less(Some((0.1, 1.1))), Finding::Undecided);
        assert_eq!(less(Some((1.1, 9.0))), Finding::Fails);
        assert_eq!(less(None), Finding::Undecided);
        let none = Known::ratio("r", 1.0, &crate::stats::Estimate::default(), 0.05);
        assert_eq!(none.finding(), Finding::Undecided, "nor do none");
    }
}
