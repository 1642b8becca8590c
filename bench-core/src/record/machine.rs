//! What was asked for, by which program, and where it ran.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Run {
    /// Sortable and unique: `20260102T030405Z-1a2b`.
    pub id: String,
    /// RFC 3339, UTC.
    pub started: String,
    /// RFC 3339, UTC; empty while it runs.
    #[serde(default)]
    pub ended: String,
    /// The command line.
    pub command: Vec<String>,
    /// `smoke`, `quick`, `default`, `publish`.
    pub profile: String,
    /// The seed that every order and every schedule comes from.
    pub seed: u64,
    /// Ended by the user before its end.
    #[serde(default)]
    pub interrupted: bool,
    /// What ran.
    pub program: Program,
    /// Fields of a later minor version, kept.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// The program that measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Program {
    /// Its version.
    pub version: String,
    /// Commit, with `+dirty` where the tree had changes; empty outside a repository.
    #[serde(default)]
    pub git: String,
    /// `rustc -Vv`, in one line.
    #[serde(default)]
    pub rustc: String,
    /// Build profile and flags: `release, opt-level 3`.
    #[serde(default)]
    pub profile: String,
    /// Cargo features of the build.
    #[serde(default)]
    pub features: Vec<String>,
    /// Versions of every runtime and of what measures, from the lock file.
    #[serde(default)]
    pub lock: BTreeMap<String, String>,
    /// Its file, which tells builds apart that `git` does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<ProgramFile>,
    /// Fields of a later minor version, kept.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// The file of a program: another build has another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProgramFile {
    /// Its length, bytes.
    pub size: u64,
    /// When it was last written, ns since 1970.
    pub changed_ns: u64,
}

/// What the clock can do here, measured at the start of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClockFigures {
    /// One reading, in nanoseconds (median of batches).
    pub cost_ns: f64,
    /// Smallest step seen between two readings that differ.
    pub granularity_ns: u64,
}

/// The machine. `None` and missing keys: not available here, which is never the same as zero.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Machine {
    /// A hash of what changes results and survives a reboot.
    pub fingerprint: String,
    /// `linux`, `macos`.
    pub os: String,
    /// Release and version of the kernel.
    pub kernel: String,
    /// The CPU's model name.
    pub cpu: String,
    /// CPUs online.
    pub cpus: usize,
    /// Memory, bytes.
    #[serde(default)]
    pub memory: Option<u64>,
    /// The hypervisor, where the CPU says that there is one.
    #[serde(default)]
    pub virtualisation: Option<String>,
    /// The clock's figures.
    #[serde(default)]
    pub clock: ClockFigures,
    /// 1-minute load average at the start.
    #[serde(default)]
    pub load: Option<f64>,
    /// Everything else, by name: `smt`, `governor`, `clocksource`, `mitigations`, `cmdline`,
    /// `allocator`, `ulimit.nofile`, `sysctl.net.core.somaxconn`, `cgroup.cpu.max`, `psi.cpu`, …
    #[serde(default)]
    pub facts: BTreeMap<String, String>,
    /// Fields of a later minor version, kept.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}
