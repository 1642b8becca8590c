//! Which rates are measured: a fixed geometric grid around a rough search.
//!
//! All rates of a run lie on one ladder, so that the grids of models that carry about as much
//! have their rates in common.

/// Rungs to an octave: a step of 2^(1/10), 7.2%.
const OCTAVE: i32 = 10;

/// Rungs of a grid: 9 rates, the highest 1.74 × the lowest.
const BELOW: i32 = 5;
const ABOVE: i32 = 3;

/// Where a search begins, per second; and how far down it goes.
const FIRST: f64 = 1_000.0;
const LOWEST: i32 = -6 * OCTAVE;

/// The rate of a rung, per second: rung 0 is 1,000/s.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "15/s and more")]
pub fn rate_of(rung: i32) -> u64 {
    (FIRST * (f64::from(rung) / f64::from(OCTAVE)).exp2()).round() as u64
}

/// A rough search for where a model stops to meet an objective: doubling, then halving the
/// bracket. It only chooses what is measured; nothing is concluded from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Search {
    carried: Option<i32>,
    failed: Option<i32>,
    highest: i32,
}

impl Search {
    /// A search among rates up to `most` per second.
    pub fn up_to(most: f64) -> Self {
        let rungs = f64::from(OCTAVE) * (most / FIRST).log2();
        #[expect(clippy::cast_possible_truncation, reason = "clamped")]
        let highest = rungs.floor().clamp(f64::from(LOWEST + BELOW + ABOVE), 170.0) as i32;
        Self { carried: None, failed: None, highest }
    }

    /// The rung to try next; `None` where it has been narrowed to three rungs, or has come to an
    /// end of the ladder.
    pub fn next(&self) -> Option<i32> {
        match (self.carried, self.failed) {
            (None, None) => Some(0.min(self.highest)),
            (Some(rung), None) if rung < self.highest => Some((rung + OCTAVE).min(self.highest)),
            (None, Some(rung)) if rung > LOWEST => Some((rung - OCTAVE).max(LOWEST)),
            (Some(lo), Some(hi)) if hi - lo > 3 => Some(i32::midpoint(lo, hi)),
            _ => None,
        }
    }

    /// Takes in whether a rung was carried.
    pub fn tried(&mut self, rung: i32, carried: bool) {
        let side = if carried { &mut self.carried } else { &mut self.failed };
        *side = Some(rung);
    }

    /// The grid around what was found.
    pub fn grid(&self) -> Grid {
        let middle = match (self.carried, self.failed) {
            (Some(lo), Some(hi)) => i32::midpoint(lo, hi),
            (Some(lo), None) => lo,
            (None, Some(hi)) => hi,
            (None, None) => 0,
        };
        let middle = middle.min(self.highest - ABOVE).max(LOWEST + BELOW);
        Grid { lowest: middle - BELOW, highest: middle + ABOVE }
    }
}

/// The rungs at which a contender is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    lowest: i32,
    highest: i32,
}

impl Grid {
    /// Its rates, per second, ascending.
    pub fn rates(&self) -> Vec<u64> {
        (self.lowest..=self.highest).map(rate_of).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(truth: f64, most: f64) -> (Grid, usize) {
        let mut search = Search::up_to(most);
        let mut tries = 0;
        while let Some(rung) = search.next() {
            search.tried(rung, (rate_of(rung) as f64) < truth);
            tries += 1;
            assert!(tries < 30, "it ends");
        }
        (search.grid(), tries)
    }

    #[test]
    fn steps_are_as_small_as_they_must_be() {
        let rates = found(10_000.0, 1e6).0.rates();
        assert!(rates.len() >= 8);
        let steps = rates.windows(2).map(|pair| pair[1] as f64 / pair[0] as f64);
        assert!(steps.clone().all(|step| step > 1.0 && step <= 1.08), "{rates:?}");
        assert_eq!([-10, 0, 10, 20].map(rate_of), [500, 1_000, 2_000, 4_000]);
    }

    #[test]
    fn ends_of_the_ladder_end_the_search() {
        let (none, _) = found(0.0, 1e6);
        assert_eq!(none.rates()[0], rate_of(LOWEST));
        let (all, _) = found(f64::INFINITY, 50_000.0);
        let highest = all.rates()[8];
        assert!(highest <= 50_000 && highest as f64 > 50_000.0 / 1.08, "{highest}");
        // A generator that can do next to nothing still leaves a grid.
        assert_eq!(found(5.0, 0.0).0.rates().len(), 9);
        assert_eq!(found(5.0, f64::NAN).0.rates().len(), 9);
    }

    proptest! {
        #[test]
        fn the_truth_lies_within_the_grid(truth in 30.0..500_000.0_f64) {
            let (grid, tries) = found(truth, 1e6);
            let rates = grid.rates();
            prop_assert!((rates[0] as f64) < truth && truth < rates[8] as f64, "{truth}: {rates:?}");
            prop_assert!(tries <= 13, "{tries}");
        }
    }
}
