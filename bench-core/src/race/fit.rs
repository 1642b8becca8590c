//! Whether a contender can run here at all: said beforehand, instead of failing halfway.

use std::fs;

use crate::{
    cell::Cell,
    model::Places,
    race::External,
    record::{Fits, Warning},
    resource,
    scenario::{Demand, Setup},
};

/// Mappings of a Rust thread: stack, guard, signal stack and its guard.
const MAPPINGS: u64 = 4;

/// Mappings and threads that a process has anyway.
const SPARE: u64 = 100;

/// Limits of this machine. `None`: not available, and then not checked.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Limits {
    /// The smallest limit on threads, and its name.
    pub threads: Option<(u64, &'static str)>,
    /// Descriptors of a process, raised to what is allowed.
    pub descriptors: Option<u64>,
}

impl Limits {
    /// Reads them, and raises the limit on descriptors.
    pub(super) fn read() -> Self {
        let number = |path| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
        let mappings =
            number("/proc/sys/vm/max_map_count").map(|n| n.saturating_sub(SPARE) / MAPPINGS);
        let threads = [
            (mappings, "vm.max_map_count"),
            (number("/proc/sys/kernel/threads-max"), "kernel.threads-max"),
            (number("/proc/sys/kernel/pid_max"), "kernel.pid_max"),
            (number("/sys/fs/cgroup/pids.max"), "the cgroup's pids.max"),
            (number("/sys/fs/cgroup/pids/pids.max"), "the cgroup's pids.max"),
        ];
        let least = threads.into_iter().filter_map(|(limit, name)| Some((limit?, name))).min();
        Self { threads: least, descriptors: resource::raise_descriptors().ok() }
    }

    /// Why this race must run one process at a time, if it must: together its contenders would
    /// need more than half of a limit.
    pub(super) fn need_solo(
        &self,
        demand: &Demand,
        sessions: usize,
        alive: usize,
    ) -> Option<Warning> {
        let together = |each: u64| each.saturating_mul(alive as u64);
        let threads = together(demand.tasks.max(sessions as u64));
        let descriptors = together(demand.descriptors);
        let why = match (self.threads, self.descriptors) {
            (Some((limit, name)), _) if threads > limit / 2 => {
                format!("together they would need {threads} threads, and {name} allows {limit}")
            }
            (_, Some(limit)) if descriptors > limit / 2 => {
                format!("together they would need {descriptors} descriptors of {limit}")
            }
            _ => return None,
        };
        let advice = "fewer connections, or a higher limit".into();
        Some(Warning { code: "solo".into(), text: format!("one process at a time: {why}"), advice })
    }
}

/// Whether the cell can run here.
pub(super) fn fits(
    cell: &Cell,
    setup: &Setup<'_>,
    demand: Demand,
    sessions: usize,
    workers: usize,
    limits: &Limits,
) -> Fits {
    if let Err(reason) = (cell.scenario.fits)(&cell.model, setup) {
        return Fits::NotApplicable(reason);
    }
    if let Some(places) = cell.model.places(workers)
        && demand.rendezvous > places as u64
    {
        let needed = demand.rendezvous;
        return Fits::NotApplicable(format!(
            "{needed} tasks must be in progress at once, each holds a thread, and it has {places}"
        ));
    }
    let threads = demand.tasks.max(sessions as u64);
    if let (Places::Threads, Some((limit, name))) = (cell.model.places, limits.threads)
        && threads + SPARE > limit
    {
        return Fits::Infeasible(format!("infeasible at {threads}: {name} allows {limit} threads"));
    }
    fits_descriptors(demand, limits)
}

/// Whether the external program can run here.
pub(super) fn fits_external(external: &External, demand: Demand, limits: &Limits) -> Fits {
    external.missing().map_or_else(|| fits_descriptors(demand, limits), Fits::Infeasible)
}

fn fits_descriptors(demand: Demand, limits: &Limits) -> Fits {
    match limits.descriptors {
        Some(limit) if demand.descriptors + SPARE > limit => Fits::Infeasible(format!(
            "infeasible at {}: the limit on open files is {limit}",
            demand.descriptors
        )),
        _ => Fits::Yes,
    }
}
