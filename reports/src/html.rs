//! One self-contained page: the answers first, then each race with its table and figures.
//!
//! No request leaves it (a content security policy forbids every one), and nothing in it needs
//! scripts. Texts of the record are escaped by the template; the figures escape their own.

use askama::Template;
use deadheat_core::{
    record::{Call, Metric, Race, Record, Role, Status},
    stats::{Measures, State, Summary, Topic, human, summary},
};

use crate::{
    Error, Format, Options, Output,
    figure::{
        Subject,
        forest::forest,
        memory::memory,
        spectrum::{Latency, spectrum},
    },
    table::{self, Table},
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

#[derive(Template)]
#[template(path = "report.html")]
struct Page {
    title: String,
    run: String,
    machine: String,
    command: String,
    warnings: Vec<String>,
    races: Vec<Section>,
    facts: Vec<(String, String)>,
}

struct Section {
    anchor: String,
    id: String,
    operation: String,
    shape: String,
    command: String,
    params: Vec<(String, String)>,
    lead: Vec<Said>,
    rest: Vec<Said>,
    control: String,
    certainty: String,
    warnings: Vec<String>,
    fouls: Vec<String>,
    heads: Vec<Head>,
    ratio_head: String,
    rows: Vec<Row>,
    notes: Vec<String>,
    braced: bool,
    others: Vec<Other>,
    other_heads: Vec<String>,
    figures: Vec<Figure>,
}

struct Said {
    loud: bool,
    text: String,
}

struct Head {
    text: &'static str,
    about: &'static str,
}

struct Row {
    class: &'static str,
    name: String,
    cells: Vec<String>,
    ratio: String,
    interval: String,
    verdict: String,
    verdict_class: &'static str,
    reason: bool,
}

/// A model's verdicts on the other metrics.
struct Other {
    name: String,
    cells: Vec<(String, &'static str)>,
}

struct Figure {
    caption: String,
    wide: String,
    narrow: String,
}

fn render(record: &Record, _: &Options) -> Result<Vec<Output>, Error> {
    let races: Vec<Section> =
        record.races.iter().enumerate().map(|(place, race)| section(record, place, race)).collect();
    let words: Vec<String> = record.run.command.iter().map(|word| words::clean(word)).collect();
    let page = Page {
        title: format!("deadheat {}", words::clean(&record.run.id)).trim().to_owned(),
        run: words::run(record),
        machine: words::machine(&record.machine),
        command: words.join(" "),
        warnings: record.warnings.iter().map(words::warning).collect(),
        races,
        facts: facts(record),
    };
    Ok(vec![Output::text("report.html", page.render()?)])
}

fn section(record: &Record, place: usize, race: &Race) -> Section {
    let measures = Measures::of(race);
    let summary = summary(race);
    let table = Table::of(&summary);
    let subject = Subject { race, measures: &measures, summary: &summary };
    let mut lead = Vec::new();
    let mut rest = Vec::new();
    let mut control = String::new();
    let mut unfinished = String::new();
    for sentence in summary.sentences() {
        let loud = sentence.topic == Topic::Validity && !stands(&summary);
        let said = Said { loud, text: words::tie(&words::clean(&sentence.text)) };
        match sentence.topic {
            Topic::Validity if !loud => unfinished = format!("{} ", said.text),
            Topic::Validity | Topic::Lead | Topic::Size => lead.push(said),
            Topic::Cost if summary.metric == Metric::Memory => lead.push(said),
            Topic::Control => control = said.text,
            _ => rest.push(said),
        }
    }
    let (other_heads, others) = other_metrics(race, &summary);
    let head = |column: &table::Column| Head { text: column.head, about: column.about };
    Section {
        anchor: format!("race-{}", place + 1),
        id: words::clean(&race.id),
        operation: words::clean(&race.operation),
        shape: words::shape(race),
        command: words::command(record, race),
        params: race.params.iter().map(|(k, v)| (words::clean(k), words::clean(v))).collect(),
        lead,
        rest,
        control,
        certainty: format!("{unfinished}{}", certainty(&summary)),
        warnings: race.warnings.iter().map(words::warning).collect(),
        fouls: race
            .foul
            .iter()
            .map(|foul| {
                format!(
                    "block {}, round {}: {}",
                    foul.block,
                    foul.round,
                    words::clean(&foul.reason)
                )
            })
            .collect(),
        heads: table.columns.iter().map(head).collect(),
        ratio_head: table::ratio_head(summary.metric).into(),
        rows: if summary.rows.iter().all(|row| row.state == State::Absent) {
            Vec::new()
        } else {
            table.lines.iter().map(|line| row(line, &summary)).collect()
        },
        notes: notes(&summary),
        braced: table.is_braced(),
        others,
        other_heads,
        figures: figures(subject),
    }
}

/// Whether what was measured may be believed, as far as it goes.
fn stands(summary: &Summary) -> bool {
    !summary.is_invalid() && !matches!(summary.status, Status::Failed(_))
}

/// How sure the verdicts of a race are.
fn certainty(summary: &Summary) -> String {
    let models = summary.rows.iter().filter(|row| row.role == Role::Model);
    let m = models.filter(|row| row.verdict.as_ref().is_some_and(|v| v.lo.is_some())).count();
    if m == 0 || !stands(summary) {
        return String::new();
    }
    let joint = if m == 1 { "" } else { ", jointly over all models" };
    format!("Intervals hold with 95% confidence{joint}, over {} blocks.", summary.blocks)
}

fn row(line: &table::Line<'_>, summary: &Summary) -> Row {
    let class = match line.row.role {
        Role::Model if line.leads => "leads",
        Role::Model if line.row.id == summary.reference => "reference",
        Role::Model => "",
        _ => "control",
    };
    // Apart, so that a phone can put the interval on a line of its own.
    let (ratio, interval) = line.ratio.split_once(' ').unwrap_or((&line.ratio, ""));
    Row {
        class,
        name: line.name.clone(),
        cells: line.cells.clone(),
        ratio: ratio.to_owned(),
        interval: interval.to_owned(),
        verdict: line.verdict.clone(),
        verdict_class: if line.row.role == Role::Model { call_class(line.row.call()) } else { "" },
        reason: line.cells.is_empty(),
    }
}

/// Remarks on models, below the table.
fn notes(summary: &Summary) -> Vec<String> {
    let noted = summary.rows.iter().filter(|row| row.role == Role::Model && !row.note.is_empty());
    noted.map(|row| format!("{}: {}.", words::name(row), words::clean(&row.note))).collect()
}

fn call_class(call: Call) -> &'static str {
    match call {
        Call::Faster | Call::FasterSizeUndecided => "faster",
        Call::Slower | Call::SlowerSizeUndecided => "slower",
        Call::DeadHeat => "equal",
        Call::Undecided => "",
    }
}

/// Verdicts on everything but the metric that the main table is about.
fn other_metrics(race: &Race, summary: &Summary) -> (Vec<String>, Vec<Other>) {
    let has = |metric: &Metric| race.verdicts.iter().any(|v| v.metric == *metric && v.n > 0);
    let metrics: Vec<Metric> =
        Metric::ALL.into_iter().filter(|metric| *metric != summary.metric).filter(has).collect();
    let rows = summary.rows.iter().filter(|row| row.role == Role::Model && row.has_numbers());
    let others = rows
        .filter(|row| row.id != summary.reference)
        .map(|row| {
            let cell = |metric: &Metric| {
                let mut all = race.verdicts.iter();
                let found = all.find(|v| v.metric == *metric && v.a == row.id && v.n > 0);
                found.map_or((table::NONE.to_owned(), ""), |v| {
                    let interval = human::ratio_interval(v.ratio, v.lo.zip(v.hi));
                    (
                        format!("{interval} {}", words::call(v.metric, v.verdict)),
                        call_class(v.verdict),
                    )
                })
            };
            Other { name: words::name(row), cells: metrics.iter().map(cell).collect() }
        })
        .collect();
    (metrics.iter().map(|metric| metric.name().to_owned()).collect(), others)
}

/// A figure at a width, where there is anything to draw.
type Draw<'a> = &'a dyn Fn(f64) -> Option<String>;

fn figures(subject: Subject<'_>) -> Vec<Figure> {
    let service = |width| spectrum(subject, Latency::Service, width);
    let response = |width| spectrum(subject, Latency::Response, width);
    let all: [(&str, Draw<'_>); 4] = [
        (
            "Ratios to the reference. Lines are intervals, filled marks are decided, faint dots are \
             blocks; within the band models count as equal.",
            &|width| forest(subject, width),
        ),
        (
            "Memory over waiting units. The lines have the same slope; their height is the price.",
            &|width| memory(subject, width),
        ),
        ("Response time: from the intended arrival, queueing included.", &response),
        ("Service time: from an operation's own start.", &service),
    ];
    let drawn = all.into_iter().filter_map(|(caption, draw)| {
        Some(Figure { caption: caption.into(), wide: draw(WIDE)?, narrow: draw(NARROW)? })
    });
    drawn.collect()
}

/// What else is known of run and machine, for those who want to compare.
fn facts(record: &Record) -> Vec<(String, String)> {
    let (run, machine) = (&record.run, &record.machine);
    let mut facts = vec![
        ("run".to_owned(), run.id.clone()),
        ("started".into(), run.started.clone()),
        ("ended".into(), run.ended.clone()),
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
