//! What the page's script draws from, and what a reader takes away: the page's numbers as JSON,
//! rounded to four digits (latencies
//! of curves and slices to three, as histograms keep them). Keys are stable within `deadheat-page/1`.
//!
//! Not in here: the record. It is `results.json`, ten times as large, and has all of it.

use deadheat_core::{
    record::{Metric, Race, Record},
    stats::{Row, State, Summary},
};
use serde_json::{Map, Value, json};

use super::Heard;
use crate::{
    figure::{
        course::Lane,
        palette::classes,
        spectrum::{Curve, grid},
        sweep::{Over, Sweep},
    },
    words,
};

/// Everything, for all races; the slices of each only where they are asked for.
pub(super) fn data(record: &Record, races: &[Heard<'_>], sweeps: &[Sweep], slices: bool) -> Value {
    let (run, machine) = (&record.run, &record.machine);
    json!({
        "schema": "deadheat-page/1",
        "run": {
            "id": run.id, "started": run.started, "ended": run.ended, "profile": run.profile,
            "seed": run.seed, "version": run.program.version, "git": run.program.git,
        },
        "machine": {
            "fingerprint": machine.fingerprint, "cpu": machine.cpu, "cpus": machine.cpus,
            "memory": machine.memory, "os": machine.os, "kernel": machine.kernel,
            "virtualisation": machine.virtualisation,
        },
        "grid": grid().map(number).collect::<Vec<Value>>(),
        "races": races.iter().map(|heard| race(heard, slices)).collect::<Vec<Value>>(),
        "sweeps": sweeps.iter().map(sweep).collect::<Vec<Value>>(),
    })
}

fn race(heard: &Heard<'_>, slices: bool) -> Value {
    let (race, summary) = (heard.race, &heard.summary);
    let metric = summary.metric;
    let ratios = summary.rows.iter().filter(|row| row.id != race.reference).map(|row| {
        let pairs = heard.measures.pairs(metric, &row.id, &race.reference);
        (row.id.clone(), pairs.iter().map(|pair| number(pair.d.exp())).collect::<Value>())
    });
    let lanes = heard.lanes.iter().filter(|_| slices);
    json!({
        "id": race.id, "anchor": heard.anchor, "scenario": race.scenario, "load": race.load,
        "kind": race.kind, "params": race.params, "placement": race.placement.name,
        "primary": race.primary, "metric": metric, "margin": number(summary.margin),
        "reference": race.reference, "blocks": race.blocks.len(),
        "contenders": summary.rows.iter().map(|row| contender(row, summary)).collect::<Value>(),
        "verdicts": verdicts(race),
        "controls": race.controls,
        "block_ratios": ratios.collect::<Map<String, Value>>(),
        "service": curves(&heard.service),
        "response": curves(&heard.response),
        "slices": lanes.map(lane).collect::<Map<String, Value>>(),
    })
}

fn contender(row: &Row, summary: &Summary) -> Value {
    let leads = summary.group.as_ref().is_some_and(|group| group.members.contains(&row.id));
    let state = match &row.state {
        State::Raced => "raced".to_owned(),
        State::Partly { failed, cause } => format!("failed in {failed} blocks: {cause}"),
        State::Failed(cause) => format!("failed: {cause}"),
        State::NotApplicable(reason) => format!("not applicable: {reason}"),
        State::Infeasible(reason) => words::infeasible(reason),
        State::Absent => "not run".into(),
    };
    let value = |value: Option<f64>| value.map_or(Value::Null, number);
    json!({
        "id": row.id, "name": words::name(row), "role": row.role, "state": state, "leads": leads,
        "looks": looks(row), "workers": row.workers, "p50_ns": value(row.p50),
        "p99_ns": value(row.p99), "ops_per_s": value(row.throughput),
        "cpu_ns_per_op": value(row.cpu_ns), "switches_per_op": value(row.switches),
        "memory_peak": value(row.memory_peak), "memory_per_unit": value(row.memory_unit),
        "share": value(row.share),
    })
}

/// The classes of its lines, as in the figures.
fn looks(row: &Row) -> String {
    match row.role {
        deadheat_core::record::Role::Model => classes(&row.id),
        _ => "control d2".into(),
    }
}

fn verdicts(race: &Race) -> Value {
    let known = race.verdicts.iter().filter(|verdict| verdict.n > 0);
    let end = |end: Option<f64>| end.map_or(Value::Null, number);
    known
        .map(|v| {
            let mut verdict = json!({
                "metric": v.metric, "contender": v.a, "ratio": number(v.ratio), "lo": end(v.lo),
                "hi": end(v.hi), "blocks": v.n, "verdict": v.verdict,
            });
            if !v.marks.is_empty() {
                verdict["marks"] = json!(v.marks);
            }
            verdict
        })
        .collect()
}

/// The nanoseconds at each place of the grid, as far as the counts allow.
fn curves(curves: &[Curve]) -> Value {
    let values = |curve: &Curve| -> Value { curve.points.iter().map(|p| digits(p.1, 2)).collect() };
    Value::Object(curves.iter().map(|curve| (curve.id.clone(), values(curve))).collect())
}

/// Microseconds, and three digits: there are thousands of them.
fn lane(lane: &Lane<'_>) -> (String, Value) {
    let all = |of: fn(&deadheat_core::record::Slice) -> u64| -> Value {
        lane.slices.iter().map(|(_, slice)| digits(of(slice) as f64 / 1e3, 2)).collect()
    };
    let mut blocks: Vec<(usize, usize)> = Vec::new();
    for (block, _) in &lane.slices {
        match blocks.last_mut().filter(|last| last.0 == *block) {
            Some(last) => last.1 += 1,
            None => blocks.push((*block, 1)),
        }
    }
    let slices = json!({
        "blocks": blocks, "p50_us": all(|slice| slice.p50_ns), "p99_us": all(|slice| slice.p99_ns),
        "max_us": all(|slice| slice.max_ns),
    });
    (lane.id.clone(), slices)
}

fn sweep(sweep: &Sweep) -> Value {
    let over = match sweep.over {
        Over::Rate => "rate",
        Over::Clients => "clients",
    };
    let value = |value: Option<f64>| value.map_or(Value::Null, number);
    let curves: Value = sweep
        .curves
        .iter()
        .map(|curve| {
            let points = curve.points.iter();
            json!({
                "id": curve.id, "looks": curve.class,
                "knee": value(curve.knee),
                "load": points.clone().map(|p| number(p.load)).collect::<Value>(),
                "ops_per_s": points.clone().map(|p| value(p.throughput)).collect::<Value>(),
                "p50_ns": points.clone().map(|p| value(p.p50)).collect::<Value>(),
                "p99_ns": points.clone().map(|p| value(p.p99)).collect::<Value>(),
                "saturated": points.map(|p| Value::from(p.saturated)).collect::<Value>(),
            })
        })
        .collect();
    json!({ "title": sweep.title, "over": over, "axis": sweep.axis(), "curves": curves })
}

/// Four significant digits; what is not finite is nothing.
fn number(value: f64) -> Value {
    digits(value, 3)
}

fn digits(value: f64, behind: usize) -> Value {
    let rounded: f64 = format!("{value:.behind$e}").parse().unwrap_or(f64::NAN);
    if rounded.fract() == 0.0 && rounded.abs() < 1e15 {
        // Without the ".0" that a float is written with.
        #[expect(clippy::cast_possible_truncation, reason = "whole, and below 2^53")]
        return Value::from(rounded as i64);
    }
    serde_json::Number::from_f64(rounded).map_or(Value::Null, Value::Number)
}

/// The metrics that some race has verdicts on, in the order in which reports show them.
pub(super) fn metrics(record: &Record) -> Vec<Metric> {
    let has = |metric: &Metric| {
        record.races.iter().flat_map(|race| &race.verdicts).any(|v| v.metric == *metric && v.n > 0)
    };
    Metric::ALL.into_iter().filter(has).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let shown = |value: f64| number(value).to_string();
        assert_eq!(
            [0.741_234, 123_456.0, 7.0, 1e300].map(shown),
            ["0.7412", "123500", "7", "1e+300"]
        );
        assert_eq!(number(f64::NAN), Value::Null);
    }
}
