//! The race track: what a model offers a scenario, how contenders take turns, and how it is judged.

pub mod record;
pub mod stats;
