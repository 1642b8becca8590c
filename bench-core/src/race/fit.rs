//! Whether a contender can run here at all: said beforehand, instead of failing halfway.

use std::fs;

use crate::{
    cell::Cell,
    machine,
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

/// Where the range of local ports is set.
const PORTS: &str = "net.ipv4.ip_local_port_range";

/// Limits of this machine. `None`: not available, and then not checked.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Limits {
    /// The smallest limit on threads, and its name.
    pub threads: Option<(u64, &'static str)>,
    /// Descriptors of a process, raised to what is allowed.
    pub descriptors: Option<u64>,
    /// Local ports for connections to one address.
    pub ports: Option<u64>,
}

/// What one contender needs of the machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Needs {
    pub demand: Demand,
    pub sessions: usize,
    /// Connections to one address.
    pub connections: u64,
    /// Whether all contenders connect to the same address.
    pub same_address: bool,
}

impl Needs {
    /// Tasks or threads at once.
    fn threads(&self) -> u64 {
        self.demand.tasks.max(self.sessions as u64)
    }
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
            (machine::pids_max(), "the cgroup's pids.max"),
            (resource::processes(), "the limit on processes (ulimit -u)"),
        ];
        let least = threads.into_iter().filter_map(|(limit, name)| Some((limit?, name))).min();
        let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok();
        Self {
            threads: least,
            descriptors: resource::raise_descriptors().ok(),
            ports: range.and_then(|range| ports(&range)),
        }
    }

    /// Why this race must run one process at a time, if it must: together its contenders would
    /// need more than half of a limit.
    pub(super) fn need_solo(&self, needs: &Needs, alive: usize) -> Option<Warning> {
        let together = |each: u64| each.saturating_mul(alive as u64);
        let threads = together(needs.threads());
        let descriptors = together(needs.demand.descriptors);
        let ports = if needs.same_address { together(needs.connections) } else { 0 };
        let why = match (self.threads, self.descriptors) {
            (Some((limit, name)), _) if threads > limit / 2 => {
                format!("together they would need {threads} threads, and {name} allows {limit}")
            }
            (_, Some(limit)) if descriptors > limit / 2 => {
                format!("together they would need {descriptors} descriptors of {limit}")
            }
            _ if self.ports.is_some_and(|limit| ports > limit / 2) => {
                let limit = self.ports.unwrap_or_default();
                format!("together they would need {ports} ports, and {PORTS} allows {limit}")
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
    needs: &Needs,
    workers: usize,
    limits: &Limits,
) -> Fits {
    if let Err(reason) = (cell.scenario.fits)(&cell.model, setup) {
        return Fits::NotApplicable(reason);
    }
    if let Some(places) = cell.model.places(workers)
        && needs.demand.rendezvous > places as u64
    {
        let needed = needs.demand.rendezvous;
        return Fits::NotApplicable(format!(
            "{needed} tasks must be in progress at once, each holds a thread, and it has {places}"
        ));
    }
    let threads = needs.threads();
    if let (Places::Threads, Some((limit, name))) = (cell.model.places, limits.threads)
        && threads + SPARE > limit
    {
        return Fits::Infeasible(format!("infeasible at {threads}: {name} allows {limit} threads"));
    }
    fits_sockets(needs, limits)
}

/// Whether the external program can run here.
pub(super) fn fits_external(external: &External, needs: &Needs, limits: &Limits) -> Fits {
    external.missing().map_or_else(|| fits_sockets(needs, limits), Fits::Infeasible)
}

fn fits_sockets(needs: &Needs, limits: &Limits) -> Fits {
    let (descriptors, connections) = (needs.demand.descriptors, needs.connections);
    match (limits.descriptors, limits.ports) {
        (Some(limit), _) if descriptors > 0 && descriptors + SPARE > limit => Fits::Infeasible(
            format!("infeasible at {descriptors}: the limit on open files (ulimit -n) is {limit}"),
        ),
        // One of them is the listener's.
        (_, Some(limit)) if connections >= limit => {
            Fits::Infeasible(format!("infeasible at {connections}: {PORTS} allows {limit} ports"))
        }
        _ => Fits::Yes,
    }
}

/// From the first port and the last one; both belong to the range.
fn ports(range: &str) -> Option<u64> {
    let mut ends = range.split_ascii_whitespace().map(str::parse::<u64>);
    let (first, last) = (ends.next()?.ok()?, ends.next()?.ok()?);
    (last + 1).checked_sub(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_ports_has_both_its_ends() {
        assert_eq!(ports("32768\t60999\n"), Some(28_232));
        assert_eq!(ports("7 7"), Some(1));
        assert_eq!(ports("9 7"), None);
        assert_eq!(ports(""), None);
    }

    #[test]
    fn what_would_need_more_than_half_of_a_limit_together_runs_alone() {
        let limits = Limits { ports: Some(100), ..Limits::default() };
        let needs = |connections, same_address| Needs {
            demand: Demand::default(),
            sessions: 1,
            connections,
            same_address,
        };
        assert!(limits.need_solo(&needs(16, true), 3).is_none());
        let warning = limits.need_solo(&needs(16, true), 4).unwrap();
        assert!(warning.text.contains("64 ports"), "{}", warning.text);
        assert!(limits.need_solo(&needs(16, false), 4).is_none(), "each has an address of its own");
        for (connections, expected) in [(99, true), (100, false)] {
            let fits = fits_sockets(&needs(connections, true), &limits);
            assert_eq!(fits == Fits::Yes, expected, "{fits:?}");
        }
    }
}
