//! The courses: one workload per file, written once against
//! [`Env`](deadheat_core::env::Env) and run by every model.
//!
//! No file here names a runtime, except in `peer`, whose processes are no models: they are the
//! other end, the same for everyone.

pub mod peer;
pub mod sleep;
pub mod tcp_echo;
