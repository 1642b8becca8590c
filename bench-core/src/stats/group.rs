//! The leading group: who may be the best.

use super::{estimate::Estimate, measures::Measures};
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
}

/// Model i leaves when for some j the directly paired interval of d(i, j), at 0.05/(N−1), lies
/// wholly on the slower side of 1+δ; so the truly best stays with at least 95%. `None` where
/// fewer than two models have data, or a pair of them has too few blocks for an interval.
pub fn leading_group(measures: &Measures<'_>, metric: Metric) -> Option<Group> {
    let race = measures.race();
    let raced: Vec<&Contender> = race
        .contenders
        .iter()
        .filter(|contender| contender.role == Role::Model && contender.fits == Fits::Yes)
        .filter(|contender| !measures.costs(metric, &contender.id).is_empty())
        .collect();
    let limit = race.margin(metric).ln_1p();
    let alpha = 0.05 / raced.len().saturating_sub(1).max(1) as f64;
    let interval = |a: &Contender, b: &Contender| {
        let d: Vec<f64> = measures.pairs(metric, &a.id, &b.id).iter().map(|pair| pair.d).collect();
        Estimate::of(&d, alpha).interval
    };
    let mut members = Vec::new();
    for model in &raced {
        let mut beaten = false;
        for other in raced.iter().filter(|other| other.id != model.id) {
            beaten |= interval(model, other)?.0 > limit;
        }
        if !beaten {
            members.push(*model);
        }
    }
    let mut widest: Option<f64> = None;
    for (i, a) in members.iter().enumerate() {
        for b in &members[i + 1..] {
            let (lo, hi) = interval(a, b)?;
            widest = Some(widest.unwrap_or(0.0).max(hi.max(-lo)));
        }
    }
    (raced.len() > 1).then(|| Group {
        equivalent: widest.is_some_and(|widest| widest <= limit),
        within: widest.map(f64::exp_m1),
        members: members.iter().map(|member| member.id.clone()).collect(),
    })
}
