//! All comparisons of a race with its reference, held against the twin.
//!
//! Not here yet by design: the handicapped control (it only adds a `Control` and can turn a race
//! blunt), Benjamini–Hochberg over the secondary metrics, and drift. Each has its place: they
//! read the same [`Measures`].

use super::{
    decide::decide,
    estimate::Estimate,
    measures::{Measures, applicable},
    rank::alpha,
};
use crate::record::{Call, Contender, Control, Fits, Metric, Race, Role, Verdict};

/// The words that stand beside a verdict.
pub mod mark {
    /// The totals contradict the typical round.
    pub const UNEVEN: &str = "uneven";
    /// Too few samples beyond the quantile, or windows too short for the queue.
    pub const NOT_DECIDABLE: &str = "not-decidable";
    /// The twin's interval does not allow what the model's interval would say.
    pub const WITHIN_NOISE_FLOOR: &str = "within-noise-floor";
    /// The twin has no interval: nothing may be said.
    pub const NO_FLOOR: &str = "no-floor";
    /// The twin proves that this race cannot be believed.
    pub const INVALID: &str = "invalid";
    /// No block has both contenders; the ratio is meaningless.
    pub const NO_DATA: &str = "no-data";
    /// Data, but too few blocks for an interval.
    pub const FEW_BLOCKS: &str = "few-blocks";
}

/// What may be said of a race.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judgement {
    /// Every model against the reference, for every metric that applies; the primary first.
    pub verdicts: Vec<Verdict>,
    /// The twin, for every metric.
    pub controls: Vec<Control>,
}

/// Judges a race. A verdict is joint over the models (α = 0.05/m); controls stand alone.
pub fn judge(race: &Race) -> Judgement {
    let measures = Measures::of(race);
    let metrics = applicable(race);
    let models: Vec<&Contender> = compared(race).collect();
    let twin = race.contenders.iter().find(|contender| contender.role == Role::Twin);
    let mut judgement = Judgement::default();
    for metric in metrics {
        let floor = twin.map(|twin| Floor::of(&measures, metric, &twin.id)).unwrap_or_default();
        let primary_invalid = judgement.is_invalid(race.primary);
        let void = floor.is_invalid() || primary_invalid;
        judgement.controls.extend(floor.control(metric));
        for model in &models {
            let verdict = compare(&measures, metric, &model.id, alpha(models.len()), &floor, void);
            if verdict.n > 0 || metric == race.primary {
                judgement.verdicts.push(verdict);
            }
        }
    }
    judgement
}

impl Judgement {
    /// Whether the twin proves that nothing can be said of this metric.
    pub fn is_invalid(&self, metric: Metric) -> bool {
        self.controls.iter().any(|control| control.metric == metric && control.state == "invalid")
    }
}

/// The models that are compared with the reference: m of them.
fn compared(race: &Race) -> impl Iterator<Item = &Contender> {
    race.contenders.iter().filter(|contender| {
        contender.role == Role::Model
            && contender.fits == Fits::Yes
            && contender.id != race.reference
    })
}

/// The twin's result for one metric.
#[derive(Clone, Copy, Debug, Default)]
struct Floor {
    at_95: Estimate,
    at_99: Estimate,
    margin: f64,
}

impl Floor {
    fn of(measures: &Measures<'_>, metric: Metric, twin: &str) -> Self {
        let race = measures.race();
        let d: Vec<f64> =
            measures.pairs(metric, twin, &race.reference).iter().map(|pair| pair.d).collect();
        Self {
            at_95: Estimate::of(&d, 0.05),
            at_99: Estimate::of(&d, 0.01),
            margin: race.margin(metric),
        }
    }

    /// Its 99% interval excludes 1, and its point is beyond δ/2.
    fn is_invalid(&self) -> bool {
        let excludes = self.at_99.interval.is_some_and(|(lo, hi)| lo > 0.0 || hi < 0.0);
        excludes && self.at_95.point.abs() > (self.margin / 2.0).ln_1p()
    }

    fn control(&self, metric: Metric) -> Option<Control> {
        let state = match self.at_95.interval {
            _ if self.is_invalid() => "invalid",
            Some(_) => "ok",
            None => "no-interval",
        };
        (self.at_95.n > 0).then(|| Control {
            role: Role::Twin,
            metric,
            truth: 1.0,
            ratio: self.at_95.point.exp(),
            lo: self.at_95.interval.map(|(lo, _)| lo.exp()),
            hi: self.at_95.interval.map(|(_, hi)| hi.exp()),
            n: self.at_95.n,
            state: state.into(),
            ..Control::default()
        })
    }
}

fn compare(
    measures: &Measures<'_>,
    metric: Metric,
    id: &str,
    alpha: f64,
    floor: &Floor,
    void: bool,
) -> Verdict {
    let race = measures.race();
    let pairs = measures.pairs(metric, id, &race.reference);
    let d: Vec<f64> = pairs.iter().map(|pair| pair.d).collect();
    let estimate = Estimate::of(&d, alpha);
    let margin = race.margin(metric);
    let decision = decide(&estimate, margin, Some(&floor.at_95));
    let mut marks = Vec::new();
    let mut mark = |is: bool, mark: &str| {
        if is {
            marks.push(mark.to_owned());
        }
        is
    };
    let silenced = [
        mark(estimate.n == 0, mark::NO_DATA),
        mark(estimate.n > 0 && estimate.k == 0, mark::FEW_BLOCKS),
        mark(void, mark::INVALID),
        mark(
            estimate.n > 0 && !measures.decidable(metric, id, &race.reference),
            mark::NOT_DECIDABLE,
        ),
    ];
    let no_floor = floor.at_95.interval.is_none();
    mark(estimate.k > 0 && no_floor, mark::NO_FLOOR);
    mark(decision.within_noise_floor && !no_floor, mark::WITHIN_NOISE_FLOOR);
    let call = if silenced.contains(&true) { Call::Undecided } else { decision.call };
    let totals: Vec<f64> = pairs.iter().filter_map(|pair| pair.total).collect();
    let uneven = mark(contradicts(call, &Estimate::of(&totals, alpha), margin), mark::UNEVEN);
    Verdict {
        metric,
        a: id.to_owned(),
        b: race.reference.clone(),
        ratio: if estimate.n == 0 { 0.0 } else { estimate.point.exp() },
        lo: estimate.interval.map(|(lo, _)| lo.exp()),
        hi: estimate.interval.map(|(_, hi)| hi.exp()),
        k: estimate.k,
        n: estimate.n,
        verdict: call,
        resolution: decision.resolution,
        // More blocks mend neither a broken race nor a quantile without samples.
        settle: if silenced[2] || silenced[3] { None } else { decision.settle },
        share: measures.share(metric, id),
        slow_share: if uneven { measures.slow_share(metric, id) } else { None },
        marks,
        ..Verdict::default()
    }
}

/// Whether the totals D contradict a verdict: a dead heat or a "faster" whose D lies wholly
/// outside its region, or a dead heat whose D point is beyond ±2δ.
fn contradicts(call: Call, totals: &Estimate, margin: f64) -> bool {
    let Some((lo, hi)) = totals.interval else { return false };
    let limit = margin.ln_1p();
    match call {
        Call::DeadHeat => lo > limit || hi < -limit || totals.point.abs() > (2.0 * margin).ln_1p(),
        Call::Faster => lo > -limit,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{record::Outcome, stats::testing::race};

    fn primary<'a>(judgement: &'a Judgement, id: &str) -> &'a Verdict {
        judgement.verdicts.iter().find(|v| v.a == id && v.metric == Metric::Throughput).unwrap()
    }

    #[test]
    fn known_costs_get_their_verdicts() {
        let models = [("slow", 1.5), ("fast", 0.5), ("same", 1.0), ("close", 1.05)];
        let judgement = judge(&race(12, &models));
        let call = |id| primary(&judgement, id).verdict;
        assert_eq!(call("slow"), Call::Slower);
        assert_eq!(call("fast"), Call::Faster);
        assert_eq!(call("same"), Call::DeadHeat);
        assert_eq!(call("close"), Call::SlowerSizeUndecided);
        let slow = primary(&judgement, "slow");
        assert!((slow.ratio - 1.5).abs() < 0.01, "{slow:?}");
        // α = 0.05/4: P(Bin(12, ½) ≤ 1) = 0.0032 ≤ 0.00625 < P(Bin(12, ½) ≤ 2).
        assert_eq!((slow.n, slow.k), (12, 2));
        assert!((slow.share.unwrap() - 0.5).abs() < 0.01);
        let cpu = judgement.verdicts.iter().find(|v| v.metric == Metric::CpuTime).unwrap();
        assert!((cpu.ratio - 1.5).abs() < 0.01 && cpu.share.is_none());
    }

    #[test]
    fn quantiles_without_samples_decide_nothing() {
        let judgement = judge(&race(12, &[("slow", 1.5)]));
        let p99 = judgement.verdicts.iter().find(|v| v.metric == Metric::P99).unwrap();
        assert_eq!(p99.verdict, Call::Slower, "12,000 samples a block leave 120 beyond p99");
        let mut thin = race(12, &[("slow", 1.5)]);
        for trial in thin.blocks.iter_mut().flat_map(|block| &mut block.trials) {
            let mut few = crate::stats::histogram::empty();
            few.saturating_record_n(10_000, 2_000);
            trial.hist.service = crate::stats::histogram::encode(&few).unwrap();
        }
        let judgement = judge(&thin);
        let p99 = judgement.verdicts.iter().find(|v| v.metric == Metric::P99).unwrap();
        assert_eq!((p99.verdict, p99.settle), (Call::Undecided, None));
        assert!(p99.marks.contains(&mark::NOT_DECIDABLE.to_owned()));
    }

    #[test]
    fn a_twin_that_differs_voids_the_race() {
        let mut race = race(12, &[("slow", 1.5)]);
        for trial in race.blocks.iter_mut().flat_map(|block| &mut block.trials) {
            if trial.contender == "ref+twin" {
                trial.slices.iter_mut().for_each(|slice| slice.window_ns *= 2);
            }
        }
        let judgement = judge(&race);
        assert!(judgement.is_invalid(Metric::Throughput));
        assert!(judgement.verdicts.iter().all(|v| v.verdict == Call::Undecided));
        assert!(primary(&judgement, "slow").marks.contains(&mark::INVALID.to_owned()));
    }

    #[test]
    fn without_a_twin_nothing_is_said() {
        let mut race = race(12, &[("slow", 1.5)]);
        race.contenders.retain(|contender| contender.role != Role::Twin);
        let judgement = judge(&race);
        assert_eq!(primary(&judgement, "slow").verdict, Call::Undecided);
        assert!(primary(&judgement, "slow").marks.contains(&mark::NO_FLOOR.to_owned()));
        assert!(judgement.controls.is_empty());
    }

    #[test]
    fn totals_that_contradict_the_typical_round_are_uneven() {
        let mut race = race(12, &[("stalls", 1.0)]);
        for trial in race.blocks.iter_mut().flat_map(|block| &mut block.trials) {
            if trial.contender == "stalls" {
                trial.slices[0].window_ns *= 3;
            }
        }
        let judgement = judge(&race);
        let verdict = primary(&judgement, "stalls");
        assert_eq!(verdict.verdict, Call::DeadHeat);
        assert!(verdict.marks.contains(&mark::UNEVEN.to_owned()));
        assert_eq!(verdict.slow_share, Some(0.25));
    }

    #[test]
    fn failed_trials_are_not_pairs() {
        let mut race = race(12, &[("slow", 1.5)]);
        for (index, block) in race.blocks.iter_mut().enumerate() {
            if index % 3 == 0 {
                block.trials.retain(|trial| trial.contender != "slow");
            } else if index % 3 == 1 {
                let cause = "exited with signal 11".to_owned();
                block.trials[2].outcome = Outcome::Failed { cause, stderr: String::new() };
            }
        }
        let judgement = judge(&race);
        let verdict = primary(&judgement, "slow");
        assert_eq!((verdict.n, verdict.lo, verdict.verdict), (4, None, Call::Undecided));
        assert!(verdict.marks.contains(&mark::FEW_BLOCKS.to_owned()));
    }

    #[test]
    fn degenerate_races_are_judged_without_a_number() {
        assert_eq!(judge(&Race::default()), Judgement::default());
        let one = judge(&race(1, &[("slow", 1.5)]));
        assert_eq!(primary(&one, "slow").verdict, Call::Undecided);
        let none = judge(&race(0, &[("slow", 1.5)]));
        let verdict = primary(&none, "slow");
        assert_eq!((verdict.n, verdict.ratio, verdict.settle), (0, 0.0, None));
        let mut zero = race(12, &[("slow", 1.5)]);
        for trial in zero.blocks.iter_mut().flat_map(|block| &mut block.trials) {
            trial.hist.service = "rubbish".into();
            for slice in &mut trial.slices {
                (slice.window_ns, slice.done, slice.executed, slice.cpu_turn_ns) = (0, 0, 0, 0);
            }
        }
        let judgement = judge(&zero);
        assert_eq!(judgement.verdicts.len(), 1);
        assert_eq!(primary(&judgement, "slow").marks, [mark::NO_DATA]);
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

        #[test]
        fn nothing_measured_makes_it_panic_or_say_what_json_cannot(
            values in proptest::collection::vec(proptest::prelude::any::<(u64, u64)>(), 96),
            memory: bool,
        ) {
            let mut race = race(8, &[("wild", 1.0)]);
            race.primary = if memory { Metric::Memory } else { Metric::Throughput };
            let slices = race.blocks.iter_mut().flat_map(|block| &mut block.trials);
            for (slice, (a, b)) in slices.flat_map(|trial| &mut trial.slices).zip(values) {
                (slice.window_ns, slice.done, slice.executed) = (a, b, b);
                (slice.units, slice.memory) = (Some(b), Some(a));
            }
            let judgement = judge(&race);
            (race.verdicts, race.controls) = (judgement.verdicts, judgement.controls);
            let text = serde_json::to_string(&race).unwrap();
            proptest::prop_assert!(serde_json::from_str::<Race>(&text).unwrap() == race);
            let _ = crate::stats::summary(&race).sentences();
        }
    }
}
