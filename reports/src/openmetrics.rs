//! `OpenMetrics` text: a run as gauges and summaries, the types that the older text format has too,
//! so that what reads only that one (a textfile collector: rename the file to `*.prom`) takes it.
//!
//! Times are seconds and memory is bytes, as the format's conventions ask for. Controls are there
//! with their role, and a race that may not be believed has `deadheat_race_valid 0`: whoever
//! queries is to filter by it. There is no timestamp; the scrape has one.

use std::fmt::Write;

use deadheat_core::{
    record::{Call, Metric, Race, Record, Role, Verdict},
    stats::{Row, Summary, histogram},
};

use crate::{
    Error, Format, Options, Output,
    capacities::{Search, searches},
    costs::{Cell, Raced, races},
    lost::{self, Quantile},
    words::clean,
};

pub(crate) const FORMAT: Format = Format {
    id: "openmetrics",
    extension: "txt",
    about: "OpenMetrics text: costs, quantiles, ratios and verdicts as gauges",
    render,
};

/// Quantiles of latency.
const QUANTILES: [f64; 4] = [0.5, 0.9, 0.99, 0.999];

const CALLS: [(&str, Call); 6] = [
    ("faster", Call::Faster),
    ("faster-size-undecided", Call::FasterSizeUndecided),
    ("dead-heat", Call::DeadHeat),
    ("slower-size-undecided", Call::SlowerSizeUndecided),
    ("slower", Call::Slower),
    ("undecided", Call::Undecided),
];

/// A metric family: its samples stand together.
struct Family {
    name: &'static str,
    kind: &'static str,
    unit: &'static str,
    help: &'static str,
    samples: String,
}

type Labels<'a> = Vec<(&'a str, String)>;

#[expect(clippy::unnecessary_wraps, reason = "the registry's signature")]
fn render(record: &Record, _: &Options) -> Result<Vec<Output>, Error> {
    let mut families = vec![run(record)];
    let races = races(record);
    families.push(valid(&races));
    families.push(blunt(&races));
    families.extend(costs(&races));
    families.push(latency(&races));
    families.push(ratio(&races));
    families.push(verdict(&races));
    families.extend(capacity(&searches(record)));
    let mut text = String::new();
    for family in families.iter().filter(|family| !family.samples.is_empty()) {
        let _ = writeln!(text, "# TYPE {} {}", family.name, family.kind);
        if !family.unit.is_empty() {
            let _ = writeln!(text, "# UNIT {} {}", family.name, family.unit);
        }
        let _ = writeln!(text, "# HELP {} {}", family.name, family.help);
        text.push_str(&family.samples);
    }
    text.push_str("# EOF\n");
    Ok(vec![Output::text("openmetrics.txt", text)])
}

impl Family {
    fn new(name: &'static str, kind: &'static str, unit: &'static str, help: &'static str) -> Self {
        Self { name, kind, unit, help, samples: String::new() }
    }

    fn gauge(name: &'static str, unit: &'static str, help: &'static str) -> Self {
        Self::new(name, "gauge", unit, help)
    }

    fn sample(&mut self, suffix: &str, labels: &Labels<'_>, value: f64) {
        let texts: Vec<String> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
        let _ = writeln!(self.samples, "{}{suffix}{{{}}} {value}", self.name, texts.join(","));
    }
}

fn escape(text: &str) -> String {
    clean(text).replace('\\', "\\\\").replace('"', "\\\"")
}

fn run(record: &Record) -> Family {
    let mut family = Family::gauge("deadheat_run_info", "", "The run and its machine; always 1.");
    let (run, machine) = (&record.run, &record.machine);
    let labels = vec![
        ("id", run.id.clone()),
        ("profile", run.profile.clone()),
        ("version", run.program.version.clone()),
        ("seed", run.seed.to_string()),
        ("fingerprint", machine.fingerprint.clone()),
        ("cpu", machine.cpu.clone()),
    ];
    family.sample("", &labels, 1.0);
    family
}

fn valid(races: &[Raced<'_>]) -> Family {
    let mut family =
        Family::gauge("deadheat_race_valid", "", "Whether the race's controls let it be believed.");
    for Raced { race, summary, .. } in races {
        family.sample("", &of_race(race), f64::from(u8::from(!summary.is_invalid())));
    }
    family
}

fn blunt(races: &[Raced<'_>]) -> Family {
    let help = "Whether the race could have missed a slowdown of twice its margin.";
    let mut family = Family::gauge("deadheat_race_blunt", "", help);
    for Raced { race, summary, .. } in races {
        family.sample("", &of_race(race), f64::from(u8::from(summary.is_blunt())));
    }
    family
}

/// A family per metric that is a single number; quantiles are a family of their own.
fn costs(races: &[Raced<'_>]) -> Vec<Family> {
    let mut families = [
        (
            Metric::Throughput,
            Family::gauge(
                "deadheat_operation_seconds",
                "seconds",
                "Window divided by the operations that ended in it: median over blocks.",
            ),
            1e-9,
        ),
        (
            Metric::Makespan,
            Family::gauge(
                "deadheat_makespan_seconds",
                "seconds",
                "Makespan of a batch divided by its operations: median over blocks.",
            ),
            1e-9,
        ),
        (
            Metric::CpuTime,
            Family::gauge(
                "deadheat_operation_cpu_seconds",
                "seconds",
                "CPU time of the contender divided by its operations: median over blocks.",
            ),
            1e-9,
        ),
        (
            Metric::Memory,
            Family::gauge(
                "deadheat_waiting_unit_bytes",
                "bytes",
                "Memory of one more waiting unit: median over blocks.",
            ),
            1.0,
        ),
    ];
    for cell in races.iter().flat_map(|raced| &raced.cells) {
        for (metric, family, scale) in &mut families {
            let Some(cost) = cell.costs.iter().find(|cost| cost.metric == *metric) else {
                continue;
            };
            family.sample("", &of_cell(cell), cost.value * *scale);
        }
    }
    families.into_iter().map(|(_, family, _)| family).collect()
}

fn latency(races: &[Raced<'_>]) -> Family {
    let help = "Latency, merged over all blocks; quantiles without 10 samples beyond them, or \
                among operations that never ended, are left out.";
    let mut family = Family::new("deadheat_latency_seconds", "summary", "seconds", help);
    for cell in races.iter().flat_map(|raced| &raced.cells) {
        let trials = || {
            let trials = cell.race.trials(&cell.contender.id);
            trials.filter(|(_, trial)| trial.outcome.is_ok())
        };
        let lost = trials().map(|(block, trial)| lost::of_trial(cell.race, block, trial));
        let lost = lost.fold(0, u64::saturating_add);
        let times = [
            ("response", histogram::merge(trials().map(|(_, trial)| trial.hist.response.as_str()))),
            ("service", histogram::merge(trials().map(|(_, trial)| trial.hist.service.as_str()))),
        ];
        for (time, merged) in times {
            let Some(merged) = merged else { continue };
            let mut labels = of_cell(cell);
            labels.push(("time", time.into()));
            for q in QUANTILES {
                let Some(value) = Quantile::of(&merged, lost, q).value() else { continue };
                let mut labels = labels.clone();
                labels.push(("quantile", q.to_string()));
                family.sample("", &labels, value / 1e9);
            }
            family.sample("_count", &labels, merged.len() as f64);
        }
    }
    family
}

fn ratio(races: &[Raced<'_>]) -> Family {
    let help = "Cost divided by the reference's (of a throughput: time per operation): median over \
                blocks, and the ends of its interval.";
    let mut family = Family::gauge("deadheat_cost_ratio", "ratio", help);
    for (summary, row, verdict) in verdicts(races) {
        let ends = [("point", Some(verdict.ratio)), ("lower", verdict.lo), ("upper", verdict.hi)];
        for (bound, value) in ends {
            let mut labels = compared(summary, row);
            labels.push(("bound", bound.into()));
            if let Some(value) = value.filter(|_| verdict.n > 0) {
                family.sample("", &labels, value);
            }
        }
    }
    family
}

fn verdict(races: &[Raced<'_>]) -> Family {
    let help = "What the race may say of a model against its reference: 1 for the one that holds.";
    let mut family = Family::gauge("deadheat_verdict", "", help);
    for (summary, row, verdict) in verdicts(races).filter(|(_, row, _)| row.role == Role::Model) {
        for (name, call) in CALLS {
            let mut labels = compared(summary, row);
            labels.push(("verdict", name.into()));
            family.sample("", &labels, f64::from(u8::from(verdict.verdict == call)));
        }
    }
    family
}

/// What `--slo` found: rates with the ends of their intervals, and whether to believe them.
fn capacity(searches: &[Search<'_>]) -> [Family; 2] {
    let help = "Whether the search's control lets its capacities be believed.";
    let mut valid = Family::gauge("deadheat_capacity_valid", "", help);
    let help = "The most load that is carried under an objective: median over blocks, and the ends \
                of its interval.";
    let mut rate = Family::gauge("deadheat_capacity_ops_per_second", "", help);
    for Search { capacity, found } in searches {
        let placement = capacity.races.first().map(|race| race.placement.name.clone());
        let of_search = vec![
            ("scenario", capacity.scenario.clone()),
            ("objective", capacity.objective.clone()),
            ("placement", placement.unwrap_or_default()),
        ];
        valid.sample("", &of_search, f64::from(u8::from(!found.is_invalid)));
        for row in &found.rows {
            for (bound, value) in [("point", row.rate), ("lower", row.lo), ("upper", row.hi)] {
                let Some(value) = value else { continue };
                let mut labels = of_search.clone();
                labels.push(("model", row.contender.clone()));
                labels.push(("role", role(row.role).into()));
                labels.push(("bound", bound.into()));
                rate.sample("", &labels, value);
            }
        }
    }
    [valid, rate]
}

fn verdicts<'a>(
    races: &'a [Raced<'_>],
) -> impl Iterator<Item = (&'a Summary, &'a Row, &'a Verdict)> {
    races.iter().flat_map(|Raced { summary, .. }| {
        let rows = summary.rows.iter().filter(|row| row.has_numbers());
        rows.filter_map(move |row| Some((summary, row, row.verdict.as_ref()?)))
    })
}

fn of_race(race: &Race) -> Labels<'static> {
    vec![
        ("race", race.id.clone()),
        ("scenario", race.scenario.clone()),
        ("load", race.load.clone()),
        ("placement", race.placement.name.clone()),
    ]
}

fn of_cell(cell: &Cell<'_>) -> Labels<'static> {
    let mut labels = of_race(cell.race);
    labels.push(("model", cell.contender.id.clone()));
    labels.push(("role", role(cell.contender.role).into()));
    labels
}

fn compared(summary: &Summary, row: &Row) -> Labels<'static> {
    vec![
        ("race", summary.race.clone()),
        ("metric", summary.metric.id().into()),
        ("model", row.id.clone()),
        ("role", role(row.role).into()),
        ("reference", summary.reference.clone()),
    ]
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Model => "model",
        Role::Twin => "twin",
        Role::Handicapped => "handicapped",
    }
}
