//! One word for a machine: the same after a reboot, another where results may differ.

use crate::record::Machine;

/// Facts that belong to it. Not the command line, which carries boot ids; not limits of a shell.
const FACTS: [&str; 15] = [
    "cores",
    "cpu.flags",
    "cpu.microcode",
    "frequency.driver",
    "frequency.preference",
    "isolated",
    "nohz_full",
    "thp",
    "smt",
    "governor",
    "clocksource",
    "frequency.boost",
    "frequency.no_turbo",
    "cgroup.cpus",
    "cgroup.cpuset",
];

/// The step that memory is rounded to: what a kernel keeps for itself differs from boot to boot.
const STEP: u64 = 256 << 20;

/// Sixteen hexadecimal digits.
pub(super) fn fingerprint(machine: &Machine) -> String {
    let memory = machine.memory.map_or(0, |memory| (memory + STEP / 2) / STEP);
    let mut hash = Fnv::default();
    hash.add(&machine.cpu);
    hash.add(&machine.kernel);
    hash.add(&machine.cpus.to_string());
    hash.add(&memory.to_string());
    hash.add(machine.virtualisation.as_deref().unwrap_or("none"));
    let mitigations = machine.facts.iter().filter(|(name, _)| name.starts_with("mitigations."));
    let facts = machine.facts.iter().filter(|(name, _)| FACTS.contains(&name.as_str()));
    for (name, value) in facts.chain(mitigations) {
        hash.add(name);
        hash.add(value);
    }
    format!("{:016x}", hash.0)
}

/// FNV-1a, 64 bits: fixed for all time, unlike the standard library's hasher. It tells machines
/// apart, and protects nothing.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    /// A text and its end, so that "ab" and "c" are not "a" and "bc".
    fn add(&mut self, text: &str) {
        for byte in text.bytes().chain([0]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
