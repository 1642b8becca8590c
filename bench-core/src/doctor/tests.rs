//! Machines that were recorded, and measurements that were made up, diagnosed.

use std::{collections::BTreeSet, path::Path};

use super::*;
use crate::record::ClockFigures;

fn recorded(name: &str) -> Machine {
    machine::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/machines").join(name))
}

#[track_caller]
fn finding(machine: &Machine, measured: &Measured, check: &str) -> Finding {
    let mut findings = diagnose(machine, measured).into_iter();
    findings.find(|finding| finding.check == check).unwrap_or_else(|| panic!("no check {check}"))
}

/// A machine of which every fact that checks look at is another one's.
fn with(facts: &[(&str, &str)]) -> Machine {
    let facts = facts.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    Machine { cpus: 8, cpu: "some CPU".into(), facts, ..Machine::default() }
}

#[test]
fn recorded_machines_are_diagnosed() {
    use Severity::{Fine, NotAvailable, Note, Severe, Warning};
    for (name, check, severity, seen) in [
        ("bare-metal", "cpus", Fine, "4 CPUs"),
        ("bare-metal", "cpu-quota", Fine, "no quota (cgroup v2)"),
        ("bare-metal", "governor", Fine, "performance"),
        ("bare-metal", "turbo", Fine, "off"),
        ("bare-metal", "smt", Warning, "4 CPUs on 2 cores"),
        ("bare-metal", "virtualisation", Fine, "none that the CPU admits to"),
        ("bare-metal", "mitigations", Note, "in force: gather_data_sampling, itlb_multihit"),
        ("bare-metal", "huge-pages", Fine, "madvise"),
        ("bare-metal", "clock-source", Fine, "tsc"),
        ("bare-metal", "cpu-pressure", Fine, "in 0% of the 10 s before"),
        ("bare-metal", "descriptors", Fine, "524288 open files"),
        ("bare-metal", "threads", Fine, "20921 (the cgroup's pids.max)"),
        ("bare-metal", "mappings", Fine, "1048576: 262144 threads"),
        ("bare-metal", "backlog", Fine, "4096 connections"),
        ("runner", "governor", NotAvailable, "the kernel does not set the clock rate"),
        ("runner", "virtualisation", Note, "Microsoft Corporation"),
        ("runner", "clock-source", Fine, "hyperv_clocksource_tsc_page"),
        ("runner", "huge-pages", Warning, "always"),
        ("runner", "cpu-pressure", Warning, "in 12% of the 10 s before"),
        ("container-v1", "cpu-quota", Severe, "0.50 of 2 CPUs"),
        ("container-v1", "cpu-pressure", NotAvailable, "pressure stall information"),
        ("container-v1", "mappings", Fine, "65530: 16382 threads"),
        ("container-v1", "backlog", Warning, "net.core.somaxconn is 128"),
        ("container-v2", "cpus", Warning, "2 CPUs"),
        ("container-v2", "cpu-quota", Severe, "0.50 of 2 CPUs"),
        ("container-v2", "threads", Warning, "the cgroup's pids.max allows 1024 threads"),
        ("container-v2", "cpu-pressure", Severe, "in 41% of the 10 s before"),
        // None of these was measured.
        ("bare-metal", "clock", NotAvailable, "not measured"),
        ("bare-metal", "timer", NotAvailable, "could not be timed"),
        ("bare-metal", "noise-floor", NotAvailable, "no twin was raced"),
    ] {
        let found = finding(&recorded(name), &Measured::default(), check);
        assert_eq!(found.severity, severity, "{name}: {found:?}");
        assert!(found.seen.contains(seen), "{name}: {found:?} does not say {seen}");
    }
}

#[test]
fn facts_that_no_recorded_machine_has_are_judged() {
    use Severity::{Fine, Note, Severe, Warning};
    type Facts = &'static [(&'static str, &'static str)];
    let cases: [(Facts, &str, Severity); 16] = [
        (&[("cpus.allowed", "3")], "cpus", Severe),
        (&[("cpus.allowed", "0-2,7-8")], "cpus", Fine),
        (&[("cpu_sets", "yes")], "cpu-sets", Fine),
        (&[("cpu_sets", "no: operation not permitted")], "cpu-sets", Severe),
        (&[("cgroup.version", "2"), ("cgroup.cpus", "8.00")], "cpu-quota", Fine),
        (&[("governor", "powersave")], "governor", Severe),
        (&[("governor", "performance+powersave")], "governor", Severe),
        (
            &[("governor", "powersave"), ("frequency.preference", "performance")],
            "governor",
            Warning,
        ),
        (&[("governor", "schedutil")], "governor", Warning),
        (&[("frequency.boost", "1")], "turbo", Note),
        (&[("frequency.no_turbo", "0")], "turbo", Note),
        (&[("clocksource", "hpet")], "clock-source", Severe),
        (&[("aslr", "0")], "aslr", Note),
        (&[("mitigations", "0 of 14 known vulnerabilities concern this CPU")], "mitigations", Fine),
        (&[("ulimit.nofile", "1024 of 4096")], "descriptors", Warning),
        (&[("ulimit.nofile", "1024 of unlimited")], "descriptors", Fine),
    ];
    for (facts, check, severity) in cases {
        let found = finding(&with(facts), &Measured::default(), check);
        assert_eq!(found.severity, severity, "{facts:?}: {found:?}");
    }
    let slow = ClockFigures { cost_ns: 812.0, granularity_ns: 70 };
    let machine = Machine { clock: slow, ..with(&[]) };
    assert_eq!(finding(&machine, &Measured::default(), "clock").severity, Severe);
}

fn late(p50_ns: u64) -> Lateness {
    Lateness { asked_ns: 1_000_000, sleeps: 1_000, p50_ns, p99_ns: 2 * p50_ns, max_ns: 9 * p50_ns }
}

fn gap(largest: u64, lost_ns: u64) -> Vec<Gaps> {
    let quiet = Gaps { watched_ns: 1_000_000_000, ..Gaps::default() };
    let worst = Gaps { cpu: 1, count: 1, lost_ns, largest_ns: vec![largest], ..quiet.clone() };
    vec![quiet, worst]
}

fn woken(cpus: [usize; 2], p50_ns: u64) -> WakeUp {
    WakeUp { cpus, wakes: 9, p50_ns, p99_ns: p50_ns, max_ns: p50_ns }
}

fn twin(lo: f64, hi: f64) -> Twin {
    let (lo, hi) = (Some(lo), Some(hi));
    Twin {
        blocks: 20,
        took_ns: 10_000_000_000,
        margin: 0.05,
        ratio: 1.0,
        lo,
        hi,
        ..Twin::default()
    }
}

#[test]
fn measurements_are_judged() {
    use Severity::{Fine, NotAvailable, Note, Severe, Warning};
    let of = |change: &dyn Fn(&mut Measured)| {
        let mut measured = Measured::default();
        change(&mut measured);
        measured
    };
    let throttling = |throttled| Some(Throttling { periods: 15, throttled, ns: 7_000_000 });
    for (measured, check, severity, seen) in [
        (of(&|m| m.sleep = Some(late(63_000))), "timer", Fine, "late by 63.0 µs (p50)"),
        (of(&|m| m.sleep = Some(late(400_000))), "timer", Warning, "400 µs"),
        (
            of(&|m| m.sleep = Some(Lateness { p99_ns: 21_000_000, ..late(63_000) })),
            "timer",
            Severe,
            "21.0 ms (p99)",
        ),
        (of(&|m| m.sharp_sleep = Some(late(150_000))), "sharp-timer", Warning, "150 µs"),
        (of(&|m| m.gaps = gap(90_000, 90_000)), "gaps", Fine, "90.0 µs (CPU 1)"),
        (of(&|m| m.gaps = gap(4_000_000, 5_000_000)), "gaps", Warning, "4.00 ms"),
        (of(&|m| m.gaps = gap(900_000, 80_000_000)), "gaps", Severe, "8.0% of the time"),
        (of(&|m| m.same_cpu = Some(woken([0, 0], 3_000))), "wake-up", Fine, "no other CPU"),
        (of(&|m| m.steal = Some(0.0)), "steal", Fine, "kept 0%"),
        (of(&|m| m.steal = Some(0.03)), "steal", Warning, "kept 3.0%"),
        (of(&|m| m.foreign = Some(0.4)), "foreign-load", Severe, "others use 40%"),
        (of(&|m| m.throttling = throttling(0)), "throttling", Fine, "none of 15"),
        (of(&|m| m.throttling = throttling(14)), "throttling", Severe, "14 of 15 periods, 7.00 ms"),
        (of(&|m| m.twin = Some(twin(0.995, 1.004))), "noise-floor", Fine, "±0.5% in 10.0 s"),
        (of(&|m| m.twin = Some(twin(0.96, 1.04))), "noise-floor", Warning, "±4.1%"),
        (of(&|m| m.twin = Some(twin(0.8, 1.3))), "noise-floor", Severe, "±27%"),
        (
            of(&|m| m.twin = Some(Twin { invalid: true, ..twin(1.03, 1.04) })),
            "noise-floor",
            Severe,
            "±0.5%",
        ),
        (of(&|m| m.no_twin = Some("left out".into())), "noise-floor", NotAvailable, "left out"),
    ] {
        let found = finding(&with(&[]), &measured, check);
        assert_eq!(found.severity, severity, "{found:?}");
        assert!(found.seen.contains(seen), "{found:?} does not say {seen}");
    }
    let far = of(&|m| {
        (m.same_cpu, m.cross_cpu) = (Some(woken([0, 0], 3_000)), Some(woken([0, 1], 24_000)));
    });
    let found = finding(&with(&[]), &far, "wake-up");
    assert_eq!(found.severity, Note);
    assert!(found.seen.contains("24.0 µs from CPU 0 to CPU 1: 8.0 × as long"), "{found:?}");
}

/// Of a machine that tells nothing, nothing is said: not even a zero.
#[test]
fn what_is_not_available_is_called_so() {
    let examination = Examination::new(Machine::default(), Measured::default());
    for finding in &examination.findings {
        assert_eq!(finding.severity, Severity::NotAvailable, "{finding:?}");
        assert!(!finding.seen.is_empty() && !finding.seen.contains('0'), "{finding:?}");
    }
    let json = serde_json::to_value(&examination).unwrap();
    for name in ["sleep", "same_cpu", "cross_cpu", "foreign", "steal", "throttling", "twin"] {
        assert!(json["measured"][name].is_null(), "{name}: {json}");
    }
    assert_eq!(serde_json::from_value::<Examination>(json).unwrap(), examination);
}

#[test]
fn every_finding_says_what_it_does_and_what_to_do() {
    let ids: BTreeSet<_> = checks::CHECKS.iter().map(|check| check.id).collect();
    assert_eq!(ids.len(), checks::CHECKS.len(), "ids are unique");
    let measured = Measured {
        sleep: Some(late(5_000_000)),
        sharp_sleep: Some(late(5_000_000)),
        gaps: gap(30_000_000, 300_000_000),
        same_cpu: Some(woken([0, 0], 1_000)),
        cross_cpu: Some(woken([0, 1], 90_000)),
        foreign: Some(0.9),
        steal: Some(0.9),
        throttling: Some(Throttling { periods: 9, throttled: 9, ns: 1 }),
        twin: Some(twin(0.5, 2.0)),
        no_twin: None,
    };
    for name in ["bare-metal", "runner", "container-v1", "container-v2"] {
        for finding in diagnose(&recorded(name), &measured) {
            let found = finding.severity > Severity::Fine;
            assert!(!finding.seen.is_empty(), "{finding:?}");
            assert_eq!(finding.effect.is_empty(), !found, "{finding:?}");
            assert_eq!(finding.remedy.is_empty(), !found, "{finding:?}");
        }
    }
}

#[test]
fn a_run_is_warned_of_what_can_change_a_verdict_only() {
    let codes = |machine: &Machine| -> Vec<String> {
        warnings(machine).into_iter().map(|warning| warning.code).collect()
    };
    assert!(codes(&recorded("bare-metal")).is_empty());
    assert!(codes(&recorded("runner")).is_empty());
    assert_eq!(codes(&recorded("container-v1")), ["cpu-quota"]);
    assert_eq!(codes(&recorded("container-v2")), ["cpu-quota", "cpu-pressure"]);
    let machine = with(&[("governor", "powersave"), ("cpu_sets", "no: not here")]);
    assert_eq!(codes(&machine), ["cpu-sets", "governor"]);
    let warning = &warnings(&machine)[1];
    assert!(warning.text.starts_with("the frequency governor is powersave: the clock rate"));
    assert_eq!(warning.advice, "cpupower frequency-set -g performance");
}

#[test]
fn a_resolution_is_half_an_interval() {
    let half = |lo: f64, hi: f64| twin(lo, hi).resolution().unwrap();
    assert!((half(1.0 / 1.02, 1.02) - 0.02).abs() < 1e-12);
    assert!((half(1.0, 1.21) - 0.1).abs() < 1e-12, "off the truth, and as wide");
    assert_eq!(Twin { lo: None, ..twin(1.0, 1.0) }.resolution(), None);
}
