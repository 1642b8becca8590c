//! Why a command ended without doing what it was asked to, and the exit code that says so.

use std::fmt;

/// Everything that the program can end with (README, "Exit codes").
pub(crate) mod exit {
    /// Finished; infeasible, too slow and not applicable are results.
    pub(crate) const OK: u8 = 0;
    /// An error, or a cell that failed; the report is still written.
    pub(crate) const FAILED: u8 = 1;
    /// The command line makes no sense.
    pub(crate) const USAGE: u8 = 2;
    /// Invalid, or nothing could be judged.
    pub(crate) const UNJUDGED: u8 = 4;
    /// Ended by Ctrl-C; the report is written.
    pub(crate) const INTERRUPTED: u8 = 130;
}

/// One line that names the thing and the value, and the code that goes with it.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) code: u8,
    text: String,
}

impl Failure {
    /// The command line makes no sense.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self { code: exit::USAGE, text: text.into() }
    }

    /// It made sense and could not be done.
    pub(crate) fn error(text: impl Into<String>) -> Self {
        Self { code: exit::FAILED, text: text.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
