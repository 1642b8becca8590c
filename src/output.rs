//! The only place that prints. Results go to standard output; the plan, progress and warnings to
//! standard error, so that a result can be piped.
//!
//! A reader that hangs up is no error of ours: what it does not read is dropped. Any other failure to
//! print a result is kept, and the program says so when it ends.

use std::{
    fmt::Display,
    io::{self, IsTerminal, Write},
    sync::OnceLock,
};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};

/// Obeys `--color`; without it `NO_COLOR`, `CLICOLOR_FORCE` and the terminal decide.
pub(crate) fn colour(choice: clap::ColorChoice) {
    match choice {
        clap::ColorChoice::Auto => ColorChoice::Auto,
        clap::ColorChoice::Always => ColorChoice::Always,
        clap::ColorChoice::Never => ColorChoice::Never,
    }
    .write_global();
}

/// The first result that could not be printed. Standard output is the process's, so this is too.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// A line of result.
pub(crate) fn line(text: impl Display) {
    keep(writeln!(anstream::stdout(), "{text}"));
}

/// A result as it is, line ends included.
pub(crate) fn result(text: &str) {
    keep(anstream::stdout().write_all(text.as_bytes()));
}

/// Why results could not be printed, if they could not.
pub(crate) fn lost() -> Option<&'static io::Error> {
    keep(io::stdout().flush());
    LOST.get()
}

fn keep(outcome: io::Result<()>) {
    if let Err(error) = outcome
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        // Only the first one says why.
        let _ = LOST.set(error);
    }
}

/// A result beside the one that standard output is for.
pub(crate) fn aside(text: &str) {
    let _ = anstream::stderr().write_all(text.as_bytes());
}

/// A line of progress.
pub(crate) fn note(text: impl Display) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Something that the reader must know, and what to do about it.
pub(crate) fn warn(text: &str, advice: &str) {
    let style = AnsiColor::Yellow.on_default().bold();
    let advice = if advice.is_empty() { String::new() } else { format!(" ({advice})") };
    note(format_args!("{style}warning{style:#}: {text}{advice}"));
}

/// Why the program ends.
pub(crate) fn error(text: impl Display) {
    let style: Style = AnsiColor::Red.on_default().bold();
    note(format_args!("{style}error{style:#}: {text}"));
}

/// Whether results are to be coloured.
pub(crate) fn coloured() -> bool {
    AutoStream::choice(&std::io::stdout()) != ColorChoice::Never
}

/// Whether who reads results has read warnings too.
pub(crate) fn is_one_terminal() -> bool {
    io::stdout().is_terminal() && io::stderr().is_terminal()
}

/// Columns of standard output's terminal, or what fits a page.
pub(crate) fn width() -> usize {
    let size = terminal_size::terminal_size_of(std::io::stdout());
    size.map_or(100, |(width, _)| usize::from(width.0)).max(40)
}

/// Columns and lines of standard error, where it is a terminal that can be drawn on.
pub(crate) fn canvas() -> Option<(usize, usize)> {
    let stderr = std::io::stderr();
    let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    if !stderr.is_terminal() || dumb {
        return None;
    }
    let (width, height) = terminal_size::terminal_size_of(stderr)?;
    Some((usize::from(width.0), usize::from(height.0)))
}

/// Whether what is drawn may be coloured.
pub(crate) fn draws_colour() -> bool {
    AutoStream::choice(&std::io::stderr()) != ColorChoice::Never
}

/// Text with control sequences that move the cursor, at once. Past `anstream`, which without
/// colours would take these out too.
pub(crate) fn draw(text: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = stderr.write_all(text.as_bytes());
    let _ = stderr.flush();
}
