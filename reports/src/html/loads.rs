//! Scenarios under several loads, and how much load each model carries.

use deadheat_core::{
    record::{Capacity, Carried as Row, Role},
    stats::{capacity::Carrying, human, summary, sweeps},
};

use super::{NARROW, WIDE};
use crate::{
    capacities::{self, Search},
    figure::sweep::{Over, Sweep},
    words,
};

/// A scenario under several loads.
pub(super) struct Under {
    pub(super) title: String,
    /// Whether the loads are rates, and not clients.
    pub(super) open: bool,
    pub(super) wide: String,
    pub(super) narrow: String,
    /// Where each model bends, and what law it follows.
    pub(super) sentences: Vec<String>,
}

pub(super) fn under(sweep: &Sweep) -> Under {
    let said = |text: &String| words::tie(&words::sentence(text));
    Under {
        title: sweep.title.clone(),
        open: sweep.over == Over::Rate,
        wide: sweep.draw(WIDE),
        narrow: sweep.draw(NARROW),
        sentences: sweep.sentences.iter().map(said).collect(),
    }
}

/// A search for the most load.
pub(super) struct Searched {
    pub(super) title: String,
    pub(super) lead: String,
    pub(super) loud: bool,
    pub(super) rows: Vec<Carried>,
    /// The same in full.
    pub(super) sentences: Vec<String>,
    pub(super) figures: Vec<Under>,
    pub(super) warnings: Vec<String>,
}

/// What a contender carries.
pub(super) struct Carried {
    pub(super) name: String,
    pub(super) rate: String,
    pub(super) interval: String,
    pub(super) ratio: String,
    pub(super) verdict: &'static str,
}

pub(super) fn searched(capacity: &Capacity) -> Searched {
    let search = Search::of(capacity);
    let found = &search.found;
    let summaries: Vec<_> = capacity.races.iter().map(summary).collect();
    let judged = sweeps(&capacity.races);
    let sweeps = Sweep::all(capacity.races.iter().zip(&summaries), &judged);
    let ceiling = capacity.ceiling.map_or(String::new(), |ceiling| {
        format!(" The generator sends {} at most.", human::rate(ceiling))
    });
    let lead = if found.is_invalid {
        "INVALID: the same code, searched twice, differs from itself, so nobody is ranked.".into()
    } else {
        most(found)
    };
    let said = |text: &String| words::tie(&words::sentence(text));
    Searched {
        title: words::clean(&format!("{} with {}", capacity.scenario, capacity.objective)),
        lead: format!("{lead}{ceiling}"),
        loud: found.is_invalid,
        rows: found.rows.iter().map(|row| carried(&search, row)).collect(),
        sentences: found.sentences().iter().map(said).collect(),
        // How much is carried is told by the search.
        figures: sweeps.into_iter().map(|sweep| under(&sweep.unjudged())).collect(),
        warnings: capacity.warnings.iter().map(words::warning).collect(),
    }
}

/// The range of what the models carry; who carries more is the verdicts' to say.
fn most(found: &Carrying) -> String {
    let models = found.rows.iter().filter(|row| row.role == Role::Model);
    let mut rates: Vec<(&str, f64)> =
        models.filter_map(|row| Some((row.contender.as_str(), row.rate?))).collect();
    rates.sort_by(|a, b| a.1.total_cmp(&b.1));
    match (rates.first(), rates.last()) {
        (Some(least), Some(most)) => words::clean(&format!(
            "Carried: {} ({}) to {} ({}).",
            human::rate(least.1),
            least.0,
            human::rate(most.1),
            most.0
        )),
        _ => "No capacity lies within the rates that were measured.".into(),
    }
}

fn carried(search: &Search<'_>, row: &Row) -> Carried {
    Carried {
        name: capacities::name(row),
        rate: search.rate(row),
        interval: capacities::interval(row),
        ratio: capacities::ratio(row),
        verdict: search.said(row),
    }
}
