//! A contender's turn: what was counted and timed in it, and in which weather.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Histograms;

/// What the other end counted during a slice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PeerCounts {
    /// Operations served.
    pub done: u64,
    /// Sum over operations of the time each was being served, ns (its integral of "in flight").
    pub in_flight: u64,
    /// CPU time used, ns.
    pub busy: u64,
}

/// The weather of a slice. `None`: no counter resolves it here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Weather {
    /// CPU time of anyone else on the race's CPUs ÷ the time that these CPUs had.
    pub foreign: Option<f64>,
    /// Stolen by the hypervisor ÷ time, over the second and more that its round belongs to: ticks of
    /// 10 ms do not resolve a slice.
    pub steal: Option<f64>,
    /// Throttled by a cgroup ÷ the slice's time.
    pub throttled: Option<f64>,
}

/// A contender's turn.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Slice {
    /// From 0, warm-up rounds not counted.
    pub round: usize,
    /// Its place in the round's order, from 0.
    pub position: usize,
    /// Seed of the round's arrivals and sizes.
    pub schedule_seed: u64,
    /// At the load, before the window.
    pub lead_ns: u64,
    /// The measured window; for a batch its makespan.
    pub window_ns: u64,
    /// Operations intended in the window (open), asked for (batch), or `done` (closed).
    pub offered: u64,
    /// Operations that count.
    pub done: u64,
    /// All operations, lead-in, lead-out and drain included: what the CPU time was spent on.
    pub executed: u64,
    /// The handicap's, not in `executed`.
    pub extra: u64,
    /// Of a closed load: operations in the window, those that reach over its ends by the part of
    /// their cycle that is inside. `done` counts ends, and would jump by whole waves of clients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<f64>,
    /// Of a closed load: time of its clients within the window in which they neither were in an
    /// operation nor thought, ns, summed over clients. It is in nobody's latency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_ns: Option<u64>,
    /// Intended in the window and not finished when the drain ended.
    pub censored: u64,
    /// Samples beyond the histogram's range.
    pub clipped: u64,
    /// By kind, lead-in and lead-out included.
    pub errors: BTreeMap<String, u64>,
    /// Of these, those in the window: exact under an open load, by its share of the slice under a
    /// closed one; `None` in records that do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<u64>,
    /// Whether it fell behind an open load: of the operations intended in the window, less than
    /// 99% had ended soon after it (METHODOLOGY.md, "Validity").
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub saturated: bool,
    /// Connections that the kernel dropped because a listener's queue was full; `None` where not
    /// available.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listen_overflows: Option<u64>,
    /// Median of this slice (response where there is one, else service).
    pub p50_ns: u64,
    /// 99th percentile of this slice.
    pub p99_ns: u64,
    /// Slowest of this slice.
    pub max_ns: u64,
    /// Samples of this slice above the p99 of its trial.
    pub above_block_p99: u64,
    /// CPU time from this slice's start to the next one's (the harness's own subtracted).
    pub cpu_turn_ns: u64,
    /// CPU time from this slice's start to its end (the harness's own subtracted).
    pub cpu_ns: u64,
    /// User part of `cpu_ns`, as the kernel splits it.
    #[serde(default)]
    pub user_ns: u64,
    /// Voluntary context switches, start to end; `None` where not available.
    #[serde(default)]
    pub voluntary: Option<u64>,
    /// Involuntary context switches, start to end.
    #[serde(default)]
    pub involuntary: Option<u64>,
    /// Page faults, start to end.
    #[serde(default)]
    pub faults: Option<u64>,
    /// Time its threads were runnable and not running, start to end.
    #[serde(default)]
    pub run_delay_ns: Option<u64>,
    /// From the slice's start to its end, drain included.
    #[serde(default)]
    pub span_ns: u64,
    /// Median schedule lag.
    pub lag_p50_ns: u64,
    /// 99th percentile of schedule lag.
    pub lag_p99_ns: u64,
    /// Units (waiting tasks) alive at its end; for `idle-*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<u64>,
    /// RSS + kernel stacks + page tables at its end, bytes; for `idle-*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// What the other end counted.
    pub peer: Option<PeerCounts>,
    /// Foreign load, steal, throttling.
    pub weather: Weather,
    /// Why it does not count.
    pub invalid: Vec<String>,
    /// With `--keep-slices`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hist: Option<Histograms>,
    /// Fields of a later minor version, kept.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}
