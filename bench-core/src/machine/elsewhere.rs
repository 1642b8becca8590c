//! What systems without `/proc` tell of themselves, through their own tools. What they lack stays
//! not available.

use std::{process::Command, thread};

use super::fingerprint::fingerprint;
use crate::record::Machine;

/// Fills in what is known here.
pub(super) fn complete(mut machine: Machine) -> Machine {
    let said = |program: &str, args: &[&str]| {
        let output = Command::new(program).args(args).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        (output.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
    };
    let sysctl = |name: &str| said("sysctl", &["-n", name]);
    machine.kernel = said("uname", &["-rs"]).unwrap_or_default();
    machine.cpu = sysctl("machdep.cpu.brand_string").unwrap_or_default();
    machine.cpus = thread::available_parallelism().map_or(0, Into::into);
    machine.memory = sysctl("hw.memsize").and_then(|bytes| bytes.parse().ok());
    machine.fingerprint = fingerprint(&machine);
    machine
}
