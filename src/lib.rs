//! Races execution models over the same courses, and says who is faster, by how much, or that it
//! is a dead heat.

pub mod matrix;

pub use deadheat_core as core;
pub use deadheat_scenarios as scenario;
