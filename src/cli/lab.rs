//! The flags of `lab`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

use super::value;

/// What `lab` is told.
#[derive(Debug, Args)]
pub(crate) struct LabArgs {
    /// The campaign
    #[arg(value_enum, value_name = "NAME")]
    pub(crate) campaign: CampaignName,
    /// Where NAME.ndjson is, or is to be
    #[arg(long, value_name = "DIR", default_value = "results/lab", env = "DEADHEAT_OUT")]
    pub(crate) out: PathBuf,
    /// Begin nothing that would not end within this; the rest is for another day
    #[arg(long, value_name = "DUR", value_parser = value::max_time, env = "DEADHEAT_TIME")]
    pub(crate) time: Option<Duration>,
    /// At most so many more comparisons
    #[arg(long, value_name = "N", value_parser = value::at_most::<10_000>, env = "DEADHEAT_COUNT")]
    pub(crate) count: Option<usize>,
    /// What a race must fit in
    #[arg(
        long,
        value_name = "DUR",
        value_parser = value::race_time,
        default_value = "10s",
        env = "DEADHEAT_RACE_TIME"
    )]
    pub(crate) race_time: Duration,
    /// Every order and every schedule comes from it
    #[arg(long, value_name = "N", default_value_t = 1, env = "DEADHEAT_SEED")]
    pub(crate) seed: u64,
    /// Measure nothing: the table of what there is
    #[arg(long, env = "DEADHEAT_REPORT")]
    pub(crate) report: bool,
    /// Of `bursts`: only on this CPU
    #[arg(long, value_name = "CPU", hide = true, requires = "of")]
    pub(crate) on: Option<usize>,
    /// Of `bursts --on`: only as long as this process is the parent
    #[arg(long, value_name = "PID", hide = true)]
    pub(crate) of: Option<u32>,
}

/// A campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CampaignName {
    /// The same code against itself: how often a difference is called where there is none
    Aa,
    /// Slowdowns of known size: whether they come out as large as they are
    Slowdown,
    /// One after the other against in slices: what the order of measuring does
    Order,
    /// In slices among others against alone without pauses: what slicing does
    Slicing,
    /// The same questions to criterion and to a race, side by side
    Criterion,
    /// No campaign: the foreign load that campaigns are run under, for --time (default: a minute)
    Bursts,
}
