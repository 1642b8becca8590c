//! Each figure of each race as a picture of its own, for READMEs, papers and slides.
//!
//! The same figures as in the page, with the page's style sheet inside: they follow the reader's
//! light or dark scheme wherever they are shown. A figure is one line in [`FIGURES`].

use deadheat_core::{
    record::{Race, Record},
    stats::{Measures, summary},
};

use crate::{
    Error, Format, Options, Output,
    figure::{
        Subject, cost, course, forest, heat, memory,
        spectrum::{self, Latency},
    },
    names::Names,
};

pub(crate) const FORMAT: Format = Format {
    id: "svg",
    extension: "svg",
    about: "each figure of each race, as a picture of its own",
    render,
};

/// The width of a picture, in pixels: a column of text on most pages.
const WIDTH: f64 = 760.0;

type Draw = fn(Subject<'_>, f64) -> Option<String>;

/// What is drawn, and what its file is called behind the race's name.
const FIGURES: [(&str, Draw); 7] = [
    ("", forest::forest),
    ("response", |subject, width| percentiles(subject, Latency::Response, width)),
    ("service", |subject, width| percentiles(subject, Latency::Service, width)),
    ("memory", memory::memory),
    ("cost", cost::cost),
    ("course", |subject, width| course::course(&lanes(subject), width)),
    ("heat", |subject, width| heat::heat(&lanes(subject), width)),
];

const STYLE: &str = include_str!("../templates/figure.css");

fn percentiles(subject: Subject<'_>, latency: Latency, width: f64) -> Option<String> {
    spectrum::spectrum(&spectrum::curves(subject, latency), latency, width)
}

fn lanes(subject: Subject<'_>) -> Vec<course::Lane<'_>> {
    course::lanes(subject.race, subject.summary)
}

#[expect(clippy::unnecessary_wraps, reason = "the registry's signature")]
fn render(record: &Record, _: &Options) -> Result<Vec<Output>, Error> {
    let mut names = Names::default();
    Ok(record.races.iter().flat_map(|race| pictures(race, &names.of(&race.id))).collect())
}

/// The figures of a race that has the numbers for them: the forest plot bears the race's own name.
fn pictures(race: &Race, name: &str) -> Vec<Output> {
    let (measures, summary) = (Measures::of(race), summary(race));
    let subject = Subject { race, measures: &measures, summary: &summary };
    let drawn = FIGURES.iter().filter_map(|(of, draw)| {
        let picture = whole(&draw(subject, WIDTH)?)?;
        let dot = if of.is_empty() { "" } else { "." };
        Some(Output::text(&format!("{name}{dot}{of}.svg"), picture))
    });
    drawn.collect()
}

/// A figure with its style inside.
fn whole(figure: &str) -> Option<String> {
    let (open, rest) = figure.split_once('>')?;
    Some(format!("{open}><style><![CDATA[{STYLE}]]></style>{rest}\n"))
}
