//! The flags of `run`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use super::{
    choice::ChoiceArgs,
    value::{self, Margin},
};
use crate::profile::Profile;

/// What `run` is told.
#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) choice: ChoiceArgs,
    #[command(flatten)]
    pub(crate) effort: EffortArgs,
    #[command(flatten)]
    pub(crate) results: ResultArgs,
}

/// How much.
#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "How much")]
pub(crate) struct EffortArgs {
    /// How much is raced
    #[arg(long, value_enum, default_value = "default", env = "DEADHEAT_PROFILE")]
    pub(crate) profile: Profile,
    /// --profile quick
    #[arg(long, conflicts_with = "profile", env = "DEADHEAT_QUICK")]
    pub(crate) quick: bool,
    /// Generations of processes: what counts as an observation
    #[arg(long, value_name = "N", value_parser = value::at_most::<1_000>, env = "DEADHEAT_BLOCKS")]
    pub(crate) blocks: Option<usize>,
    /// Slices of each contender in a block
    #[arg(long, value_name = "N", value_parser = value::at_most::<1_000>, env = "DEADHEAT_ROUNDS")]
    pub(crate) rounds: Option<usize>,
    /// The measured window of a slice, such as 20ms
    #[arg(long, value_name = "DUR", value_parser = value::slice, env = "DEADHEAT_SLICE")]
    pub(crate) slice: Option<Duration>,
    /// More blocks, until all comparisons of the primary metric can tell ±P%; at most 1000, or
    /// what fits into --max-time
    #[arg(long, value_name = "P%", value_parser = value::half_width, env = "DEADHEAT_UNTIL")]
    pub(crate) until: Option<f64>,
    /// Find the most load that each model carries under an objective, such as p99<20ms
    #[arg(long, value_name = "pQ<DUR", value_parser = value::slo, env = "DEADHEAT_SLO")]
    pub(crate) slo: Option<String>,
    /// Cut rounds, and then blocks that are not needed, until it fits into this
    #[arg(long, value_name = "DUR", value_parser = value::max_time, env = "DEADHEAT_MAX_TIME")]
    pub(crate) max_time: Option<Duration>,
    /// Every order and every schedule comes from it
    #[arg(long, value_name = "N", env = "DEADHEAT_SEED")]
    pub(crate) seed: Option<u64>,
    /// How long a child may be silent: for tests of those that are
    #[arg(
        long,
        value_name = "DUR",
        value_parser = value::slice,
        hide = true,
        env = "DEADHEAT_PATIENCE"
    )]
    #[serde(skip)]
    pub(crate) patience: Option<Duration>,
    /// The model that the others are compared with, instead of a scenario's own
    #[arg(long, value_name = "MODEL", env = "DEADHEAT_REFERENCE")]
    pub(crate) reference: Option<String>,
    /// What counts as equal: 5%, or METRIC=5%; repeatable
    #[arg(
        long,
        value_name = "[METRIC=]P%",
        value_delimiter = ',',
        value_parser = value::margin,
        env = "DEADHEAT_MARGIN"
    )]
    pub(crate) margin: Vec<Margin>,
}

/// What becomes of the results.
#[expect(clippy::struct_excessive_bools, reason = "a flag each")]
#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Results")]
pub(crate) struct ResultArgs {
    /// Where results go, instead of target/deadheat/RUN
    #[arg(long, value_name = "DIR", env = "DEADHEAT_OUT")]
    pub(crate) out: Option<PathBuf>,
    /// Go on with a run that was ended before its end
    #[arg(long, value_name = "DIR", conflicts_with = "out", env = "DEADHEAT_RESUME")]
    pub(crate) resume: Option<PathBuf>,
    /// Exit with 4 where a race is invalid or nothing could be judged
    #[arg(long, env = "DEADHEAT_STRICT")]
    pub(crate) strict: bool,
    /// Keep each slice's histograms in the record
    #[arg(long, env = "DEADHEAT_KEEP_SLICES")]
    pub(crate) keep_slices: bool,
    /// No report.html
    #[arg(long, env = "DEADHEAT_NOPLOT")]
    pub(crate) noplot: bool,
    /// What is printed
    #[arg(long, value_enum, default_value = "table", env = "DEADHEAT_OUTPUT_FORMAT")]
    pub(crate) output_format: OutputFormat,
    /// What is printed while it runs: lines for people, or an event a line on standard output
    #[arg(long, value_enum, default_value = "human", env = "DEADHEAT_MESSAGE_FORMAT")]
    #[serde(default)]
    pub(crate) message_format: MessageFormat,
    /// Keep the record under this name, beside the runs
    #[arg(
        long,
        value_name = "NAME",
        value_parser = value::baseline,
        env = "DEADHEAT_SAVE_BASELINE"
    )]
    pub(crate) save_baseline: Option<String>,
    /// Compare with the record that was kept under this name
    #[arg(long, value_name = "NAME", value_parser = value::baseline, env = "DEADHEAT_BASELINE")]
    pub(crate) baseline: Option<String>,
    /// Say what would be raced, one cell a line, and race nothing
    #[arg(long, env = "DEADHEAT_LIST")]
    #[serde(skip)]
    pub(crate) list: bool,
}

/// What is printed at the end of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OutputFormat {
    /// Tables and conclusions
    #[default]
    #[value(alias = "criterion")]
    Table,
    /// Lines as libtest prints them
    Bencher,
}

impl OutputFormat {
    /// The format of a record that is printed.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Table => "terminal",
            Self::Bencher => "libtest",
        }
    }
}

/// How a run says what it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum MessageFormat {
    /// A board or lines on standard error, results on standard output
    #[default]
    Human,
    /// Events on standard output (docs/formats.md), everything else on standard error
    Json,
}
