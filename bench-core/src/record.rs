//! The record of a run: everything that was measured and everything needed to measure it again.
//!
//! This is the program's public output; terminal, page and every other format are made from it.
//! Its shape is `deadheat/1`. Within a major schema fields are only added: readers keep what they
//! do not know (each struct's `more`) and refuse a newer major. All times are nanoseconds.
//!
//! Not in here: how a record is judged (`stats`) or shown (the `reports` crate).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

mod capacity;
mod contender;
mod io;
mod machine;
mod metric;
mod race;
mod slice;
mod trial;
mod verdict;

pub use self::{
    capacity::{Capacity, Carried, Seen},
    contender::{Contender, Fits, Handicap, Role},
    io::{ReadError, read, write},
    machine::{ClockFigures, Machine, Program, ProgramFile, Run},
    metric::Metric,
    race::{Foul, Kind, Placement, Race, Shape, Status},
    slice::{PeerCounts, Slice, Weather},
    trial::{Block, Histograms, Outcome, Resources, Trial},
    verdict::{Call, Control, Fair, Verdict},
};

/// The schema this program writes.
pub const SCHEMA: &str = "deadheat/1";

/// A whole run: one machine, one command line, any number of races.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Record {
    /// `deadheat/MAJOR`.
    pub schema: String,
    /// What was asked for, and by which program.
    pub run: Run,
    /// Where it ran.
    pub machine: Machine,
    /// In the order they were run.
    pub races: Vec<Race>,
    /// With `--slo`: how much load each model carries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capacities: Vec<Capacity>,
    /// Of the run as a whole.
    pub warnings: Vec<Warning>,
    /// Fields of a later minor version, kept.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// Something a reader of the result has to know. Rendered by every format.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Warning {
    /// Stable, kebab-case: `few-blocks`, `no-fds`.
    pub code: String,
    /// One sentence that names the thing and the value.
    pub text: String,
    /// What to do about it; empty where there is nothing.
    #[serde(default)]
    pub advice: String,
}
