//! The program as its users meet it.

mod commands;
mod doctor;
mod runs;
mod support;
