//! The lines of libtest's benches, which many tools read: `test NAME ... bench: N ns/iter (+/- M)`.
//!
//! N is the primary metric's cost, M the width of its interval over blocks. Races for memory are
//! left out: their cost is not a time, and the syntax knows no other unit. A record of capacities
//! alone is refused for the same reason.

use std::fmt::Write;

use deadheat_core::record::{Metric, Record};

use crate::{Error, Format, Options, Output, capacities, costs};

pub(crate) const FORMAT: Format = Format {
    id: "libtest",
    extension: "txt",
    about: "lines as libtest prints them: test NAME ... bench: N ns/iter (+/- M)",
    render,
};

fn render(record: &Record, _: &Options) -> Result<Vec<Output>, Error> {
    capacities::refuse(record, FORMAT.id)?;
    let mut text = String::new();
    for cell in costs::cells(record) {
        let primary = cell.costs.iter().find(|cost| cost.metric == cell.race.primary);
        let Some(cost) = primary.filter(|cost| cost.metric != Metric::Memory) else { continue };
        let width = cost.interval.map_or(0.0, |(lo, hi)| hi - lo);
        let name = cell.id.replace(char::is_whitespace, "_");
        let _ =
            writeln!(text, "test {name} ... bench: {:>11.2} ns/iter (+/- {width:.2})", cost.value);
    }
    Ok(vec![Output::text("libtest.txt", text)])
}
