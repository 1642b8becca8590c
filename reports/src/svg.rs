//! Each race's forest plot as a picture of its own, for READMEs, papers and slides.
//!
//! The same figure as in the page, with the page's style sheet inside: it follows the reader's
//! light or dark scheme wherever it is shown.

use deadheat_core::{
    record::{Race, Record},
    stats::{Measures, summary},
};

use crate::{
    Error, Format, Options, Output,
    figure::{Subject, forest},
    names::Names,
};

pub(crate) const FORMAT: Format = Format {
    id: "svg",
    extension: "svg",
    about: "the forest plot of each race, as a picture of its own",
    render,
};

/// The width of a picture, in pixels: a column of text on most pages.
const WIDTH: f64 = 760.0;

const STYLE: &str = include_str!("../templates/report.css");

#[expect(clippy::unnecessary_wraps, reason = "the registry's signature")]
fn render(record: &Record, _: &Options) -> Result<Vec<Output>, Error> {
    let mut names = Names::default();
    Ok(record.races.iter().filter_map(|race| picture(race, &mut names)).collect())
}

fn picture(race: &Race, names: &mut Names) -> Option<Output> {
    let (measures, summary) = (Measures::of(race), summary(race));
    let subject = Subject { race, measures: &measures, summary: &summary };
    let figure = forest::forest(subject, WIDTH)?;
    let (open, rest) = figure.split_once('>')?;
    let style = format!("<style><![CDATA[{STYLE}]]></style>");
    let text = format!("{open}>{style}{rest}\n");
    Some(Output::text(&format!("{}.svg", names.of(&race.id)), text))
}
