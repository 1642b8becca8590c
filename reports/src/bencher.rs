//! The lines of libtest's benches, which many tools read: `test NAME ... bench: N ns/iter (+/- M)`.
//!
//! N is the primary metric's cost, M the width of its interval over blocks. Races for memory are
//! left out: their cost is not a time, and the syntax knows no other unit.

use std::fmt::Write;

use deadheat_core::{
    record::{Metric, Race, Record, Role},
    stats::{Estimate, Measures},
};

use crate::{Error, Format, Options, Output, words::clean};

pub(crate) const FORMAT: Format = Format {
    id: "bencher",
    extension: "txt",
    about: "lines as libtest prints them: test NAME ... bench: N ns/iter (+/- M)",
    render,
};

#[expect(clippy::unnecessary_wraps, reason = "the registry's signature")]
fn render(record: &Record, _: &Options) -> Result<Vec<Output>, Error> {
    let mut text = String::new();
    for race in record.races.iter().filter(|race| race.primary != Metric::Memory) {
        race_lines(race, &mut text);
    }
    Ok(vec![Output::text("bencher.txt", text)])
}

fn race_lines(race: &Race, text: &mut String) {
    let measures = Measures::of(race);
    for contender in race.contenders.iter().filter(|contender| contender.role == Role::Model) {
        let costs: Vec<f64> =
            measures.costs(race.primary, &contender.id).iter().map(|cost| cost.ln()).collect();
        let estimate = Estimate::of(&costs, 0.05);
        if estimate.n == 0 {
            continue;
        }
        let width = estimate.interval.map_or(0.0, |(lo, hi)| hi.exp() - lo.exp());
        let name = cell(race, &contender.id).replace(char::is_whitespace, "_");
        let _ = writeln!(
            text,
            "test {name} ... bench: {:>11.2} ns/iter (+/- {width:.2})",
            estimate.point.exp()
        );
    }
}

/// The cell's id: the race's with the model after the scenario.
fn cell(race: &Race, contender: &str) -> String {
    let (scenario, rest) = race.id.split_once('/').unwrap_or((&race.id, ""));
    clean(&format!("{scenario}/{contender}/{rest}"))
}
