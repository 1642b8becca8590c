//! The controls of a race: the same code twice, and the same code with a known slowdown.
//!
//! The first says what the instrument shows where there is nothing to see, the second whether it
//! would have seen something. Both are contenders like any other, and are judged by the same
//! intervals.

use super::{decide::decide, estimate::Estimate, measures::Measures};
use crate::record::{Call, Contender, Control, Metric, Race, Role};

/// What a control shows for one metric.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shown {
    /// At 95%.
    pub(super) at_95: Estimate,
    /// At 99%.
    pub(super) at_99: Estimate,
    /// The true ratio; `None` where this control has no known answer.
    truth: Option<f64>,
    margin: f64,
    role: Role,
}

/// Both controls, for one metric.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Controls {
    /// A′, whose interval is the floor of every verdict.
    pub(super) twin: Shown,
    handicapped: Option<Shown>,
}

impl Controls {
    pub(super) fn of(measures: &Measures<'_>, metric: Metric) -> Self {
        let race = measures.race();
        let shown = |contender: &Contender| Shown::of(measures, metric, contender);
        Self {
            twin: control(race, Role::Twin).map(shown).unwrap_or_default(),
            handicapped: control(race, Role::Handicapped)
                .map(shown)
                .filter(|shown| shown.truth.is_some()),
        }
    }

    /// Whether one of them proves that the metric cannot be believed.
    pub(super) fn are_invalid(&self) -> bool {
        self.twin.differs_from_itself() || self.handicapped.is_some_and(|h| h.misses(&self.twin))
    }

    /// As the record keeps them.
    pub(super) fn records(&self, metric: Metric) -> impl Iterator<Item = Control> {
        let twin = match self.twin.at_95.interval {
            _ if self.twin.differs_from_itself() => "invalid",
            Some(_) => "ok",
            None => "no-interval",
        };
        let handicapped = self.handicapped.map(|shown| (shown, shown.state(&self.twin)));
        let all = [Some((self.twin, twin)), handicapped].into_iter().flatten();
        all.filter_map(move |(shown, state)| shown.record(metric, state))
    }
}

/// The control of that role.
pub(super) fn control(race: &Race, role: Role) -> Option<&Contender> {
    race.contenders.iter().find(|contender| contender.role == role)
}

impl Shown {
    fn of(measures: &Measures<'_>, metric: Metric, contender: &Contender) -> Self {
        let race = measures.race();
        let pairs = measures.pairs(metric, &contender.id, &race.reference);
        let d: Vec<f64> = pairs.iter().map(|pair| pair.d).collect();
        let truth = match contender.role {
            Role::Twin => Some(1.0),
            _ => contender.handicap.and_then(|handicap| handicap.truth(metric)),
        };
        Self {
            at_95: Estimate::of(&d, 0.05),
            at_99: Estimate::of(&d, 0.01),
            truth,
            margin: race.margin(metric),
            role: contender.role,
        }
    }

    /// The 99% interval excludes 1, and the point is beyond δ/2.
    fn differs_from_itself(&self) -> bool {
        let excludes = self.at_99.interval.is_some_and(|(lo, hi)| lo > 0.0 || hi < 0.0);
        excludes && self.at_95.point.abs() > (self.margin / 2.0).ln_1p()
    }

    /// A slowdown that comes out as none, or as another than it is: its 99% interval misses all of
    /// (1 + 2δ)(1 ± δ/2).
    fn misses(&self, twin: &Self) -> bool {
        let (Some(truth), Some((lo, hi))) = (self.truth, self.at_99.interval) else { return false };
        let half = self.margin / 2.0;
        let (least, most) = ((truth * (1.0 - half)).ln(), (truth * (1.0 + half)).ln());
        let elsewhere = lo > most || hi < least;
        let none =
            matches!(self.call(twin), Call::Faster | Call::FasterSizeUndecided | Call::DeadHeat);
        elsewhere || none
    }

    fn call(&self, twin: &Self) -> Call {
        decide(&self.at_95, self.margin, Some(&twin.at_95)).call
    }

    /// Of a handicapped twin.
    fn state(&self, twin: &Self) -> &'static str {
        match () {
            () if self.at_95.interval.is_none() => "no-interval",
            () if self.misses(twin) => "invalid",
            () if self.call(twin) == Call::Slower => "ok",
            () => "blunt",
        }
    }

    fn record(&self, metric: Metric, state: &str) -> Option<Control> {
        let truth = self.truth.filter(|_| self.at_95.n > 0)?;
        Some(Control {
            role: self.role,
            metric,
            truth,
            ratio: self.at_95.point.exp(),
            lo: self.at_95.interval.map(|(lo, _)| lo.exp()),
            hi: self.at_95.interval.map(|(_, hi)| hi.exp()),
            n: self.at_95.n,
            state: state.into(),
            ..Control::default()
        })
    }
}
