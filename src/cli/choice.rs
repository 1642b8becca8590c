//! Which cells: filters and flags that `run` and `list` have in common.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use super::value;
use crate::sweep;

/// Which cells.
#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
pub(crate) struct ChoiceArgs {
    /// Regexes over cell ids, SCENARIO/FAMILY/VARIANT/LOAD[/k=v,..]; any of them may match
    #[arg(value_name = "FILTER")]
    pub(crate) filters: Vec<String>,
    /// FILTERs are whole ids of cells or races, not regexes
    #[arg(long, env = "DEADHEAT_EXACT")]
    pub(crate) exact: bool,
    /// Leave out the cells that this regex matches; repeatable
    #[arg(long, value_name = "REGEX", env = "DEADHEAT_SKIP")]
    pub(crate) skip: Vec<String>,
    /// Models: comma list of globs, such as tokio/*,smol/multi
    #[arg(long, value_name = "GLOBS", value_delimiter = ',', env = "DEADHEAT_MODELS")]
    pub(crate) models: Vec<String>,
    /// Scenarios: comma list of globs
    #[arg(long, value_name = "GLOBS", value_delimiter = ',', env = "DEADHEAT_SCENARIOS")]
    pub(crate) scenarios: Vec<String>,
    /// Race under this load, instead of a scenario's own: closed-16, open-5000-poisson,
    /// open-5000-burst-50, open-1000-ramp-9000, batch-1000; repeatable
    #[arg(
        long,
        value_name = "LOAD",
        value_delimiter = ',',
        value_parser = value::load,
        env = "DEADHEAT_LOAD"
    )]
    pub(crate) load: Vec<String>,
    /// Race under each of these loads: closed=1,4,16,64, or open=1000..16000, which doubles
    #[arg(
        long,
        value_name = "KIND=LIST",
        value_parser = value::sweep,
        conflicts_with = "load",
        env = "DEADHEAT_SWEEP"
    )]
    pub(crate) sweep: Option<String>,
    /// Set a parameter of the scenarios that have it; repeatable
    #[arg(
        long,
        value_name = "K=V",
        value_delimiter = ',',
        value_parser = value::pair,
        env = "DEADHEAT_PARAM"
    )]
    pub(crate) param: Vec<String>,
    /// On which CPUs the contender and the other end run, instead of a scenario's own
    #[arg(long, value_enum, env = "DEADHEAT_PLACEMENT")]
    pub(crate) placement: Option<Place>,
    /// External programs that race too, instead of those of ./deadheat.toml
    #[arg(long, value_name = "FILE", env = "DEADHEAT_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// The courses that are otherwise only raced by name, too
    #[arg(long, env = "DEADHEAT_ALL")]
    pub(crate) all: bool,
}

impl ChoiceArgs {
    /// The loads that were asked for; none: each scenario's own.
    pub(crate) fn loads(&self) -> Vec<String> {
        let swept = self.sweep.as_deref().and_then(|text| sweep::loads(text).ok());
        self.load.iter().cloned().chain(swept.into_iter().flatten()).collect()
    }
}

/// Which CPUs the two ends of a race run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Place {
    /// One CPU for both: the price of an operation
    Same,
    /// CPUs of their own
    Split,
    /// Wherever the scheduler puts them
    Free,
}

impl Place {
    /// As in records.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Split => "split",
            Self::Free => "free",
        }
    }
}
