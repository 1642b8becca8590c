//! The command line: every flag, its environment variable, and what values make sense.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use deadheat_core::{duration, load::Load, record::Metric, stats::Objective};
use serde::{Deserialize, Serialize};

use crate::{profile::Profile, sweep};

/// Which program this is the command line of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Face {
    /// `deadheat`: a subcommand says what is to be done.
    Program,
    /// A bench target: flags are those of `run`, unless a subcommand stands first.
    Bench,
}

/// Races execution models, and says who is faster, by how much, or that it is a dead heat.
#[derive(Debug, Parser)]
#[command(name = "deadheat", version, arg_required_else_help = true)]
pub(crate) struct Program {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// When to use colours
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        env = "DEADHEAT_COLOR",
        display_order = 1000
    )]
    pub(crate) color: clap::ColorChoice,
    #[command(flatten)]
    pub(crate) cargo: CargoArgs,
}

/// A bench target without a subcommand.
#[derive(Debug, Parser)]
#[command(name = "race", version, about = "Races execution models (cargo bench -- FLAGS)")]
pub(crate) struct Bench {
    #[command(flatten)]
    pub(crate) run: RunArgs,
    /// When to use colours
    #[arg(
        long,
        value_name = "WHEN",
        default_value = "auto",
        env = "DEADHEAT_COLOR",
        display_order = 1000
    )]
    pub(crate) color: clap::ColorChoice,
    #[command(flatten)]
    pub(crate) cargo: CargoArgs,
}

/// What cargo and test runners pass to a bench target.
#[expect(clippy::struct_excessive_bools, reason = "a flag each")]
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct CargoArgs {
    /// Passed by `cargo bench`; without it a bench target is in test mode
    #[arg(long, global = true, hide = true)]
    pub(crate) bench: bool,
    /// Test mode: each cell once, no files
    #[arg(long, global = true, hide = true)]
    pub(crate) test: bool,
    #[arg(long, global = true, hide = true)]
    pub(crate) nocapture: bool,
    #[arg(long, global = true, hide = true)]
    pub(crate) ignored: bool,
    #[arg(long = "format", hide = true, id = "libtest-format", value_name = "F")]
    pub(crate) libtest_format: Option<String>,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Race: a table, and results.json, report.html, report.md under target/deadheat/
    Run(Box<RunArgs>),
    /// Models, scenarios and cells, with the reason where a cell can't run here
    List(ListArgs),
    /// Any format from stored records
    Report(ReportArgs),
    /// Two records side by side, and what may be concluded from them
    Compare(CompareArgs),
    /// What in this machine spoils measurements, how much, and what to do about it
    Doctor(DoctorArgs),
    /// Write a starter for racing your own code: benches/race.rs
    Init(InitArgs),
    /// Campaigns: hundreds of comparisons whose answers are known, kept one by one
    #[command(hide = true)]
    Lab(LabArgs),
    /// Known answers: whether the instrument finds, on this machine, what is known to be true
    #[cfg(feature = "core")]
    Selftest(SelftestArgs),
}

impl Command {
    /// Whether a first argument is a subcommand.
    pub(crate) fn is_name(text: &str) -> bool {
        ["run", "list", "report", "compare", "doctor", "init", "lab", "selftest", "help"]
            .contains(&text)
    }
}

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
    #[arg(long, value_name = "LOAD", value_delimiter = ',', value_parser = load, env = "DEADHEAT_LOAD")]
    pub(crate) load: Vec<String>,
    /// Race under each of these loads: closed=1,4,16,64, or open=1000..16000, which doubles
    #[arg(long, value_name = "KIND=LIST", value_parser = sweep, conflicts_with = "load", env = "DEADHEAT_SWEEP")]
    pub(crate) sweep: Option<String>,
    /// Set a parameter of the scenarios that have it; repeatable
    #[arg(long, value_name = "K=V", value_delimiter = ',', value_parser = pair, env = "DEADHEAT_PARAM")]
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
    #[arg(long, value_name = "N", value_parser = at_most::<1_000>, env = "DEADHEAT_BLOCKS")]
    pub(crate) blocks: Option<usize>,
    /// Slices of each contender in a block
    #[arg(long, value_name = "N", value_parser = at_most::<1_000>, env = "DEADHEAT_ROUNDS")]
    pub(crate) rounds: Option<usize>,
    /// The measured window of a slice, such as 20ms
    #[arg(long, value_name = "DUR", value_parser = slice, env = "DEADHEAT_SLICE")]
    pub(crate) slice: Option<Duration>,
    /// More blocks, until all comparisons of the primary metric can tell ±P%; at most 1000, or
    /// what fits into --max-time
    #[arg(long, value_name = "P%", value_parser = half_width, env = "DEADHEAT_UNTIL")]
    pub(crate) until: Option<f64>,
    /// Find the most load that each model carries under an objective, such as p99<20ms
    #[arg(long, value_name = "pQ<DUR", value_parser = slo, env = "DEADHEAT_SLO")]
    pub(crate) slo: Option<String>,
    /// Cut rounds, and then blocks that are not needed, until it fits into this
    #[arg(long, value_name = "DUR", value_parser = max_time, env = "DEADHEAT_MAX_TIME")]
    pub(crate) max_time: Option<Duration>,
    /// Every order and every schedule comes from it
    #[arg(long, value_name = "N", env = "DEADHEAT_SEED")]
    pub(crate) seed: Option<u64>,
    /// How long a child may be silent: for tests of those that are
    #[arg(long, value_name = "DUR", value_parser = slice, hide = true, env = "DEADHEAT_PATIENCE")]
    #[serde(skip)]
    pub(crate) patience: Option<Duration>,
    /// The model that the others are compared with, instead of a scenario's own
    #[arg(long, value_name = "MODEL", env = "DEADHEAT_REFERENCE")]
    pub(crate) reference: Option<String>,
    /// What counts as equal: 5%, or METRIC=5%; repeatable
    #[arg(long, value_name = "[METRIC=]P%", value_delimiter = ',', value_parser = margin, env = "DEADHEAT_MARGIN")]
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
    #[arg(long, value_name = "NAME", value_parser = baseline, env = "DEADHEAT_SAVE_BASELINE")]
    pub(crate) save_baseline: Option<String>,
    /// Compare with the record that was kept under this name
    #[arg(long, value_name = "NAME", value_parser = baseline, env = "DEADHEAT_BASELINE")]
    pub(crate) baseline: Option<String>,
    /// Say what would be raced, one cell a line, and race nothing
    #[arg(long, env = "DEADHEAT_LIST")]
    #[serde(skip)]
    pub(crate) list: bool,
}

/// What `list` is told.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) choice: ChoiceArgs,
}

/// What `report` is told.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Records: results.json, or the folder of a run
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// As what
    #[arg(long, value_name = "F", default_value = "terminal", env = "DEADHEAT_FORMAT")]
    pub(crate) format: String,
    /// Write the files here, instead of to standard output
    #[arg(long, value_name = "DIR", env = "DEADHEAT_OUT")]
    pub(crate) out: Option<PathBuf>,
    /// Write over files that exist
    #[arg(long, env = "DEADHEAT_FORCE")]
    pub(crate) force: bool,
    /// Open the main file with whatever this machine opens such files with
    #[arg(long, env = "DEADHEAT_OPEN")]
    pub(crate) open: bool,
}

/// What `compare` is told.
#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// A record: results.json, or the folder of a run
    #[arg(value_name = "BASE")]
    pub(crate) base: PathBuf,
    /// Another one
    #[arg(value_name = "NEW")]
    pub(crate) new: PathBuf,
    /// Every metric, and not only the one that each race is about
    #[arg(long, env = "DEADHEAT_ALL_METRICS")]
    pub(crate) all_metrics: bool,
}

/// What `doctor` is told.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Machine-readable: what was read, what was measured, and a finding for every check
    #[arg(long, env = "DEADHEAT_JSON")]
    pub(crate) json: bool,
    /// Leave out the noise floor: the same code, raced twice for 10 s
    #[arg(long, env = "DEADHEAT_NO_RACE")]
    pub(crate) no_race: bool,
}

/// What `init` is told.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The crate
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) folder: PathBuf,
}

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
    #[arg(long, value_name = "DUR", value_parser = max_time, env = "DEADHEAT_TIME")]
    pub(crate) time: Option<Duration>,
    /// At most so many more comparisons
    #[arg(long, value_name = "N", value_parser = at_most::<10_000>, env = "DEADHEAT_COUNT")]
    pub(crate) count: Option<usize>,
    /// What a race must fit in
    #[arg(
        long,
        value_name = "DUR",
        value_parser = race_time,
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

/// What `selftest` is told.
#[cfg(feature = "core")]
#[derive(Debug, Args)]
pub(crate) struct SelftestArgs {
    /// Less than a minute, and only what is robust on a busy machine
    #[arg(long, env = "DEADHEAT_QUICK")]
    pub(crate) quick: bool,
    /// These known answers and no others: K7,K9,order
    #[arg(long, value_name = "IDS", value_delimiter = ',', env = "DEADHEAT_ONLY")]
    pub(crate) only: Vec<String>,
    /// Print the answers as JSON
    #[arg(long, env = "DEADHEAT_JSON")]
    pub(crate) json: bool,
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

/// An equivalence margin, of one metric or of all.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Margin {
    pub(crate) metric: Option<Metric>,
    pub(crate) delta: f64,
}

fn load(text: &str) -> Result<String, String> {
    let load: Load = text.parse().map_err(|error| format!("{error}"))?;
    Ok(load.to_string())
}

fn sweep(text: &str) -> Result<String, String> {
    for load in sweep::loads(text)? {
        self::load(&load)?;
    }
    Ok(text.into())
}

fn pair(text: &str) -> Result<String, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => Ok(text.into()),
        _ => Err("it is not of the form name=value".into()),
    }
}

/// A count from 1 to `MOST`.
fn at_most<const MOST: usize>(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n) if (1..=MOST).contains(&n) => Ok(n),
        _ => Err(format!("it is not a whole number from 1 to {MOST}")),
    }
}

fn within(text: &str, least: Duration, most: Duration) -> Result<Duration, String> {
    let value = duration::parse(text)?;
    if (least..=most).contains(&value) {
        return Ok(value);
    }
    let [least, most] = [least, most].map(duration::format);
    Err(format!("it is not between {least} and {most}"))
}

fn slice(text: &str) -> Result<Duration, String> {
    within(text, Duration::from_millis(1), Duration::from_mins(1))
}

fn race_time(text: &str) -> Result<Duration, String> {
    within(text, Duration::from_secs(1), Duration::from_mins(10))
}

fn max_time(text: &str) -> Result<Duration, String> {
    within(text, Duration::from_secs(1), Duration::from_hours(24))
}

fn baseline(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if text.is_empty() || text.starts_with('.') || !text.chars().all(plain) {
        return Err(
            "a name has letters, digits, '-', '_' and '.', and does not begin with '.'".into()
        );
    }
    Ok(text.into())
}

fn margin(text: &str) -> Result<Margin, String> {
    let (metric, value) = match text.split_once('=') {
        None => (None, text),
        Some((name, value)) => {
            let known = Metric::ALL.map(Metric::id).join(", ");
            let metric = Metric::ALL.into_iter().find(|metric| metric.id() == name);
            (
                Some(metric.ok_or(format!("no metric is called \"{name}\"; there are: {known}"))?),
                value,
            )
        }
    };
    share(value).map(|delta| Margin { metric, delta })
}

fn slo(text: &str) -> Result<String, String> {
    text.parse::<Objective>().map(|objective| objective.to_string())
}

/// A half-width: 2%, ±2% or 0.02.
fn half_width(text: &str) -> Result<f64, String> {
    share(text.strip_prefix('±').unwrap_or(text))
}

/// A share that makes sense for a margin or a half-width.
fn share(text: &str) -> Result<f64, String> {
    let share = match text.strip_suffix('%') {
        Some(percent) => percent.parse().map(|percent: f64| percent / 100.0),
        None => text.parse(),
    };
    match share {
        Ok(share) if (0.001..=1.0).contains(&share) => Ok(share),
        _ => Err(format!("\"{text}\" is not between 0.1% and 100%")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Program::command().debug_assert();
        Bench::command().debug_assert();
    }

    #[test]
    fn every_flag_has_an_environment_variable() {
        let command = Program::command();
        // Hidden subcommands too: a campaign is a command like any other.
        for subcommand in command.get_subcommands() {
            let flags = subcommand.get_arguments().filter(|arg| !arg.is_positional());
            for arg in flags.filter(|arg| !arg.is_hide_set() && arg.get_id() != "help") {
                let name = arg.get_id().as_str().to_uppercase().replace('-', "_");
                let env = arg.get_env().map(|env| env.to_string_lossy().into_owned());
                let whose = subcommand.get_name();
                assert_eq!(env, Some(format!("DEADHEAT_{name}")), "{whose}: {name}");
            }
        }
    }

    #[test]
    fn half_widths_are_shares() {
        for text in ["2%", "±2%", "0.02"] {
            assert_eq!(half_width(text), Ok(0.02), "{text}");
        }
        for text in ["", "±", "2", "0", "-2%", "NaN", "inf", "two", "2%%"] {
            assert!(half_width(text).is_err(), "{text}");
        }
    }

    #[test]
    fn margins_are_shares_of_one_metric_or_of_all() {
        assert_eq!(margin("5%"), Ok(Margin { metric: None, delta: 0.05 }));
        assert_eq!(margin("p99=0.2"), Ok(Margin { metric: Some(Metric::P99), delta: 0.2 }));
        for (text, why) in [("x", "\"x\""), ("0", "\"0\""), ("p98=5%", "\"p98\""), ("900%", "900%")]
        {
            assert!(margin(text).unwrap_err().contains(why), "{text}");
        }
    }
}
