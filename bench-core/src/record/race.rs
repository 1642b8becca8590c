//! A race: what was raced, how long and how often, and what came of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Block, Contender, Control, Metric, Trial, Verdict, Warning};

/// How the slices of a race follow each other (METHODOLOGY.md, "Slices").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// All contenders alive, many short slices each.
    #[default]
    Sliced,
    /// All contenders alive, one operation (or one batch) is one slice.
    Turns,
    /// One process at a time.
    Solo,
}

/// Which CPUs the processes of a race may use. The same sets for every contender.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Placement {
    /// `same`, `split` or `free`.
    pub name: String,
    /// CPUs of the system under test.
    pub sut: Vec<usize>,
    /// CPUs of servers and generators.
    pub peer: Vec<usize>,
    /// CPUs of the harness's own threads inside a contender (the pacer).
    pub harness: Vec<usize>,
    /// Fields of a later minor version, kept.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// How long and how often.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Shape {
    /// Planned blocks (generations of processes).
    pub blocks: usize,
    /// Measured rounds of each block.
    pub rounds: usize,
    /// Rounds at the start of each block that are not measured.
    pub warmup: usize,
    /// At the load, before the window.
    pub lead_ns: u64,
    /// What is measured.
    pub window_ns: u64,
    /// What comes before the window of a warm-up round.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub warmup_lead_ns: u64,
    /// The window of a warm-up round, of which nothing counts.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub warmup_window_ns: u64,
    /// At the load, after the window.
    pub out_ns: u64,
    /// How long unfinished operations are waited for.
    pub drain_ns: u64,
    /// Sessions of each contender.
    pub sessions: usize,
    /// Operations that one sample covers (1, or a counted batch for very short operations).
    pub ops_per_sample: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

/// One scenario under one load with one set of parameters, run by every model that fits.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Race {
    /// `SCENARIO/LOAD[/k=v,..][@placement]`.
    pub id: String,
    /// The scenario's id.
    pub scenario: String,
    /// One line: what an operation is.
    #[serde(default)]
    pub operation: String,
    /// What is not the default.
    pub params: BTreeMap<String, String>,
    /// As in ids: `closed-16`.
    pub load: String,
    /// How slices follow each other.
    pub kind: Kind,
    /// Where the processes ran.
    pub placement: Placement,
    /// How long and how often.
    #[serde(default)]
    pub shape: Shape,
    /// The metric that decides.
    pub primary: Metric,
    /// Id of the contender that the others are compared with.
    pub reference: String,
    /// Equivalence margin δ per metric: 0.05 means that ±5% counts as equal.
    pub margin: BTreeMap<Metric, f64>,
    /// Everyone who raced, controls included, and everyone who could not, with the reason.
    pub contenders: Vec<Contender>,
    /// Finished blocks.
    pub blocks: Vec<Block>,
    /// Whether all planned blocks were run.
    pub status: Status,
    /// Comparisons with the reference, for every metric and model.
    pub verdicts: Vec<Verdict>,
    /// The twin, and later the handicapped twin.
    pub controls: Vec<Control>,
    /// Rounds in foul weather, which were run again where there was room for it.
    pub foul: Vec<Foul>,
    /// CPUs that the peers can use at once; `None` where as many as they have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer_threads: Option<u64>,
    /// Of this race.
    #[serde(default)]
    pub warnings: Vec<Warning>,
    /// Fields of a later minor version, kept.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl Race {
    /// The contender of that id.
    pub fn contender(&self, id: &str) -> Option<&Contender> {
        self.contenders.iter().find(|contender| contender.id == id)
    }

    /// The equivalence margin of a metric.
    pub fn margin(&self, metric: Metric) -> f64 {
        self.margin.get(&metric).copied().unwrap_or_else(|| metric.default_margin())
    }

    /// The trials of a contender, one per block, failed ones included.
    pub fn trials<'a>(&'a self, contender: &'a str) -> impl Iterator<Item = (usize, &'a Trial)> {
        self.blocks.iter().filter_map(move |block| {
            let trial = block.trials.iter().find(|trial| trial.contender == contender)?;
            Some((block.index, trial))
        })
    }
}

/// Whether a race came to its end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Blocks are still missing: running, or killed.
    #[default]
    Running,
    /// All planned blocks are there.
    Complete,
    /// Ended early by the user or by `--max-time`; what is there stands.
    Cut,
    /// Could not be run at all (a peer that would not start, say).
    Failed(String),
}

/// A round that was run again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Foul {
    /// The block's index.
    pub block: usize,
    /// The round's index.
    pub round: usize,
    /// "foreign load 12% of the slice (limit 5%)".
    pub reason: String,
    /// In whose slices it was seen; empty where it is the whole round's.
    #[serde(default)]
    pub contenders: Vec<String>,
}
