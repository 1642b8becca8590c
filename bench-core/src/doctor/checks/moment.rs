//! What goes on at the moment, and what the machine can tell in it.

use super::{Diagnosis, Subject, fine, found, grade, not_available};
use crate::{
    doctor::Severity::{Severe, Warning},
    stats::human::{percent, ratio_interval, time},
};

/// Foreign CPU time: 5% makes a round foul.
const FOREIGN: [(f64, super::Severity); 2] = [(0.2, Severe), (0.05, Warning)];

/// Steal, while all CPUs want to run.
const STEAL: [(f64, super::Severity); 2] = [(0.05, Severe), (0.01, Warning)];

/// The share of the last 10 s in which somebody waited for a CPU.
const CPU_PRESSURE: [(f64, super::Severity); 2] = [(0.2, Severe), (0.05, Warning)];

/// The same for memory, where any is too much.
const MEMORY_PRESSURE: [(f64, super::Severity); 2] = [(0.1, Severe), (0.001, Warning)];

const STOP: &str = "stop what else runs here, such as builds and browsers, or use another machine";

pub(super) fn throttling(subject: &Subject<'_>) -> Diagnosis {
    match &subject.measured.throttling {
        None => not_available("no cgroup counts it"),
        Some(spun) if spun.throttled > 0 => found(
            Severe,
            format!(
                "with all CPUs busy the quota was used up in {} of {} periods, {} of CPU time",
                spun.throttled,
                spun.periods,
                time(spun.ns as f64)
            ),
            "contenders stand still in the middle of slices, whoever's turn it is",
            "lift the quota (see cpu-quota)",
        ),
        Some(spun) if spun.periods == 0 => fine("no quota, so there is nothing to count"),
        Some(spun) => fine(format!("in none of {} periods", spun.periods)),
    }
}

pub(super) fn steal(subject: &Subject<'_>) -> Diagnosis {
    let Some(steal) = subject.measured.steal else {
        return not_available("the kernel does not count it");
    };
    let seen = format!("the hypervisor kept {} of the CPU time", percent(steal));
    match grade(steal, STEAL) {
        None => fine(seen),
        Some(severity) => found(
            severity,
            seen,
            "whoever has its turn then is slower, and no clock inside tells it from its own work",
            "dedicated CPUs, another instance type, or another hour",
        ),
    }
}

/// `some avg10=32.67 avg60=…`: a share.
fn some(psi: &str) -> Option<f64> {
    let value = psi.strip_prefix("some avg10=")?.split(' ').next()?;
    Some(value.parse::<f64>().ok()? / 100.0)
}

pub(super) fn cpu_pressure(subject: &Subject<'_>) -> Diagnosis {
    let Some(share) = subject.fact("psi.cpu").and_then(some) else {
        return not_available("the kernel keeps no pressure stall information (psi=1)");
    };
    let seen = format!("in {} of the 10 s before, something waited for a CPU", percent(share));
    match grade(share, CPU_PRESSURE) {
        None => fine(seen),
        Some(severity) => found(
            severity,
            seen,
            "foreign load widens every interval, and in `split` and `free` it can favour a model",
            STOP,
        ),
    }
}

pub(super) fn memory_pressure(subject: &Subject<'_>) -> Diagnosis {
    let Some(share) = subject.fact("psi.memory").and_then(some) else {
        return not_available("the kernel keeps no pressure stall information (psi=1)");
    };
    let seen = format!("in {} of the 10 s before, something waited for memory", percent(share));
    match grade(share, MEMORY_PRESSURE) {
        None => fine(seen),
        Some(severity) => found(
            severity,
            seen,
            "pages are taken away and read again, which hits the larger processes: models with \
             threads",
            "more memory, or less running beside it",
        ),
    }
}

pub(super) fn foreign_load(subject: &Subject<'_>) -> Diagnosis {
    let Some(share) = subject.measured.foreign else {
        return not_available("the kernel does not count it");
    };
    let seen = format!("others use {} of the CPU time", percent(share));
    match grade(share, FOREIGN) {
        None => fine(seen),
        Some(severity) => found(
            severity,
            seen,
            "slices of the same code differ by what runs beside them; pairs of a round bear it \
             better than anything measured alone",
            STOP,
        ),
    }
}

pub(super) fn noise_floor(subject: &Subject<'_>) -> Diagnosis {
    let Some(twin) = &subject.measured.twin else {
        let why = subject.measured.no_twin.as_deref();
        return not_available(why.unwrap_or("no twin was raced"));
    };
    let Some(resolution) = twin.resolution() else {
        return not_available(format!("{} blocks are too few for an interval", twin.blocks));
    };
    let seen = format!(
        "the same code, twice: {}, so this machine can tell ±{} in {}",
        ratio_interval(twin.ratio, twin.lo.zip(twin.hi)),
        percent(resolution),
        time(twin.took_ns as f64)
    );
    let margin = twin.margin;
    match grade(resolution, [(margin, Severe), (margin / 2.0, Warning)]) {
        _ if twin.invalid => found(
            Severe,
            seen,
            "it differs from itself: races here will be INVALID",
            "see to what is severe above, and race longer (--profile publish)",
        ),
        None => fine(seen),
        Some(severity) => found(
            severity,
            seen,
            format!(
                "models that differ by less than ±{} stay undecided in a race that short",
                percent(margin + resolution)
            ),
            "see to what stands above, or race longer: four times as many blocks halve it",
        ),
    }
}
