//! K6: queues with a formula. One process each, many side by side: they sleep nearly all the time.

use std::time::Duration;

use deadheat_core::{
    sample::Sample,
    stats::{
        histogram,
        known::{
            Known, Limit, Unit,
            queue::{Queue, replay, share_within, waits},
        },
    },
};

use super::{
    Context,
    track::{Course, Taken, alone, sound, take_side_by_side},
};

/// How far a replayed response time may be off, ns.
const OFF: u64 = 200_000;

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
        // Too short for means: what needs no chance.
        let seen = [MM1, MM4].map(|kind| (kind, 4));
        let runs = run(context, &seen, Duration::from_secs(5))?;
        return Ok(runs.iter().map(Run::replays).collect());
    }
    let mut known = Vec::new();
    for kinds in [&[(MM1, 64), (MD1, 64)][..], &[(MM4, 64)]] {
        for run in run(context, kinds, Duration::from_mins(1))? {
            known.extend(run.formulas());
            known.push(run.replays());
        }
    }
    Ok(known)
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
            let Kind { law, servers, rate, .. } = kind;
            let course = Course {
                scenario: "selftest-queue",
                models: &["threads/per-task"],
                load: &format!("open-{rate}-poisson"),
                params: &format!("law={law},conns={servers},queue={number}"),
                placement: "free",
            };
            // Five relaxation times of the slower queue, 233 ms.
            let lead = Duration::from_millis(1_200);
            plans.push(alone(course.plan(&context.cells, 1, 1)?, lead, window));
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
        let what = format!("{}, responses within 200 µs of the recursion", self.kind.name);
        Known::new(what, Unit::Share, 0.99, share_within(&off, OFF), Limit::AtLeast)
    }

    fn inside(&self) -> impl Iterator<Item = &Sample> {
        let samples = self.queues.iter().flat_map(|q| &q.slices).flat_map(|(_, n)| &n.samples);
        samples.filter(|sample| (self.window.0..self.window.1).contains(&sample.intended))
    }

    fn formulas(&self) -> Vec<Known> {
        let name = self.kind.name;
        let service = mean(self.inside().map(|sample| sample.finished - sample.started));
        let Kind { servers, rate, .. } = self.kind;
        let queue = Queue { lambda: rate as f64 / 1e9, mu: 1.0 / service, servers };
        let known = |what: &str, truth, measured, limit| {
            Known::new(format!("{name}, {what}"), Unit::Ns, truth, measured, limit)
        };
        match (self.kind.law, servers) {
            ("constant", _) => {
                let wait = mean(self.inside().map(|sample| sample.started - sample.intended));
                let truth = queue.mean_wait_constant();
                vec![known("mean wait", truth, wait, Limit::Relative(0.05))]
            }
            (_, 1) => {
                let kept = self.responses();
                let quantile =
                    |q| kept.as_ref().map_or(f64::NAN, |h| h.value_at_quantile(q) as f64);
                let mean = kept.as_ref().map_or(f64::NAN, histogram::Histogram::mean);
                let of = |q| queue.response_quantile(q);
                vec![
                    known("mean response time", queue.mean_response(), mean, Limit::Relative(0.03)),
                    known("p50 of response time", of(0.50), quantile(0.50), Limit::Relative(0.03)),
                    known("p99 of response time", of(0.99), quantile(0.99), Limit::Relative(0.08)),
                ]
            }
            _ => {
                let what = format!("{name}, share of arrivals that wait");
                let truth = queue.p_wait();
                let limit = Limit::Absolute(0.03);
                vec![Known::new(what, Unit::Share, truth, self.waiting(), limit)]
            }
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
        let waits = waits.concat();
        waits.iter().filter(|wait| **wait > 0).count() as f64 / waits.len() as f64
    }
}

fn mean(values: impl Iterator<Item = u64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for value in values {
        sum += value as f64;
        count += 1.0;
    }
    sum / count
}
