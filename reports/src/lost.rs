//! Operations whose latency can't be told: those that never ended well, and those that took longer
//! than a histogram holds.
//!
//! The former are slower than all others, by an unknown time: a quantile that falls among them has
//! no value, and no format prints a number for it. `deadheat_core::stats` has that rule for the
//! quantiles that are compared; here it is for those that are only shown.

use deadheat_core::{
    record::{Kind, Race, Slice, Trial, Warning},
    stats::{
        histogram::{self, HIGHEST_NS, Ranked},
        human,
    },
};

/// Samples beyond a quantile that let it be shown.
const BEYOND: f64 = 10.0;

/// What may be said of a quantile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Quantile {
    /// Its value, ns.
    At(f64),
    /// It lies among operations that never ended: it is longer than the slowest that did.
    Beyond,
    /// Too few samples lie beyond it.
    Thin,
}

impl Quantile {
    /// The value at rank ⌈qN⌉, where N counts the `lost` operations besides the samples.
    pub(crate) fn of(samples: &impl Ranked, lost: u64, q: f64) -> Self {
        let ended = samples.count() as f64;
        // The same rank among those that ended.
        let among = q * (ended + lost as f64) / ended.max(1.0);
        match histogram::quantile(samples, q, BEYOND) {
            _ if lost > 0 && among > 1.0 => Self::Beyond,
            Some(_) if lost > 0 => Self::At(samples.value_at(among) as f64),
            Some(value) => Self::At(value),
            None => Self::Thin,
        }
    }

    /// Its value, where it has one.
    pub(crate) fn value(self) -> Option<f64> {
        match self {
            Self::At(value) => Some(value),
            Self::Beyond | Self::Thin => None,
        }
    }
}

/// Whether a slice is of a round in foul weather. Where each contender runs alone, a round is no
/// moment that they share.
pub(crate) fn is_foul(race: &Race, block: usize, contender: &str, round: usize) -> bool {
    let alone = race.kind == Kind::Solo;
    race.foul.iter().any(|foul| {
        let own = foul.contenders.is_empty() || foul.contenders.iter().any(|id| id == contender);
        foul.block == block && foul.round == round && (own || !alone)
    })
}

/// Operations of a trial's fair rounds that have no latency in its histogram.
pub(crate) fn of_trial(race: &Race, block: usize, trial: &Trial) -> u64 {
    sum(trial, |slice| !is_foul(race, block, &trial.contender, slice.round))
}

/// Operations of a contender that have no latency among those of the whole race. Where somebody
/// makes the weather, nothing is set aside.
#[cfg(feature = "html")]
pub(crate) fn of_contender(measures: &deadheat_core::stats::Measures<'_>, id: &str) -> u64 {
    let race = measures.race();
    let all = !measures.sky().culprits().is_empty();
    let trials = race.trials(id).filter(|(_, trial)| trial.outcome.is_ok());
    let lost = trials.map(
        |(block, trial)| {
            if all { sum(trial, |_| true) } else { of_trial(race, block, trial) }
        },
    );
    lost.fold(0, u64::saturating_add)
}

fn sum(trial: &Trial, counts: impl Fn(&Slice) -> bool) -> u64 {
    let slices = trial.slices.iter().filter(|slice| counts(slice));
    slices.map(of_slice).fold(0, u64::saturating_add)
}

/// Operations of a slice's window that failed, or had not ended when the drain did.
pub(crate) fn of_slice(slice: &Slice) -> u64 {
    let errors = || slice.errors.values().copied().fold(0, u64::saturating_add);
    slice.censored.saturating_add(slice.failed.unwrap_or_else(errors))
}

/// That latencies of a race are longer than any that is kept apart, and whose they are.
pub(crate) fn clipped(race: &Race) -> Option<Warning> {
    let of = |id: &str| {
        let slices = race.trials(id).flat_map(|(_, trial)| &trial.slices);
        slices.map(|slice| slice.clipped).fold(0, u64::saturating_add)
    };
    let counts = race.contenders.iter().map(|contender| (contender.id.as_str(), of(&contender.id)));
    let counts: Vec<(&str, u64)> = counts.filter(|(_, count)| *count > 0).collect();
    let all = counts.iter().map(|(_, count)| *count).fold(0, u64::saturating_add);
    let whose: Vec<String> =
        counts.iter().map(|(id, count)| format!("{id} {}", human::whole(*count))).collect();
    let longest = human::time(HIGHEST_NS as f64);
    (all > 0).then(|| Warning {
        code: "clipped".into(),
        text: format!(
            "{} of the latencies were above {longest}, and count as {longest}: {}",
            human::whole(all),
            whose.join(", ")
        ),
        advice: String::new(),
    })
}

#[cfg(test)]
mod tests {
    use deadheat_core::record::{Block, Contender, Foul};

    use super::*;

    fn samples(most: u64) -> histogram::Histogram<u64> {
        let mut samples = histogram::empty();
        (1..=most).for_each(|value| samples.saturating_record(value));
        samples
    }

    #[test]
    fn a_quantile_among_the_lost_has_no_value() {
        let samples = samples(1_000);
        assert_eq!(Quantile::of(&samples, 0, 0.9), Quantile::At(900.0));
        // Of 1,250 operations a fifth never ended: the median is the 625th.
        assert_eq!(Quantile::of(&samples, 250, 0.5), Quantile::At(625.0));
        assert_eq!(Quantile::of(&samples, 250, 0.8), Quantile::At(1_000.0));
        assert_eq!(Quantile::of(&samples, 250, 0.9), Quantile::Beyond);
        assert_eq!(Quantile::of(&samples, 0, 0.999), Quantile::Thin);
        assert_eq!(Quantile::of(&samples, 0, 0.999).value(), None);
        assert_eq!(Quantile::of(&histogram::empty(), 0, 0.5), Quantile::Thin);
    }

    #[test]
    fn what_is_lost_in_foul_weather_is_not_missed_in_fair() {
        let slice = |round, censored| Slice { round, censored, ..Slice::default() };
        let mut failing = slice(2, 0);
        failing.errors.insert("reset".into(), 7);
        let slices = vec![slice(0, 5), slice(1, 100), failing];
        let trial = Trial { contender: "a".into(), slices, ..Trial::default() };
        let foul = Foul { block: 3, round: 1, contenders: vec!["b".into()], ..Foul::default() };
        let mut race = Race { foul: vec![foul], ..Race::default() };
        assert_eq!(of_trial(&race, 3, &trial), 12, "a round is foul for all");
        assert_eq!(of_trial(&race, 2, &trial), 112, "another block");
        race.kind = Kind::Solo;
        assert_eq!(of_trial(&race, 3, &trial), 112, "it was alone, in fair weather");
    }

    #[test]
    fn clipped_latencies_are_counted() {
        let mut race = Race::default();
        assert_eq!(clipped(&race), None);
        let slices = vec![Slice { clipped: 2, ..Slice::default() }; 2];
        let trial = Trial { contender: "a/b".into(), slices, ..Trial::default() };
        race.contenders = vec![Contender { id: "a/b".into(), ..Contender::default() }];
        race.blocks = vec![Block { trials: vec![trial], ..Block::default() }];
        let said = clipped(&race).unwrap().text;
        assert_eq!(said, "4 of the latencies were above 60.0 s, and count as 60.0 s: a/b 4");
    }
}
