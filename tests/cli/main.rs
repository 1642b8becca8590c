//! The program as its users meet it.

mod commands;
mod contenders;
mod doctor;
mod records;
mod runs;
mod support;
