//! How much load each model carries under an objective: what `--slo` measures.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Race, Warning};

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
    /// Of this search.
    #[serde(default)]
    pub warnings: Vec<Warning>,
    /// Fields of a later minor version, kept.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}
