//! What is compared.

use serde::{Deserialize, Serialize};

/// A cost: lower is better for every one of them (throughput is compared as window ÷ operations).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// Window ÷ operations in it.
    #[default]
    Throughput,
    /// First start to last end of a batch.
    Makespan,
    /// Median latency: response time where arrivals are intended, else service time.
    P50,
    /// 99th percentile, likewise.
    P99,
    /// CPU time of the system under test ÷ operations executed.
    CpuTime,
    /// Bytes per waiting unit: RSS, kernel stacks and page tables.
    Memory,
}

impl Metric {
    /// Every metric, in the order in which reports show them.
    pub const ALL: [Self; 6] =
        [Self::Throughput, Self::Makespan, Self::P50, Self::P99, Self::CpuTime, Self::Memory];

    /// The id, as in records and flags.
    pub fn id(self) -> &'static str {
        match self {
            Self::Throughput => "throughput",
            Self::Makespan => "makespan",
            Self::P50 => "p50",
            Self::P99 => "p99",
            Self::CpuTime => "cpu-time",
            Self::Memory => "memory",
        }
    }

    /// In words, for sentences and headings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Throughput => "throughput",
            Self::Makespan => "makespan",
            Self::P50 => "median latency",
            Self::P99 => "99th percentile of latency",
            Self::CpuTime => "CPU time per operation",
            Self::Memory => "memory per waiting unit",
        }
    }

    /// The equivalence margin unless the user sets another: 5%, or 10% for tails and memory.
    pub fn default_margin(self) -> f64 {
        match self {
            Self::P99 | Self::Memory => 0.10,
            _ => 0.05,
        }
    }
}

impl std::fmt::Display for Metric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id())
    }
}
