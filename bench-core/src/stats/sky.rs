//! Which rounds of a race were in foul weather, and whether it was the weather.
//!
//! Foul rounds are set aside for quantiles, and looked at separately for everything else. If they
//! are not spread evenly over the contenders, one of them makes the weather: then nothing is set
//! aside, and it is said.

use std::collections::{BTreeMap, BTreeSet};

use hdrhistogram::Histogram;

use super::{
    audit::{self, FoulSlices},
    histogram,
};
use crate::record::{Race, Trial};

/// The weather over a race.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sky {
    foul: BTreeSet<(usize, usize)>,
    /// Fair rounds of each block that has any round at all.
    fair: BTreeMap<usize, usize>,
    /// Fair rounds that a block must have.
    wanted: usize,
    /// Contenders in whose slices foul weather is too frequent for chance.
    culprits: Vec<String>,
}

impl Sky {
    pub(super) fn over(race: &Race) -> Self {
        let culprits = culprits(race);
        let foul: BTreeSet<(usize, usize)> = if culprits.is_empty() {
            race.foul.iter().map(|foul| (foul.block, foul.round)).collect()
        } else {
            BTreeSet::new()
        };
        let mut rounds: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for block in &race.blocks {
            let slices = block.trials.iter().flat_map(|trial| &trial.slices);
            rounds.entry(block.index).or_default().extend(slices.map(|slice| slice.round));
        }
        let fair = rounds
            .into_iter()
            .map(|(block, rounds)| {
                let fair = rounds.iter().filter(|round| !foul.contains(&(block, **round)));
                (block, fair.count())
            })
            .collect();
        Self { foul, fair, wanted: race.shape.rounds, culprits }
    }

    /// Whether a round is set aside.
    pub fn is_foul(&self, block: usize, round: usize) -> bool {
        self.foul.contains(&(block, round))
    }

    /// Whether a block has as many rounds in fair weather as were planned.
    pub fn is_fair(&self, block: usize) -> bool {
        self.fair.get(&block).is_none_or(|fair| *fair >= self.wanted)
    }

    /// Whether any round is set aside.
    pub fn is_clear(&self) -> bool {
        self.foul.is_empty()
    }

    /// Those who make the weather that they are measured in; nothing is set aside for it.
    pub fn culprits(&self) -> &[String] {
        &self.culprits
    }

    /// The latencies of a trial that count: response where there is one, else service.
    pub(super) fn latency(&self, trial: &Trial) -> Option<Histogram<u64>> {
        let text = |hist: &crate::record::Histograms| match hist.response.as_str() {
            "" => hist.service.clone(),
            response => response.to_owned(),
        };
        let mut texts = vec![text(&trial.hist)];
        if !self.culprits.is_empty() {
            texts.push(text(&trial.foul_hist));
        }
        histogram::merge(texts.iter().map(String::as_str))
    }
}

/// Contenders whose own slices are foul more often than chance allows.
fn culprits(race: &Race) -> Vec<String> {
    let mut slices: BTreeMap<&str, usize> = BTreeMap::new();
    for trial in race.blocks.iter().flat_map(|block| &block.trials) {
        *slices.entry(&trial.contender).or_default() += trial.slices.len();
    }
    let foul = |id: &str| {
        race.foul.iter().filter(|foul| foul.contenders.iter().any(|name| name == id)).count()
    };
    let counts: Vec<FoulSlices<'_>> = slices
        .into_iter()
        .map(|(contender, slices)| FoulSlices { contender, foul: foul(contender), slices })
        .collect();
    audit::culprits(&counts).into_iter().map(|culprit| culprit.contender).collect()
}
