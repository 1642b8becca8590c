//! Tidy data: a row per value, for pandas, R and spreadsheets.
//!
//! Values are what was measured, in base units, and are not judged; a contender that failed in a
//! block has a row that says so. What is not available has no row: an empty value would be read as
//! something. `round` is empty where a value belongs to the block as a whole.

use deadheat_core::{
    record::{Contender, Metric, Outcome, Race, Record, Slice, Trial},
    stats::{histogram, memory_line},
};

use crate::{Error, Format, Options, Output, words::clean};

pub(crate) const FORMAT: Format = Format {
    id: "csv",
    extension: "csv",
    about: "tidy data: a row per scenario, model, load, block, round and metric",
    render,
};

const HEAD: [&str; 11] = [
    "scenario",
    "model",
    "load",
    "parameter",
    "placement",
    "build",
    "block",
    "round",
    "metric",
    "value",
    "unit",
];

/// Quantiles of a block, and the samples that must lie beyond one.
const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];
const BEYOND: f64 = 10.0;

/// Metric, value, unit.
type Value = (String, f64, &'static str);

fn render(record: &Record, _: &Options) -> Result<Vec<Output>, Error> {
    let mut table = csv::WriterBuilder::new().from_writer(Vec::new());
    table.write_record(HEAD)?;
    for race in &record.races {
        for block in &race.blocks {
            for trial in &block.trials {
                let block = block.index.to_string();
                let cell = cell(race, trial);
                let mut row = |round: &str, (metric, value, unit): Value| {
                    let value = value.to_string();
                    let own = [block.as_str(), round, &metric, &value, unit];
                    table.write_record(cell.iter().map(String::as_str).chain(own))
                };
                for slice in &trial.slices {
                    let round = slice.round.to_string();
                    of_slice(race, slice).into_iter().try_for_each(|value| row(&round, value))?;
                }
                of_block(trial).into_iter().try_for_each(|value| row("", value))?;
            }
        }
    }
    let bytes = table.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
    Ok(vec![Output { name: "results.csv".into(), bytes }])
}

/// The columns that say whose values these are. Of a contender's id, the build is a column of its own.
fn cell(race: &Race, trial: &Trial) -> [String; 6] {
    let build = race.contender(&trial.contender).map(|Contender { build, .. }| build.as_str());
    let model = trial.contender.split('#').next().unwrap_or_default();
    let pairs: Vec<String> =
        race.params.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let placement = &race.placement.name;
    [&race.scenario, model, &race.load, &pairs.join(","), placement, build.unwrap_or_default()]
        .map(text)
}

/// A text that a spreadsheet takes for a text, and not for a formula.
fn text(text: &str) -> String {
    let text = clean(text);
    if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text }
}

fn of_slice(race: &Race, slice: &Slice) -> Vec<Value> {
    let mut values: Vec<Value> = Vec::new();
    let mut put = |metric: &str, value: Option<f64>, unit| {
        values.extend(
            value.filter(|value| value.is_finite()).map(|value| (metric.into(), value, unit)),
        );
    };
    let per = |a: u64, b: u64| (b > 0).then(|| a as f64 / b as f64);
    let known = |value: Option<u64>| value.map(|value| value as f64);
    let some = |value: u64| (value > 0).then_some(value as f64);
    if race.primary == Metric::Memory {
        put("units", known(slice.units), "units");
        put("memory", known(slice.memory), "bytes");
        return values;
    }
    if race.load.starts_with("batch-") {
        put("makespan", (slice.censored == 0).then_some(slice.window_ns as f64), "ns");
    } else {
        put("throughput", per(slice.done, slice.window_ns).map(|per_ns| per_ns * 1e9), "ops/s");
    }
    put("offered", Some(slice.offered as f64), "ops");
    put("done", Some(slice.done as f64), "ops");
    put("executed", Some(slice.executed as f64), "ops");
    put("censored", Some(slice.censored as f64), "ops");
    put("errors", Some(slice.errors.values().sum::<u64>() as f64), "ops");
    put("p50", some(slice.p50_ns), "ns");
    put("p99", some(slice.p99_ns), "ns");
    put("max", some(slice.max_ns), "ns");
    put("cpu-time", per(slice.cpu_turn_ns, slice.executed), "ns/op");
    put("voluntary-switches", known(slice.voluntary), "switches");
    put("involuntary-switches", known(slice.involuntary), "switches");
    put("faults", known(slice.faults), "faults");
    put("run-delay", known(slice.run_delay_ns), "ns");
    put("lag-p50", some(slice.lag_p50_ns), "ns");
    put("lag-p99", some(slice.lag_p99_ns), "ns");
    put("foreign-cpu", slice.weather.foreign, "share");
    put("steal", slice.weather.steal, "share");
    put("throttled", slice.weather.throttled, "share");
    put("listen-overflows", known(slice.listen_overflows), "connections");
    put("saturated", slice.saturated.then_some(1.0), "slices");
    put("invalid", (!slice.invalid.is_empty()).then_some(1.0), "slices");
    values
}

fn of_block(trial: &Trial) -> Vec<Value> {
    if let Outcome::Failed { .. } = trial.outcome {
        return vec![("failed".into(), 1.0, "trials")];
    }
    let mut values: Vec<Value> = Vec::new();
    for (kind, packed) in [("service", &trial.hist.service), ("response", &trial.hist.response)] {
        let Some(histogram) = histogram::decode(packed).ok().flatten() else { continue };
        let quantiles = QUANTILES.into_iter().filter_map(|(name, q)| {
            let value = histogram::quantile(&histogram, q, BEYOND)?;
            Some((format!("{kind}-{name}"), value, "ns"))
        });
        values.extend(quantiles);
        values.push((format!("{kind}-max"), histogram.max() as f64, "ns"));
    }
    let resources = &trial.resources;
    let levels = [
        ("threads-peak", resources.threads_peak, "threads"),
        ("rss-peak", resources.rss_peak, "bytes"),
        ("kernel-stack", resources.kernel_stack, "bytes"),
        ("page-tables", resources.page_tables, "bytes"),
        ("ready", resources.ready_ns, "ns"),
    ];
    let known = levels
        .into_iter()
        .filter_map(|(name, value, unit)| Some((name.into(), value? as f64, unit)));
    values.extend(known);
    values.extend(
        memory_line(trial).map(|line| ("memory-per-unit".into(), line.slope, "bytes/unit")),
    );
    values
}
