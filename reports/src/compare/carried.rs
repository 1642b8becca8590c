//! Searches for capacities, side by side. Intervals of capacities hold jointly over the models of
//! their own search, and two of them make none of a change: both are shown, and no ratio.

use deadheat_core::record::{Capacity, Carried, Record};

use crate::{
    capacities::{Search, interval, name, ratio},
    human, words,
};

/// A search of both records.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Searches {
    /// The scenario and what had to hold.
    pub title: String,
    /// What differs in how it was run.
    pub notes: Vec<String>,
    /// Why its numbers can't be put side by side.
    pub unlike: Option<String>,
    /// A line per contender, the twins of the reference included.
    pub carried: Vec<Carries>,
    /// Contenders that only one of the records has.
    pub missing: Vec<String>,
}

/// What a contender carries in both records, in words.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Carries {
    /// As it is shown.
    pub contender: String,
    /// Old and new: the rate, with the ends between which it lies.
    pub rates: [String; 2],
    /// Each record's own ratio to its reference, above 1 where it carries less; empty where that is
    /// not known.
    pub ratios: [String; 2],
}

/// Searches of both records, and the titles of those that only one has.
pub(super) struct Both {
    pub(super) shared: Vec<Searches>,
    pub(super) only_base: Vec<String>,
    pub(super) only_new: Vec<String>,
}

/// In the new record's order.
pub(super) fn side_by_side(base: &Record, new: &Record) -> Both {
    let find = |record: &Record, title: &str| {
        record.capacities.iter().position(|capacity| words::capacity(capacity).0 == title)
    };
    let only = |of: &Record, other: &Record| -> Vec<String> {
        let titles = of.capacities.iter().map(|capacity| words::capacity(capacity).0);
        titles.filter(|title| find(other, title).is_none()).collect()
    };
    let both = new.capacities.iter().filter_map(|capacity| {
        let (title, _) = words::capacity(capacity);
        let old = &base.capacities[find(base, &title)?];
        Some(searches(title, &Search::of(old), &Search::of(capacity)))
    });
    Both { shared: both.collect(), only_base: only(base, new), only_new: only(new, base) }
}

fn searches(title: String, old: &Search<'_>, new: &Search<'_>) -> Searches {
    let unlike = unlike(old, new);
    let notes = run_differently(old.capacity, new.capacity);
    let mut searches = Searches { title, notes, unlike, ..Searches::default() };
    if searches.unlike.is_some() {
        return searches;
    }
    for row in &new.found.rows {
        let mut others = old.found.rows.iter();
        let Some(before) = others.find(|other| other.contender == row.contender) else {
            searches.missing.push(row.contender.clone());
            continue;
        };
        let shown = |search: &Search<'_>, row: &Carried| {
            format!("{} ({})", search.rate(row), interval(row))
        };
        searches.carried.push(Carries {
            contender: name(row),
            rates: [shown(old, before), shown(new, row)],
            ratios: [ratio(before), ratio(row)],
        });
    }
    let is_new = |id: &str| new.found.rows.iter().any(|row| row.contender == id);
    let gone = old.found.rows.iter().filter(|row| !is_new(&row.contender));
    searches.missing.extend(gone.map(|row| row.contender.clone()));
    searches
}

fn unlike(old: &Search<'_>, new: &Search<'_>) -> Option<String> {
    let placement = |capacity: &Capacity| {
        capacity.races.first().map(|race| race.placement.name.clone()).unwrap_or_default()
    };
    let params = |capacity: &Capacity| {
        capacity.races.first().map(|race| race.params.clone()).unwrap_or_default()
    };
    let (a, b) = (old.capacity, new.capacity);
    let differs = [
        ("it was raced on other CPUs: placement", placement(a), placement(b)),
        ("the ratios are to different references:", a.reference.clone(), b.reference.clone()),
    ];
    if let Some((what, a, b)) = differs.into_iter().find(|(_, a, b)| a != b) {
        return Some(format!("{what} {a} and {b}"));
    }
    if params(a) != params(b) {
        return Some("one scenario, but not with the same parameters".into());
    }
    let invalid = [(old, "old"), (new, "new")].into_iter().find(|(one, _)| one.found.is_invalid);
    invalid.map(|(_, which)| format!("the {which} search is INVALID, and its numbers mean nothing"))
}

/// What differs in how a search was run, and may be the reason for what is seen.
fn run_differently(old: &Capacity, new: &Capacity) -> Vec<String> {
    let blocks = |capacity: &Capacity| {
        capacity.races.iter().map(|race| race.blocks.len()).min().unwrap_or(0).to_string()
    };
    let ceiling = |capacity: &Capacity| capacity.ceiling.map_or("not known".into(), human::rate);
    let differs = [
        ("blocks", blocks(old), blocks(new)),
        ("the generator's own limit", ceiling(old), ceiling(new)),
    ];
    let differs = differs.into_iter().filter(|(_, a, b)| a != b);
    differs.map(|(what, a, b)| format!("{what}: {a} → {b}")).collect()
}
