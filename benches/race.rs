//! `cargo bench`: the race itself, with all its flags.

use std::process::ExitCode;

fn main() -> ExitCode {
    deadheat::run_main(deadheat::matrix::cells())
}
