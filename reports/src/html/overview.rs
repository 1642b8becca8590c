//! All races and all models in one table, for each metric: a cell has a ratio, a word and a shade.

use deadheat_core::{
    record::{Call, Metric, Role, Verdict},
    stats::{State, human},
};

use super::{Heard, data};
use crate::{table, words};

/// A ratio at least this far from 1 has a deeper shade.
const DEEP: f64 = 1.5;
const DEEPEST: f64 = 3.0;

/// Models are columns: there are few of them, while a run can have a hundred races.
pub(super) struct Matrix {
    /// The metric's id, or `judged`: for each race the metric that its sentence is about.
    pub(super) id: &'static str,
    pub(super) title: String,
    pub(super) models: Vec<Column>,
    pub(super) lines: Vec<Line>,
}

pub(super) struct Column {
    pub(super) family: String,
    pub(super) variant: String,
}

pub(super) struct Line {
    /// The race's place in the page.
    pub(super) place: usize,
    /// The race's id, in the parts between which a line may end.
    pub(super) race: Vec<String>,
    pub(super) anchor: String,
    pub(super) metric: &'static str,
    pub(super) cells: Vec<Cell>,
}

#[derive(Clone, Default)]
pub(super) struct Cell {
    /// `f` faster, `s` slower, `e` equal, `r` the reference, `u` not told, `n` no number; a digit for how much.
    pub(super) shade: String,
    pub(super) ratio: String,
    pub(super) word: String,
    /// What it is sorted by; empty sorts last.
    pub(super) sort: String,
    pub(super) leads: bool,
    /// Why there is no number, in full.
    pub(super) about: String,
}

/// What a race is like, for the filter: how operations arrive, or that it is about memory.
pub(super) fn class(heard: &Heard<'_>) -> &'static str {
    match (heard.race.primary, heard.race.load.split('-').next()) {
        (Metric::Memory, _) => "memory",
        (_, Some("open")) => "open load",
        (_, Some("closed")) => "closed load",
        (_, Some("batch")) => "batch",
        _ => "other",
    }
}

/// The families of all models, in the order in which they raced.
pub(super) fn families(races: &[Heard<'_>]) -> Vec<String> {
    let mut families: Vec<String> = Vec::new();
    for model in models(races) {
        let family = split(&model).0;
        if !families.contains(&family) {
            families.push(family);
        }
    }
    families
}

/// The judged metric first, then every metric by itself.
pub(super) fn matrices(record: &deadheat_core::record::Record, races: &[Heard<'_>]) -> Vec<Matrix> {
    let models = models(races);
    if models.is_empty() {
        return Vec::new();
    }
    let metrics = data::metrics(record);
    let single = metrics.len() < 2;
    let all = [None].into_iter().chain(metrics.into_iter().map(Some));
    all.take(if single { 1 } else { usize::MAX })
        .map(|metric| matrix(&models, races, metric))
        .collect()
}

fn models(races: &[Heard<'_>]) -> Vec<String> {
    let mut models: Vec<String> = Vec::new();
    for row in races.iter().flat_map(|heard| &heard.summary.rows) {
        if row.role == Role::Model && !models.contains(&row.id) {
            models.push(row.id.clone());
        }
    }
    models
}

fn matrix(models: &[String], races: &[Heard<'_>], metric: Option<Metric>) -> Matrix {
    let line = |(place, heard): (usize, &Heard<'_>)| {
        let shown = metric.unwrap_or(heard.summary.metric);
        Line {
            place,
            race: words::clean(&heard.race.id).split_inclusive('/').map(str::to_owned).collect(),
            anchor: heard.anchor.clone(),
            metric: shown.name(),
            cells: models.iter().map(|model| cell(heard, model, shown)).collect(),
        }
    };
    let column = |model: &String| {
        let (family, variant) = split(model);
        Column { family, variant }
    };
    Matrix {
        id: metric.map_or("judged", Metric::id),
        title: metric.map_or("each race's own metric".into(), |metric| metric.name().into()),
        models: models.iter().map(column).collect(),
        lines: races.iter().enumerate().map(line).collect(),
    }
}

fn split(model: &str) -> (String, String) {
    let (family, variant) = model.split_once('/').unwrap_or((model, ""));
    (words::clean(family), words::clean(variant))
}

fn cell(heard: &Heard<'_>, model: &str, metric: Metric) -> Cell {
    let (race, summary) = (heard.race, &heard.summary);
    let none = |word: &str, about: &str| Cell {
        shade: "n".into(),
        word: word.into(),
        about: words::clean(about),
        ..Cell::default()
    };
    let Some(row) = summary.rows.iter().find(|row| row.id == model) else {
        return none("", "it was not in this race");
    };
    match &row.state {
        State::Failed(cause) => return none("failed", cause),
        State::NotApplicable(reason) => return none("not applicable", reason),
        State::Infeasible(reason) => return none("infeasible", reason),
        State::Absent => return none("not run", "not run"),
        State::Raced | State::Partly { .. } => {}
    }
    let leads = metric == summary.metric && summary.leaders().iter().any(|leader| leader == model);
    if model == race.reference {
        let (ratio, sort) = ("1".to_owned(), "1".to_owned());
        return Cell {
            shade: "r".into(),
            ratio,
            word: "reference".into(),
            sort,
            leads,
            about: String::new(),
        };
    }
    let verdict = if metric == summary.metric {
        row.verdict.as_ref()
    } else {
        race.verdicts.iter().find(|v| v.metric == metric && v.a == model)
    };
    if let Some(above) = table::above(row, metric) {
        // Without a number it is sorted last.
        let about = "the quantile lies among operations that failed or never ended";
        return Cell { shade: "u".into(), leads, ..none(&above, about) };
    }
    match verdict.filter(|verdict| verdict.n > 0) {
        Some(verdict) => of_verdict(verdict, leads),
        None => none("", "not compared by this metric"),
    }
}

fn of_verdict(verdict: &Verdict, leads: bool) -> Cell {
    let far = verdict.ratio.max(1.0 / verdict.ratio);
    let depth = 1 + u8::from(far >= DEEP) + u8::from(far >= DEEPEST);
    let invalid = verdict.marks.iter().any(|mark| mark == "invalid");
    let shade = match verdict.verdict {
        _ if invalid => "u".into(),
        Call::Faster => format!("f{depth}"),
        Call::Slower => format!("s{depth}"),
        Call::FasterSizeUndecided => "f0".into(),
        Call::SlowerSizeUndecided => "s0".into(),
        Call::DeadHeat => "e".into(),
        Call::Undecided => "u".into(),
    };
    let word = if invalid { "invalid" } else { words::shortly(verdict) };
    let interval = human::ratio_interval(verdict.ratio, verdict.lo.zip(verdict.hi));
    let about = format!("{interval} {}", words::decided(verdict));
    Cell {
        shade,
        ratio: human::ratio(verdict.ratio),
        word: word.into(),
        sort: format!("{:.5}", verdict.ratio),
        leads,
        about,
    }
}
