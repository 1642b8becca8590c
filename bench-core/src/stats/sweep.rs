//! A scenario under several loads: where each model's curve bends, and what law it follows.
//!
//! Every load is a race, with verdicts of its own; a sweep puts the same model's numbers over the
//! load. It has no intervals and ranks nobody.
//!
//! For a closed load the knee is [`knee`]'s: throughput bends by itself. An open load's throughput
//! does not, because everything that is offered is done in the end; there it is the highest rate
//! below which no rate was saturated.

use std::collections::BTreeMap;

use super::{
    human,
    knee::knee,
    measures::Measures,
    median,
    usl::{Scalability, UnfitError},
};
use crate::{
    load::{Arrivals, Load, Spacing},
    record::{Fits, Metric, Race, Role},
};

/// Loads that make a sweep.
const FEWEST: usize = 3;

/// A scenario's races under loads that differ in one number.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    /// The race id, with `N` or `R` instead of the number: `tcp-echo/closed-N`.
    pub id: String,
    /// Whether the number is of clients, and not a rate.
    pub is_closed: bool,
    /// A curve for each model that has numbers under at least three of the loads.
    pub curves: Vec<Curve>,
}

/// A model under the loads of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// The model's contender id.
    pub contender: String,
    /// Clients or offered rate, and operations per second (closed) or p99, ns (open), ascending.
    pub points: Vec<(f64, f64)>,
    /// The load at which it bends; `None`: nowhere in the sweep.
    pub knee: Option<f64>,
    /// The scalability law, for closed loads.
    pub law: Option<Result<Scalability, UnfitError>>,
}

/// The sweeps among these races, in their order.
pub fn sweeps(races: &[Race]) -> Vec<Sweep> {
    let mut order: Vec<String> = Vec::new();
    let mut families: BTreeMap<String, Vec<(f64, &Race)>> = BTreeMap::new();
    for race in races {
        let Some((number, family)) = family(race) else { continue };
        if !order.contains(&family) {
            order.push(family.clone());
        }
        families.entry(family).or_default().push((number, race));
    }
    let wide = order.into_iter().filter_map(|id| Some((families.remove(&id)?, id)));
    let wide = wide.filter(|(races, _)| races.len() >= FEWEST);
    wide.map(|(mut races, id)| {
        races.sort_by(|a, b| a.0.total_cmp(&b.0));
        let is_closed = races[0].1.load.starts_with("closed");
        Sweep { id, is_closed, curves: curves(&races, is_closed) }
    })
    .filter(|sweep| !sweep.curves.is_empty())
    .collect()
}

/// The number that a sweep goes over, and what the race has in common with the others of it.
fn family(race: &Race) -> Option<(f64, String)> {
    let load: Load = race.load.parse().ok()?;
    let (number, prefix, letter) = match load.arrivals {
        Arrivals::Closed { clients, .. } => (clients as f64, "closed", "N"),
        Arrivals::Open { spacing: Spacing::Ramp(_), .. } | Arrivals::Batch(_) => return None,
        Arrivals::Open { rate, .. } => (rate as f64, "open", "R"),
    };
    let rest = race.load.strip_prefix(&format!("{prefix}-{number}"))?;
    let common = race.id.replacen(&race.load, &format!("{prefix}-{letter}{rest}"), 1);
    Some((number, common))
}

fn curves(races: &[(f64, &Race)], is_closed: bool) -> Vec<Curve> {
    let all: Vec<(f64, Measures<'_>)> = races.iter().map(|(n, r)| (*n, Measures::of(r))).collect();
    let mut models: Vec<&str> = Vec::new();
    for contender in races.iter().flat_map(|(_, race)| &race.contenders) {
        let is_model = contender.role == Role::Model && contender.fits == Fits::Yes;
        if is_model && !models.contains(&contender.id.as_str()) {
            models.push(&contender.id);
        }
    }
    let curve = |id: &&str| {
        let metric = if is_closed { Metric::Throughput } else { Metric::P99 };
        let value = |measures: &Measures<'_>| {
            let cost = median(&measures.costs(metric, id))?;
            Some(if is_closed { 1e9 / cost } else { cost })
        };
        let points: Vec<(f64, f64)> =
            all.iter().filter_map(|(number, race)| Some((*number, value(race)?))).collect();
        if points.len() < FEWEST {
            return None;
        }
        let knee =
            if is_closed { knee(&points).map(|i| points[i].0) } else { last_unsaturated(&all, id) };
        let cpus = races.iter().map(|(_, race)| race.placement.sut.len()).min().unwrap_or(0);
        let law = is_closed.then(|| Scalability::fit(&points, cpus));
        Some(Curve { contender: (*id).to_owned(), points, knee, law })
    };
    models.iter().filter_map(curve).collect()
}

/// The highest rate before the first one that was saturated; `None` where none was.
fn last_unsaturated(all: &[(f64, Measures<'_>)], id: &str) -> Option<f64> {
    let first = all.iter().position(|(_, race)| race.conditions(id).saturated)?;
    Some(first.checked_sub(1).map_or(0.0, |last| all[last].0))
}

impl Sweep {
    /// What may be said; the same words in every format.
    pub fn sentences(&self) -> Vec<String> {
        let mut said: Vec<String> = self.curves.iter().map(|curve| self.curve(curve)).collect();
        let mut refused: Vec<String> = Vec::new();
        for curve in &self.curves {
            match &curve.law {
                Some(Ok(law)) => said.push(fitted(&curve.contender, law)),
                Some(Err(why @ UnfitError::Impossible { .. })) => {
                    refused.push(format!("{}: {why}", curve.contender));
                }
                // It is the machine's or the sweep's, and the same for all.
                Some(Err(why)) if !refused.contains(&why.to_string()) => {
                    refused.push(why.to_string());
                }
                _ => {}
            }
        }
        said.extend(refused.into_iter().map(|why| format!("Universal Scalability Law: {why}.")));
        said
    }

    fn curve(&self, curve: &Curve) -> String {
        let name = &curve.contender;
        match (self.is_closed, curve.knee) {
            (true, Some(clients)) => {
                let at = curve.points.iter().find(|point| point.0 >= clients);
                let rate = human::rate(at.map_or(f64::NAN, |point| point.1));
                format!("{name}: throughput bends at {clients} clients, with {rate}.")
            }
            (true, None) => format!("{name}: throughput has no knee within the sweep."),
            (false, None) => format!("{name} keeps up with every rate of the sweep."),
            (false, Some(rate)) if rate > 0.0 => {
                format!("{name} keeps up to {}, and no longer at the next rate.", human::rate(rate))
            }
            (false, Some(_)) => format!("{name} keeps up with no rate of the sweep."),
        }
    }
}

fn fitted(name: &str, law: &Scalability) -> String {
    let peak = match law.peak() {
        Some(peak) => format!("most at {peak:.0} clients"),
        None => "no peak".into(),
    };
    format!(
        "{name}: Universal Scalability Law: contention {}, coherency {:.2e}, {peak}; it explains {}.",
        human::percent(law.contention),
        law.coherency,
        human::percent(law.explained),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::testing::race;

    /// A closed race with `clients`, in which an operation of the reference takes 10 µs.
    fn at(clients: usize, cost: f64, cpus: usize) -> Race {
        let mut race = race(6, &[("model", cost)]);
        race.load = format!("closed-{clients}");
        race.id = format!("made-up/closed-{clients}");
        race.placement.sut = (0..cpus).collect();
        race
    }

    fn law(clients: f64) -> f64 {
        // The cost per operation, against 10 µs of one client.
        (1.0 + 0.05 * (clients - 1.0) + 0.002 * clients * (clients - 1.0)) / clients
    }

    #[test]
    fn a_closed_sweep_has_its_knee_and_its_law() {
        let clients = [1_usize, 2, 4, 8, 16, 32];
        let races: Vec<Race> = clients.iter().map(|n| at(*n, law(*n as f64), 8)).collect();
        let found = sweeps(&races);
        assert_eq!((found.len(), found[0].id.as_str()), (1, "made-up/closed-N"));
        let model = found[0].curves.iter().find(|curve| curve.contender == "model").unwrap();
        assert_eq!(model.points.len(), 6);
        // Above the chord by 0.498 at 8 clients, 0.516 at 16.
        assert_eq!(model.knee, Some(16.0));
        let fitted = model.law.as_ref().unwrap().as_ref().unwrap();
        // The noise of the races is ±0.5% a round.
        assert!((fitted.contention - 0.05).abs() < 0.02, "{fitted:?}");
        assert!((fitted.coherency - 0.002).abs() < 0.001, "{fitted:?}");
        let said = found[0].sentences().join("\n");
        assert!(said.contains("model: throughput bends at 16 clients"), "{said}");
        // The reference is as fast with one client as with 32: nothing bends.
        assert!(said.contains("ref: throughput has no knee"), "{said}");
    }

    #[test]
    fn one_cpu_is_too_few_to_fit() {
        let races: Vec<Race> = [1, 4, 16, 64].iter().map(|n| at(*n, 1.0, 1)).collect();
        let said = sweeps(&races)[0].sentences();
        let law: Vec<_> = said.iter().filter(|text| text.contains("Scalability")).collect();
        assert_eq!(law, ["Universal Scalability Law: too few cores to fit: 1, and 4 are needed."]);
    }

    #[test]
    fn an_open_sweep_ends_where_a_model_falls_behind() {
        let races: Vec<Race> = [1_000, 2_000, 4_000, 8_000]
            .iter()
            .map(|rate| {
                let mut race = race(6, &[("model", 1.0)]);
                race.load = format!("open-{rate}-poisson");
                race.id = format!("made-up/open-{rate}-poisson");
                for trial in race.blocks.iter_mut().flat_map(|block| &mut block.trials) {
                    trial.hist.response = trial.hist.service.clone();
                    for slice in &mut trial.slices {
                        slice.saturated = *rate >= 4_000 && trial.contender == "model";
                    }
                }
                race
            })
            .collect();
        let found = sweeps(&races);
        assert_eq!(found[0].id, "made-up/open-R-poisson");
        let said = found[0].sentences().join("\n");
        assert!(said.contains("model keeps up to 2.00k/s, and no longer"), "{said}");
        assert!(said.contains("ref keeps up with every rate"), "{said}");
    }

    #[test]
    fn two_loads_or_different_ones_are_no_sweep() {
        assert!(sweeps(&[]).is_empty());
        assert!(sweeps(&[at(1, 1.0, 4), at(4, 1.0, 4)]).is_empty());
        let mut odd = [at(1, 1.0, 4), at(4, 1.0, 4), at(16, 1.0, 4)];
        odd[2].load = "batch-16".into();
        assert!(sweeps(&odd).is_empty());
        let empty: Vec<Race> =
            [1, 4, 16].iter().map(|n| Race { blocks: Vec::new(), ..at(*n, 1.0, 4) }).collect();
        assert!(sweeps(&empty).is_empty());
    }
}
