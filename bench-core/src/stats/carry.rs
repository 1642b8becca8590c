//! Carry-over: what a slice costs its successor.
//!
//! Whoever runs before leaves caches, connections and a scheduler behind. The random order of
//! every round spreads that evenly, so it makes ratios wider, not wrong; a predecessor that costs
//! its successors much is still worth knowing.
//!
//! Medians all the way: of a contender's slices, of the deviations in a block, and of the blocks.
//! Slices have skewed noise, and the mean of deviations from a median would be above zero for every
//! predecessor alike. Only blocks are observations, as everywhere.

use std::collections::BTreeMap;

use super::estimate::{Estimate, median};

/// A slice, as carry-over sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Turn<'a> {
    /// Its round.
    pub round: usize,
    /// Its place in the round's order.
    pub position: usize,
    /// Whose it is.
    pub contender: &'a str,
    /// The logarithm of its cost.
    pub ln_cost: f64,
}

/// What running after a contender costs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CarryOver {
    /// Who runs before.
    pub predecessor: String,
    /// Of the log cost of whoever comes next; the interval holds for all predecessors together
    /// with 95%.
    pub effect: Estimate,
    /// Pairs of slices that were seen.
    pub cases: usize,
}

impl CarryOver {
    /// Whether the interval excludes "no effect".
    pub fn is_shown(&self) -> bool {
        self.effect.interval.is_some_and(|(lo, hi)| lo > 0.0 || hi < 0.0)
    }
}

/// The effect of each predecessor on its successor within the same round, in the predecessors'
/// alphabetical order.
///
/// A slice's deviation is its log cost minus the median of its contender in that block. A block
/// gives one value for each predecessor, the median deviation of the slices behind it; the effect
/// is the median over blocks. It is relative to what a contender usually costs, with the usual mix
/// of predecessors: where one of them is harmful, the others come out slightly below 0. The first
/// slice of a round has no predecessor that can be named: a warm-up round may have come before.
pub fn carry_over(blocks: &[Vec<Turn<'_>>]) -> Vec<CarryOver> {
    let mut cases: BTreeMap<&str, usize> = BTreeMap::new();
    let mut effects: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for block in blocks {
        for (predecessor, deviations) in deviations(block) {
            *cases.entry(predecessor).or_default() += deviations.len();
            effects.entry(predecessor).or_default().extend(median(&deviations));
        }
    }
    let alpha = super::rank::alpha(effects.len());
    effects
        .into_iter()
        .map(|(predecessor, effects)| CarryOver {
            predecessor: predecessor.to_owned(),
            effect: Estimate::of(&effects, alpha),
            cases: cases[predecessor],
        })
        .collect()
}

/// By predecessor, how far its successors were from what they usually cost.
fn deviations<'a>(block: &[Turn<'a>]) -> BTreeMap<&'a str, Vec<f64>> {
    let finite = || block.iter().filter(|turn| turn.ln_cost.is_finite());
    let mut costs: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for turn in finite() {
        costs.entry(turn.contender).or_default().push(turn.ln_cost);
    }
    let usual: BTreeMap<&str, f64> =
        costs.iter().filter_map(|(who, costs)| Some((*who, median(costs)?))).collect();
    // A slice that has no number still ran before the next one.
    let at: BTreeMap<(usize, usize), &str> =
        block.iter().map(|turn| ((turn.round, turn.position), turn.contender)).collect();
    let mut deviations: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for turn in finite() {
        let before = turn.position.checked_sub(1).and_then(|place| at.get(&(turn.round, place)));
        if let Some(before) = before {
            deviations.entry(before).or_default().push(turn.ln_cost - usual[turn.contender]);
        }
    }
    deviations
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::race::order::{seed, shuffled};

    const WHO: [&str; 4] = ["calm", "dirty", "plain", "quiet"];

    /// Rounds in random order; `dirty` costs whoever comes next 10%, and noise is one-sided.
    fn blocks(effect: f64) -> Vec<Vec<Turn<'static>>> {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let mut block = |index| {
            let mut turns = Vec::new();
            for round in 0..12 {
                let order = shuffled(WHO.len(), seed(1, "carry", index, round));
                for (position, who) in order.iter().copied().enumerate() {
                    let after_dirty = position > 0 && WHO[order[position - 1]] == "dirty";
                    let noise = -0.01 * (1.0 - random.random::<f64>()).ln();
                    let ln_cost = who as f64 + noise + if after_dirty { effect } else { 0.0 };
                    turns.push(Turn { round, position, contender: WHO[who], ln_cost });
                }
            }
            turns
        };
        (0..20).map(&mut block).collect()
    }

    #[test]
    fn who_leaves_dirt_behind_is_found() {
        let found = carry_over(&blocks(0.1));
        assert_eq!(found.iter().map(|c| c.predecessor.as_str()).collect::<Vec<_>>(), WHO);
        for carry in &found {
            assert_eq!(carry.effect.n, 20);
            // The usual cost contains the dirt, so everyone else comes out a little below 0.
            let is_large = carry.effect.point.abs() > 0.01;
            assert_eq!(is_large, carry.predecessor == "dirty", "{carry:?}");
        }
        assert!(found[1].is_shown());
        assert!((found[1].effect.point - 0.1).abs() < 0.01, "{:?}", found[1]);
        // 20 blocks of 12 rounds, three successors in each.
        assert_eq!(found.iter().map(|carry| carry.cases).sum::<usize>(), 20 * 12 * 3);
    }

    #[test]
    fn skewed_noise_alone_is_no_effect() {
        assert!(carry_over(&blocks(0.0)).iter().all(|carry| !carry.is_shown()));
    }

    #[test]
    fn slices_without_a_number_and_empty_blocks_do_no_harm() {
        assert!(carry_over(&[]).is_empty());
        assert!(carry_over(&[Vec::new()]).is_empty());
        let turn = |position, contender, ln_cost| Turn { round: 0, position, contender, ln_cost };
        let block = vec![turn(0, "a", f64::NAN), turn(1, "b", 1.0), turn(3, "c", 2.0)];
        let found = carry_over(&[block]);
        // `b` ran behind `a`; whoever was before `c` is not known.
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].predecessor.as_str(), found[0].cases), ("a", 1));
        assert!(!found[0].is_shown());
    }

    #[test]
    fn shifting_a_contender_changes_nothing() {
        let mut shifted = blocks(0.1);
        let plain = carry_over(&shifted);
        for turn in shifted.iter_mut().flatten().filter(|turn| turn.contender == "quiet") {
            turn.ln_cost += 7.0;
        }
        for (a, b) in plain.iter().zip(carry_over(&shifted)) {
            assert!((a.effect.point - b.effect.point).abs() < 1e-9);
        }
    }
}
