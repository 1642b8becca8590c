//! The doctor, on this machine: what it says is complete and plausible, whatever the machine.

use deadheat::core::doctor::{self, Examination, Measured, Severity};

use crate::support::{deadheat, stderr};

#[test]
fn the_doctor_finds_out_everything_that_it_checks() {
    let output = deadheat().args(["doctor", "--json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let examination: Examination = serde_json::from_slice(&output.stdout).unwrap();
    let Examination { schema, machine, measured, findings } = &examination;
    assert_eq!(schema, doctor::SCHEMA);
    assert_eq!(machine.fingerprint.len(), 16);
    assert!(machine.clock.cost_ns > 0.0 && machine.clock.granularity_ns > 0, "{machine:?}");
    // A finding for every check, in its order, and the same as anybody finds in the same data.
    assert_eq!(*findings, doctor::diagnose(machine, measured));
    for finding in findings {
        let found = finding.severity > Severity::Fine;
        assert!(!finding.seen.is_empty(), "{finding:?}");
        assert_eq!(!finding.effect.is_empty() && !finding.remedy.is_empty(), found, "{finding:?}");
    }
    let Measured { sleep, sharp_sleep, twin, no_twin, .. } = measured;
    for late in [sleep, sharp_sleep].into_iter().flatten() {
        assert!(late.p50_ns <= late.p99_ns && late.p99_ns <= late.max_ns, "{late:?}");
    }
    assert!(sleep.as_ref().is_some_and(|late| late.max_ns > 0), "{measured:?}");
    for share in [measured.foreign, measured.steal].into_iter().flatten() {
        assert!((0.0..=1.0).contains(&share), "{measured:?}");
    }
    let twin = twin.as_ref().unwrap_or_else(|| panic!("no twin: {no_twin:?}"));
    assert!(twin.race == "tcp-echo/closed-16" && twin.blocks > 0, "{twin:?}");
    assert!(twin.ratio.is_finite() && twin.ratio > 0.0, "{twin:?}");
    assert!(twin.lo <= Some(twin.ratio) && Some(twin.ratio) <= twin.hi, "{twin:?}");
    #[cfg(target_os = "linux")]
    {
        let woken = measured.same_cpu.as_ref().unwrap();
        assert!(woken.wakes > 0 && 0 < woken.p50_ns && woken.p50_ns <= woken.max_ns, "{woken:?}");
        assert!(!measured.gaps.is_empty());
        for gaps in &measured.gaps {
            assert!(gaps.watched_ns >= 1_000_000_000 && gaps.lost_ns <= gaps.watched_ns);
        }
        assert!(measured.foreign.is_some());
    }
}

#[test]
fn what_is_left_out_is_called_so() {
    let output = deadheat().args(["doctor", "--no-race", "--json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(json["measured"]["twin"].is_null(), "{json}");
    let findings = json["findings"].as_array().unwrap();
    let floor = findings.iter().find(|finding| finding["check"] == "noise-floor").unwrap();
    assert_eq!(floor["severity"], "not-available", "{floor}");
    assert!(floor["seen"].as_str().unwrap().contains("--no-race"), "{floor}");
}
