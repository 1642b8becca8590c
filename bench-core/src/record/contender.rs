//! Who races: models and controls, and whether they can.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Metric;

/// What a contender is there for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// A model that is compared.
    #[default]
    Model,
    /// A′: the reference a second time. Its ratio to the reference is 1 by construction.
    Twin,
    /// A⁺: the reference with a known slowdown.
    Handicapped,
}

/// Whether a contender can run here at all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Fits {
    /// It raced.
    #[default]
    Yes,
    /// It makes no sense here ("a waiting task holds a worker"), or would take too long.
    NotApplicable(String),
    /// A limit of this machine: "infeasible at 100000: `vm.max_map_count` is 65530".
    Infeasible(String),
}

/// The known slowdown of a handicapped twin.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Handicap {
    /// After every so many operations it does one more, in full, that is not reported: what is
    /// counted per operation costs 1 + 1/`every` as much.
    Work {
        /// Operations between two of the handicap's.
        every: u64,
    },
    /// What it reports (times since an operation's intended start, memory) is multiplied.
    Clock {
        /// By this.
        factor: f64,
    },
}

impl Handicap {
    /// The true ratio to the reference, for a metric that this handicap touches.
    ///
    /// Work slows throughput and CPU time; the clock everything but CPU time. What is not touched has
    /// no known answer.
    pub fn truth(self, metric: Metric) -> Option<f64> {
        let by_work = matches!(metric, Metric::Throughput | Metric::CpuTime);
        match self {
            Self::Work { every } if by_work => Some(1.0 + 1.0 / every as f64),
            Self::Clock { factor } if metric != Metric::CpuTime => Some(factor),
            _ => None,
        }
    }
}

/// A participant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Contender {
    /// The model's id, with `+twin` or `+handicap` for controls and `#build` for other builds.
    pub id: String,
    /// `family/variant`.
    pub model: String,
    /// Which build of the program; empty for this one.
    #[serde(default)]
    pub build: String,
    /// Model or control.
    pub role: Role,
    /// Threads that ran its work, as the model itself says; `None` before it ever ran.
    pub workers: Option<usize>,
    /// Whether it could run.
    pub fits: Fits,
    /// Remarks a reader must know: "legacy, discontinued".
    #[serde(default)]
    pub note: String,
    /// Of a handicapped twin: what slows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handicap: Option<Handicap>,
    /// Fields of a later minor version, kept.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}
