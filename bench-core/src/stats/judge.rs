//! All comparisons of a race with its reference, held against its controls.
//!
//! A number stands as it was measured; what may be *said* of it is limited here, each time with a
//! mark that says why. Drift and carry-over, which limit nothing, are in files of their own.

use super::{
    conditions::Conditions,
    control::Controls,
    decide::decide,
    estimate::Estimate,
    fdr,
    measures::{Measures, Pair, applicable},
    rank::alpha,
};
use crate::record::{Call, Contender, Control, Fair, Fits, Metric, Race, Role, Verdict};

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
    /// One of the two fell behind its load: latencies that grow with the window are not compared.
    pub const SATURATED: &str = "saturated";
    /// Clients of one of the two waited between their operations: that wait is in nobody's latency.
    pub const WAITS_OFF_THE_CLOCK: &str = "waits-off-the-clock";
    /// The load of one of the two was late: what was measured is also the generator.
    pub const GENERATOR_LIMITED: &str = "generator-limited";
    /// The other end was busy nearly all the time: a tie is the peer's.
    pub const PEER_BOUND: &str = "peer-bound";
    /// More than one in a thousand of the model's operations failed.
    pub const ERRORS: &str = "errors";
    /// The quantile lies among operations that never ended.
    pub const NEVER_ENDED: &str = "never-ended";
    /// Connections were dropped because a listener's queue was full.
    pub const LISTEN_OVERFLOW: &str = "listen-overflow";
    /// The model used CPU time while others had their turn; it is added to its own.
    pub const OUTSIDE_ITS_TURN: &str = "outside-its-turn";
    /// Too few rounds in fair weather for a quantile.
    pub const WEATHER: &str = "weather";
    /// All rounds and the fair ones alone say different things.
    pub const DEPENDS_ON_WEATHER: &str = "depends-on-weather";
    /// The model's own slices are foul too often for chance: it makes its weather.
    pub const MAKES_WEATHER: &str = "makes-weather";
    /// Not the metric that decides: one of many looks at the same race.
    pub const EXPLORATORY: &str = "exploratory";
    /// A secondary difference that is not rare enough among as many looks.
    pub const NOT_DISCOVERED: &str = "not-discovered";

    /// Those that let nothing be said at all.
    pub const SILENT: [&str; 9] = [
        NO_DATA,
        FEW_BLOCKS,
        NO_FLOOR,
        INVALID,
        NOT_DECIDABLE,
        SATURATED,
        WAITS_OFF_THE_CLOCK,
        GENERATOR_LIMITED,
        NEVER_ENDED,
    ];
}

/// Share of secondary differences called that may be false (METHODOLOGY.md, "Metrics").
const FALSE_DISCOVERIES: f64 = 0.05;

/// What may be said of a race.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judgement {
    /// Every model against the reference, for every metric that applies; the primary first.
    pub verdicts: Vec<Verdict>,
    /// The twin for every metric, the handicapped one for those with a known answer.
    pub controls: Vec<Control>,
}

/// Judges a race. A verdict is joint over the models (α = 0.05/m); controls stand alone.
pub fn judge(race: &Race) -> Judgement {
    let measures = Measures::of(race);
    let all: Vec<Look<'_>> =
        applicable(race).into_iter().map(|metric| Look::at(&measures, metric)).collect();
    let primary: Vec<Verdict> = all
        .iter()
        .filter(|look| look.metric == race.primary)
        .flat_map(|look| look.comparisons.iter().map(move |of| of.judge(&look.controls, false)))
        .collect();
    // What decides is known from the primary's samples alone, before anything is void.
    let (judged, _) = judged_metric(race, &primary);
    let decisive = [race.primary, judged];
    // The race is void with the metric that decides, and with no other.
    let is_void = all.iter().any(|look| look.metric == judged && look.controls.are_invalid());
    let mut judgement = Judgement::default();
    let mut p_values = Vec::new();
    for Look { metric, controls, comparisons } in &all {
        let void = is_void || controls.are_invalid();
        let decides = decisive.contains(metric);
        judgement.controls.extend(controls.records(*metric));
        for comparison in comparisons {
            let verdict = comparison.judge(controls, void);
            let explained = verdict.marks.iter().any(|mark| mark != mark::NO_DATA);
            if verdict.n > 0 || explained || decides {
                // Looks that can say nothing are no looks.
                let looks = !decides && comparison.silent(void).is_empty();
                p_values.push(fdr::p_value(&comparison.d()).filter(|_| looks));
                judgement.verdicts.push(verdict);
            }
        }
    }
    discover(&mut judgement.verdicts, &p_values, decisive);
    judgement
}

/// What a race is judged by, from the verdicts on its primary metric, and what that stands for: an
/// open load whose profile cannot decide p99 is judged by CPU time per operation.
pub(super) fn judged_metric(race: &Race, verdicts: &[Verdict]) -> (Metric, Option<Metric>) {
    let mut primary = verdicts.iter().filter(|verdict| verdict.metric == race.primary).peekable();
    let hopeless = primary.peek().is_some()
        && primary.all(|verdict| {
            verdict.n == 0 || verdict.marks.iter().any(|mark| mark == mark::NOT_DECIDABLE)
        });
    if hopeless && race.primary == Metric::P99 && race.load.starts_with("open-") {
        (Metric::CpuTime, Some(Metric::P99))
    } else {
        (race.primary, None)
    }
}

/// One metric of a race: its controls, and every model against the reference.
struct Look<'a> {
    metric: Metric,
    controls: Controls,
    comparisons: Vec<Comparison<'a>>,
}

impl<'a> Look<'a> {
    fn at(measures: &'a Measures<'a>, metric: Metric) -> Self {
        let models: Vec<&Contender> = compared(measures.race()).collect();
        let alpha = alpha(models.len());
        let comparison = |model: &&'a Contender| Comparison::of(measures, metric, &model.id, alpha);
        Self {
            metric,
            controls: Controls::of(measures, metric),
            comparisons: models.iter().map(comparison).collect(),
        }
    }
}

impl Judgement {
    /// Whether a control proves that this metric cannot be believed.
    pub fn is_invalid(&self, metric: Metric) -> bool {
        self.controls.iter().any(|control| control.metric == metric && control.state == "invalid")
    }
}

/// Secondary verdicts are many looks at one race: a difference among them is called only where it
/// is a discovery. Neither the primary metric nor what is judged in its place is one of them.
fn discover(verdicts: &mut [Verdict], p_values: &[Option<f64>], decisive: [Metric; 2]) {
    let discovered = fdr::discoveries(p_values, FALSE_DISCOVERIES);
    for (verdict, discovered) in verdicts.iter_mut().zip(discovered) {
        if decisive.contains(&verdict.metric) {
            continue;
        }
        verdict.marks.push(mark::EXPLORATORY.to_owned());
        let is_equality = matches!(verdict.verdict, Call::DeadHeat | Call::Undecided);
        if !discovered && !is_equality {
            verdict.verdict = Call::Undecided;
            verdict.marks.push(mark::NOT_DISCOVERED.to_owned());
        }
    }
}

fn compared(race: &Race) -> impl Iterator<Item = &Contender> {
    race.contenders.iter().filter(|contender| {
        contender.role == Role::Model
            && contender.fits == Fits::Yes
            && contender.id != race.reference
    })
}

/// A model against the reference, for one metric.
struct Comparison<'a> {
    measures: &'a Measures<'a>,
    metric: Metric,
    id: &'a str,
    alpha: f64,
    pairs: Vec<Pair>,
    estimate: Estimate,
}

impl<'a> Comparison<'a> {
    fn of(measures: &'a Measures<'a>, metric: Metric, id: &'a str, alpha: f64) -> Self {
        let pairs = measures.pairs(metric, id, &measures.race().reference);
        let d: Vec<f64> = pairs.iter().map(|pair| pair.d).collect();
        let estimate = Estimate::of(&d, alpha);
        Self { measures, metric, id, alpha, pairs, estimate }
    }

    fn d(&self) -> Vec<f64> {
        self.pairs.iter().map(|pair| pair.d).collect()
    }

    fn margin(&self) -> f64 {
        self.measures.race().margin(self.metric)
    }

    fn judge(&self, controls: &Controls, void: bool) -> Verdict {
        let race = self.measures.race();
        let estimate = &self.estimate;
        let twin = &controls.twin.at_95;
        let decision = decide(estimate, self.margin(), Some(twin));
        let silent = self.silent(void);
        let mut marks: Vec<&str> = silent.clone();
        let no_floor = twin.interval.is_none();
        marks.extend((estimate.k > 0 && no_floor).then_some(mark::NO_FLOOR));
        marks
            .extend((decision.within_noise_floor && !no_floor).then_some(mark::WITHIN_NOISE_FLOOR));
        marks.extend(self.remarks());
        let mut call = if silent.is_empty() { decision.call } else { Call::Undecided };
        let fair = self.fair(twin);
        if fair.as_ref().is_some_and(|fair| contradict(call, estimate, fair)) {
            marks.push(mark::DEPENDS_ON_WEATHER);
            call = Call::Undecided;
        }
        if call == Call::DeadHeat && self.conditions().any(|conditions| conditions.peer_bound) {
            call = Call::Undecided;
        }
        let uneven = uneven(call, &self.totals(), self.margin());
        marks.extend(uneven.then_some(mark::UNEVEN));
        // More blocks mend neither a broken race nor a quantile without samples.
        let hopeless = silent.iter().any(|mark| *mark != mark::FEW_BLOCKS);
        Verdict {
            metric: self.metric,
            a: self.id.to_owned(),
            b: race.reference.clone(),
            ratio: if estimate.n == 0 { 0.0 } else { estimate.point.exp() },
            lo: estimate.interval.map(|(lo, _)| lo.exp()),
            hi: estimate.interval.map(|(_, hi)| hi.exp()),
            k: estimate.k,
            n: estimate.n,
            verdict: call,
            resolution: decision.resolution,
            settle: if hopeless { None } else { decision.settle },
            share: self.measures.share(self.metric, self.id),
            slow_share: uneven.then(|| self.measures.slow_share(self.metric, self.id)).flatten(),
            fair,
            marks: marks.into_iter().map(str::to_owned).collect(),
            ..Verdict::default()
        }
    }

    /// Why nothing may be said, each reason by itself.
    fn silent(&self, void: bool) -> Vec<&'static str> {
        let Self { measures, metric, id, estimate, .. } = self;
        let reference = measures.race().reference.as_str();
        let is_tail = matches!(metric, Metric::P50 | Metric::P99);
        let either = |of: fn(&Conditions) -> bool| self.conditions().any(|both| of(&both));
        let beyond = [*id, reference].iter().any(|id| measures.is_beyond(*metric, id));
        let rained = measures.rained_out(*metric, id, reference) > 0 && estimate.k == 0;
        let reasons = [
            (estimate.n == 0, mark::NO_DATA),
            (estimate.n > 0 && estimate.k == 0, mark::FEW_BLOCKS),
            (void, mark::INVALID),
            (estimate.n > 0 && !measures.decidable(*metric, id, reference), mark::NOT_DECIDABLE),
            (is_tail && either(|conditions| conditions.saturated), mark::SATURATED),
            (
                is_tail && either(|conditions| conditions.waits_off_the_clock),
                mark::WAITS_OFF_THE_CLOCK,
            ),
            (either(|conditions| conditions.generator_limited), mark::GENERATOR_LIMITED),
            (beyond, mark::NEVER_ENDED),
            (rained, mark::WEATHER),
        ];
        reasons.into_iter().filter_map(|(is, mark)| is.then_some(mark)).collect()
    }

    /// What a reader must know besides.
    fn remarks(&self) -> impl Iterator<Item = &'static str> {
        let own = self.measures.conditions(self.id);
        let either = |of: fn(&Conditions) -> bool| self.conditions().any(|both| of(&both));
        let remarks = [
            (either(|conditions| conditions.peer_bound), mark::PEER_BOUND),
            (own.errors, mark::ERRORS),
            (own.overflowed, mark::LISTEN_OVERFLOW),
            (own.outside_its_turn, mark::OUTSIDE_ITS_TURN),
            (self.measures.sky().culprits().iter().any(|id| id == self.id), mark::MAKES_WEATHER),
        ];
        remarks.into_iter().filter_map(|(is, mark)| is.then_some(mark))
    }

    /// Of the model and of the reference.
    fn conditions(&self) -> impl Iterator<Item = Conditions> {
        let reference = self.measures.race().reference.as_str();
        [self.id, reference].map(|id| self.measures.conditions(id)).into_iter()
    }

    fn totals(&self) -> Estimate {
        let totals: Vec<f64> = self.pairs.iter().filter_map(|pair| pair.total).collect();
        Estimate::of(&totals, self.alpha)
    }

    /// What the rounds in fair weather say alone, where any was foul and enough were fair.
    fn fair(&self, twin: &Estimate) -> Option<Fair> {
        if self.measures.sky().is_clear() {
            return None;
        }
        let d: Vec<f64> = self.pairs.iter().filter_map(|pair| pair.fair).collect();
        let estimate = Estimate::of(&d, self.alpha);
        let (lo, hi) = estimate.interval?;
        let call = decide(&estimate, self.margin(), Some(twin)).call;
        Some(Fair {
            ratio: estimate.point.exp(),
            lo: lo.exp(),
            hi: hi.exp(),
            n: estimate.n,
            verdict: call,
        })
    }
}

/// Whether all rounds and the fair ones alone say different things.
fn contradict(call: Call, all: &Estimate, fair: &Fair) -> bool {
    let Some((lo, hi)) = all.interval else { return false };
    let says = |call| matches!(call, Call::Faster | Call::DeadHeat | Call::Slower);
    let apart = fair.lo.ln() > hi || fair.hi.ln() < lo;
    apart || (says(call) && says(fair.verdict) && call != fair.verdict)
}

/// Whether the totals contradict what the typical round says.
fn uneven(call: Call, totals: &Estimate, margin: f64) -> bool {
    let Some((lo, hi)) = totals.interval else { return false };
    let limit = margin.ln_1p();
    match call {
        Call::DeadHeat => lo > limit || hi < -limit || totals.point.abs() > (2.0 * margin).ln_1p(),
        Call::Faster => lo > -limit,
        Call::FasterSizeUndecided => lo > 0.0,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
