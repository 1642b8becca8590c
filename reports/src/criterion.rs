//! The layout of `target/criterion` that `critcmp` and its like read: a folder per cell and metric,
//! in it a baseline named after the run.
//!
//! Criterion's files have a mean, and its readers show it. Nothing is averaged here: `mean` and
//! `median` both hold the median over blocks with its exact interval. Only `std_dev`,
//! `median_abs_dev` and `standard_error` describe the spread of the blocks.
//!
//! Not in here: criterion's raw samples. Its own command can't take these files as a baseline.

use deadheat_core::{
    record::{Metric, Record},
    stats::median,
};
use serde_json::{Value, json};

use crate::{
    Error, Format, Options, Output, capacities,
    costs::{self, Cell, Cost},
    names::{Names, file_name},
};

pub(crate) const FORMAT: Format = Format {
    id: "criterion",
    extension: "json",
    about: "the layout of target/criterion, for critcmp; the baseline is called like the run",
    render,
};

fn render(record: &Record, _: &Options) -> Result<Vec<Output>, Error> {
    capacities::refuse(record, FORMAT.id)?;
    let baseline = match record.run.id.as_str() {
        "" => "run".into(),
        id => file_name(id),
    };
    let mut names = Names::default();
    let mut files = Vec::new();
    for cell in costs::cells(record) {
        let folder = names.of(&cell.id);
        for cost in cell.costs.iter().filter(|cost| cost.metric != Metric::Memory) {
            let directory = format!("{folder}/{}", cost.metric.id());
            let place = format!("criterion/{directory}/{baseline}");
            let benchmark = benchmark(&cell, cost, &directory);
            files.push(Output::json(&format!("{place}/estimates.json"), &estimates(cost))?);
            files.push(Output::json(&format!("{place}/benchmark.json"), &benchmark)?);
        }
    }
    Ok(files)
}

fn benchmark(cell: &Cell<'_>, cost: &Cost, directory: &str) -> Value {
    let metric = cost.metric.id();
    // As criterion composes it, of the group and the function.
    let full_id = format!("{}/{metric}", cell.id);
    // Readers turn a time per operation and its number of elements into a rate.
    let throughput = (cost.metric == Metric::Throughput).then(|| json!({ "Elements": 1 }));
    json!({
        "group_id": cell.id,
        "function_id": metric,
        "value_str": null,
        "throughput": throughput,
        "full_id": full_id,
        "directory_name": directory,
        "title": full_id,
    })
}

fn estimates(cost: &Cost) -> Value {
    let (lo, hi) = cost.interval.unwrap_or((cost.value, cost.value));
    let deviations: Vec<f64> = cost.blocks.iter().map(|block| (block - cost.value).abs()).collect();
    let n = cost.blocks.len() as f64;
    let mean = cost.blocks.iter().sum::<f64>() / n.max(1.0);
    let squares: f64 = cost.blocks.iter().map(|block| (block - mean).powi(2)).sum();
    let spread = (squares / (n - 1.0).max(1.0)).sqrt();
    let error = spread / n.max(1.0).sqrt();
    let estimate = |point: f64, lo: f64, hi: f64| {
        json!({
            "confidence_interval": {
                "confidence_level": 0.95,
                "lower_bound": lo,
                "upper_bound": hi,
            },
            "point_estimate": point,
            "standard_error": error,
        })
    };
    // Scaled to a normal distribution's standard deviation, as criterion does.
    let typical = 1.4826 * median(&deviations).unwrap_or_default();
    json!({
        "mean": estimate(cost.value, lo, hi),
        "median": estimate(cost.value, lo, hi),
        "median_abs_dev": estimate(typical, typical, typical),
        "slope": null,
        "std_dev": estimate(spread, spread, spread),
    })
}
