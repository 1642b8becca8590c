//! The program as its users meet it.

mod commands;
mod contenders;
mod runs;
mod support;
