//! A race as a part of the page.

use deadheat_core::{
    record::{Call, Metric, Race, Record, Role, Status},
    stats::{State, Summary, Topic, human},
};

use super::{
    Heard, NARROW, WIDE,
    details::{self, Carried, Spent},
    marks::{self, Checked, Marked},
    overview,
};
use crate::{
    figure::{
        cost::cost,
        course::course,
        forest::forest,
        heat::heat,
        memory::memory,
        spectrum::{Curve, Latency, spectrum},
    },
    lost::{self, Quantile},
    table::{self, Table},
    words,
};

pub(super) struct Section {
    pub(super) anchor: String,
    pub(super) id: String,
    pub(super) class: &'static str,
    pub(super) operation: String,
    pub(super) badge: &'static str,
    pub(super) command: String,
    pub(super) lead: Vec<Said>,
    pub(super) rest: Vec<Said>,
    /// What could not be told, and who has no number.
    pub(super) open: Vec<String>,
    pub(super) control: String,
    pub(super) certainty: String,
    /// That blocks are missing.
    pub(super) unfinished: String,
    pub(super) warnings: Vec<String>,
    pub(super) fouls: Vec<String>,
    pub(super) heads: Vec<Head>,
    pub(super) ratio_head: String,
    pub(super) rows: Vec<Row>,
    pub(super) notes: Vec<String>,
    pub(super) braced: bool,
    pub(super) others: Vec<Other>,
    pub(super) other_heads: Vec<String>,
    pub(super) figures: Vec<Figure>,
    pub(super) percentiles: Vec<Percentiles>,
    pub(super) controls: Vec<Checked>,
    pub(super) marks: Vec<Marked>,
    /// What the rounds in fair weather say alone; empty where there were no others.
    pub(super) fair: String,
    /// What the scenario saw besides.
    pub(super) facts: Vec<String>,
    pub(super) spent: Vec<Spent>,
    pub(super) carried: Vec<Carried>,
    pub(super) shape: String,
    pub(super) conditions: Vec<(String, String)>,
}

pub(super) struct Said {
    pub(super) loud: bool,
    pub(super) text: String,
}

pub(super) struct Head {
    pub(super) text: &'static str,
    pub(super) about: &'static str,
}

pub(super) struct Row {
    pub(super) class: &'static str,
    pub(super) name: String,
    pub(super) cells: Vec<String>,
    pub(super) ratio: String,
    pub(super) interval: String,
    pub(super) verdict: String,
    pub(super) verdict_class: &'static str,
    pub(super) reason: bool,
}

/// A model's verdicts on the other metrics.
pub(super) struct Other {
    pub(super) name: String,
    pub(super) cells: Vec<(String, &'static str)>,
}

pub(super) struct Figure {
    /// What the page's script draws anew; empty where it does not.
    pub(super) chart: &'static str,
    pub(super) caption: &'static str,
    pub(super) wide: String,
    /// For a phone; empty where the wide one has to do.
    pub(super) narrow: String,
}

/// The numbers of a spectrum.
pub(super) struct Percentiles {
    pub(super) title: &'static str,
    pub(super) rows: Vec<(String, Vec<String>)>,
    /// Whether some operations of some contender have no latency.
    pub(super) lost: bool,
}

pub(super) fn section(record: &Record, heard: &Heard<'_>, detailed: bool) -> Section {
    let (race, summary) = (heard.race, &heard.summary);
    let table = Table::of(summary);
    let said = said(summary);
    let (other_heads, others) = other_metrics(race, summary);
    let column = |column: &table::Column| Head { text: column.head, about: column.about };
    let foul = |foul: &deadheat_core::record::Foul| {
        let whose: Vec<String> = foul.contenders.iter().map(|id| words::clean(id)).collect();
        let whose = if whose.is_empty() {
            whose.join("")
        } else {
            format!(", seen by {}", human::list(&whose))
        };
        format!("block {}, round {}: {}{whose}", foul.block, foul.round, words::clean(&foul.reason))
    };
    Section {
        anchor: heard.anchor.clone(),
        id: words::clean(&race.id),
        class: overview::class(heard),
        operation: words::clean(&race.operation),
        badge: badge(summary),
        command: words::command(record, race),
        lead: said.lead,
        rest: said.rest,
        open: said.open,
        control: said.control,
        certainty: format!("{}{}", said.unfinished, certainty(summary)),
        unfinished: said.unfinished,
        warnings: race.warnings.iter().chain(&lost::clipped(race)).map(words::warning).collect(),
        fouls: race.foul.iter().map(foul).collect(),
        heads: table.columns.iter().map(column).collect(),
        ratio_head: table::ratio_head(summary.metric).into(),
        rows: if summary.rows.iter().all(|row| row.state == State::Absent) {
            Vec::new()
        } else {
            table.lines.iter().map(|line| row(line, summary)).collect()
        },
        notes: notes(summary, &table),
        braced: table.is_braced(),
        others,
        other_heads,
        figures: figures(heard, detailed),
        percentiles: percentiles(heard),
        controls: marks::controls(race, summary),
        marks: marks::marked(summary),
        fair: marks::fair(summary),
        facts: details::facts(race),
        spent: details::spent(race, summary),
        carried: details::carried_over(race, summary),
        shape: words::shape(race),
        conditions: details::conditions(record, race),
    }
}

/// A race's sentences by where they stand.
#[derive(Default)]
struct Sentences {
    lead: Vec<Said>,
    rest: Vec<Said>,
    open: Vec<String>,
    control: String,
    unfinished: String,
}

fn said(summary: &Summary) -> Sentences {
    let mut said = Sentences::default();
    for sentence in summary.sentences() {
        let loud = sentence.topic == Topic::Validity && !stands(summary);
        let text = words::tie(&words::sentence(&sentence.text));
        if matches!(sentence.topic, Topic::Unknown | Topic::Failed) {
            said.open.push(text.clone());
        }
        match sentence.topic {
            Topic::Validity if !loud => said.unfinished = format!("{text} "),
            Topic::Validity | Topic::Lead | Topic::Size => said.lead.push(Said { loud, text }),
            Topic::Cost if summary.metric == Metric::Memory => {
                said.lead.push(Said { loud, text });
            }
            Topic::Control if said.control.is_empty() => said.control = text,
            Topic::Control => said.control = format!("{} {text}", said.control),
            _ => said.rest.push(Said { loud, text }),
        }
    }
    said
}

/// One word for a race that must not be read like the others.
fn badge(summary: &Summary) -> &'static str {
    if summary.is_invalid() {
        "INVALID"
    } else if matches!(summary.status, Status::Failed(_)) {
        "NOT RUN"
    } else if summary.is_blunt() {
        "BLUNT"
    } else {
        ""
    }
}

/// Whether what was measured may be believed, as far as it goes.
fn stands(summary: &Summary) -> bool {
    !summary.is_invalid() && !matches!(summary.status, Status::Failed(_))
}

/// How sure the answers are, once for all races; nothing where no race has an interval.
pub(super) fn sure(races: &[Heard<'_>]) -> String {
    let sure = |heard: &&Heard<'_>| !certainty(&heard.summary).is_empty();
    let blocks = races.iter().filter(sure).map(|heard| heard.summary.blocks);
    let (Some(least), Some(most)) = (blocks.clone().min(), blocks.max()) else {
        return String::new();
    };
    let blocks = if least == most { most.to_string() } else { format!("{least} to {most}") };
    format!(
        "Intervals hold with 95% confidence, jointly over all models of a race, over {blocks} blocks of \
         fresh processes. ± is what an undecided comparison can tell, or how far two that count as \
         equal may still differ; the noise floor is how far the same code, raced twice, may be \
         from itself."
    )
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

/// Remarks on models and numbers, below the table.
fn notes(summary: &Summary, table: &Table<'_>) -> Vec<String> {
    let noted = summary.rows.iter().filter(|row| row.role == Role::Model && !row.note.is_empty());
    let noted = noted.map(|row| format!("{}: {}.", words::name(row), words::clean(&row.note)));
    let signs = table.notes(|_| true).into_iter().map(|note| format!("{note}."));
    noted.chain(signs).collect()
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
                if let Some(above) = table::above(row, *metric) {
                    return (above, "");
                }
                let mut all = race.verdicts.iter();
                let found = all.find(|v| v.metric == *metric && v.a == row.id && v.n > 0);
                found.map_or((table::NONE.to_owned(), ""), |v| {
                    let interval = human::ratio_interval(v.ratio, v.lo.zip(v.hi));
                    (format!("{interval} {}", words::decided(v)), call_class(v.verdict))
                })
            };
            Other { name: words::name(row), cells: metrics.iter().map(cell).collect() }
        })
        .collect();
    (metrics.iter().map(|metric| metric.name().to_owned()).collect(), others)
}

/// A figure at a width, where there is anything to draw.
type Draw<'a> = &'a dyn Fn(f64) -> Option<String>;

fn figures(heard: &Heard<'_>, detailed: bool) -> Vec<Figure> {
    let subject = heard.subject();
    let service = |width| spectrum(&heard.service, Latency::Service, width);
    let response = |width| spectrum(&heard.response, Latency::Response, width);
    let all: [(&str, &str, Draw<'_>); 7] = [
        (
            "",
            "Ratios to the reference. Lines are intervals, filled marks are decided, faint dots are \
             blocks; within the band models count as equal.",
            &|width| forest(subject, width),
        ),
        ("", "What an operation costs its contender: CPU time and context switches.", &|width| {
            cost(subject, width)
        }),
        (
            "",
            "Memory over waiting units. The lines have the same slope; their height is the price.",
            &|width| memory(subject, width),
        ),
        ("response", "Response time: from the intended arrival, queueing included.", &response),
        ("service", "Service time: from an operation's own start.", &service),
        (
            if detailed { "slices" } else { "" },
            "99th percentile of every slice (the median, where slices hold fewer than a thousand operations), against the contender's own typical slice. A dark column is a bad moment for all; a spotted line belongs to a contender that is uneven.",
            &|width| course(&heard.lanes, width),
        ),
        ("", "Latency of every slice: the darker, the more operations took that long.", &|width| {
            heat(&heard.lanes, width)
        }),
    ];
    let drawn = all.into_iter().filter_map(|(chart, caption, draw)| {
        let narrow = if detailed { draw(NARROW)? } else { String::new() };
        Some(Figure { chart, caption, wide: draw(WIDE)?, narrow })
    });
    drawn.collect()
}

fn percentiles(heard: &Heard<'_>) -> Vec<Percentiles> {
    let row = |curve: &Curve| {
        let quantile = |quantile: &Quantile| match quantile {
            Quantile::At(value) => human::time(*value),
            Quantile::Beyond => table::longer_than(curve.max),
            Quantile::Thin => table::NONE.to_owned(),
        };
        let mut cells = vec![human::whole(curve.count)];
        cells.extend(curve.quantiles.iter().map(quantile));
        cells.push(human::time(curve.max));
        (curve.name.clone(), cells)
    };
    let tables = [("Response time", &heard.response), ("Service time", &heard.service)];
    let filled = tables.into_iter().filter(|(_, curves)| !curves.is_empty());
    filled
        .map(|(title, curves)| Percentiles {
            title,
            rows: curves.iter().map(row).collect(),
            lost: curves.iter().any(|curve| curve.lost > 0),
        })
        .collect()
}
