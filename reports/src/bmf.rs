//! Bencher Metric Format: what Bencher's `json` adapter takes.
//!
//! A benchmark is a cell, a measure is a metric. `throughput` is Bencher's own measure, in
//! operations per second, and so is our `capacity`; the others are costs under our own ids, in
//! nanoseconds or bytes.

use std::collections::BTreeMap;

use deadheat_core::record::Record;
use serde::Serialize;

use crate::{Error, Format, Options, Output, capacities::searches, costs};

pub(crate) const FORMAT: Format = Format {
    id: "bmf",
    extension: "json",
    about: "Bencher Metric Format: a cell's costs with their intervals",
    render,
};

#[derive(Serialize)]
struct Figures {
    value: f64,
    #[serde(rename = "lower_value", skip_serializing_if = "Option::is_none")]
    lower: Option<f64>,
    #[serde(rename = "upper_value", skip_serializing_if = "Option::is_none")]
    upper: Option<f64>,
}

fn render(record: &Record, _: &Options) -> Result<Vec<Output>, Error> {
    let mut benchmarks: BTreeMap<String, BTreeMap<&str, Figures>> = BTreeMap::new();
    for cell in costs::cells(record) {
        let measures = benchmarks.entry(cell.id).or_default();
        for cost in &cell.costs {
            let (value, interval) = cost.rate().unwrap_or((cost.value, cost.interval));
            let figures = Figures {
                value,
                lower: interval.map(|(lo, _)| lo),
                upper: interval.map(|(_, hi)| hi),
            };
            measures.insert(cost.metric.id(), figures);
        }
    }
    for search in searches(record) {
        for (row, value) in search.believed() {
            let figures = Figures { value, lower: row.lo, upper: row.hi };
            let measures = benchmarks.entry(search.cell(&row.contender)).or_default();
            measures.insert("capacity", figures);
        }
    }
    Ok(vec![Output::json("bmf.json", &benchmarks)?])
}
