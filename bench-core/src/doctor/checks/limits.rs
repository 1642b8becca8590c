//! What the system allows.

use super::{Diagnosis, Subject, fine, found, not_available};
use crate::{doctor::Severity::Warning, net::BACKLOG};

/// Descriptors that the largest courses need: a connection of each of `tcp-echo`'s 14,000 at both
/// ends, which are processes of their own, and what a process has anyway.
const DESCRIPTORS: u64 = 14_100;

/// `idle-tasks` has 10,000 of them, and a process some of its own.
const THREADS: u64 = 10_100;

/// Mappings of a Rust thread: stack, guard, signal stack and its guard.
const MAPPINGS: u64 = 4;

pub(super) fn descriptors(subject: &Subject<'_>) -> Diagnosis {
    let Some((_, hard)) = subject.fact("ulimit.nofile").and_then(|text| text.split_once(" of "))
    else {
        return not_available("the limit on open files can't be read");
    };
    match hard.parse::<u64>() {
        Ok(limit) if limit < DESCRIPTORS => found(
            Warning,
            format!("a process may have {limit} open files"),
            "courses with more connections are infeasible, and contenders that need more than half \
             of it together race one at a time",
            format!("ulimit -Hn {DESCRIPTORS} or more (limits.conf, systemd LimitNOFILE)"),
        ),
        _ => fine(format!("{hard} open files")),
    }
}

pub(super) fn threads(subject: &Subject<'_>) -> Diagnosis {
    let nproc = subject.fact("ulimit.nproc").and_then(|text| text.split_once(" of "));
    let limits = [
        ("kernel.threads-max", subject.number("sysctl.kernel.threads-max")),
        ("kernel.pid_max", subject.number("sysctl.kernel.pid_max")),
        ("ulimit -u", nproc.and_then(|(soft, _)| soft.parse().ok())),
        ("the cgroup's pids.max", subject.number("cgroup.pids.max")),
    ];
    let least = limits.into_iter().filter_map(|(name, limit)| Some((limit?, name))).min();
    match least {
        None => not_available("no limit on threads can be read"),
        Some((limit, name)) if limit < THREADS => found(
            Warning,
            format!("{name} allows {limit} threads"),
            "a thread per task is infeasible in courses with 10,000 tasks, and no number is worse \
             than a low one",
            format!("raise {name} to {THREADS} or more"),
        ),
        Some((limit, name)) => fine(format!("{limit} ({name})")),
    }
}

pub(super) fn mappings(subject: &Subject<'_>) -> Diagnosis {
    match subject.number("sysctl.vm.max_map_count") {
        None => not_available("the limit on mappings can't be read"),
        Some(limit) if limit < THREADS * MAPPINGS => found(
            Warning,
            format!("vm.max_map_count is {limit}: {} threads of 4 mappings", limit / MAPPINGS),
            "a process that starts one thread too many is aborted, so such cells are left out as \
             infeasible",
            "sysctl vm.max_map_count=262144",
        ),
        Some(limit) => fine(format!("{limit}: {} threads of 4 mappings", limit / MAPPINGS)),
    }
}

pub(super) fn backlog(subject: &Subject<'_>) -> Diagnosis {
    match subject.number("sysctl.net.core.somaxconn") {
        None => not_available("net.core.somaxconn can't be read"),
        Some(most) if most < u64::from(BACKLOG.unsigned_abs()) => found(
            Warning,
            format!("net.core.somaxconn is {most}"),
            format!(
                "listeners ask for {BACKLOG} and get that: more connects at once are dropped, and \
                 tried again after a second"
            ),
            format!("sysctl net.core.somaxconn={BACKLOG}"),
        ),
        Some(most) => fine(format!("{most} connections may wait")),
    }
}
