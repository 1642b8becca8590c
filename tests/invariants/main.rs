//! The invariants of docs/ARCHITECTURE.md, read from the sources themselves: most of them are about
//! what is absent. Each check is shown something wrong first, and must see it.

mod code;
mod crates;
mod docs;
mod source;
