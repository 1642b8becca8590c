//! The checks: one list, one function each. They only judge; nothing is read or measured here.
//!
//! Limits between fine and not stand as constants where they are used, each with its reason.

use super::{Finding, Measured, Severity};
use crate::record::Machine;

mod clocks;
mod cpus;
mod limits;
mod moment;

/// All of them, the most fundamental first.
pub(super) const CHECKS: [Check; 26] = [
    Check::of_a_run("cpu-sets", cpus::sets),
    Check::new("cpus", cpus::count),
    Check::of_a_run("cpu-quota", cpus::quota),
    Check::new("throttling", moment::throttling),
    Check::of_a_run("governor", cpus::governor),
    Check::new("turbo", cpus::turbo),
    Check::new("smt", cpus::smt),
    Check::new("virtualisation", cpus::virtualisation),
    Check::new("mitigations", cpus::mitigations),
    Check::new("huge-pages", cpus::huge_pages),
    Check::new("aslr", cpus::aslr),
    Check::new("clock-source", clocks::source),
    Check::new("clock", clocks::reading),
    Check::new("timer", clocks::timer),
    Check::new("sharp-timer", clocks::sharp_timer),
    Check::new("gaps", clocks::gaps),
    Check::new("wake-up", clocks::wake_up),
    Check::new("steal", moment::steal),
    Check::of_a_run("cpu-pressure", moment::cpu_pressure),
    Check::new("memory-pressure", moment::memory_pressure),
    Check::new("foreign-load", moment::foreign_load),
    Check::new("descriptors", limits::descriptors),
    Check::new("threads", limits::threads),
    Check::new("mappings", limits::mappings),
    Check::new("backlog", limits::backlog),
    Check::new("noise-floor", moment::noise_floor),
];

/// A check.
pub(super) struct Check {
    pub(super) id: &'static str,
    /// Whether what is severe here is also said of every run.
    pub(super) of_a_run: bool,
    look: fn(&Subject<'_>) -> Diagnosis,
}

/// What is looked at.
pub(super) struct Subject<'a> {
    pub(super) machine: &'a Machine,
    pub(super) measured: &'a Measured,
}

/// What a check says.
#[derive(Debug)]
pub(super) enum Diagnosis {
    /// Why it can't be known.
    NotAvailable(String),
    /// What was seen.
    Fine(String),
    Found {
        severity: Severity,
        seen: String,
        effect: String,
        remedy: String,
    },
}

impl Check {
    const fn new(id: &'static str, look: fn(&Subject<'_>) -> Diagnosis) -> Self {
        Self { id, of_a_run: false, look }
    }

    const fn of_a_run(id: &'static str, look: fn(&Subject<'_>) -> Diagnosis) -> Self {
        Self { id, of_a_run: true, look }
    }

    pub(super) fn finding(&self, subject: &Subject<'_>) -> Finding {
        let (severity, seen, effect, remedy) = match (self.look)(subject) {
            Diagnosis::NotAvailable(why) => {
                (Severity::NotAvailable, why, String::new(), String::new())
            }
            Diagnosis::Fine(seen) => (Severity::Fine, seen, String::new(), String::new()),
            Diagnosis::Found { severity, seen, effect, remedy } => (severity, seen, effect, remedy),
        };
        Finding { check: self.id.into(), severity, seen, effect, remedy }
    }
}

impl<'a> Subject<'a> {
    /// A fact's text.
    fn fact(&self, name: &str) -> Option<&'a str> {
        self.machine.facts.get(name).map(String::as_str)
    }

    /// A fact that is a number.
    fn number(&self, name: &str) -> Option<u64> {
        self.fact(name)?.parse().ok()
    }

    /// CPUs that this process may use; all where nothing says; `None` where nothing is known.
    fn cpus(&self) -> Option<usize> {
        let allowed = self.fact("cpus.allowed").map(crate::machine::count_cpus);
        Some(allowed.unwrap_or(self.machine.cpus)).filter(|cpus| *cpus > 0)
    }
}

fn found(
    severity: Severity,
    seen: impl Into<String>,
    effect: impl Into<String>,
    remedy: impl Into<String>,
) -> Diagnosis {
    Diagnosis::Found { severity, seen: seen.into(), effect: effect.into(), remedy: remedy.into() }
}

fn fine(seen: impl Into<String>) -> Diagnosis {
    Diagnosis::Fine(seen.into())
}

fn not_available(why: impl Into<String>) -> Diagnosis {
    Diagnosis::NotAvailable(why.into())
}

/// The first severity whose limit the value is above.
fn grade(value: f64, limits: [(f64, Severity); 2]) -> Option<Severity> {
    limits.iter().find(|(limit, _)| value > *limit).map(|(_, severity)| *severity)
}
