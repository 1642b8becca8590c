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
use crate::record::{Kind, Race, Trial};

/// The weather over a race.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sky {
    /// Rounds in foul weather, and in whose slices it was.
    foul: BTreeMap<(usize, usize), BTreeSet<String>>,
    /// Rounds of each block.
    rounds: BTreeMap<usize, BTreeSet<usize>>,
    /// Whether a round is one moment for all: not where each runs alone.
    together: bool,
    /// Fair rounds that a block must have.
    wanted: usize,
    /// Contenders in whose slices foul weather is too frequent for chance.
    culprits: Vec<String>,
}

impl Sky {
    pub(super) fn over(race: &Race) -> Self {
        let culprits = culprits(race);
        let mut foul: BTreeMap<(usize, usize), BTreeSet<String>> = BTreeMap::new();
        for bad in race.foul.iter().filter(|_| culprits.is_empty()) {
            foul.entry((bad.block, bad.round)).or_default().extend(bad.contenders.iter().cloned());
        }
        let mut rounds: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for block in &race.blocks {
            let slices = block.trials.iter().flat_map(|trial| &trial.slices);
            rounds.entry(block.index).or_default().extend(slices.map(|slice| slice.round));
        }
        let together = race.kind != Kind::Solo;
        Self { foul, rounds, together, wanted: race.shape.rounds, culprits }
    }

    /// Whether a round is set aside when these are compared.
    pub fn is_foul(&self, block: usize, round: usize, who: &[&str]) -> bool {
        self.foul.get(&(block, round)).is_some_and(|whose| {
            self.together || whose.is_empty() || who.iter().any(|id| whose.contains(*id))
        })
    }

    /// Whether a block has as many rounds in fair weather as were planned, for these.
    pub fn is_fair(&self, block: usize, who: &[&str]) -> bool {
        self.rounds.get(&block).is_none_or(|rounds| {
            let fair = rounds.iter().filter(|round| !self.is_foul(block, **round, who));
            fair.count() >= self.wanted
        })
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

/// Contenders whose model's slices are foul more often than chance allows. By model: the reference
/// races three times, and would hide behind its own twins.
fn culprits(race: &Race) -> Vec<String> {
    let model = |id: &str| race.contender(id).map_or_else(|| id.to_owned(), |c| c.model.clone());
    let mut slices: BTreeMap<String, usize> = BTreeMap::new();
    for trial in race.blocks.iter().flat_map(|block| &block.trials) {
        *slices.entry(model(&trial.contender)).or_default() += trial.slices.len();
    }
    let foul = |of: &str| {
        let names = race.foul.iter().flat_map(|foul| &foul.contenders);
        names.filter(|id| model(id) == of).count()
    };
    let counts: Vec<FoulSlices<'_>> = slices
        .iter()
        .map(|(of, slices)| FoulSlices { contender: of, foul: foul(of), slices: *slices })
        .collect();
    let guilty = audit::culprits(&counts);
    let is_guilty = |id: &str| guilty.iter().any(|culprit| culprit.contender == model(id));
    race.contenders.iter().map(|c| c.id.clone()).filter(|id| is_guilty(id)).collect()
}
