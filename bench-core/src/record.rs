//! The record of a run: everything that was measured and everything needed to measure it again.
//!
//! This is the program's public output; terminal, page and every other format are made from it.
//! Its shape is `deadheat/1`. Within a major schema fields are only added: readers keep what they
//! do not know (each struct's `more`) and refuse a newer major. All times are nanoseconds.
//!
//! Not in here: how a record is judged (`stats`) or shown (the `reports` crate).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

mod capacity;
mod io;
mod machine;
mod metric;

pub use self::{
    capacity::{Capacity, Carried, Seen},
    io::{ReadError, read, write},
    machine::{ClockFigures, Machine, Program, Run},
    metric::Metric,
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

impl Outcome {
    /// Whether the trial has numbers.
    pub fn is_ok(&self) -> bool {
        matches!(self, Self::Ok)
    }
}
