//! What is tried before a race: how fast its cells are here, and whether a batch would take too long.
//!
//! Nothing of it counts.

use crate::{
    clock,
    protocol::{Done, Numbers},
    race::{LONGEST_BATCH, RaceError, block::Cast, order, plan::Pace},
    record::Role,
};

/// What a slice showed that does not count.
struct Tried {
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

    /// s/(1 − √ρ)², ρ being how busy its CPUs or its sessions are, whichever is scarcer; `None`
    /// where they are so busy that its tail would need minutes: then it is not decided here.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "nanoseconds")]
    fn relaxation_ns(&self, cpus: usize, sessions: usize) -> Option<u64> {
        let service = self.service_ns()? as f64;
        let span = self.done.span_ns.max(1) as f64;
        let cpu = self.done.end?.cpu_ns.saturating_sub(self.done.begin?.cpu_ns) as f64;
        let on_cpus = cpu / (span * cpus.max(1) as f64);
        let in_sessions = self.done.samples as f64 * service / (span * sessions.max(1) as f64);
        let busy = on_cpus.max(in_sessions);
        (busy < 0.7).then(|| (service / (1.0 - busy.sqrt()).powi(2)) as u64)
    }
}
impl Cast<'_> {
    /// Contenders that would need too long for a batch, and how long: from a twentieth of it.
    pub(super) fn too_slow(&mut self) -> Result<Vec<(usize, String)>, RaceError> {
        let batch = self.plan.batch();
        let part = vec![0; usize::try_from(batch / 20).unwrap_or(usize::MAX)];
        let mut slow = Vec::new();
        for index in self.able.clone() {
            // Who fails here fails in the race, and is reported there.
            let Some(Tried { done, .. }) = self.try_out(index, Some(&part))? else { continue };
            let rate = done.samples as f64 / (done.span_ns.max(1) as f64 / 1e9);
            let seconds = batch as f64 / rate;
            if seconds > LONGEST_BATCH as f64 / 1e9 {
                let why = format!("too slow: {seconds:.0} s expected, at {rate:.0}/s");
                slow.push((index, why));
            }
        }
        Ok(slow)
    }

    /// How fast the race's cells are here: a slice of each model, alone.
    pub(super) fn pace(&mut self) -> Result<Option<Pace>, RaceError> {
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
        let (cpus, sessions) = (self.plan.placement.sut.len(), self.plan.shape.sessions);
        Ok(most(&|tried| tried.service_ns()).map(|service_ns| Pace {
            service_ns,
            relaxation_ns: most(&|tried| tried.relaxation_ns(tried.cpus(cpus), sessions))
                .unwrap_or(12 * service_ns),
            ready_ns: mean(&|tried| tried.ready_ns),
            rest_ns: mean(&|tried| tried.whole_ns.saturating_sub(timed)),
        }))
    }

    /// One slice of a contender that is alone, with these arrivals or the plan's.
    fn try_out(
        &mut self,
        index: usize,
        arrivals: Option<&[u64]>,
    ) -> Result<Option<Tried>, RaceError> {
        let mut player = self.start(index);
        self.await_ready(&mut player)?;
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
        Ok(done.ok().map(|(done, numbers)| Tried { done, numbers, ready_ns, whole_ns, workers }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{protocol::Usage, sample::Sample};

    /// 100 ms in which operations of 100 µs used so much CPU time.
    fn tried(cpu_ms: u64, workers: Option<usize>) -> Tried {
        let usage = |cpu_ns| Some(Usage { cpu_ns, ..Usage::default() });
        let sample = Sample { started: 0, finished: 100_000, ..Sample::default() };
        Tried {
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
        let relaxation = |cpu_ms, workers| {
            let tried = tried(cpu_ms, workers);
            tried.relaxation_ns(tried.cpus(2), 64)
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "nanoseconds")]
        let closed_form = |busy: f64| (100_000.0 / (1.0 - busy.sqrt()).powi(2)) as u64;
        for threads_for_all in [None, Some(0), Some(8)] {
            assert_eq!(relaxation(60, threads_for_all), Some(closed_form(0.3)));
        }
        assert_eq!(relaxation(60, Some(1)), Some(closed_form(0.6)));
        assert_eq!(relaxation(80, Some(1)), None, "its tail is not decided here");
        assert_eq!(relaxation(80, Some(2)), Some(closed_form(0.4)));
    }
}
