//! The program as its users meet it.

mod commands;
mod runs;
mod support;
