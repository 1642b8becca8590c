//! What in this machine spoils measurements, how much, and what to do about it.
//!
//! Three steps, apart from each other: [`machine::here`] reads what the machine is, [`measure`]
//! finds out how it behaves, and [`diagnose`] judges both. Judging is pure, so that tests diagnose
//! machines that they do not have. Every check is in one list, `checks::CHECKS`.
//!
//! Not in here: the twin race, which needs a scenario (the program runs it and hands its
//! [`Twin`] in), and what a single slice met (its weather).

use serde::{Deserialize, Serialize};

use crate::{
    machine,
    record::{Machine, Race, Role, Warning},
};

mod checks;
mod measure;

pub use self::measure::measure;

/// The schema of an [`Examination`].
pub const SCHEMA: &str = "deadheat-doctor/1";

/// Everything that was found out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Examination {
    /// `deadheat-doctor/MAJOR`.
    pub schema: String,
    /// What the machine is.
    pub machine: Machine,
    /// How it behaves.
    pub measured: Measured,
    /// What that means: one for every check, in the order of the checks.
    pub findings: Vec<Finding>,
}

/// How a machine behaves. `None`: not available here, which is never the same as zero.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Of a sleep, by the system's own timer slack: what models get.
    pub sleep: Option<Lateness>,
    /// Of a sleep with a slack of 1 ns: what the harness asks for.
    pub sharp_sleep: Option<Lateness>,
    /// Of a thread that spins on each CPU; empty where threads can't be confined.
    pub gaps: Vec<Gaps>,
    /// Between two threads on one CPU.
    pub same_cpu: Option<WakeUp>,
    /// Between threads on the first and the last CPU.
    pub cross_cpu: Option<WakeUp>,
    /// What others used of the CPUs while this process slept: a share.
    pub foreign: Option<f64>,
    /// What the hypervisor took from CPUs that all wanted to run: a share.
    pub steal: Option<f64>,
    /// What the cgroup's quota did while all CPUs wanted to run.
    pub throttling: Option<Throttling>,
    /// The noise floor.
    pub twin: Option<Twin>,
    /// Why there is no noise floor, where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_twin: Option<String>,
}

/// How late sleeps end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lateness {
    /// How long each was to be.
    pub asked_ns: u64,
    /// How many.
    pub sleeps: usize,
    /// Median lateness.
    pub p50_ns: u64,
    /// 99th percentile.
    pub p99_ns: u64,
    /// Largest.
    pub max_ns: u64,
}

/// When a thread that always wanted to run did not. A gap is 10 µs or more between two readings
/// of the clock, which are some 30 ns apart otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gaps {
    /// Where it spun.
    pub cpu: usize,
    /// For how long.
    pub watched_ns: u64,
    /// How many gaps.
    pub count: usize,
    /// Their sum.
    pub lost_ns: u64,
    /// The largest ones, the largest first.
    pub largest_ns: Vec<u64>,
}

/// From before one thread writes to a pipe until after another, which waited for that, has read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WakeUp {
    /// The CPUs of the two threads; each wakes the other.
    pub cpus: [usize; 2],
    /// How many.
    pub wakes: usize,
    /// Median.
    pub p50_ns: u64,
    /// 99th percentile.
    pub p99_ns: u64,
    /// Slowest.
    pub max_ns: u64,
}

/// What a quota did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Throttling {
    /// Periods of the quota; none where there is no quota.
    pub periods: u64,
    /// Periods in which it was used up.
    pub throttled: u64,
    /// How long threads were held back, summed over CPUs.
    pub ns: u64,
}

/// The same code, raced twice: what this machine can tell.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Twin {
    /// The race's id.
    pub race: String,
    /// How long it took.
    pub took_ns: u64,
    /// Blocks that count.
    pub blocks: usize,
    /// Slices of each in a block.
    pub rounds: usize,
    /// The margin of its metric: what counts as equal.
    pub margin: f64,
    /// The twin's cost ÷ the reference's; the truth is 1.
    pub ratio: f64,
    /// Lower end of its 95% interval.
    pub lo: Option<f64>,
    /// Upper end.
    pub hi: Option<f64>,
    /// Whether it proves that the machine can't measure.
    pub invalid: bool,
}

impl Twin {
    /// From a race that was judged; `None` where no block has numbers of both.
    pub fn of(race: &Race, took_ns: u64) -> Option<Self> {
        let twin = |c: &&crate::record::Control| c.role == Role::Twin && c.metric == race.primary;
        let control = race.controls.iter().find(twin)?;
        Some(Self {
            race: race.id.clone(),
            took_ns,
            blocks: control.n,
            rounds: race.shape.rounds,
            margin: race.margin(race.primary),
            ratio: control.ratio,
            lo: control.lo,
            hi: control.hi,
            invalid: control.state == "invalid",
        })
    }

    /// Half the interval's width on the log scale, as a ratio minus 1: "can tell ±h".
    pub fn resolution(&self) -> Option<f64> {
        Some((self.hi? / self.lo?).sqrt() - 1.0)
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Could not be found out; `seen` says why.
    #[default]
    NotAvailable,
    /// As it should be.
    Fine,
    /// Spoils nothing, but belongs beside the result.
    Note,
    /// Makes results noisier, or leaves courses out.
    Warning,
    /// Can change a verdict.
    Severe,
}

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The check's id: `governor`.
    pub check: String,
    /// How bad it is.
    pub severity: Severity,
    /// What was seen, with its value.
    pub seen: String,
    /// What it does to results; empty where it is fine or not available.
    #[serde(default)]
    pub effect: String,
    /// What to do about it; empty likewise.
    #[serde(default)]
    pub remedy: String,
}

/// Examines this machine: about 6 s in which all of its CPUs are busy. The noise floor is the
/// program's to add, before it is diagnosed again.
pub fn examine() -> Examination {
    let machine = machine::here();
    let measured = measure();
    Examination::new(machine, measured)
}

impl Examination {
    /// Judges what was read and measured.
    pub fn new(machine: Machine, measured: Measured) -> Self {
        let findings = diagnose(&machine, &measured);
        Self { schema: SCHEMA.into(), machine, measured, findings }
    }
}

/// A finding of every check, in their order. Pure.
pub fn diagnose(machine: &Machine, measured: &Measured) -> Vec<Finding> {
    let subject = checks::Subject { machine, measured };
    checks::CHECKS.iter().map(|check| check.finding(&subject)).collect()
}

/// What can change a verdict of a run, known before it starts and without measuring.
pub fn warnings(machine: &Machine) -> Vec<Warning> {
    let measured = Measured::default();
    let subject = checks::Subject { machine, measured: &measured };
    let of_a_run = checks::CHECKS.iter().filter(|check| check.of_a_run);
    let severe = of_a_run.map(|check| check.finding(&subject));
    severe
        .filter(|finding| finding.severity == Severity::Severe)
        .map(|Finding { check, seen, effect, remedy, .. }| Warning {
            code: check,
            text: format!("{seen}: {effect}"),
            advice: remedy,
        })
        .collect()
}

#[cfg(test)]
mod tests;
