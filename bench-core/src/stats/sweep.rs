//! A scenario under several loads: where each model's curve bends, and what law it follows.
//!
//! Every load is a race, with verdicts of its own; a sweep puts the same model's numbers over the
//! load. It has no intervals and ranks nobody.
//!
//! For a closed load the knee is [`knee`]'s: throughput bends by itself. An open load's throughput
//! does not, because everything that is offered is done in the end; there it is the highest rate
//! below which the model kept up with every rate.

use std::collections::BTreeMap;

use super::{
    conditions::is_carried,
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
    /// What was seen under each load that it was raced under, ascending.
    pub steps: Vec<Step>,
    /// Clients or offered rate, and operations per second (closed) or p99, ns (open), of the steps
    /// that have it, ascending.
    pub points: Vec<(f64, f64)>,
    /// Clients at which throughput bends (closed), or the last rate before the first with which it
    /// did not keep up (open; 0: that was the lowest). `None`: nowhere in the sweep.
    pub knee: Option<f64>,
    /// The scalability law, for closed loads.
    pub law: Option<Result<Scalability, UnfitError>>,
}

/// A model under one load of a sweep.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Clients (closed), or operations per second (open).
    pub load: f64,
    /// Operations per second that were offered; `None` for a closed load, which offers what it gets
    /// done.
    pub offered: Option<f64>,
    /// Operations per second that ended well, of those of the window, however late: median over
    /// blocks. `None`: no block of it has a number.
    pub goodput: Option<f64>,
    /// Median latency, ns, from merged histograms; `None` where the counts do not allow it.
    pub p50: Option<f64>,
    /// 99th percentile of latency, ns, likewise.
    pub p99: Option<f64>,
    /// Whether, in most slices, it did not fall behind, and 99% of what was offered ended well. Not
    /// where it has no number. Of a closed load, which waits, it says no more than that.
    pub kept_up: bool,
}

/// The sweeps among these races, in their order.
pub fn sweeps(races: &[Race]) -> Vec<Sweep> {
    let mut swept: BTreeMap<String, usize> = BTreeMap::new();
    for (_, family) in races.iter().filter_map(family) {
        *swept.entry(family).or_default() += 1;
    }
    // Reading a race decodes its histograms: only where there is a sweep.
    let wide = |race: &&Race| family(race).is_some_and(|(_, id)| swept[&id] >= FEWEST);
    let read: Vec<Measures<'_>> = races.iter().filter(wide).map(Measures::of).collect();
    sweeps_of(&read.iter().collect::<Vec<_>>())
}

/// The same for races that are already read.
pub fn sweeps_of(races: &[&Measures<'_>]) -> Vec<Sweep> {
    let mut order: Vec<String> = Vec::new();
    let mut families: BTreeMap<String, Vec<(f64, &Measures<'_>)>> = BTreeMap::new();
    for measures in races {
        let Some((number, family)) = family(measures.race()) else { continue };
        if !order.contains(&family) {
            order.push(family.clone());
        }
        families.entry(family).or_default().push((number, measures));
    }
    let wide = order.into_iter().filter_map(|id| Some((families.remove(&id)?, id)));
    let wide = wide.filter(|(races, _)| races.len() >= FEWEST);
    wide.map(|(mut races, id)| {
        races.sort_by(|a, b| a.0.total_cmp(&b.0));
        let is_closed = races[0].1.race().load.starts_with("closed");
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

fn curves(all: &[(f64, &Measures<'_>)], is_closed: bool) -> Vec<Curve> {
    let races = || all.iter().map(|(_, measures)| measures.race());
    let mut models: Vec<&str> = Vec::new();
    for contender in races().flat_map(|race| &race.contenders) {
        let is_model = contender.role == Role::Model && contender.fits == Fits::Yes;
        if is_model && !models.contains(&contender.id.as_str()) {
            models.push(&contender.id);
        }
    }
    let curve = |id: &&str| {
        let steps: Vec<Step> =
            all.iter().filter_map(|(load, race)| step(*load, race, id, is_closed)).collect();
        if steps.iter().filter(|step| step.goodput.is_some()).count() < FEWEST {
            return None;
        }
        let value = |step: &Step| if is_closed { step.goodput } else { step.p99 };
        let points: Vec<(f64, f64)> =
            steps.iter().filter_map(|step| Some((step.load, value(step)?))).collect();
        let knee =
            if is_closed { knee(&points).map(|i| points[i].0) } else { last_kept_up(&steps) };
        let cpus = races().map(|race| race.placement.sut.len()).min().unwrap_or(0);
        let law = is_closed.then(|| Scalability::fit(&points, cpus));
        Some(Curve { contender: (*id).to_owned(), steps, points, knee, law })
    };
    models.iter().filter_map(curve).collect()
}

/// `None`: it was not raced under this load.
fn step(load: f64, measures: &Measures<'_>, id: &str, is_closed: bool) -> Option<Step> {
    let trials = || measures.race().trials(id).map(|(_, trial)| trial);
    trials().next()?;
    let goodput = median(&measures.costs(Metric::Throughput, id)).map(|cost| 1e9 / cost);
    let slices = trials().filter(|trial| trial.outcome.is_ok()).flat_map(|trial| &trial.slices);
    Some(Step {
        load,
        offered: (!is_closed).then_some(load),
        goodput,
        p50: measures.quantile(id, 0.50).value,
        p99: measures.quantile(id, 0.99).value,
        kept_up: goodput.is_some() && is_carried(slices),
    })
}

/// The highest rate before the first one that was too much; `None` where none was.
fn last_kept_up(steps: &[Step]) -> Option<f64> {
    let first = steps.iter().position(|step| !step.kept_up)?;
    Some(first.checked_sub(1).map_or(0.0, |last| steps[last].load))
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
    use crate::{
        record::{Outcome, Trial},
        stats::testing::race,
    };

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
        assert_eq!((model.points.len(), model.steps.len()), (6, 6));
        assert!(model.steps.iter().all(|step| step.kept_up && step.offered.is_none()));
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

    /// An open sweep, and what becomes of the model's trials in it.
    fn open(change: impl Fn(u64, &mut Trial)) -> Sweep {
        let races: Vec<Race> = [1_000, 2_000, 4_000, 8_000]
            .into_iter()
            .map(|rate| {
                let mut race = race(6, &[("model", 1.0)]);
                race.load = format!("open-{rate}-poisson");
                race.id = format!("made-up/open-{rate}-poisson");
                for trial in race.blocks.iter_mut().flat_map(|block| &mut block.trials) {
                    trial.hist.response = trial.hist.service.clone();
                    if trial.contender == "model" {
                        change(rate, trial);
                    }
                }
                race
            })
            .collect();
        sweeps(&races).remove(0)
    }

    fn of<'a>(sweep: &'a Sweep, id: &str) -> &'a Curve {
        sweep.curves.iter().find(|curve| curve.contender == id).unwrap()
    }

    fn kept_up(curve: &Curve) -> Vec<bool> {
        curve.steps.iter().map(|step| step.kept_up).collect()
    }

    #[test]
    fn an_open_sweep_ends_where_a_model_falls_behind() {
        let found = open(|rate, trial| {
            trial.slices.iter_mut().for_each(|slice| slice.saturated = rate >= 4_000);
        });
        assert_eq!(found.id, "made-up/open-R-poisson");
        let said = found.sentences().join("\n");
        assert!(said.contains("model keeps up to 2.00k/s, and no longer"), "{said}");
        assert!(said.contains("ref keeps up with every rate"), "{said}");
        let model = of(&found, "model");
        assert_eq!((model.knee, kept_up(model)), (Some(2_000.0), vec![true, true, false, false]));
        let step = &model.steps[3];
        assert_eq!((step.load, step.offered), (8_000.0, Some(8_000.0)));
        // An operation takes 10 µs, whatever was offered.
        assert!(step.goodput.is_some_and(|rate| (rate / 100_000.0 - 1.0).abs() < 0.01), "{step:?}");
        assert!(step.p99.is_some_and(|ns| (ns / 10_000.0 - 1.0).abs() < 0.01), "{step:?}");
    }

    #[test]
    fn who_loses_operations_or_ends_does_not_keep_up() {
        let found = open(|rate, trial| {
            // Two in a hundred fail, and a little beyond that all of it does.
            if rate == 4_000 {
                trial.slices.iter_mut().for_each(|slice| slice.done = slice.offered * 98 / 100);
            } else if rate == 8_000 {
                let cause = "exited with signal 11".to_owned();
                trial.outcome = Outcome::Failed { cause, stderr: String::new() };
            }
        });
        let model = of(&found, "model");
        assert_eq!((model.knee, kept_up(model)), (Some(2_000.0), vec![true, true, false, false]));
        assert_eq!((model.steps[3].goodput, model.steps[3].p99), (None, None));
        assert_eq!((of(&found, "ref").knee, kept_up(of(&found, "ref"))), (None, vec![true; 4]));
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
