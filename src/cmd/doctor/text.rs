//! An examination for people: the machine, what was measured, and findings, the worst first.

use deadheat_core::{
    doctor::{Examination, Finding, Lateness, Measured, Severity, WakeUp},
    record::Machine,
    stats::human::{bytes, percent, ratio_interval, time},
};

/// How wide a column of names is.
const NAMES: usize = 18;

/// All of it, wrapped to a width.
pub(super) fn lines(examination: &Examination, width: usize) -> Vec<String> {
    let Examination { machine, measured, findings, .. } = examination;
    let mut lines = vec![about(machine), String::new(), "MEASURED".into()];
    for (name, value) in rows(machine, measured) {
        lines.extend(row(name, &value, width));
    }
    for (severity, title) in [
        (Severity::Severe, "SEVERE: can change a verdict"),
        (Severity::Warning, "WARNINGS: noisier results, or courses left out"),
        (Severity::Note, "NOTES: belong beside the results"),
    ] {
        let of_it: Vec<_> = findings.iter().filter(|f| f.severity == severity).collect();
        if !of_it.is_empty() {
            lines.extend([String::new(), title.into()]);
            lines.extend(of_it.into_iter().flat_map(|found| finding(found, width)));
        }
    }
    for (severity, title) in [(Severity::Fine, "FINE"), (Severity::NotAvailable, "NOT AVAILABLE")] {
        let of_it: Vec<_> = findings.iter().filter(|f| f.severity == severity).collect();
        if !of_it.is_empty() {
            lines.extend([String::new(), title.into()]);
            lines.extend(of_it.iter().flat_map(|f| row(&f.check, &f.seen, width)));
        }
    }
    lines
}

fn finding(finding: &Finding, width: usize) -> Vec<String> {
    let Finding { check, seen, effect, remedy, .. } = finding;
    let mut lines = row(check, seen, width);
    lines.extend(row("", &format!("effect: {effect}"), width));
    lines.extend(row("", &format!("remedy: {remedy}"), width));
    lines
}

/// A name, and a text beside it.
fn row(name: &str, text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![format!("  {name:NAMES$}")];
    let mut empty = true;
    for word in text.split(' ') {
        let last = lines.len() - 1;
        let full = lines[last].chars().count() + word.chars().count() + usize::from(!empty);
        if !empty && full > width {
            lines.push(format!("  {:NAMES$}{word}", ""));
            continue;
        }
        if !empty {
            lines[last].push(' ');
        }
        lines[last].push_str(word);
        empty = false;
    }
    lines
}

fn about(machine: &Machine) -> String {
    let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let parts = [
        known(&machine.cpu),
        (machine.cpus > 0).then(|| format!("{} CPUs", machine.cpus)),
        machine.memory.map(|memory| bytes(memory as f64)),
        known(format!("{} {}", machine.os, machine.kernel).trim()),
        machine.virtualisation.as_ref().map(|name| format!("under {name}")),
        Some(format!("fingerprint {}", machine.fingerprint)),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn rows(machine: &Machine, measured: &Measured) -> Vec<(&'static str, String)> {
    let missing = || "not available".to_owned();
    let clock = machine.clock;
    let share = |share: Option<f64>| share.map_or_else(missing, percent);
    let mut rows = vec![
        (
            "clock",
            format!(
                "a reading costs {}, smallest step {}",
                time(clock.cost_ns),
                time(clock.granularity_ns as f64)
            ),
        ),
        ("sleep", measured.sleep.as_ref().map_or_else(missing, late)),
        ("  slack of 1 ns", measured.sharp_sleep.as_ref().map_or_else(missing, late)),
    ];
    for gaps in &measured.gaps {
        let largest: Vec<_> = gaps.largest_ns.iter().map(|&ns| time(ns as f64)).collect();
        let largest = if largest.is_empty() { "none".into() } else { largest.join(", ") };
        rows.push((
            "gaps",
            format!(
                "CPU {}: {} of 10 µs or more in {}, {} of the time; largest {largest}",
                gaps.cpu,
                gaps.count,
                time(gaps.watched_ns as f64),
                percent(gaps.lost_ns as f64 / gaps.watched_ns.max(1) as f64),
            ),
        ));
    }
    rows.extend([
        ("wake-up, same CPU", measured.same_cpu.as_ref().map_or_else(missing, woken)),
        ("wake-up, across", measured.cross_cpu.as_ref().map_or_else(missing, woken)),
        ("foreign load", share(measured.foreign)),
        ("steal", share(measured.steal)),
        ("noise floor", floor(measured)),
    ]);
    rows
}

fn late(late: &Lateness) -> String {
    let [asked, p50, p99, max] =
        [late.asked_ns, late.p50_ns, late.p99_ns, late.max_ns].map(|ns| time(ns as f64));
    format!("of {asked} ends late by p50 {p50}, p99 {p99}, max {max} ({} sleeps)", late.sleeps)
}

fn woken(woken: &WakeUp) -> String {
    let [p50, p99, max] = [woken.p50_ns, woken.p99_ns, woken.max_ns].map(|ns| time(ns as f64));
    let [a, b] = woken.cpus;
    format!("p50 {p50}, p99 {p99}, max {max} (CPU {a} and {b}, {} wake-ups)", woken.wakes)
}

fn floor(measured: &Measured) -> String {
    let Some(twin) = &measured.twin else {
        return format!("not available: {}", measured.no_twin.as_deref().unwrap_or_default());
    };
    let found = ratio_interval(twin.ratio, twin.lo.zip(twin.hi));
    let tells = twin.resolution().map_or_else(
        || "too few blocks for an interval".into(),
        |h| format!("this machine can tell ±{} in {}", percent(h), time(twin.took_ns as f64)),
    );
    let (blocks, rounds) = (twin.blocks, twin.rounds);
    format!("same code, twice: {found}: {tells} ({}, {blocks} × {rounds} slices)", twin.race)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_wrapped_beside_their_names() {
        let column = NAMES + 2;
        let wrapped = row("gaps", "one two three, four", column + 8);
        let indent = " ".repeat(column);
        let first = format!("  {:NAMES$}one two", "gaps");
        assert_eq!(wrapped, [first, format!("{indent}three,"), format!("{indent}four")]);
        assert_eq!(row("", "unbreakable", 3), [format!("{indent}unbreakable")]);
    }

    #[test]
    fn the_worst_comes_first_and_nothing_missing_is_zero() {
        let of = |check: &str, severity| Finding {
            check: check.into(),
            severity,
            seen: format!("{check} was seen"),
            effect: "an effect".into(),
            remedy: "a remedy".into(),
        };
        let findings = vec![
            of("fine", Severity::Fine),
            of("note", Severity::Note),
            of("bad", Severity::Severe),
            of("unknown", Severity::NotAvailable),
        ];
        let examination = Examination { findings, ..Examination::default() };
        let text = lines(&examination, 100).join("\n");
        let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("no {what}: {text}"));
        assert!(at("bad was seen") < at("effect: an effect") && at("remedy") < at("note was"));
        assert!(at("note was") < at("\nFINE\n") && at("\nFINE") < at("unknown was seen"));
        for name in ["sleep", "wake-up, across", "foreign load", "steal", "noise floor"] {
            let row = text.lines().find(|line| line.trim_start().starts_with(name)).unwrap();
            assert!(row.contains("not available") && !row.contains('0'), "{row}");
        }
    }
}
