//! The program: every model and every course of this build behind one command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    deadheat::program_main(deadheat::matrix::cells())
}
