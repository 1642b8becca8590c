//! The other end: servers for client scenarios, and the generator for servers under test.
//!
//! One process per peer and race, the same for every model.

pub mod echo;
pub mod generator;
#[cfg(feature = "core")]
pub mod http;
pub mod null;
