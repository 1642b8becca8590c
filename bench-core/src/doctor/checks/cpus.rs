//! What the CPUs are and may do.

use super::{Diagnosis, Subject, fine, found, not_available};
use crate::doctor::Severity::{Note, Severe, Warning};

/// Below this many CPUs `split` leaves a runtime a single worker.
const ENOUGH: usize = 4;

pub(super) fn sets(subject: &Subject<'_>) -> Diagnosis {
    match subject.fact("cpu_sets") {
        None => not_available("nobody tried to confine a thread"),
        Some("yes") => fine("threads can be kept on chosen CPUs"),
        Some(why) => found(
            Severe,
            format!("threads can't be kept on chosen CPUs ({})", why.trim_start_matches("no: ")),
            "every placement is in truth `free`, and worker counts follow the whole machine",
            "run on Linux, where sched_setaffinity is allowed",
        ),
    }
}

pub(super) fn count(subject: &Subject<'_>) -> Diagnosis {
    match subject.cpus() {
        None => not_available("the system does not say how many CPUs there are"),
        Some(1) => found(
            Severe,
            "1 CPU",
            "contender, other end and harness share it, so each slows the others",
            "give the process more CPUs",
        ),
        Some(cpus) if cpus < ENOUGH => found(
            Warning,
            format!("{cpus} CPUs"),
            "with `same` and `split` every runtime has one worker: work stealing is not tested, \
             and nothing is learned about scaling",
            "4 CPUs or more, or --placement free, where the other end competes for the same CPUs",
        ),
        Some(cpus) => fine(format!("{cpus} CPUs")),
    }
}

pub(super) fn quota(subject: &Subject<'_>) -> Diagnosis {
    let Some(version) = subject.fact("cgroup.version") else {
        return not_available("no cgroup is mounted");
    };
    let quota = subject.fact("cgroup.cpus").and_then(|cpus| cpus.parse::<f64>().ok());
    match (quota, subject.cpus()) {
        (None, _) => fine(format!("no quota (cgroup v{version})")),
        (Some(quota), Some(cpus)) if quota < cpus as f64 => found(
            Severe,
            format!("the cgroup may use {quota:.2} of {cpus} CPUs"),
            "whoever uses more is stopped until the period ends, up to 100 ms in the middle of a \
             slice, and runtimes start a worker for each CPU that they see",
            "lift the quota, which docker --cpus, Kubernetes limits.cpu or systemd CPUQuota set; give \
             whole CPUs instead, as docker --cpuset-cpus does",
        ),
        (Some(quota), _) => fine(format!("a quota of {quota:.2} CPUs, which is all of them")),
    }
}

pub(super) fn governor(subject: &Subject<'_>) -> Diagnosis {
    let Some(governor) = subject.fact("governor") else {
        return not_available("the kernel does not set the clock rate here");
    };
    if governor == "performance" {
        return fine("performance");
    }
    let preference = subject.fact("frequency.preference").unwrap_or_default();
    let slow = governor.contains("powersave") && preference != "performance";
    found(
        if slow { Severe } else { Warning },
        format!("the frequency governor is {governor}"),
        "the clock rate follows the load with a delay, so models that sleep more run slower, and \
         a slice depends on the one before",
        "cpupower frequency-set -g performance",
    )
}

pub(super) fn turbo(subject: &Subject<'_>) -> Diagnosis {
    let boost = subject.fact("frequency.boost").map(|boost| boost == "1");
    let on = boost.or_else(|| subject.fact("frequency.no_turbo").map(|off| off == "0"));
    match on {
        None => not_available("the kernel does not control boost here"),
        Some(false) => fine("off"),
        Some(true) => found(
            Note,
            "boost is on",
            "the clock rate depends on temperature and on how many CPUs are busy, so a model that \
             uses more CPUs runs slower on each",
            "echo 0 > /sys/devices/system/cpu/cpufreq/boost, or \
             echo 1 > /sys/devices/system/cpu/intel_pstate/no_turbo",
        ),
    }
}

pub(super) fn smt(subject: &Subject<'_>) -> Diagnosis {
    match subject.fact("smt") {
        None => not_available("the kernel does not say whether CPUs share cores"),
        Some("on") => found(
            Warning,
            match subject.fact("cores") {
                Some(cores) => format!("{} CPUs on {cores} cores", subject.machine.cpus),
                None => "CPUs share cores".into(),
            },
            "two CPUs of one core slow each other, by how much depends on what both do: in `split` \
             the other end may sit beside the contender",
            "echo off > /sys/devices/system/cpu/smt/control, or taskset to one CPU of each core",
        ),
        Some(_) => fine("each CPU says that it is a core of its own"),
    }
}

pub(super) fn virtualisation(subject: &Subject<'_>) -> Diagnosis {
    match &subject.machine.virtualisation {
        Some(name) => found(
            Note,
            format!("a virtual machine: {name}"),
            "other guests use the same caches and clock rate unseen, interrupts and wake-ups cost \
             more, and there are no hardware counters",
            "bare metal or a dedicated host where absolute numbers count; ratios bear it, as far \
             as the noise floor says",
        ),
        None if subject.machine.cpu.is_empty() => not_available("the CPU is not known"),
        None => fine("none that the CPU admits to"),
    }
}

pub(super) fn mitigations(subject: &Subject<'_>) -> Diagnosis {
    let Some(summary) = subject.fact("mitigations") else {
        return not_available("the kernel does not say what the CPU is vulnerable to");
    };
    let all = subject.machine.facts.iter();
    let all = all.filter_map(|(name, state)| Some((name.strip_prefix("mitigations.")?, state)));
    let (active, open): (Vec<_>, Vec<_>) = all
        .filter(|(_, state)| state.contains("Mitigation") || state.starts_with("Vulnerable"))
        .partition(|(_, state)| state.contains("Mitigation"));
    let names = |list: Vec<(&str, &String)>| -> String {
        list.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    };
    match (active.is_empty(), open.is_empty()) {
        (true, true) => fine(format!("none needed ({summary})")),
        (true, false) => found(
            Note,
            format!("none; open: {}", names(open)),
            "system calls and switches are cheaper here than where mitigations are on, which \
             favours models that make many",
            "say so beside the results, or boot with the mitigations of production",
        ),
        (false, _) => found(
            Note,
            format!("in force: {}", names(active)),
            "system calls and switches cost more, which is hardest on models that make many of \
             them; without mitigations the order can be another",
            "nothing, where production has the same; they stand in the record",
        ),
    }
}

pub(super) fn huge_pages(subject: &Subject<'_>) -> Diagnosis {
    match subject.fact("thp") {
        None => not_available("the kernel has no transparent huge pages"),
        Some("always") => found(
            Warning,
            "transparent huge pages: always",
            "memory comes in pages of 2 MiB, which blurs bytes per task, and a kernel thread merges \
             pages while somebody is measured",
            "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled",
        ),
        Some(choice) => fine(choice),
    }
}

pub(super) fn aslr(subject: &Subject<'_>) -> Diagnosis {
    match subject.fact("aslr") {
        None => not_available("the kernel does not say"),
        Some("0") => found(
            Note,
            "address space layout is not randomised",
            "every process draws the same layout, so its luck does not average out over blocks",
            "sysctl kernel.randomize_va_space=2",
        ),
        Some(_) => fine("on: each process draws its layout, and blocks average over it"),
    }
}
