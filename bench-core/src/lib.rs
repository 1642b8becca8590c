//! The race track: what a model offers a scenario, how contenders take turns, how it is judged.
//!
//! Read in this order: [`env`](mod@env) (what a model offers), [`scenario`] (what is run on it),
//! [`session`] (the one measured loop), [`contender`] (the child process around it), [`record`]
//! (what comes out).

pub mod cell;
pub mod clock;
pub mod contender;
pub mod doctor;
pub mod duration;
pub mod env;
pub mod line;
pub mod load;
pub mod machine;
pub mod model;
pub mod net;
pub mod peer;
pub mod protocol;
pub mod race;
pub mod record;
#[doc(hidden)]
pub mod rehearsal;
pub mod resource;
pub mod sample;
pub mod scenario;
pub mod session;
pub mod stats;
