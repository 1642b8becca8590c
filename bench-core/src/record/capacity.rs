//! How much load each model carries under an objective: what `--slo` measures.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Race, Role, Verdict, Warning};

/// A search for the most load that each model of a scenario carries (METHODOLOGY.md, "Capacity").
///
/// Its races are of the same shape as others, one for each rate, and are judged together: none of
/// them is a comparison by itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Capacity {
    /// The scenario's id.
    pub scenario: String,
    /// What has to hold: `p99<20ms`.
    pub objective: String,
    /// Id of the contender that the others are compared with.
    pub reference: String,
    /// Equivalence margin of capacities: 0.05 means that ±5% counts as equal.
    pub margin: f64,
    /// Planned blocks of each rate.
    pub blocks: usize,
    /// The most that the generator sends to a server that does nothing, per second; `None` where
    /// there is no generator.
    pub ceiling: Option<f64>,
    /// The rates at which each contender was measured, per second, ascending.
    pub grid: BTreeMap<String, Vec<u64>>,
    /// One race for each rate, ascending.
    pub races: Vec<Race>,
    /// What each contender carries, the reference first.
    #[serde(default)]
    pub carried: Vec<Carried>,
    /// Of this search.
    #[serde(default)]
    pub warnings: Vec<Warning>,
    /// Fields of a later minor version, kept.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// What a contender carries.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Carried {
    /// A contender's id.
    pub contender: String,
    /// Model or twin.
    pub role: Role,
    /// Per second: the median over blocks; `None` where it lies beyond the grid, or is unknown.
    pub rate: Option<f64>,
    /// Its interval: 0 where no load of the grid was carried, `None` where there is no interval
    /// or no upper end.
    pub lo: Option<f64>,
    /// Upper end.
    pub hi: Option<f64>,
    /// Against the reference; a ratio above 1 carries less. `None` for the reference itself.
    pub verdict: Option<Verdict>,
    /// Blocks with a capacity.
    pub n: usize,
    /// At the lowest rate of its grid.
    pub lowest: Option<Seen>,
    /// At the highest.
    pub highest: Option<Seen>,
    /// Fields of a later minor version, kept.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// What was seen at one rate: medians over blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Seen {
    /// Per second.
    pub rate: f64,
    /// The objective's quantile, ns; `None` where too few samples lie beyond it.
    pub quantile_ns: Option<f64>,
    /// Whether it was saturated in most blocks.
    pub is_saturated: bool,
}
