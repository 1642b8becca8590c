//! A race in one table: a row per contender, all percentiles from merged histograms.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    carry::{CarryOver, carry_over},
    conditions::{Conditions, failures},
    decide::decide,
    drift::{Drift, drift},
    estimate::{Estimate, median},
    group::{Group, leading_group},
    judge::{judge, judged_metric, mark},
    latencies::Latencies,
    measures::Measures,
};
use crate::record::{
    Call, Contender, Control, Fits, Metric, Outcome, Race, Resources, Role, Slice, Status, Trial,
    Verdict,
};

/// A race as its reader sees it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// The race's id.
    pub race: String,
    /// What the verdicts of the rows are about.
    pub metric: Metric,
    /// The primary metric, where this race cannot decide it and `metric` is judged in its place.
    pub in_place_of: Option<Metric>,
    /// The contender that the others are compared with.
    pub reference: String,
    /// δ of `metric`.
    pub margin: f64,
    /// Finished blocks.
    pub blocks: usize,
    /// Whether all that was planned was run.
    pub status: Status,
    /// In the race's order: models, then controls.
    pub rows: Vec<Row>,
    /// Who may be the best.
    pub group: Option<Group>,
    /// "Same code, twice", for `metric`.
    pub twin: Option<Control>,
    /// A⁺ for that metric; `None` where its handicap does not touch it.
    pub handicapped: Option<Control>,
    /// Whether a handicapped twin was to race.
    pub controlled: bool,
    /// What is to be known of how the race went.
    pub course: Course,
}

/// A contender's line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// The contender's id.
    pub id: String,
    /// Model or control.
    pub role: Role,
    /// Threads that ran its work.
    pub workers: Option<usize>,
    /// A remark that belongs to the name.
    pub note: String,
    /// How it came through.
    pub state: State,
    /// Median latency, ns; `None` where the counts do not allow it, as everywhere below.
    pub p50: Option<f64>,
    /// 99th percentile of latency, ns.
    pub p99: Option<f64>,
    /// Operations per second: median over blocks.
    pub throughput: Option<f64>,
    /// CPU time per operation, ns: median over blocks.
    pub cpu_ns: Option<f64>,
    /// Voluntary and involuntary context switches per operation.
    pub switches: Option<f64>,
    /// Peak of RSS, kernel stacks and page tables, bytes: median over blocks.
    pub memory_peak: Option<f64>,
    /// Bytes per waiting unit: median over blocks; only in races for memory.
    pub memory_unit: Option<f64>,
    /// Most threads at once: median over blocks.
    pub threads_peak: Option<u64>,
    /// Its CPU time per operation ÷ the summary's metric per operation: how much of what is compared
    /// is the contender's own doing.
    pub share: Option<f64>,
    /// What is to be known of it before it is compared.
    pub conditions: Conditions,
    /// Quantiles (p50, p99) that lie among operations that failed or never ended, and so have no
    /// value: `p50` or `p99` is `None`, and is to be told as above `slowest`.
    pub beyond: Vec<Metric>,
    /// The longest latency that was recorded in the rounds that count, ns; `None` where there is
    /// none.
    pub slowest: Option<f64>,
    /// Failed operations, as a share of all.
    pub errors: f64,
    /// The comparison with the reference on the summary's metric.
    pub verdict: Option<Verdict>,
}

/// How a race went: its weather, and what its slices did to each other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Course {
    /// Rounds that were measured, foul ones included.
    pub rounds: usize,
    /// Those in foul weather.
    pub foul: usize,
    /// Why, the most frequent reason first, with how often.
    pub reasons: Vec<(String, usize)>,
    /// Who makes the weather: then nothing is set aside for it.
    pub culprits: Vec<String>,
    /// Whether no counter here resolves a slice.
    pub unwatched: bool,
    /// Models that are still drifting within blocks.
    pub drifting: Vec<(String, Drift)>,
    /// What running after a contender costs.
    pub carry_over: Vec<CarryOver>,
}

/// How a contender came through a race.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// In every block that was run.
    #[default]
    Raced,
    /// With some blocks lost, for this reason.
    Partly {
        /// Blocks in which it failed.
        failed: usize,
        /// Why, the first time.
        cause: String,
    },
    /// No block of it counts, for this reason.
    Failed(String),
    /// It makes no sense here.
    NotApplicable(String),
    /// A limit of the machine.
    Infeasible(String),
    /// Not run yet.
    Absent,
}

/// Sums up a race. Verdicts are the record's own; where it has none yet, it is judged. A race that
/// is still running is best handed in without verdicts, or with those of its latest block.
pub fn summary(race: &Race) -> Summary {
    summary_of(&Measures::of(race))
}

/// The same for a race that is already read: reading decodes every histogram.
pub fn summary_of(measures: &Measures<'_>) -> Summary {
    let race = measures.race();
    let judged = race.verdicts.is_empty().then(|| judge(race));
    let (verdicts, controls) = match &judged {
        Some(judged) => (&judged.verdicts, &judged.controls),
        None => (&race.verdicts, &race.controls),
    };
    let (metric, in_place_of) = judged_metric(race, verdicts);
    let control = |role: Role| {
        controls.iter().find(|control| control.role == role && control.metric == metric).cloned()
    };
    let (twin, handicapped) = (control(Role::Twin), control(Role::Handicapped));
    let margin = race.margin(metric);
    let mut rows: Vec<Row> = race
        .contenders
        .iter()
        .map(|contender| {
            let verdict = match contender.role {
                Role::Model => verdicts.iter().find(|v| v.metric == metric && v.a == contender.id),
                _ => None,
            };
            row(measures, contender, metric, verdict.cloned())
        })
        .collect();
    for control in [&twin, &handicapped].into_iter().flatten() {
        if let Some(row) = rows.iter_mut().find(|row| row.role == control.role) {
            row.verdict = Some(of_control(control, &row.id, &race.reference, margin));
        }
    }
    rows.sort_by_key(|row| row.role != Role::Model);
    let invalid = [&twin, &handicapped].into_iter().flatten().any(|c| c.state == "invalid");
    let decidable = verdicts.iter().filter(|verdict| verdict.metric == metric).all(|verdict| {
        !verdict.marks.iter().any(|m| m == mark::NOT_DECIDABLE || m == mark::INVALID)
    });
    let group = if invalid || !decidable { None } else { leading_group(measures, metric) };
    Summary {
        race: race.id.clone(),
        metric,
        in_place_of,
        reference: race.reference.clone(),
        margin,
        blocks: race.blocks.len(),
        status: race.status.clone(),
        rows,
        group,
        twin,
        handicapped,
        controlled: race.contenders.iter().any(|c| c.role == Role::Handicapped),
        course: course(measures, metric),
    }
}

impl Row {
    /// What can be said of it; undecided where nothing is.
    pub fn call(&self) -> Call {
        self.verdict.as_ref().map(|verdict| verdict.verdict).unwrap_or_default()
    }

    /// Whether it has any number.
    pub fn has_numbers(&self) -> bool {
        matches!(self.state, State::Raced | State::Partly { .. })
    }
}

fn of_control(control: &Control, id: &str, reference: &str, margin: f64) -> Verdict {
    let interval = control.lo.zip(control.hi).map(|(lo, hi)| (lo.ln(), hi.ln()));
    let estimate = Estimate { point: control.ratio.ln(), interval, k: 0, n: control.n };
    let decision = decide(&estimate, margin, None);
    Verdict {
        metric: control.metric,
        a: id.to_owned(),
        b: reference.to_owned(),
        ratio: control.ratio,
        lo: control.lo,
        hi: control.hi,
        n: control.n,
        verdict: decision.call,
        resolution: decision.resolution,
        settle: decision.settle,
        marks: match control.state.as_str() {
            state @ ("invalid" | "blunt") => vec![state.to_owned()],
            _ => Vec::new(),
        },
        ..Verdict::default()
    }
}

fn row(
    measures: &Measures<'_>,
    contender: &Contender,
    metric: Metric,
    verdict: Option<Verdict>,
) -> Row {
    let race = measures.race();
    let id = contender.id.as_str();
    let state = state(race, contender);
    let trials: Vec<&Trial> =
        race.trials(id).map(|(_, trial)| trial).filter(|trial| trial.outcome.is_ok()).collect();
    let latency = measures.latencies(id).and_then(Latencies::judged);
    let [p50, p99] = [0.50, 0.99].map(|q| measures.quantile(id, q));
    let level = |of: fn(&Resources) -> Option<u64>| {
        let levels: Vec<f64> =
            trials.iter().filter_map(|trial| of(&trial.resources)).map(|v| v as f64).collect();
        median(&levels)
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a median of u64")]
    let threads_peak = level(|resources| resources.threads_peak).map(|threads| threads as u64);
    Row {
        id: id.to_owned(),
        role: contender.role,
        workers: contender.workers,
        note: contender.note.clone(),
        state,
        p50: p50.value,
        p99: p99.value,
        throughput: median(&measures.costs(Metric::Throughput, id)).map(|cost| 1e9 / cost),
        cpu_ns: median(&measures.costs(Metric::CpuTime, id)),
        switches: switches(&trials),
        memory_peak: level(memory_peak),
        memory_unit: median(&measures.costs(Metric::Memory, id)),
        threads_peak,
        share: measures.share(metric, id),
        conditions: measures.conditions(id),
        beyond: [(Metric::P50, p50), (Metric::P99, p99)]
            .into_iter()
            .filter_map(|(metric, tail)| tail.beyond.then_some(metric))
            .collect(),
        slowest: latency.map(|latency| latency.max() as f64),
        errors: errors(&trials),
        verdict,
    }
}

/// Failed operations ÷ all.
fn errors(trials: &[&Trial]) -> f64 {
    let slices = || trials.iter().flat_map(|trial| &trial.slices);
    let failed: f64 = slices().map(|slice| failures(slice) as f64).sum();
    let all: f64 = slices().map(|slice| slice.executed as f64).sum();
    failed / all.max(1.0)
}

fn course(measures: &Measures<'_>, metric: Metric) -> Course {
    let race = measures.race();
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for foul in &race.foul {
        // Figures differ from round to round; what it was does not.
        let what = foul.reason.split(|c: char| c.is_ascii_digit()).next().unwrap_or_default();
        *reasons.entry(what.trim().to_owned()).or_default() += 1;
    }
    let mut reasons: Vec<(String, usize)> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let slices = || race.blocks.iter().flat_map(|b| &b.trials).flat_map(|trial| &trial.slices);
    let rounds: BTreeSet<(usize, usize)> = race
        .blocks
        .iter()
        .flat_map(|block| {
            let slices = block.trials.iter().flat_map(|trial| &trial.slices);
            slices.map(|slice| (block.index, slice.round))
        })
        .collect();
    let models = race.contenders.iter().filter(|c| c.role == Role::Model && c.id != race.reference);
    let drifting = models.filter_map(|model| {
        let drift = drift(&measures.rounds(metric, &model.id, &race.reference))?;
        drift.is_still_drifting().then(|| (model.id.clone(), drift))
    });
    Course {
        rounds: rounds.len(),
        foul: race.foul.len(),
        reasons,
        culprits: measures.sky().culprits().to_vec(),
        unwatched: slices().next().is_some() && slices().all(|s| s.weather.foreign.is_none()),
        drifting: drifting.collect(),
        carry_over: carry_over(&measures.turns(metric)),
    }
}

fn state(race: &Race, contender: &Contender) -> State {
    match &contender.fits {
        Fits::NotApplicable(reason) => return State::NotApplicable(reason.clone()),
        Fits::Infeasible(reason) => return State::Infeasible(reason.clone()),
        Fits::Yes => {}
    }
    let (mut ran, mut failed, mut first) = (0, 0, None);
    for (_, trial) in race.trials(&contender.id) {
        ran += 1;
        if let Outcome::Failed { cause, stderr } = &trial.outcome {
            failed += 1;
            // What a program said last is mostly why it ended.
            let last = stderr.lines().rev().map(str::trim).find(|line| !line.is_empty());
            first.get_or_insert_with(|| match last {
                Some(last) => format!("{cause} ({last})"),
                None => cause.clone(),
            });
        }
    }
    match first {
        None if ran == 0 => State::Absent,
        None => State::Raced,
        Some(cause) if failed == ran => State::Failed(cause),
        Some(cause) => State::Partly { failed, cause },
    }
}

/// RSS, kernel stacks and page tables together; what is not available is not counted as zero
/// bytes of a sum that claims to be whole, so RSS at least has to be there.
fn memory_peak(resources: &Resources) -> Option<u64> {
    let rest =
        resources.kernel_stack.unwrap_or(0).saturating_add(resources.page_tables.unwrap_or(0));
    resources.rss_peak.map(|rss| rss.saturating_add(rest))
}

fn switches(trials: &[&Trial]) -> Option<f64> {
    let both = |slice: &Slice| Some(slice.voluntary?.saturating_add(slice.involuntary?));
    let mut known = false;
    let (mut switches, mut executed) = (0.0, 0.0);
    for slice in trials.iter().flat_map(|trial| &trial.slices) {
        if let Some(count) = both(slice) {
            known = true;
            switches += count as f64;
            executed += slice.executed as f64;
        }
    }
    (known && executed > 0.0).then(|| switches / executed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{Topic, testing::race};

    fn said(summary: &Summary, topic: Topic) -> String {
        let sentences = summary.sentences().into_iter();
        sentences.filter(|sentence| sentence.topic == topic).map(|s| s.text).collect()
    }

    #[test]
    fn rows_are_models_first_and_come_from_merged_histograms() {
        let summary = summary(&race(12, &[("slow", 1.5), ("same", 1.0)]));
        let ids: Vec<&str> = summary.rows.iter().map(|row| row.id.as_str()).collect();
        assert_eq!(ids, ["ref", "slow", "same", "ref+twin"]);
        let slow = &summary.rows[1];
        assert!((slow.p99.unwrap() - 15_000.0).abs() < 150.0);
        assert!((slow.throughput.unwrap() - 66_667.0).abs() < 700.0);
        assert_eq!(slow.switches, Some(2.0));
        assert_eq!(summary.rows[3].call(), Call::DeadHeat);
    }

    #[test]
    fn a_tie_at_the_front_is_said_as_a_tie() {
        let summary = summary(&race(12, &[("slow", 1.5), ("same", 1.0)]));
        let lead = said(&summary, Topic::Lead);
        assert!(lead.starts_with("ref and same lead in a dead heat by throughput (±"), "{lead}");
        let apart = said(&summary, Topic::Difference);
        assert!(apart.contains("slow is 1.50× slower [1.50, 1.50]"), "{apart}");
        assert!(said(&summary, Topic::Control).starts_with("Same code, twice: 1.00"));
    }

    #[test]
    fn what_was_not_told_says_what_it_takes() {
        let summary = summary(&race(3, &[("slow", 1.5)]));
        let lead = said(&summary, Topic::Lead);
        assert!(lead.contains("nothing can be told from 3 blocks"), "{lead}");
        assert!(lead.contains("at least 6"), "{lead}");
    }

    #[test]
    fn who_is_only_not_beaten_does_not_lead() {
        let mut summary = summary(&race(12, &[("slow", 1.5), ("slower", 2.0)]));
        let lead = |summary: &Summary| summary.sentences()[0].text.clone();
        assert!(lead(&summary).starts_with("ref leads by throughput"), "{}", lead(&summary));
        summary.group.as_mut().unwrap().beats_all = false;
        assert!(lead(&summary).starts_with("Only ref is not shown to be beaten"));
        // One whose load was late was compared with nobody, and is not beaten.
        summary.rows[2].conditions.generator_limited = true;
        let said = lead(&summary);
        assert!(said.ends_with("Not ranked, for the reasons beside them: slower."), "{said}");
    }

    #[test]
    fn nobody_leads_for_the_reason_that_there_is() {
        let mut summary = summary(&race(12, &[("slow", 1.5)]));
        summary.group = None;
        let lead = |summary: &Summary| summary.sentences()[0].text.clone();
        let said = lead(&summary);
        assert!(said.contains("nothing can be told from 12 blocks"), "{said}");
        for (mark, reason) in [
            (mark::NEVER_ENDED, "some operations never ended"),
            (mark::WEATHER, "too few rounds were in fair weather"),
            (mark::NOT_DECIDABLE, "or the windows are too short for the queue"),
        ] {
            summary.rows[1].verdict.as_mut().unwrap().marks = vec![mark.to_owned()];
            assert!(lead(&summary).contains(reason), "{}", lead(&summary));
        }
        summary.rows[1].conditions.generator_limited = true;
        let said = lead(&summary);
        assert!(said.contains("fewer than two models can be ranked"), "{said}");
        assert!(said.ends_with("for the reasons beside them: slow."), "{said}");
    }

    #[test]
    fn nothing_to_say_is_no_panic() {
        assert!(summary(&Race::default()).sentences().iter().all(|s| !s.text.is_empty()));
        for blocks in [0, 1] {
            let summary = summary(&race(blocks, &[("slow", 1.5)]));
            assert!(summary.sentences().iter().all(|s| !s.text.contains("NaN")));
        }
    }
}
