//! What is tried before a race: how fast its cells are here, and how long a batch would take.
//!
//! Nothing of it counts.

use std::time::Duration;

use crate::{
    clock,
    load::{Arrivals, Load, Spacing},
    protocol::{Done, Numbers},
    race::{
        LONGEST_BATCH, RaceError,
        block::Cast,
        order,
        plan::Pace,
        window::{Window, is_saturated},
    },
    record::{Role, Warning},
    stats::human,
};

/// The code of the warning that models are compared near their saturation.
pub(super) const BUSY: &str = "busy";

/// How busy the busiest model that keeps up may be where latencies are compared: nearer to
/// saturation they tell of the load more than of the model.
const BUSIEST: f64 = 0.5;

/// How long a contender would need for a batch.
pub(super) struct Expected {
    /// Its index.
    pub(super) contender: usize,
    seconds: f64,
    /// Operations a second.
    rate: f64,
}

impl Expected {
    /// From what came of a part of the batch. `None` where any of it failed, or nothing of it was
    /// accounted for: that is no matter of time, and the race tells of it.
    fn of(contender: usize, batch: u64, part: &Done) -> Option<Self> {
        let failed = part.errors.values().any(|count| *count > 0);
        if failed || part.samples + part.censored == 0 {
            return None;
        }
        let rate = part.samples as f64 / (part.span_ns.max(1) as f64 / 1e9);
        Some(Self { contender, seconds: batch as f64 / rate, rate })
    }

    /// Why it is too slow to race, if it is.
    pub(super) fn too_slow(&self) -> Option<String> {
        let Self { seconds, rate, .. } = self;
        (*seconds > LONGEST_BATCH as f64 / 1e9).then(|| {
            if seconds.is_finite() {
                format!("too slow: {seconds:.0} s expected, at {rate:.0}/s")
            } else {
                "too slow: of a twentieth of the batch no operation ended in time".into()
            }
        })
    }
}

/// How long the quickest pauses while all others that race have their turns, ns.
pub(super) fn expected_pause_ns(all: &[Expected]) -> u64 {
    let racing = all.iter().filter(|own| own.too_slow().is_none()).map(|own| own.seconds);
    let quickest = racing.clone().fold(f64::INFINITY, f64::min);
    let others = (racing.sum::<f64>() - quickest).max(0.0);
    clock::nanos(Duration::try_from_secs_f64(others).unwrap_or_default())
}

/// What a slice showed that does not count.
struct Tried {
    /// Its entrant's index.
    entrant: usize,
    done: Done,
    numbers: Numbers,
    ready_ns: u64,
    /// From the parent's side, with all that it takes to begin and to end.
    whole_ns: u64,
    workers: Option<usize>,
}

impl Tried {
    /// The mean service time of its operations; `None` where none ended.
    fn service_ns(&self) -> Option<u64> {
        let samples = &self.numbers.samples;
        let total: u64 = samples.iter().map(|s| s.finished.saturating_sub(s.started)).sum();
        total.checked_div(samples.len() as u64)
    }

    /// CPUs of a set that it can use: a runtime of one thread has one.
    fn cpus(&self, given: usize) -> usize {
        self.workers.filter(|workers| *workers > 0).map_or(given, |workers| workers.min(given))
    }

    /// ρ: how busy its CPUs or its sessions are, whichever is scarcer.
    fn busy(&self, (cpus, sessions): (usize, usize)) -> Option<f64> {
        let service = self.service_ns()? as f64;
        let span = self.done.span_ns.max(1) as f64;
        let cpu = self.done.end?.cpu_ns.saturating_sub(self.done.begin?.cpu_ns) as f64;
        let on_cpus = cpu / (span * self.cpus(cpus).max(1) as f64);
        let in_sessions = self.done.samples as f64 * service / (span * sessions.max(1) as f64);
        Some(on_cpus.max(in_sessions))
    }

    /// s/(1 − √ρ)²; `None` where it is so busy that its tail would need minutes: then it is not
    /// decided here.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "nanoseconds")]
    fn relaxation_ns(&self, places: (usize, usize)) -> Option<u64> {
        let (service, busy) = (self.service_ns()? as f64, self.busy(places)?);
        (busy < 0.7).then(|| (service / (1.0 - busy.sqrt()).powi(2)) as u64)
    }
}

/// Who keeps up with an open load, and is busier than [`BUSIEST`]. `window`: of the slices that
/// were tried.
fn warn_of_busy<'a>(
    load: Load,
    window: &Window,
    places: (usize, usize),
    seen: impl Iterator<Item = (&'a str, &'a Tried)>,
) -> Option<Warning> {
    let Arrivals::Open { rate, spacing } = load.arrivals else { return None };
    let keeping_up = seen.filter(|(_, tried)| !is_saturated(window, &tried.numbers));
    let busy = keeping_up.filter_map(|(model, tried)| Some((model, tried.busy(places)?)));
    let mut busy: Vec<(&str, f64)> = busy.filter(|(_, busy)| *busy > BUSIEST).collect();
    busy.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let most = busy.first()?.1;
    let named = |(model, busy): &(&str, f64)| format!("{model} ({busy:.2})");
    let who: Vec<String> = busy.iter().map(named).collect();
    let advice = match spacing {
        // It has no rate of its own to scale.
        Spacing::Ramp(_) => "a lower rate".into(),
        _ => format!("a lower rate: about {:.0} a second", rate as f64 * BUSIEST / most),
    };
    Some(Warning {
        code: BUSY.into(),
        text: format!(
            "by a calibration slice ρ is above {BUSIEST} for {}: latencies near saturation are \
             compared",
            human::list(&who)
        ),
        advice,
    })
}

impl Cast<'_> {
    /// How long each contender would need for a batch, from a twentieth of it.
    pub(super) fn expected(&mut self) -> Result<Vec<Expected>, RaceError> {
        let batch = self.plan.batch();
        let part = vec![0; usize::try_from(batch / 20).unwrap_or(usize::MAX)];
        let mut all = Vec::new();
        for contender in self.able.clone() {
            // Who fails here fails in the race, and is reported there.
            let Some(Tried { done, .. }) = self.try_out(contender, Some(&part))? else { continue };
            all.extend(Expected::of(contender, batch, &done));
        }
        Ok(all)
    }

    /// How fast the race's cells are here, and whether any of them is too busy: a slice of each
    /// model, alone.
    pub(super) fn pace(&mut self) -> Result<Option<(Pace, Option<Warning>)>, RaceError> {
        let models: Vec<usize> = self
            .able
            .iter()
            .copied()
            .filter(|index| self.plan.entrants[*index].contender.role == Role::Model)
            .collect();
        let count = models.len();
        let mut seen = Vec::new();
        for index in models {
            // Its controls are as it is.
            let id = &self.plan.entrants[index].contender.id;
            let controls = if *id == self.plan.reference { self.able.len() - count } else { 0 };
            seen.extend(self.try_out(index, None)?.map(|tried| (1 + controls as u64, tried)));
        }
        let timed = self.plan.timed_ns();
        let all: u64 = seen.iter().map(|(weight, _)| weight).sum();
        let mean = |of: &dyn Fn(&Tried) -> u64| {
            seen.iter().map(|(weight, tried)| weight * of(tried)).sum::<u64>() / all.max(1)
        };
        let most =
            |of: &dyn Fn(&Tried) -> Option<u64>| seen.iter().filter_map(|(_, t)| of(t)).max();
        let places = (self.plan.placement.sut.len(), self.plan.shape.sessions);
        let pace = most(&|tried| tried.service_ns()).map(|service_ns| Pace {
            service_ns,
            relaxation_ns: most(&|tried| tried.relaxation_ns(places)).unwrap_or(12 * service_ns),
            ready_ns: mean(&|tried| tried.ready_ns),
            rest_ns: mean(&|tried| tried.whole_ns.saturating_sub(timed)),
        });
        let id = |tried: &Tried| self.plan.entrants[tried.entrant].contender.id.as_str();
        let models = seen.iter().map(|(_, tried)| (id(tried), tried));
        // An open load's window is where the plan says, whatever was seen.
        let window = Window::of(self.plan, &[]);
        let busy = warn_of_busy(self.plan.load, &window, places, models);
        Ok(pace.map(|pace| (pace, busy)))
    }

    /// One slice of a contender that is alone, with these arrivals or the plan's.
    fn try_out(
        &mut self,
        index: usize,
        arrivals: Option<&[u64]>,
    ) -> Result<Option<Tried>, RaceError> {
        let mut player = self.start(index);
        self.await_ready(&mut player)?;
        self.introduce(&mut player)?;
        let seed = order::seed(self.plan.seed, &self.plan.id(), usize::MAX, index);
        let (turn, planned) = self.turn_of(&player, seed, false);
        let arrivals = arrivals.unwrap_or(&planned);
        let begun = clock::now();
        let done = if self.plan.scenario.server {
            self.serve(&mut player, &turn, arrivals)
        } else {
            player.run(&turn, arrivals)
        };
        let whole_ns = clock::now() - begun;
        let (ready_ns, workers) = (player.ready_ns, player.workers);
        self.let_go()?;
        player.quit();
        let tried =
            |(done, numbers)| Tried { entrant: index, done, numbers, ready_ns, whole_ns, workers };
        Ok(done.ok().map(tried))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{protocol::Usage, race::window::Cut, sample::Sample};

    /// 100 ms in which operations of 100 µs used so much CPU time.
    fn tried(cpu_ms: u64, workers: Option<usize>) -> Tried {
        let usage = |cpu_ns| Some(Usage { cpu_ns, ..Usage::default() });
        let sample = Sample { started: 0, finished: 100_000, ..Sample::default() };
        Tried {
            entrant: 0,
            done: Done {
                begin: usage(0),
                end: usage(cpu_ms * 1_000_000),
                span_ns: 100_000_000,
                samples: 10,
                ..Done::default()
            },
            numbers: Numbers { samples: vec![sample; 10], ..Numbers::default() },
            ready_ns: 0,
            whole_ns: 0,
            workers,
        }
    }

    #[test]
    fn who_has_one_thread_is_as_busy_as_its_one_cpu() {
        let relaxation = |cpu_ms, workers| tried(cpu_ms, workers).relaxation_ns((2, 64));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "nanoseconds")]
        let closed_form = |busy: f64| (100_000.0 / (1.0 - busy.sqrt()).powi(2)) as u64;
        for threads_for_all in [None, Some(0), Some(8)] {
            assert_eq!(relaxation(60, threads_for_all), Some(closed_form(0.3)));
        }
        assert_eq!(relaxation(60, Some(1)), Some(closed_form(0.6)));
        assert_eq!(relaxation(80, Some(1)), None, "its tail is not decided here");
        assert_eq!(relaxation(80, Some(2)), Some(closed_form(0.4)));
    }

    #[test]
    fn who_keeps_up_and_is_more_than_half_busy_is_named() {
        let window = Window { from: 0, to: 50_000_000, cut: Cut::ByArrival };
        let warning = |load: &str, seen: &[(&str, Tried)]| {
            let seen = seen.iter().map(|(model, tried)| (*model, tried));
            warn_of_busy(load.parse().unwrap(), &window, (2, 64), seen)
        };
        let one = Some(1);
        let quiet = [("a/quiet", tried(45, one)), ("a/two-threads", tried(90, Some(2)))];
        assert_eq!(warning("open-1000", &quiet), None);
        // It is busiest, and its latencies are compared with nobody's.
        let mut behind = tried(95, one);
        behind.numbers.censored = vec![1_000_000; 5];
        let busy = [
            ("a/busy", tried(60, one)),
            ("a/quiet", tried(45, one)),
            ("a/busier", tried(80, one)),
            ("a/behind", behind),
        ];
        let Warning { code, text, advice } = warning("open-1000-poisson", &busy).unwrap();
        assert_eq!(code, "busy");
        assert!(text.contains("above 0.5 for a/busier (0.80) and a/busy (0.60): "), "{text}");
        assert_eq!(advice, "a lower rate: about 625 a second");
        assert_eq!(warning("open-1000-ramp-9000", &busy).unwrap().advice, "a lower rate");
        assert_eq!(warning("closed-16", &busy), None, "its clients wait, and that is no queue");
    }

    #[test]
    fn a_pause_between_turns_is_the_time_of_all_others_that_race() {
        let pause = |seconds: &[f64]| {
            let own = |(contender, &seconds)| Expected { contender, seconds, rate: 9.0 };
            expected_pause_ns(&seconds.iter().enumerate().map(own).collect::<Vec<_>>())
        };
        assert_eq!(pause(&[3.0, 1.5, 4.0, 21.0, f64::INFINITY]), 7_000_000_000);
        assert_eq!((pause(&[]), pause(&[3.0])), (0, 0));
        let slow = Expected { contender: 0, seconds: 21.4, rate: 46.7 };
        assert_eq!(slow.too_slow().unwrap(), "too slow: 21 s expected, at 47/s");
    }

    #[test]
    fn who_fails_at_a_part_of_the_batch_is_not_too_slow() {
        let of = |samples, censored, errors: &[(&str, u64)]| {
            let errors = errors.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect();
            let span_ns = 2_000_000_000;
            let done = Done { samples, censored, errors, span_ns, ..Done::default() };
            Expected::of(0, 1_000, &done).map(|expected| expected.too_slow())
        };
        assert_eq!(of(500, 0, &[("refused", 0)]), Some(None), "4 s are expected");
        for (samples, said) in [
            (50, "too slow: 40 s expected, at 25/s"),
            (0, "too slow: of a twentieth of the batch no operation ended in time"),
        ] {
            assert_eq!(of(samples, 50 - samples, &[]), Some(Some(said.to_owned())));
        }
        for (samples, censored) in [(0, 0), (49, 0), (0, 49), (48, 1)] {
            assert_eq!(of(samples, censored, &[("refused", 1)]), None, "{samples} {censored}");
        }
        assert_eq!(of(0, 0, &[]), None, "what became of it is not said");
    }
}
