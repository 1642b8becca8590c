//! The leading group: who may be the best.

use super::{
    estimate::Estimate,
    measures::{Measures, Pair},
    rank::min_blocks,
};
use crate::record::{Contender, Fits, Metric, Role};

/// The models that nobody is shown to beat. Their order has no meaning.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// Contender ids, in the race's order.
    pub members: Vec<String>,
    /// Whether every pair in it is proven equivalent: a dead heat, not only undecided.
    pub equivalent: bool,
    /// The widest interval between two members, as a ratio minus 1; `None` for a group of one.
    pub within: Option<f64>,
    /// Of a group of one: whether it is itself shown to beat every other, and not only that each of
    /// them is beaten by somebody.
    pub beats_all: bool,
}

/// Model i leaves when for some j the directly paired interval of d(i, j), at 0.05/(N−1), lies
/// wholly on the slower side of 1+δ and of what the twin shows; so the truly best stays with at
/// least 95%. `None` where fewer than two models have data, where some pair of them has too few
/// blocks for an interval, or where there is no twin to say what a difference is worth.
pub fn leading_group(measures: &Measures<'_>, metric: Metric) -> Option<Group> {
    let race = measures.race();
    let raced: Vec<&Contender> = race
        .contenders
        .iter()
        .filter(|contender| contender.role == Role::Model && contender.fits == Fits::Yes)
        .filter(|contender| measures.blocks(metric, &contender.id) > 0)
        .filter(|contender| is_ranked(measures, metric, &contender.id))
        .collect();
    // One that failed early has too few blocks for any interval; it must not silence the others.
    let wanted = min_blocks(raced.len().saturating_sub(1).max(1), 1);
    let blocks = |contender: &&Contender| measures.blocks(metric, &contender.id);
    let raced: Vec<&Contender> = if raced.iter().any(|contender| blocks(contender) >= wanted) {
        raced.into_iter().filter(|contender| blocks(contender) >= wanted).collect()
    } else {
        raced
    };
    let interval = |a: &str, b: &str, alpha: f64| {
        let d: Vec<f64> = measures.pairs(metric, a, b).iter().map(|pair| pair.d).collect();
        Estimate::of(&d, alpha).interval
    };
    let twin = race.contenders.iter().find(|contender| contender.role == Role::Twin)?;
    let noise = interval(&twin.id, &race.reference, 0.05)?;
    let noise = noise.1.max(-noise.0);
    let limit = race.margin(metric).ln_1p();
    let alpha = 0.05 / raced.len().saturating_sub(1).max(1) as f64;
    let mut members = Vec::new();
    for model in &raced {
        let mut beaten = false;
        for other in raced.iter().filter(|other| other.id != model.id) {
            beaten |= interval(&model.id, &other.id, alpha)?.0 > limit.max(noise);
        }
        if !beaten {
            members.push(*model);
        }
    }
    let beats_all = match members.as_slice() {
        [first] => raced.iter().filter(|other| other.id != first.id).all(|other| {
            interval(&other.id, &first.id, alpha).is_some_and(|(lo, _)| lo > limit.max(noise))
        }),
        _ => false,
    };
    let mut widest: Option<f64> = None;
    let mut steady = members.iter().all(|member| !measures.conditions(&member.id).peer_bound);
    for (i, a) in members.iter().enumerate() {
        for b in &members[i + 1..] {
            let (lo, hi) = interval(&a.id, &b.id, alpha)?;
            widest = Some(widest.unwrap_or(0.0).max(hi.max(-lo)));
            steady &= is_steady(measures, metric, (&a.id, &b.id), alpha);
        }
    }
    (raced.len() > 1).then(|| Group {
        equivalent: steady && noise <= limit && widest.is_some_and(|widest| widest <= limit),
        within: widest.map(f64::exp_m1),
        beats_all,
        members: members.iter().map(|member| member.id.clone()).collect(),
    })
}

/// Whether neither the totals of two nor their fair rounds contradict a dead heat.
fn is_steady(measures: &Measures<'_>, metric: Metric, (a, b): (&str, &str), alpha: f64) -> bool {
    let pairs = measures.pairs(metric, a, b);
    let margin = measures.race().margin(metric);
    let of = |value: fn(&Pair) -> Option<f64>| {
        Estimate::of(&pairs.iter().filter_map(value).collect::<Vec<_>>(), alpha)
    };
    let apart = |estimate: Estimate| {
        let limit = margin.ln_1p();
        estimate.interval.is_some_and(|(lo, hi)| lo > limit || hi < -limit)
    };
    let totals = of(|pair| pair.total);
    let far = totals.n > 0 && totals.point.abs() > (2.0 * margin).ln_1p();
    let by_weather = !measures.sky().is_clear() && apart(of(|pair| pair.fair));
    !far && !apart(totals) && !by_weather
}

/// Whether a contender's numbers may be compared at all.
fn is_ranked(measures: &Measures<'_>, metric: Metric, id: &str) -> bool {
    let conditions = measures.conditions(id);
    let is_tail = matches!(metric, Metric::P50 | Metric::P99);
    let behind = is_tail && (conditions.saturated || conditions.waits_off_the_clock);
    !conditions.generator_limited && !behind && !measures.is_beyond(metric, id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::testing::race;

    fn group(blocks: usize, models: &[(&'static str, f64)]) -> Option<Group> {
        let race = race(blocks, models);
        leading_group(&Measures::of(&race), Metric::Throughput)
    }

    #[test]
    fn who_may_be_the_best() {
        let one = group(12, &[("fast", 0.5), ("slow", 1.5)]).unwrap();
        assert_eq!((one.members, one.within, one.beats_all), (vec!["fast".to_owned()], None, true));
        let tied = group(12, &[("same", 1.0), ("slow", 1.5)]).unwrap();
        assert_eq!(tied.members, ["ref", "same"]);
        assert!(tied.equivalent && tied.within.unwrap() < 0.01);
    }

    #[test]
    fn nobody_leads_without_intervals_or_a_twin() {
        assert_eq!(group(3, &[("fast", 0.5)]), None);
        assert_eq!(group(12, &[]), None);
        let mut race = race(12, &[("fast", 0.5)]);
        race.contenders.retain(|contender| contender.role != Role::Twin);
        assert_eq!(leading_group(&Measures::of(&race), Metric::Throughput), None);
    }
}
