//! Where all randomness of a run comes from: its one seed, and the names of what it is for.

use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

/// A seed for `purpose` (a race's id and what is drawn) and its indices.
pub fn seed(run: u64, purpose: &str, block: usize, round: usize) -> u64 {
    // FNV-1a: only to spread names over the generator's seeds.
    // Both indices in full: shifted and joined, a large round would hide the block.
    let spread = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let indices = [block as u64, round as u64].map(u64::to_le_bytes).concat();
    let name = purpose.bytes().chain(indices).fold(0xcbf2_9ce4_8422_2325, spread);
    ChaCha8Rng::seed_from_u64(run ^ name).random()
}

/// The order in which `count` contenders take their turns.
pub fn shuffled(count: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<_> = (0..count).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_its_names() {
        assert_eq!(seed(1, "a", 2, 3), seed(1, "a", 2, 3));
        let others =
            [seed(2, "a", 2, 3), seed(1, "b", 2, 3), seed(1, "a", 3, 3), seed(1, "a", 2, 4)];
        assert!(others.iter().all(|other| *other != seed(1, "a", 2, 3)));
        let all: std::collections::BTreeSet<u64> = (0..30)
            .flat_map(|block| [0, 1, 39, usize::MAX].map(|round| seed(1, "a", block, round)))
            .collect();
        assert_eq!(all.len(), 120, "every block has draws of its own, whatever they are for");
    }

    #[test]
    fn every_place_is_as_likely_for_everyone() {
        let mut places = [[0u32; 4]; 4];
        for round in 0..4_000 {
            for (place, who) in shuffled(4, seed(1, "order", 0, round)).into_iter().enumerate() {
                places[who][place] += 1;
            }
        }
        // 1,000 expected, standard deviation 27.
        assert!(places.iter().flatten().all(|n| (850..1_150).contains(n)), "{places:?}");
    }
}
