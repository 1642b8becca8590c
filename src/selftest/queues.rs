//! K6: queues with a formula. One process each, many side by side: they sleep nearly all the time.

use std::time::Duration;

use deadheat_core::{
    race::Plan,
    resource,
    sample::Sample,
    stats::{
        histogram,
        known::{
            Known,
            queue::{self, Queue, replay, waits},
        },
    },
};

use super::{
    Context,
    track::{Course, Taken, alone, sound, take_side_by_side},
};

/// A kind of queue.
#[derive(Clone, Copy, Debug)]
struct Kind {
    name: &'static str,
    law: &'static str,
    servers: usize,
    /// Arrivals per second.
    rate: u64,
}

const MM1: Kind = Kind { name: "M/M/1", law: "exponential", servers: 1, rate: 25 };
const MD1: Kind = Kind { name: "M/D/1", law: "constant", servers: 1, rate: 25 };
const MM4: Kind = Kind { name: "M/M/4", law: "exponential", servers: 4, rate: 140 };

pub(super) fn k6(context: &Context) -> Result<Vec<Known>, String> {
    if context.quick {
        // Too short for means; the recursion knows no chance.
        let seen = [MM1, MM4].map(|kind| (kind, 4));
        let runs = run(context, &seen, Duration::from_secs(5))?;
        return Ok(runs.iter().map(Run::replays).collect());
    }
    let mut known = Vec::new();
    // An operation costs more CPU time than it seems: two processes, a timer, four wake-ups. More
    // queues than this would wait for the CPUs, and not for their servers.
    let cpus = resource::cpus().len();
    let [many, some] = [16, 8].map(|each| (each * cpus).min(64));
    for kinds in [&[(MM1, 64), (MD1, many)][..], &[(MM4, some)]] {
        for run in run(context, kinds, Duration::from_mins(1))? {
            known.extend(run.formulas());
            known.push(run.replays());
        }
    }
    Ok(known)
}

impl Kind {
    fn plan(&self, context: &Context, number: usize, window: Duration) -> Result<Plan, String> {
        let Kind { law, servers, rate, .. } = self;
        let course = Course {
            scenario: "selftest-queue",
            models: &["threads/per-task"],
            load: &format!("open-{rate}-poisson"),
            params: &format!("law={law},conns={servers},queue={number}"),
            placement: "free",
        };
        // Five relaxation times of the slower queue, 233 ms.
        let lead = Duration::from_millis(1_200);
        Ok(alone(course.plan(&context.cells, 1, 1)?, lead, window))
    }
}

/// All queues of a kind.
struct Run {
    kind: Kind,
    queues: Vec<Taken>,
    window: (u64, u64),
}

fn run(context: &Context, kinds: &[(Kind, usize)], window: Duration) -> Result<Vec<Run>, String> {
    let mut plans = Vec::new();
    for (kind, count) in kinds {
        for number in 0..*count {
            plans.push(kind.plan(context, number, window)?);
        }
    }
    let shape = plans.first().map(|plan| plan.shape.clone()).unwrap_or_default();
    let window = (shape.lead_ns, shape.lead_ns + shape.window_ns);
    let mut taken = take_side_by_side(context, &plans)?.into_iter();
    let runs = kinds.iter().map(|(kind, count)| {
        let queues = taken
            .by_ref()
            .take(*count)
            .map(|Taken { race, slices }| Ok(Taken { race: sound(race)?, slices }));
        Ok(Run { kind: *kind, queues: queues.collect::<Result<_, String>>()?, window })
    });
    runs.collect()
}

impl Run {
    /// Whole slices: a queue's past belongs to it.
    fn replays(&self) -> Known {
        let off: Vec<u64> = self
            .queues
            .iter()
            .flat_map(|queue| &queue.slices)
            .flat_map(|(_, numbers)| replay(&numbers.samples, self.kind.servers))
            .collect();
        queue::replays(self.kind.name, &off)
    }

    fn inside(&self) -> impl Iterator<Item = &Sample> {
        let samples = self.queues.iter().flat_map(|q| &q.slices).flat_map(|(_, n)| &n.samples);
        samples.filter(|sample| (self.window.0..self.window.1).contains(&sample.intended))
    }

    fn formulas(&self) -> Vec<Known> {
        let service = queue::mean(self.inside().map(|sample| sample.finished - sample.started));
        let Kind { law, servers, rate, .. } = self.kind;
        let queue = Queue { lambda: rate as f64 / 1e9, mu: 1.0 / service, servers };
        match (law, servers) {
            ("constant", _) => {
                let waits = self.inside().map(|sample| sample.started - sample.intended);
                vec![queue::md1(queue, queue::mean(waits))]
            }
            (_, 1) => queue::mm1(queue, self.responses().as_ref()),
            _ => vec![queue::mm4(queue, self.waiting())],
        }
    }

    /// What the records keep, merged.
    fn responses(&self) -> Option<histogram::Histogram<u64>> {
        let trials = self.queues.iter().flat_map(|q| &q.race.blocks).flat_map(|b| &b.trials);
        let texts = trials.flat_map(|t| [t.hist.response.as_str(), t.foul_hist.response.as_str()]);
        histogram::merge(texts)
    }

    /// The share of arrivals that found no server free.
    fn waiting(&self) -> f64 {
        let slices = self.queues.iter().flat_map(|queue| &queue.slices);
        let waits = slices.map(|(_, numbers)| waits(&numbers.samples, &numbers.lags));
        let Some(waits) = waits.collect::<Option<Vec<_>>>() else { return f64::NAN };
        queue::waiting(&waits.concat())
    }
}

#[cfg(test)]
mod tests {
    use deadheat_core::{
        protocol::{Done, Numbers},
        race::{child::Processes, order},
        stats::known::{Finding, queue::Law},
    };

    use super::*;
    use crate::selftest::cells;

    /// The queue as it would be if nothing took any time: what the draws themselves are.
    fn ideal(kind: Kind) -> Run {
        let launcher = Processes::of("nowhere");
        let context = Context { launcher, cells: cells(), quick: false, stop: || false };
        let plan = |number| kind.plan(&context, number, Duration::from_mins(1)).unwrap();
        let count = if kind.law == "constant" { 16 } else { 64 };
        let queues = (0..count).map(|number| {
            let plan = plan(number);
            let span = plan.shape.lead_ns + plan.shape.window_ns + plan.shape.out_ns;
            let arrivals = plan.load.schedule(span, order::seed(plan.seed, &plan.id(), 0, 1));
            let law = if kind.law == "constant" { Law::Constant } else { Law::Exponential };
            let mut free = 0;
            let mut samples = Vec::new();
            for (seq, intended) in (0..).zip(arrivals) {
                let started = free.max(intended);
                free = started + law.service_ns(20_000_000, number as u64, seq);
                samples.push(Sample { intended, started, finished: free, check: seq });
            }
            let numbers = Numbers { samples, ..Numbers::default() };
            Taken { race: race_of(&plan, &numbers), slices: vec![(Done::default(), numbers)] }
        });
        let window = (1_200_000_000, 61_200_000_000);
        Run { kind, queues: queues.collect(), window }
    }

    fn race_of(plan: &Plan, numbers: &Numbers) -> deadheat_core::record::Race {
        use deadheat_core::record::{Block, Histograms, Trial};
        let mut kept = histogram::empty();
        let window = plan.shape.lead_ns..plan.shape.lead_ns + plan.shape.window_ns;
        for sample in numbers.samples.iter().filter(|s| window.contains(&s.intended)) {
            kept.saturating_record(sample.finished - sample.intended);
        }
        let response = histogram::encode(&kept).unwrap();
        let hist = Histograms { response, ..Histograms::default() };
        let trial = Trial { hist, ..Trial::default() };
        let mut race = deadheat_core::race::begin(plan);
        race.blocks.push(Block { trials: vec![trial], ..Block::default() });
        race
    }

    #[test]
    fn the_draws_are_typical() {
        // So whatever is off on a real machine is not the seed's luck.
        for kind in [MM1, MD1] {
            let run = ideal(kind);
            let known = [run.formulas(), vec![run.replays()]].concat();
            assert!(known.iter().all(|k| k.finding() == Finding::Holds), "{known:#?}");
        }
    }
}
