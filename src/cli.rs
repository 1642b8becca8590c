//! The command line: every flag, its environment variable, and what values make sense.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

mod choice;
mod lab;
mod run;
mod value;

pub(crate) use self::{
    choice::{ChoiceArgs, Place},
    lab::{CampaignName, LabArgs},
    run::{EffortArgs, MessageFormat, OutputFormat, RunArgs},
    value::Margin,
};

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
#[command(name = "deadheat", version, arg_required_else_help = true, args_override_self = true)]
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
#[command(
    name = "race",
    version,
    about = "Races execution models (cargo bench -- FLAGS)",
    args_override_self = true
)]
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
    fn a_flag_that_is_given_again_overrides_and_a_list_goes_on() {
        let flags = "--blocks 4 --quick --skip a --load closed-1 \
                     --blocks 5 --quick --skip b --load closed-2,closed-3";
        let words = ["deadheat", "run"].into_iter().chain(flags.split_whitespace());
        let run = match Program::try_parse_from(words).map(|program| program.command) {
            Ok(Command::Run(run)) => run,
            other => panic!("{flags}: {other:?}"),
        };
        assert_eq!((run.effort.blocks, run.effort.quick), (Some(5), true));
        assert_eq!(run.choice.skip, ["a", "b"]);
        assert_eq!(run.choice.load, ["closed-1", "closed-2", "closed-3"]);
        let words = ["race", "--bench", "--seed", "1", "--bench", "--seed", "2"];
        assert_eq!(Bench::try_parse_from(words).unwrap().run.effort.seed, Some(2));
    }
}
