//! What is said of a race: comparisons, and what the controls showed.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Metric, Role};

/// What can be said of a comparison (METHODOLOGY.md, "Decision").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Call {
    /// The interval lies wholly below 1/(1+δ).
    Faster,
    /// It excludes 1, but not the margin.
    FasterSizeUndecided,
    /// It lies wholly inside the margin: proven equivalent.
    DeadHeat,
    /// It excludes 1, but not the margin.
    SlowerSizeUndecided,
    /// It lies wholly above 1+δ.
    Slower,
    /// None of these.
    #[default]
    Undecided,
}

/// A comparison of `a` with `b`: the ratio is a's cost ÷ b's, so above 1 means that `a` is slower.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Verdict {
    /// What was compared.
    pub metric: Metric,
    /// A contender's id.
    pub a: String,
    /// The reference's id.
    pub b: String,
    /// Median over blocks of the blocks' ratios; 0 where `n` is 0.
    pub ratio: f64,
    /// Lower end of the interval; `None`: too few blocks for one.
    pub lo: Option<f64>,
    /// Upper end.
    pub hi: Option<f64>,
    /// Rank of the order statistics that make the interval; 0 where there is none.
    pub k: usize,
    /// Blocks with both.
    pub n: usize,
    /// What can be said.
    pub verdict: Call,
    /// Half the interval's width on the log scale, as a ratio minus 1: "can tell ±h".
    #[serde(default)]
    pub resolution: Option<f64>,
    /// Blocks that would settle an undecided comparison; `None`: settled, or never.
    #[serde(default)]
    pub settle: Option<u64>,
    /// The SUT's CPU time per operation ÷ the metric's time per operation.
    pub share: Option<f64>,
    /// Where uneven: the share of a's slices that ran 1.5 × slower than its own median slice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_share: Option<f64>,
    /// What the rounds in fair weather say alone, where any round was foul.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fair: Option<Fair>,
    /// `uneven`, `peer-bound`, `not-decidable`, `within-noise-floor`, …
    pub marks: Vec<String>,
    /// Fields of a later minor version, kept.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// A comparison over the rounds in fair weather alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Fair {
    /// Median over blocks of the blocks' ratios.
    pub ratio: f64,
    /// Lower end of its interval.
    pub lo: f64,
    /// Upper end.
    pub hi: f64,
    /// Blocks that had enough fair rounds.
    pub n: usize,
    /// What they say.
    pub verdict: Call,
}

/// A control's result for one metric.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Control {
    /// Twin or handicapped.
    pub role: Role,
    /// What was compared.
    pub metric: Metric,
    /// The true ratio: 1 for the twin.
    pub truth: f64,
    /// What was measured.
    pub ratio: f64,
    /// Lower end of its 95% interval.
    pub lo: Option<f64>,
    /// Upper end.
    pub hi: Option<f64>,
    /// Blocks.
    pub n: usize,
    /// `ok`; `invalid`: the race cannot be believed; `blunt`: it would not have seen the handicap;
    /// `no-interval`.
    pub state: String,
    /// Fields of a later minor version, kept.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}
