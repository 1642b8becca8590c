//! Scenarios under several loads, and how much load each model carries.

use deadheat_core::{
    record::{Capacity, Carried as Row, Role},
    stats::{capacity::Carrying, human, judge_capacity, summary},
};

use super::{NARROW, WIDE};
use crate::{
    figure::sweep::{self, Over, Sweep},
    words,
};

/// A scenario under several loads.
pub(super) struct Under {
    pub(super) title: String,
    pub(super) wide: String,
    pub(super) narrow: String,
    /// Model and the highest load that it carried; only for rates.
    pub(super) knees: Vec<(String, String)>,
}

pub(super) fn under(sweep: &Sweep) -> Under {
    let open = matches!(sweep.over, Over::Rate);
    let knee = |curve: &sweep::Curve| {
        let carried = curve.knee().map_or("none of these".into(), human::rate);
        let all = curve.points.iter().all(|point| !point.saturated);
        (curve.id.clone(), if all { format!("{carried} and more") } else { carried })
    };
    Under {
        title: sweep.title.clone(),
        wide: sweep.draw(WIDE),
        narrow: sweep.draw(NARROW),
        knees: if open { sweep.curves.iter().map(knee).collect() } else { Vec::new() },
    }
}

/// A search for the most load.
pub(super) struct Searched {
    pub(super) title: String,
    pub(super) lead: String,
    pub(super) loud: bool,
    pub(super) rows: Vec<Carried>,
    pub(super) figures: Vec<Under>,
    pub(super) warnings: Vec<String>,
}

/// What a contender carries.
pub(super) struct Carried {
    pub(super) name: String,
    pub(super) rate: String,
    pub(super) interval: String,
    pub(super) ratio: String,
    pub(super) verdict: String,
}

pub(super) fn searched(capacity: &Capacity) -> Searched {
    let found = judge_capacity(capacity);
    let summaries: Vec<_> = capacity.races.iter().map(summary).collect();
    let sweeps = Sweep::all(capacity.races.iter().zip(&summaries));
    let ceiling = capacity.ceiling.map_or(String::new(), |ceiling| {
        format!(" The generator sends {} at most.", human::rate(ceiling))
    });
    let lead = if found.is_invalid {
        "INVALID: the same code, searched twice, differs from itself, so nobody is ranked.".into()
    } else {
        most(&found)
    };
    Searched {
        title: words::clean(&format!("{} with {}", capacity.scenario, capacity.objective)),
        lead: format!("{lead}{ceiling}"),
        loud: found.is_invalid,
        rows: found.rows.iter().map(|row| carried(row, &capacity.reference)).collect(),
        figures: sweeps.iter().map(under).collect(),
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

fn carried(row: &Row, reference: &str) -> Carried {
    let end = |end: Option<f64>| end.map_or("?".to_owned(), human::rate);
    let verdict = row.verdict.as_ref().filter(|verdict| verdict.n > 0);
    let seen = match (&row.lowest, &row.highest) {
        (Some(lowest), _) if row.hi == Some(0.0) || lowest.is_saturated => {
            format!("less than {}", human::rate(lowest.rate))
        }
        (_, Some(highest)) => format!("{} or more", human::rate(highest.rate)),
        _ => "unknown".into(),
    };
    Carried {
        name: match row.role {
            Role::Model => words::clean(&row.contender),
            Role::Twin => words::TWIN.into(),
            Role::Handicapped => words::SLOWED.into(),
        },
        rate: row.rate.map_or(seen, human::rate),
        interval: format!("{} to {}", end(row.lo), end(row.hi)),
        ratio: verdict.map_or(String::new(), |v| human::ratio_interval(v.ratio, v.lo.zip(v.hi))),
        verdict: match verdict {
            _ if row.contender == reference => "reference".into(),
            Some(verdict) => words::call(verdict.metric, verdict.verdict)
                .replace("slower", "carries less")
                .replace("faster", "carries more"),
            None => "no verdict".into(),
        },
    }
}
