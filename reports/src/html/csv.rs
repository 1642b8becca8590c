//! The page's numbers as CSV (RFC 4180): one line per race, contender and metric.

use deadheat_core::{
    record::{Metric, Race, Role, Verdict},
    stats::{Measures, Summary, applicable, median},
};

const HEAD: [&str; 15] = [
    "race",
    "scenario",
    "load",
    "params",
    "placement",
    "contender",
    "role",
    "metric",
    "value",
    "unit",
    "ratio",
    "lo",
    "hi",
    "blocks",
    "verdict",
];

/// The whole table, head included.
pub(super) fn csv<'a>(
    races: impl Iterator<Item = (&'a Race, &'a Summary, &'a Measures<'a>)>,
) -> String {
    let mut text = String::new();
    line(&mut text, &HEAD.map(String::from));
    for (race, summary, measures) in races {
        let params: Vec<String> = race.params.iter().map(|(k, v)| format!("{k}={v}")).collect();
        for row in summary.rows.iter().filter(|row| row.has_numbers()) {
            for metric in applicable(race) {
                // Among operations that never ended there is no value, in some blocks or in all.
                let is_beyond = row.beyond.contains(&metric) || measures.is_beyond(metric, &row.id);
                let value = median(&measures.costs(metric, &row.id)).filter(|_| !is_beyond);
                let verdict = verdict(race, row.role, &row.id, metric);
                if value.is_none() && verdict.is_none() {
                    continue;
                }
                let of = |get: fn(&Verdict) -> Option<f64>| {
                    verdict.as_ref().and_then(get).map(number).unwrap_or_default()
                };
                let role = match row.role {
                    Role::Model => "model",
                    Role::Twin => "twin",
                    Role::Handicapped => "handicapped",
                };
                line(
                    &mut text,
                    &[
                        race.id.clone(),
                        race.scenario.clone(),
                        race.load.clone(),
                        params.join(","),
                        race.placement.name.clone(),
                        row.id.clone(),
                        role.into(),
                        metric.id().into(),
                        value.map(number).unwrap_or_default(),
                        unit(metric).into(),
                        of(|verdict| (verdict.n > 0).then_some(verdict.ratio)),
                        of(|verdict| verdict.lo),
                        of(|verdict| verdict.hi),
                        verdict.as_ref().map(|v| v.n.to_string()).unwrap_or_default(),
                        verdict.as_ref().map(call).unwrap_or_default(),
                    ],
                );
            }
        }
    }
    text
}

/// A model's verdict, or a control's ratio in its shape.
fn verdict(race: &Race, role: Role, id: &str, metric: Metric) -> Option<Verdict> {
    if role == Role::Model {
        return race.verdicts.iter().find(|v| v.metric == metric && v.a == id).cloned();
    }
    let control = race.controls.iter().find(|c| c.role == role && c.metric == metric)?;
    Some(Verdict {
        metric,
        a: id.to_owned(),
        ratio: control.ratio,
        lo: control.lo,
        hi: control.hi,
        n: control.n,
        marks: vec![control.state.clone()],
        ..Verdict::default()
    })
}

/// The verdict's id with its marks; a control has its state alone.
fn call(verdict: &Verdict) -> String {
    let call = serde_json::to_value(verdict.verdict).ok();
    let call = call.as_ref().and_then(|value| value.as_str()).unwrap_or_default();
    let mut words = if verdict.b.is_empty() { Vec::new() } else { vec![call] };
    words.extend(verdict.marks.iter().map(String::as_str));
    words.join(" ")
}

fn unit(metric: Metric) -> &'static str {
    match metric {
        Metric::Throughput | Metric::Makespan | Metric::CpuTime => "ns/op",
        Metric::P50 | Metric::P99 => "ns",
        Metric::Memory => "bytes/unit",
    }
}

/// Six significant digits: more than any of them is worth.
fn number(value: f64) -> String {
    let rounded: f64 = format!("{value:.5e}").parse().unwrap_or(value);
    format!("{rounded}")
}

fn line(text: &mut String, cells: &[String]) {
    for (place, cell) in cells.iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        text.push_str(&quoted(cell));
    }
    text.push_str("\r\n");
}

/// Quoted where it has to be. What a spreadsheet would take for a formula gets a quote mark in
/// front of it: a name in a record is no program.
fn quoted(cell: &str) -> String {
    let formula =
        cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell.parse::<f64>().is_err();
    let cell = if formula { format!("'{cell}") } else { cell.to_owned() };
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_cells_and_no_formulas() {
        assert_eq!(quoted("tcp-echo/closed-16"), "tcp-echo/closed-16");
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(quoted("=1+1"), "'=1+1");
        assert_eq!(quoted("-1.5"), "-1.5");
        assert_eq!([0.123_456_78, 1e9, 1.5].map(number), ["0.123457", "1000000000", "1.5"]);
    }
}
