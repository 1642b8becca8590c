//! Each figure of each race as a picture of its own, for READMEs, papers and slides; and those of
//! several races, which are called like the sweep.
//!
//! The same figures as in the page, with the page's style sheet inside: they follow the reader's
//! light or dark scheme wherever they are shown. A figure of a race is one line in [`FIGURES`].

use deadheat_core::{
    record::Record,
    stats::{Measures, Summary, summary, summary_of, sweeps},
};

use crate::{
    Error, Format, Options, Output,
    figure::{
        Subject, cost, course, forest, heat, memory,
        spectrum::{self, Latency},
        sweep::Sweep,
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
    let mut files = Vec::new();
    let mut summaries: Vec<Summary> = Vec::new();
    for race in &record.races {
        let measures = Measures::of(race);
        let summary = summary_of(&measures);
        let subject = Subject { race, measures: &measures, summary: &summary };
        files.extend(pictures(subject, &names.of(&race.id)));
        summaries.push(summary);
    }
    let swept = Sweep::all(record.races.iter().zip(&summaries), &sweeps(&record.races));
    files.extend(swept.iter().filter_map(|sweep| several(sweep, "sweep", &mut names)));
    for capacity in &record.capacities {
        let summaries: Vec<Summary> = capacity.races.iter().map(summary).collect();
        let rates = Sweep::all(capacity.races.iter().zip(&summaries), &sweeps(&capacity.races));
        let rates = rates.into_iter().map(Sweep::unjudged);
        files.extend(rates.filter_map(|sweep| several(&sweep, "capacity", &mut names)));
    }
    Ok(files)
}

/// The figures of a race that has the numbers for them: the forest plot bears the race's own name.
fn pictures(subject: Subject<'_>, name: &str) -> Vec<Output> {
    let drawn = FIGURES.iter().filter_map(|(of, draw)| {
        let picture = whole(&draw(subject, WIDTH)?)?;
        let dot = if of.is_empty() { "" } else { "." };
        Some(Output::text(&format!("{name}{dot}{of}.svg"), picture))
    });
    drawn.collect()
}

/// The figure of several races.
fn several(sweep: &Sweep, kind: &str, names: &mut Names) -> Option<Output> {
    let picture = whole(&sweep.draw(WIDTH))?;
    Some(Output::text(&format!("{}.{kind}.svg", names.of(&sweep.title)), picture))
}

/// A figure with its style inside.
fn whole(figure: &str) -> Option<String> {
    let (open, rest) = figure.split_once('>')?;
    Some(format!("{open}><style><![CDATA[{STYLE}]]></style>{rest}\n"))
}
