//! From arguments to an exit code.

use clap::{Parser, error::ErrorKind};
use deadheat_core::cell::Cell;

use crate::{
    cli::{Bench, CargoArgs, Command, Face, Program, RunArgs},
    failure::{Failure, exit},
    output,
};

mod compare;
mod doctor;
mod init;
mod lab;
mod list;
mod report;
mod resume;
mod run;
#[cfg(feature = "core")]
mod selftest;
mod test;

pub(crate) use self::run::interrupted;

/// Does what the command line says.
pub(crate) fn run(cells: &[Cell], face: Face) -> u8 {
    let (color, todo) = match parse(face) {
        Ok(parsed) => parsed,
        Err(error) => {
            // Help and version are no errors, and go to standard output.
            let _ = error.print();
            return match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => exit::OK,
                _ => exit::USAGE,
            };
        }
    };
    output::colour(color);
    let code = todo.perform(cells).unwrap_or_else(|failure| {
        output::error(&failure);
        failure.code
    });
    match output::lost() {
        Some(error) => {
            output::error(format_args!("failed to write to standard output: {error}"));
            if code == exit::OK { exit::FAILED } else { code }
        }
        None => code,
    }
}

/// What is to be done, whatever way it was said.
enum Todo {
    Command(Command),
    /// Each cell once.
    Test(Box<RunArgs>, CargoArgs),
    /// As test runners ask for it.
    Cells(Box<RunArgs>, CargoArgs),
}

fn parse(face: Face) -> Result<(clap::ColorChoice, Todo), clap::Error> {
    let first = std::env::args().nth(1);
    if face == Face::Program || first.is_some_and(|first| Command::is_name(&first)) {
        let Program { command, color, cargo } = Program::try_parse()?;
        let todo = match command {
            Command::Run(args) if args.results.list => Todo::Cells(args, cargo),
            Command::Run(args) if cargo.test => Todo::Test(args, cargo),
            command => Todo::Command(command),
        };
        return Ok((color, todo));
    }
    let Bench { run, color, cargo } = Bench::try_parse()?;
    let run = Box::new(run);
    let todo = match () {
        () if run.results.list => Todo::Cells(run, cargo),
        () if cargo.bench && !cargo.test => Todo::Command(Command::Run(run)),
        () => Todo::Test(run, cargo),
    };
    Ok((color, todo))
}

impl Todo {
    fn perform(self, cells: &[Cell]) -> Result<u8, Failure> {
        match self {
            Self::Command(Command::Run(args)) => run::run(cells, &args),
            Self::Command(Command::List(args)) => list::list(cells, &args),
            Self::Command(Command::Report(args)) => report::report(&args),
            Self::Command(Command::Compare(args)) => compare::compare(&args),
            Self::Command(Command::Doctor(args)) => doctor::doctor(cells, &args),
            Self::Command(Command::Init(args)) => init::init(&args),
            Self::Command(Command::Lab(args)) => lab::lab(cells, &args),
            #[cfg(feature = "core")]
            Self::Command(Command::Selftest(args)) => selftest::selftest(&args),
            Self::Test(args, cargo) => test::test(cells, &args, &cargo),
            Self::Cells(args, cargo) => list::cells(cells, &args, &cargo),
        }
    }
}
