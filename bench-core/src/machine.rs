//! The machine.
pub mod lock;
/// here
pub fn here() -> crate::record::Machine {
    crate::record::Machine::default()
}
