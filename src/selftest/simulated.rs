//! K1 to K4: what needs no machine, in short. The tests run it at length.

use deadheat_core::{
    race::order::shuffled,
    stats::{
        Estimate,
        known::{Known, simulated},
    },
};

use super::Context;

#[expect(clippy::unnecessary_wraps, reason = "as every check")]
pub(super) fn k1(context: &Context) -> Result<Vec<Known>, String> {
    Ok(simulated::k1(Estimate::of, if context.quick { 1_000 } else { 4_000 }))
}

#[expect(clippy::unnecessary_wraps, reason = "as every check")]
pub(super) fn k2(_: &Context) -> Result<Vec<Known>, String> {
    Ok(simulated::k2(Estimate::of))
}

#[expect(clippy::unnecessary_wraps, reason = "as every check")]
pub(super) fn k3(_: &Context) -> Result<Vec<Known>, String> {
    Ok(simulated::k3())
}

#[expect(clippy::unnecessary_wraps, reason = "as every check")]
pub(super) fn k4(_: &Context) -> Result<Vec<Known>, String> {
    Ok(simulated::k4(&shuffled, 100))
}
