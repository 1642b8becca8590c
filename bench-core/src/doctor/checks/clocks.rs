//! Clocks, timers, gaps, wake-ups.

use super::{Diagnosis, Subject, fine, found, grade, not_available};
use crate::{
    doctor::{
        Gaps, Lateness,
        Severity::{Note, Severe, Warning},
    },
    stats::human::{percent, time},
};

/// Clock sources that are read without a system call.
const CHEAP: [&str; 4] = ["tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter"];

/// What a reading may cost, ns. Two belong to an operation; at 50 ns they take a tenth of one of
/// a microsecond, and a true difference of 5% comes out as 4.5%.
const COST: [(f64, super::Severity); 2] = [(200.0, Severe), (50.0, Warning)];

/// How coarse it may be, ns: beyond 100 ns an operation of a microsecond is known to 10%.
const STEP: [(f64, super::Severity); 2] = [(1_000.0, Severe), (100.0, Warning)];

/// How late the median sleep may end, ns: the slack is 50 µs, and waking takes some more.
const LATE: [(f64, super::Severity); 2] = [(1_000_000.0, Severe), (200_000.0, Warning)];

/// The same for the harness, which asks for a slack of 1 ns.
const SHARP: [(f64, super::Severity); 2] = [(500_000.0, Severe), (100_000.0, Warning)];

/// The share of time that may be lost: 5% is what makes a round foul (foreign load).
const LOST: [(f64, super::Severity); 2] = [(0.05, Severe), (0.01, Warning)];

/// The largest gap, and the p99 of lateness, ns: 20 ms is a whole window, 2 ms a tenth of one.
const GAP: [(f64, super::Severity); 2] = [(20e6, Severe), (2e6, Warning)];

/// From which factor on the CPU of the other end decides.
const FAR: f64 = 2.0;

pub(super) fn source(subject: &Subject<'_>) -> Diagnosis {
    match subject.fact("clocksource") {
        None => not_available("the system does not name its clock source"),
        Some(source) if CHEAP.contains(&source) => fine(source),
        Some(source) => found(
            Severe,
            format!("the clock source is {source}"),
            "each reading is a system call or a slow device, and every operation has two",
            "see whether tsc is among \
             /sys/devices/system/clocksource/clocksource0/available_clocksource, and why the \
             kernel gave it up (dmesg)",
        ),
    }
}

pub(super) fn reading(subject: &Subject<'_>) -> Diagnosis {
    let clock = subject.machine.clock;
    if clock.cost_ns <= 0.0 || clock.granularity_ns == 0 {
        return not_available("the clock was not measured");
    }
    let step = clock.granularity_ns as f64;
    let seen = format!("a reading costs {}, steps of {}", time(clock.cost_ns), time(step));
    match grade(clock.cost_ns, COST).max(grade(step, STEP)) {
        None => fine(seen),
        Some(severity) => found(
            severity,
            seen,
            format!(
                "two readings are {} of an operation of 1 µs, so ratios of short operations come \
                 out too close to 1",
                percent(2.0 * clock.cost_ns / 1_000.0)
            ),
            "a better clock source; time short operations in batches (--param ops=100)",
        ),
    }
}

fn late(measured: Option<&Lateness>, limits: [(f64, super::Severity); 2]) -> Diagnosis {
    let Some(late) = measured else { return not_available("sleeps could not be timed") };
    let [asked, p50, p99, max] =
        [late.asked_ns, late.p50_ns, late.p99_ns, late.max_ns].map(|ns| time(ns as f64));
    let seen = format!("a sleep of {asked} ends late by {p50} (p50), {p99} (p99), {max} at most");
    match grade(late.p50_ns as f64, limits).max(grade(late.p99_ns as f64, GAP)) {
        None => fine(seen),
        Some(severity) => found(
            severity,
            seen,
            "sleeps, timeouts and think times are longer than asked, and whoever sleeps more often \
             pays more",
            "a kernel with high-resolution timers; deep idle states off (cpupower idle-set -D 0)",
        ),
    }
}

pub(super) fn timer(subject: &Subject<'_>) -> Diagnosis {
    late(subject.measured.sleep.as_ref(), LATE)
}

pub(super) fn sharp_timer(subject: &Subject<'_>) -> Diagnosis {
    match late(subject.measured.sharp_sleep.as_ref(), SHARP) {
        Diagnosis::Found { severity, seen, remedy, .. } => found(
            severity,
            seen,
            "a pacer that sleeps announces arrivals that late, and that counts into response times",
            format!("--placement split, where the pacer spins; {remedy}"),
        ),
        other => other,
    }
}

pub(super) fn gaps(subject: &Subject<'_>) -> Diagnosis {
    let lost = |gaps: &Gaps| gaps.lost_ns as f64 / gaps.watched_ns.max(1) as f64;
    let largest = |gaps: &Gaps| gaps.largest_ns.first().copied().unwrap_or(0);
    let all = &subject.measured.gaps;
    let (Some(worst), Some(most)) =
        (all.iter().max_by_key(|gaps| largest(gaps)), all.iter().map(lost).reduce(f64::max))
    else {
        return not_available("no thread could be kept on a CPU");
    };
    if largest(worst) == 0 {
        return fine("none of 10 µs or more");
    }
    let gap = largest(worst) as f64;
    let seen = format!(
        "a thread that always wants to run stood still for up to {} (CPU {}), and for {} of the \
         time on the worst CPU",
        time(gap),
        worst.cpu,
        percent(most)
    );
    match grade(gap, GAP).max(grade(most, LOST)) {
        None => fine(seen),
        Some(severity) => found(
            severity,
            seen,
            "a slice that meets such a gap is slower by it; medians of rounds bear a few, tails \
             (p99) do not",
            "stop what else runs; isolate CPUs (isolcpus=, nohz_full=); dedicated CPUs on a \
             virtual machine",
        ),
    }
}

pub(super) fn wake_up(subject: &Subject<'_>) -> Diagnosis {
    let Some(same) = &subject.measured.same_cpu else {
        return not_available("no two threads could be kept on a CPU");
    };
    let same_time = time(same.p50_ns as f64);
    let Some(cross) = &subject.measured.cross_cpu else {
        return fine(format!(
            "{same_time} on one CPU (p50); there is no other CPU to compare with"
        ));
    };
    let factor = cross.p50_ns as f64 / same.p50_ns.max(1) as f64;
    let seen = format!(
        "{same_time} on one CPU (p50), {} from CPU {} to CPU {}: {factor:.1} × as long",
        time(cross.p50_ns as f64),
        cross.cpus[0],
        cross.cpus[1]
    );
    if factor < FAR {
        return fine(seen);
    }
    found(
        Note,
        seen,
        "short operations cost that much more or less by where the other end runs: never compare \
         results of different placements",
        "keep to one placement; for `split`, CPUs that share a cache; idle=poll or haltpoll where \
         waking an idle CPU is what takes long",
    )
}
