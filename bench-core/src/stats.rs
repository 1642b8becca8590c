//! How a race is judged: from what its slices measured to what may be said of it.
//!
//! The path is `Measures` (a race's histograms decoded and its costs per block) → paired log
//! ratios ([`Measures::pairs`]) → [`Estimate`] (median and an exact interval over blocks) →
//! [`Decision`] (a verdict with its resolution) → [`judge`] (all comparisons of a race, held
//! against the twin) → [`Summary`] (one row per contender, and sentences).
//!
//! Everything here is pure: the same race gives the same bytes. There is no clock, no input or
//! output, and nothing is averaged that METHODOLOGY.md forbids to average: percentiles come from
//! merged histograms, and only blocks count as observations.
//!
//! Not in here: how anything is measured (`race`, `session`), and how results are shown (the
//! `reports` crate).

mod audit;
mod binomial;
pub mod capacity;
mod carry;
mod conclusions;
mod conditions;
mod control;
mod decide;
mod distance;
mod drift;
mod estimate;
mod fdr;
mod group;
pub mod histogram;
pub mod human;
mod judge;
mod knee;
pub mod known;
mod latencies;
mod measures;
mod planning;
mod rank;
mod regression;
mod sky;
mod summary;
mod sweep;
mod usl;

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod testing;

pub use self::{
    audit::{Culprit, FoulSlices, Twins, culprits, twins_over_run},
    binomial::{proportion, sign_test},
    capacity::{Bounds, Objective, Point, carried, judge_capacity},
    carry::{CarryOver, Turn, carry_over},
    conclusions::{Sentence, Topic},
    conditions::Conditions,
    decide::{Decision, LARGEST_PLAN, decide},
    distance::relative_distance,
    drift::{Drift, Spearman, drift, spearman},
    estimate::{Estimate, median},
    fdr::{discoveries, p_value},
    group::{Group, leading_group},
    judge::{Judgement, judge, mark},
    knee::knee,
    latencies::{Distribution, Latencies},
    measures::{Measures, Pair, applicable},
    planning::{Precision, precision, race_precision},
    rank::{min_blocks, rank},
    regression::{Line, memory_line, theil_sen},
    sky::Sky,
    summary::{Course, Row, State, Summary, summary, summary_of},
    sweep::{Curve, Step, Sweep, sweeps, sweeps_of},
    usl::{FEWEST_CPUS, Scalability, UnfitError},
};
