//! Latency for HdrHistogram's own tools: a percentile distribution per contender and race, and the
//! histograms themselves.
//!
//! `NAME.service.hgrm` and `NAME.response.hgrm` are what HdrHistogram's plotter reads: values in
//! milliseconds, merged over all blocks, with more decimals than its own files have, because an
//! operation may take less than a microsecond. `NAME.hlog` is an interval log, with an interval per
//! block and a tag per kind of time; log readers and processors of every language merge it.
//!
//! Operations that never ended have no value, and count: a distribution ends below 100% where there
//! are any, and says so in a comment, which readers skip.

use std::fmt::Write;

use deadheat_core::{
    record::{Histograms, Race, Record, Trial},
    stats::histogram,
};

use crate::{Error, Format, Options, Output, capacities, lost, names::Names, words::clean};

pub(crate) const FORMAT: Format = Format {
    id: "hgrm",
    extension: "hgrm",
    about: "HdrHistogram's percentile distributions and interval logs, per contender and race",
    render,
};

/// Nanoseconds in the milliseconds that the plotter takes by default.
const MILLISECOND: f64 = 1e6;

/// Lines for each halving of the distance to 100%: HdrHistogram's default.
const TICKS: u32 = 5;

/// A kind of time, and where a record keeps it.
type Kind = (&'static str, fn(&Histograms) -> &str);

const KINDS: [Kind; 3] = [
    ("response", |hist| &hist.response),
    ("service", |hist| &hist.service),
    ("lag", |hist| &hist.lag),
];

fn render(record: &Record, _: &Options) -> Result<Vec<Output>, Error> {
    capacities::refuse(record, FORMAT.id)?;
    let mut names = Names::default();
    let mut files = Vec::new();
    for race in &record.races {
        for contender in &race.contenders {
            let trials: Vec<(usize, &Trial)> =
                race.trials(&contender.id).filter(|(_, trial)| trial.outcome.is_ok()).collect();
            let name = names.of(&format!("{}/{}", race.id, contender.id));
            let about = format!("{} in {}", clean(&contender.id), clean(&race.id));
            let before = files.len();
            let lost = trials.iter().map(|(block, trial)| lost::of_trial(race, *block, trial));
            let lost = lost.fold(0, u64::saturating_add);
            for (kind, of) in KINDS {
                // What was sent has a lag, however it ended.
                let lost = if kind == "lag" { 0 } else { lost };
                let distribution = distribution(&trials, of, lost);
                let file = |text| Output::text(&format!("{name}.{kind}.hgrm"), text);
                files.extend(distribution.map(file));
            }
            if files.len() > before {
                let log = log(race, &trials, &about, lost);
                files.push(Output::text(&format!("{name}.hlog"), log));
            }
        }
    }
    Ok(files)
}

/// As `HistogramLogProcessor` and `outputPercentileDistribution` write it.
fn distribution(
    trials: &[(usize, &Trial)],
    of: fn(&Histograms) -> &str,
    lost: u64,
) -> Option<String> {
    let whole = histogram::merge(trials.iter().map(|(_, trial)| of(&trial.hist)))?;
    if whole.is_empty() {
        return None;
    }
    let ended = whole.len() as f64 / (whole.len() as f64 + lost as f64);
    let mut text = format!(
        "{:>12} {:>14} {:>10} {:>14}\n\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    );
    let mut count = 0;
    for step in whole.iter_quantiles(TICKS) {
        count += step.count_since_last_iteration();
        let value = step.value_iterated_to() as f64 / MILLISECOND;
        let quantile = step.quantile_iterated_to() * ended;
        let _ = write!(text, "{value:>12.6} {quantile:>14.12} {count:>10}");
        let _ = match quantile {
            q if q < 1.0 => writeln!(text, " {:>14.2}", 1.0 / (1.0 - q)),
            _ => writeln!(text),
        };
    }
    if lost > 0 {
        let _ = writeln!(
            text,
            "#[{lost} operations failed or never ended: nothing is known above {ended:.12}, and \
             what follows is of the others]"
        );
    }
    let (mean, deviation) = (whole.mean() / MILLISECOND, whole.stdev() / MILLISECOND);
    let max = whole.max() as f64 / MILLISECOND;
    let _ = writeln!(text, "#[Mean    = {mean:>12.6}, StdDeviation   = {deviation:>12.6}]");
    let _ = writeln!(text, "#[Max     = {max:>12.6}, Total count    = {:>12}]", whole.len());
    let sub_buckets = (2 * 10_u64.pow(whole.sigfig().into())).next_power_of_two();
    let _ =
        writeln!(text, "#[Buckets = {:>12}, SubBuckets     = {sub_buckets:>12}]", whole.buckets());
    Some(text)
}

/// An interval log: one line per block and kind. The record has no time of day for a block, so
/// intervals begin where the measured time of the ones before them ends.
fn log(race: &Race, trials: &[(usize, &Trial)], about: &str, lost: u64) -> String {
    let mut text = format!("#[{about}; times are measured time in seconds, from 0]\n");
    if lost > 0 {
        let _ = writeln!(text, "#[{lost} operations failed or never ended, and are not in here]");
    }
    text.push_str("#[Histogram log format version 1.3]\n");
    text.push_str(
        "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n",
    );
    let mut start = 0.0;
    for (_, trial) in trials {
        let length = length(race, trial);
        for (kind, of) in KINDS {
            let packed = of(&trial.hist);
            let Some(histogram) = histogram::decode(packed).ok().flatten() else { continue };
            let max = histogram.max() as f64 / MILLISECOND;
            let _ = writeln!(text, "Tag={kind},{start:.3},{length:.3},{max:.3},{packed}");
        }
        start += length;
    }
    text
}

/// How long a block measured a contender, in seconds.
fn length(race: &Race, trial: &Trial) -> f64 {
    let windows = trial.slices.iter().map(|slice| slice.span_ns.max(slice.window_ns) as f64);
    let planned = race.shape.window_ns as f64;
    windows.sum::<f64>().max(planned) / 1e9
}
