//! The courses: one workload per file, written once against
//! [`Env`](deadheat_core::env::Env) and run by every model.
//!
//! No file here names a runtime, except in `peer`, whose processes are no models: they are the
//! other end, the same for everyone.

pub mod exchange;
pub mod http;
pub mod peer;
pub mod spin;

#[cfg(feature = "core")]
pub mod echo_server;
#[cfg(feature = "core")]
pub mod gather;
#[cfg(feature = "core")]
pub mod http_fanout;
#[cfg(feature = "core")]
pub mod http_server;
#[cfg(feature = "core")]
pub mod idle_tasks;
#[cfg(feature = "core")]
pub mod ping_pong;
#[cfg(feature = "core")]
pub mod sha256;
#[cfg(feature = "core")]
pub mod sleep;
#[cfg(feature = "core")]
pub mod tcp_echo;
