//! One self-contained page: the answers first, then all races and models at a glance, then each
//! race with its table and figures.
//!
//! No request leaves it: a content security policy forbids every one, and allows no script but the
//! page's own. Everything that is needed to judge a result is there without scripts; they add
//! charts to hover over, filters, sorting, and the download of the data. Texts of the record are
//! escaped by the template; the figures escape their own.
//!
//! Not in here: what may be said of a race (`deadheat_core::stats`).

mod csv;
mod data;
mod details;
mod embed;
mod loads;
mod marks;
mod overview;
mod section;

use askama::Template;
use deadheat_core::{
    record::{Race, Record},
    stats::{Measures, Summary, human, summary_of, sweeps_of},
};

use self::{
    loads::{Searched, Under},
    overview::Matrix,
    section::Section,
};
use crate::{
    Error, Format, Options, Output,
    figure::{
        Subject,
        course::{self, Lane},
        spectrum::{self, Curve, Latency},
        sweep::Sweep,
    },
    words,
};

pub(crate) const FORMAT: Format = Format {
    id: "html",
    extension: "html",
    about: "one self-contained page with tables and figures",
    render,
};

/// Figures are drawn twice: for two columns of a wide window, and for a phone.
const WIDE: f64 = 548.0;
const NARROW: f64 = 342.0;

/// Contenders of all races up to which the page carries the latencies of single slices, to be
/// looked at one by one, and draws figures for phones. A page of a thousand has the figures at one
/// width, and stays below 8 MB.
const DETAILED: usize = 400;

const STYLE: &str = concat!(
    include_str!("../templates/report.css"),
    include_str!("../templates/figure.css"),
    include_str!("../assets/uplot.css")
);
const UPLOT: &str = include_str!("../assets/uplot.js");
const SCRIPT: &str =
    concat!(include_str!("../assets/charts.js"), "\n", include_str!("../assets/page.js"));

#[derive(Template)]
#[template(path = "report.html")]
struct Page {
    policy: String,
    style: &'static str,
    uplot: &'static str,
    script: &'static str,
    data: String,
    csv: String,
    file: String,
    title: String,
    run: String,
    machine: String,
    command: String,
    warnings: Vec<String>,
    races: Vec<Section>,
    sure: String,
    families: Vec<String>,
    classes: Vec<&'static str>,
    matrices: Vec<Matrix>,
    sweeps: Vec<Under>,
    searched: Vec<Searched>,
    facts: Vec<(String, String)>,
}

/// A race with all that is made of it once.
struct Heard<'a> {
    race: &'a Race,
    measures: Measures<'a>,
    summary: Summary,
    /// Where it stands in the page; the same for the same race in every report.
    anchor: String,
    service: Vec<Curve>,
    response: Vec<Curve>,
    lanes: Vec<Lane<'a>>,
}

fn render(record: &Record, _: &Options) -> Result<Vec<Output>, Error> {
    let anchors = anchors(record);
    let races: Vec<Heard<'_>> =
        record.races.iter().zip(anchors).map(|(race, anchor)| Heard::of(race, anchor)).collect();
    let measures: Vec<&Measures<'_>> = races.iter().map(|heard| &heard.measures).collect();
    let judged = sweeps_of(&measures);
    let sweeps = Sweep::all(races.iter().map(|heard| (heard.race, &heard.summary)), &judged);
    let table = races.iter().map(|heard| (heard.race, &heard.summary, &heard.measures));
    let words: Vec<String> = record.run.command.iter().map(|word| words::clean(word)).collect();
    let mut classes: Vec<&'static str> = races.iter().map(overview::class).collect();
    classes.sort_unstable();
    classes.dedup();
    let detailed = races.iter().map(|heard| heard.summary.rows.len()).sum::<usize>() <= DETAILED;
    let page = Page {
        policy: embed::policy(STYLE, &[UPLOT, SCRIPT]),
        style: STYLE,
        uplot: UPLOT,
        script: SCRIPT,
        data: embed::script_json(&data::data(record, &races, &sweeps, detailed))?,
        csv: embed::link("text/csv", &csv::csv(table)),
        file: file(record),
        title: format!("deadheat {}", words::clean(&record.run.id)).trim().to_owned(),
        run: words::run(record),
        machine: words::machine(&record.machine),
        command: words.join(" "),
        warnings: record.warnings.iter().map(words::warning).collect(),
        sure: section::sure(&races),
        families: overview::families(&races),
        classes,
        matrices: overview::matrices(record, &races),
        sweeps: sweeps.iter().map(loads::under).collect(),
        searched: record.capacities.iter().map(loads::searched).collect(),
        races: races.iter().map(|heard| section::section(record, heard, detailed)).collect(),
        facts: facts(record),
    };
    Ok(vec![Output::text("report.html", page.render()?)])
}

impl<'a> Heard<'a> {
    fn of(race: &'a Race, anchor: String) -> Self {
        let measures = Measures::of(race);
        let summary = summary_of(&measures);
        let subject = Subject { race, measures: &measures, summary: &summary };
        let service = spectrum::curves(subject, Latency::Service);
        let response = spectrum::curves(subject, Latency::Response);
        let lanes = course::lanes(race, &summary);
        Self { race, measures, summary, anchor, service, response, lanes }
    }

    fn subject(&self) -> Subject<'_> {
        Subject { race: self.race, measures: &self.measures, summary: &self.summary }
    }
}

/// An anchor for every race, made of its id, so that a link outlives the report.
fn anchors(record: &Record) -> Vec<String> {
    let mut anchors: Vec<String> = Vec::new();
    for race in &record.races {
        let kept = |c: char| c.is_ascii_alphanumeric() || "-=,+.@/".contains(c);
        let id: String = race.id.chars().map(|c| if kept(c) { c } else { '-' }).take(200).collect();
        let first = format!("race-{id}");
        let mut anchor = first.clone();
        let mut again = 2;
        while anchors.contains(&anchor) {
            anchor = format!("{first}_{again}");
            again += 1;
        }
        anchors.push(anchor);
    }
    anchors
}

/// The name of downloaded files, without their ending.
fn file(record: &Record) -> String {
    let id: String =
        record.run.id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(80).collect();
    if id.is_empty() { "deadheat".into() } else { format!("deadheat-{id}") }
}

/// What else is known of run and machine, for those who want to compare.
fn facts(record: &Record) -> Vec<(String, String)> {
    let (run, machine) = (&record.run, &record.machine);
    let mut facts = vec![
        ("run".to_owned(), run.id.clone()),
        ("started".into(), run.started.clone()),
        ("ended".into(), run.ended.clone()),
        ("seed".into(), run.seed.to_string()),
        ("git".into(), run.program.git.clone()),
        ("rustc".into(), run.program.rustc.clone()),
        ("build".into(), run.program.profile.clone()),
        ("features".into(), run.program.features.join(" ")),
        ("fingerprint".into(), machine.fingerprint.clone()),
    ];
    facts.extend(run.program.lock.iter().map(|(name, version)| (name.clone(), version.clone())));
    if machine.clock.cost_ns > 0.0 {
        let clock = machine.clock;
        let cost = human::time(clock.cost_ns);
        facts.push((
            "clock".into(),
            format!("{cost} a reading, steps of {} ns", clock.granularity_ns),
        ));
    }
    facts.extend(machine.load.map(|load| ("load at start".into(), format!("{load:.2}"))));
    facts.extend(machine.facts.iter().map(|(name, value)| (name.clone(), value.clone())));
    let clean = |(name, value): (String, String)| (words::clean(&name), words::clean(&value));
    facts.into_iter().filter(|(_, value)| !value.is_empty()).map(clean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_are_unique_and_harmless() {
        let race = |id: &str| Race { id: id.into(), ..Race::default() };
        let races = vec![race("tcp-echo/closed-16"), race("a\"b <c>"), race("tcp-echo/closed-16")];
        let record = Record { races, ..Record::default() };
        let anchors = anchors(&record);
        assert_eq!(
            anchors,
            ["race-tcp-echo/closed-16", "race-a-b--c-", "race-tcp-echo/closed-16_2"]
        );
    }
}
