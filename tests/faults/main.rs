//! Everything that can go wrong, really provoked: limits, full disks, contenders and peers that
//! crash, hang or die, and runs that are ended. Each time the exit code, the line that says why, and
//! the record on disk must be right, and nothing that was measured before may be lost.
//!
//! What goes wrong between the parent and one contender is also in `tests/race.rs`, and bad input in
//! `tests/cli/`.

#![cfg(target_os = "linux")]

mod contenders;
mod disk;
mod limits;
mod peers;
mod rebuild;
mod resume;
mod script;
#[path = "../cli/support.rs"]
mod support;
