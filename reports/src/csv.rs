//! Tidy data: a row per value, for pandas, R and spreadsheets.
//!
//! Values are what was measured, in base units, and are not judged; a contender that failed in a
//! block has a row that says so. What is not available has no row: an empty value would be read as
//! something. `round` is empty where a value belongs to the block as a whole, `block` where it
//! belongs to a search for a capacity.

use deadheat_core::{
    record::{Carried, Metric, Outcome, Race, Record, Slice, Trial},
    stats::{histogram, memory_line},
};

use crate::{
    Error, Format, Options, Output, capacities,
    lost::{self, Quantile},
    words::clean,
};

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

/// Quantiles of a block.
const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];

/// Metric, value, unit.
type Value = (String, f64, &'static str);

fn render(record: &Record, _: &Options) -> Result<Vec<Output>, Error> {
    let mut table = csv::WriterBuilder::new().from_writer(Vec::new());
    table.write_record(HEAD)?;
    for race in &record.races {
        for block in &race.blocks {
            for trial in &block.trials {
                let index = block.index.to_string();
                let cell = cell(race, &trial.contender, &race.load);
                let mut row = |round: &str, (metric, value, unit): Value| {
                    let value = value.to_string();
                    let own = [index.as_str(), round, &metric, &value, unit];
                    table.write_record(cell.iter().map(String::as_str).chain(own))
                };
                for slice in &trial.slices {
                    let round = slice.round.to_string();
                    let is_foul = lost::is_foul(race, block.index, &trial.contender, slice.round);
                    let values = of_slice(race, slice, is_foul);
                    values.into_iter().try_for_each(|value| row(&round, value))?;
                }
                let values = of_block(race, block.index, trial);
                values.into_iter().try_for_each(|value| row("", value))?;
            }
        }
    }
    for search in capacities::searches(record) {
        for row in &search.found.rows {
            let Some(race) = search.race(&row.contender) else { continue };
            let cell = cell(race, &row.contender, &search.capacity.objective);
            for (metric, value, unit) in of_search(row) {
                let value = value.to_string();
                let own = ["", "", &metric, &value, unit];
                table.write_record(cell.iter().map(String::as_str).chain(own))?;
            }
        }
    }
    let bytes = table.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
    Ok(vec![Output { name: "results.csv".into(), bytes }])
}

/// The columns that say whose values these are. Of a contender's id, the build is a column of its own.
fn cell(race: &Race, id: &str, load: &str) -> [String; 6] {
    let build = race.contender(id).map_or("", |contender| contender.build.as_str());
    let model = id.split('#').next().unwrap_or_default();
    let pairs: Vec<String> =
        race.params.iter().map(|(name, value)| format!("{name}={value}")).collect();
    [race.scenario.as_str(), model, load, &pairs.join(","), &race.placement.name, build].map(text)
}

/// A text that a spreadsheet takes for a text, and not for a formula.
fn text(text: &str) -> String {
    let text = clean(text);
    if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text }
}

fn of_slice(race: &Race, slice: &Slice, is_foul: bool) -> Vec<Value> {
    let mut values: Vec<Value> = Vec::new();
    let mut put = |metric: &str, value: Option<f64>, unit| {
        values.extend(
            value.filter(|value| value.is_finite()).map(|value| (metric.into(), value, unit)),
        );
    };
    let per = |a: u64, b: u64| (b > 0).then(|| a as f64 / b as f64);
    let known = |value: Option<u64>| value.map(|value| value as f64);
    let some = |value: u64| (value > 0).then_some(value as f64);
    // A quantile of those that ended, where it is not among those that did not.
    let samples = slice.done / race.shape.ops_per_sample.max(1);
    let all = samples.saturating_add(lost::of_slice(slice)).max(1);
    let ended = samples as f64 / all as f64;
    let within = |q: f64, value: u64| some(value).filter(|_| q <= ended);
    put("foul", is_foul.then_some(1.0), "slices");
    if race.primary == Metric::Memory {
        put("units", known(slice.units), "units");
        put("memory", known(slice.memory), "bytes");
        return values;
    }
    if race.load.starts_with("batch-") {
        put("makespan", (slice.censored == 0).then_some(slice.window_ns as f64), "ns");
    } else {
        // As it is compared: what reaches over the window's ends counts by its part in it.
        let done = slice.progress.unwrap_or(slice.done as f64);
        let per_second = done / slice.window_ns as f64 * 1e9;
        put("throughput", (slice.window_ns > 0).then_some(per_second), "ops/s");
    }
    put("offered", Some(slice.offered as f64), "ops");
    put("done", Some(slice.done as f64), "ops");
    put("executed", Some(slice.executed as f64), "ops");
    put("censored", Some(slice.censored as f64), "ops");
    put("errors", Some(slice.errors.values().sum::<u64>() as f64), "ops");
    put("clipped", Some(slice.clipped as f64), "ops");
    put("p50", within(0.50, slice.p50_ns), "ns");
    put("p99", within(0.99, slice.p99_ns), "ns");
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

fn of_block(race: &Race, block: usize, trial: &Trial) -> Vec<Value> {
    if let Outcome::Failed { .. } = trial.outcome {
        return vec![("failed".into(), 1.0, "trials")];
    }
    let mut values: Vec<Value> = Vec::new();
    let lost = lost::of_trial(race, block, trial);
    for (kind, packed) in [("service", &trial.hist.service), ("response", &trial.hist.response)] {
        let Some(histogram) = histogram::decode(packed).ok().flatten() else { continue };
        let quantiles = QUANTILES.into_iter().filter_map(|(name, q)| {
            let value = Quantile::of(&histogram, lost, q).value()?;
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

/// What a contender carries over all blocks, and the ends of its interval; one that lies beyond the
/// grid has no number.
fn of_search(row: &Carried) -> Vec<Value> {
    let values = [
        ("capacity", row.rate, "ops/s"),
        ("capacity-lower", row.lo, "ops/s"),
        ("capacity-upper", row.hi, "ops/s"),
        ("capacity-blocks", Some(row.n as f64), "blocks"),
    ];
    let known = |(name, value, unit): (&str, Option<f64>, _)| Some((name.to_owned(), value?, unit));
    values.into_iter().filter_map(known).collect()
}
