//! Two records side by side: what a record says nothing of by itself is not compared.

use deadheat_core::{
    record::{Race, Record},
    stats::judge,
};
use deadheat_reports::compare::{compare, text};

#[path = "support/records.rs"]
mod records;

const MODEL: &str = "tokio/multi-thread";
/// As long as a window.
const SPAN: u64 = 25_000_000;

/// One open race of a reference, its twin and a model. Of slices without a span no tail is decided:
/// nobody knows how busy they were.
fn open(span_ns: u64) -> Record {
    let mut record = records::ordinary();
    record.machine.fingerprint = "0123456789abcdef".into();
    record.races.retain(|race| race.load.starts_with("open-"));
    let race = &mut record.races[0];
    let kept = ["threads/per-task", "threads/per-task+twin", MODEL];
    race.contenders.retain(|contender| kept.contains(&contender.id.as_str()));
    for block in &mut race.blocks {
        block.trials.retain(|trial| kept.contains(&trial.contender.as_str()));
        let slices = block.trials.iter_mut().flat_map(|trial| &mut trial.slices);
        slices.for_each(|slice| slice.span_ns = span_ns);
    }
    judged(race);
    record
}

fn judged(race: &mut Race) {
    let judgement = judge(race);
    (race.verdicts, race.controls) = (judgement.verdicts, judgement.controls);
}

fn saturate(record: &mut Record, id: &str) {
    let race = &mut record.races[0];
    let trials = race.blocks.iter_mut().flat_map(|block| &mut block.trials);
    for slice in trials.filter(|trial| trial.contender == id).flat_map(|trial| &mut trial.slices) {
        slice.saturated = true;
    }
    judged(race);
}

/// What is said of the model by a metric.
fn line(base: &Record, new: &Record, metric: &str) -> String {
    let text = text(&compare(base, new, true));
    let is_own = |line: &str| line.trim_start().starts_with(&format!("{MODEL} "));
    let found = text.lines().find(|line| is_own(line) && line.contains(metric));
    found.unwrap_or_else(|| panic!("{text}")).to_owned()
}

#[test]
fn latencies_of_a_saturated_cell_are_never_compared() {
    let base = open(SPAN);
    let before = line(&base, &base, " p50 ");
    assert!(before.contains("within the margin") && before.contains('['), "{before}");
    let mut new = open(SPAN);
    saturate(&mut new, MODEL);
    for metric in [" p50 ", " p99 "] {
        for (old, new) in [(&base, &new), (&new, &base), (&new, &new)] {
            let line = line(old, new, metric);
            assert!(line.contains("saturated") && line.contains("not compared"), "{line}");
            assert!(!line.contains('['), "no ratio: {line}");
        }
    }
    // What an operation costs does not grow with the window.
    let cpu = line(&base, &new, " cpu-time ");
    assert!(cpu.contains("within the margin"), "{cpu}");
}

#[test]
fn ratios_to_a_saturated_reference_are_none() {
    let (mut base, mut new) = (open(SPAN), open(SPAN));
    base.machine.fingerprint = "another".into();
    assert_eq!(line(&base, &new, " p50 ").matches('[').count(), 2);
    saturate(&mut new, "threads/per-task");
    let line = line(&base, &new, " p50 ");
    assert!(line.matches('[').count() == 1 && line.ends_with('–'), "{line}");
}

#[test]
fn too_few_samples_are_said() {
    let base = open(0);
    let line = line(&base, &base, " p99 ");
    assert!(line.contains("too few samples") && line.contains("not compared"), "{line}");
}
