//! What a contender did in a block, and what its process took.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Slice;

/// One generation of processes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Block {
    /// From 0.
    pub index: usize,
    /// Seed of the orders of its rounds.
    pub order_seed: u64,
    /// One per contender that was started.
    pub trials: Vec<Trial>,
    /// Whether it was ended before its last round; every contender has at least one whole round.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
    /// Fields of a later minor version, kept.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// How a trial ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Every slice gave an answer, and every answer was right.
    #[default]
    Ok,
    /// It has no number; `cause` is one line, `stderr` the end of what it said.
    Failed {
        /// "exited with signal 11", "3 of 2000 check values are wrong".
        cause: String,
        /// At most the last 2 KiB.
        stderr: String,
    },
}

impl Outcome {
    /// Whether the trial has numbers.
    pub fn is_ok(&self) -> bool {
        matches!(self, Self::Ok)
    }
}

/// One contender in one block: one process, unless it failed before it started.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Trial {
    /// A contender's id.
    pub contender: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Of its measured slices in fair weather, merged.
    pub hist: Histograms,
    /// Of those in foul weather, merged: set aside, and kept in case that it was no weather.
    #[serde(default, skip_serializing_if = "Histograms::is_empty")]
    pub foul_hist: Histograms,
    /// Tasks, threads or connections that it really created.
    pub units: u64,
    /// Levels and totals of the process.
    pub resources: Resources,
    /// What else the scenario observed (`completion_order`, `hand_overs`).
    pub facts: BTreeMap<String, Value>,
    /// In the order they were run; warm-up rounds are not here.
    pub slices: Vec<Slice>,
    /// Fields of a later minor version, kept.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// HDR histograms, V2 compressed, base64; empty where nothing was recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Histograms {
    /// From an operation's own start to its end.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub service: String,
    /// From its intended arrival to its end (closed loads have none: nothing was intended).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub response: String,
    /// Dispatch minus intended arrival, as the pacer or generator saw it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub lag: String,
}

impl Histograms {
    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.service.is_empty() && self.response.is_empty() && self.lag.is_empty()
    }
}

/// Levels of a process, read while its sessions were alive. `None`: not available here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Resources {
    /// Most threads seen at once, the harness's own not counted.
    pub threads_peak: Option<u64>,
    /// Peak resident set, bytes.
    pub rss_peak: Option<u64>,
    /// Resident set before the model was started, bytes.
    #[serde(default)]
    pub rss_base: Option<u64>,
    /// Kernel stacks of its threads, bytes.
    pub kernel_stack: Option<u64>,
    /// Page tables, bytes.
    pub page_tables: Option<u64>,
    /// From the process's start to its readiness for the first slice, ns.
    #[serde(default)]
    pub ready_ns: Option<u64>,
}
