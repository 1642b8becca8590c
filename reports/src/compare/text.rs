//! A comparison as text: what may be concluded first, then a table per race.

use std::fmt::Write;

use deadheat_core::record::Metric;

use super::{Cell, Change, Comparison, Hint, Pairing, Searches, Side};
use crate::{human, words::clean};

const SAME: &str = "One machine, two runs: not interleaved, so every change is indicative only. \
                    What is to be known is raced in one run.";
const OTHER: &str = "Two machines: costs are not compared, only places and the ratios to the \
                     reference that each run measured for itself.";

/// The comparison for a terminal or a file: plain text.
pub fn text(comparison: &Comparison) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{}", if comparison.same_machine { SAME } else { OTHER });
    for note in &comparison.notes {
        let _ = writeln!(text, "  {}", clean(note));
    }
    for pairing in &comparison.races {
        race(&mut text, pairing, comparison.same_machine);
    }
    for search in &comparison.searches {
        searches(&mut text, search, comparison.same_machine);
    }
    let only = [("old", &comparison.only_base), ("new", &comparison.only_new)];
    for (which, ids) in only {
        for id in ids {
            let _ = writeln!(text, "\n{}: only in the {which} record", clean(id));
        }
    }
    if comparison.races.is_empty() && comparison.searches.is_empty() {
        text.push_str("\nNo race is in both records.\n");
    }
    text
}

/// What models carry: no ratio of the two is made.
fn searches(text: &mut String, search: &Searches, same_machine: bool) {
    let _ = writeln!(text, "\n{}", clean(&search.title));
    if let Some(why) = &search.unlike {
        let _ = writeln!(text, "  not comparable: {}", clean(why));
        return;
    }
    for note in &search.notes {
        let _ = writeln!(text, "  {note}");
    }
    let heads = if same_machine {
        ["", "old capacity", "new capacity"]
    } else {
        ["", "old: reference ÷ it", "new: reference ÷ it"]
    };
    let mut rows = vec![heads.map(String::from).to_vec()];
    for of in &search.carried {
        let [old, new] = if same_machine { of.rates.clone() } else { of.ratios.clone() };
        let known = |text: String| if text.is_empty() { "–".to_owned() } else { text };
        rows.push(vec![clean(&of.contender), known(old), known(new)]);
    }
    if rows.len() > 1 {
        table(text, &rows);
    }
    for id in &search.missing {
        let _ = writeln!(text, "  {}: was searched in one of the records only", clean(id));
    }
}

fn race(text: &mut String, pairing: &Pairing, same_machine: bool) {
    let _ = writeln!(text, "\n{}", clean(&pairing.race));
    if let Some(why) = &pairing.unlike {
        let _ = writeln!(text, "  not comparable: {}", clean(why));
        return;
    }
    for note in &pairing.notes {
        let _ = writeln!(text, "  {note}");
    }
    let mut rows = vec![if same_machine {
        ["", "metric", "old", "new", "new ÷ old", "indicative only"].map(String::from).to_vec()
    } else {
        ["", "metric", "place", "old ÷ reference", "new ÷ reference"].map(String::from).to_vec()
    }];
    rows.extend(pairing.cells.iter().map(|cell| row(cell, same_machine)));
    if rows.len() > 1 {
        table(text, &rows);
    }
    for id in &pairing.missing {
        let _ = writeln!(text, "  {}: has numbers in one of the records only", clean(id));
    }
}

fn row(cell: &Cell, same_machine: bool) -> Vec<String> {
    let [old, new] = &cell.sides;
    let (name, metric) = (clean(&cell.contender), cell.metric.id().to_owned());
    if !same_machine {
        let place = |side: &Side| side.place.map_or("–".into(), |place| place.to_string());
        let places = format!("{} → {}", place(old), place(new));
        return vec![name, metric, places, ratio(old), ratio(new)];
    }
    let is_silent = old.silence.or(new.silence).is_some();
    let (change, hint) = match &cell.change {
        None if is_silent => ("–".to_owned(), "not compared"),
        None => ("–".to_owned(), ""),
        Some(Change { ratio, interval, hint }) => {
            (human::ratio_interval(*ratio, *interval), word(*hint))
        }
    };
    vec![name, metric, cost(cell.metric, old), cost(cell.metric, new), change, hint.into()]
}

fn word(hint: Hint) -> &'static str {
    match hint {
        Hint::Up => "costs more now",
        Hint::Down => "costs less now",
        Hint::Alike => "within the margin",
        Hint::Open => "can't tell",
    }
}

/// A cost, or why there is none that may be told.
fn cost(metric: Metric, side: &Side) -> String {
    match (side.silence, metric) {
        (Some(why), _) => why.into(),
        (None, Metric::Memory) => human::bytes(side.cost),
        (None, _) => human::time(side.cost),
    }
}

fn ratio(side: &Side) -> String {
    match side.ratio {
        None => side.silence.unwrap_or("–").into(),
        Some((_, None)) if side.ratio == Some((1.0, None)) => "1".into(),
        Some((point, interval)) => human::ratio_interval(point, interval),
    }
}

/// Columns as wide as their widest text.
fn table(text: &mut String, rows: &[Vec<String>]) {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in rows {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        let _ = writeln!(text, "  {}", cells.join("  ").trim_end());
    }
}
