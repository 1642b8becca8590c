//! What the machine is: everything about it that can change a result, read once at the start of a
//! run.
//!
//! It is read from a root folder, so that tests read the trees of machines that they do not have.
//! A file that is missing is a fact that is missing, never a zero. The fingerprint covers what
//! survives a reboot; load, limits of the shell and frequencies of the moment are facts beside it.
//!
//! Not in here: advice on what spoils measurements, and what a single slice met (its weather).

use std::path::Path;

use crate::{clock, record::Machine};

#[cfg(not(target_os = "linux"))]
mod elsewhere;
mod facts;
mod fingerprint;
mod limits;
pub mod lock;
mod tree;

use self::{facts::facts, fingerprint::fingerprint, tree::Tree};

/// This machine, with what its clock can do.
pub fn here() -> Machine {
    let machine = read(Path::new("/"));
    #[cfg(not(target_os = "linux"))]
    let machine = elsewhere::complete(machine);
    Machine { clock: clock::figures(), os: std::env::consts::OS.into(), ..machine }
}

/// The machine whose `/proc` and `/sys` are under `root`.
pub fn read(root: &Path) -> Machine {
    let tree = Tree(root);
    let mut machine = Machine {
        os: "linux".into(),
        kernel: tree.text("proc/sys/kernel/osrelease").unwrap_or_default(),
        cpu: cpu(&tree).unwrap_or_default(),
        cpus: tree.cpus(),
        memory: memory(&tree),
        virtualisation: virtualisation(&tree),
        load: load(&tree),
        facts: facts(&tree),
        ..Machine::default()
    };
    machine.fingerprint = fingerprint(&machine);
    machine
}

/// arm64 has no model's name; there the implementer and the part say which core it is.
fn cpu(tree: &Tree<'_>) -> Option<String> {
    let arm = || {
        let part = |name| tree.cpuinfo(name);
        Some(format!("arm implementer {} part {}", part("CPU implementer")?, part("CPU part")?))
    };
    tree.cpuinfo("model name").or_else(arm)
}

/// Bytes.
fn memory(tree: &Tree<'_>) -> Option<u64> {
    let kib: u64 = tree.field("proc/meminfo", "MemTotal")?.split(' ').next()?.parse().ok()?;
    Some(kib << 10)
}

fn load(tree: &Tree<'_>) -> Option<f64> {
    tree.text("proc/loadavg")?.split(' ').next()?.parse().ok()
}

/// Who runs this machine, where the CPU says that somebody does.
fn virtualisation(tree: &Tree<'_>) -> Option<String> {
    let name = tree
        .text("sys/hypervisor/type")
        .or_else(|| tree.text("sys/class/dmi/id/sys_vendor"))
        .or_else(|| tree.text("sys/class/dmi/id/product_name"));
    if !tree.has_flag("hypervisor") {
        // arm64 has no such flag: there only what names itself is known.
        return tree.text("sys/hypervisor/type");
    }
    Some(name.unwrap_or_else(|| "a hypervisor that does not say its name".into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn recorded(name: &str) -> Machine {
        read(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/machines").join(name))
    }

    #[test]
    fn bare_metal_is_described() {
        let machine = recorded("bare-metal");
        assert_eq!(machine.cpu, "AMD Ryzen 9 7950X 16-Core Processor");
        assert_eq!((machine.cpus, machine.memory), (4, Some(65_536_000 << 10)));
        assert_eq!((machine.virtualisation, machine.load), (None, Some(0.42)));
        for (name, value) in [
            ("smt", "on"),
            ("governor", "performance"),
            ("clocksource", "tsc"),
            ("thp", "madvise"),
            ("aslr", "2"),
            ("cgroup.version", "2"),
            ("cgroup.cpu.max", "max 100000"),
            ("ulimit.nofile", "1024 of 524288"),
            ("ulimit.memlock", "8388608 of unlimited"),
            ("sysctl.net.core.somaxconn", "4096"),
            ("sysctl.net.ipv4.ip_local_port_range", "32768 60999"),
            ("mitigations.spectre_v2", "Mitigation: Enhanced / Automatic IBRS"),
            ("cmdline", "BOOT_IMAGE=/vmlinuz root=/dev/nvme0n1p2 quiet"),
        ] {
            assert_eq!(machine.facts.get(name).map(String::as_str), Some(value), "{name}");
        }
        assert!(!machine.facts.contains_key("cgroup.cpus"), "no quota is no number of CPUs");
    }

    #[test]
    fn half_a_core_of_a_container_is_seen() {
        let machine = recorded("container");
        assert_eq!(machine.virtualisation.as_deref(), Some("Amazon EC2"));
        assert_eq!(machine.facts["cgroup.cpus"], "0.50");
        assert_eq!(machine.facts["cgroup.version"], "1");
        assert_eq!(machine.facts["cgroup.memory.max"], "536870912");
        assert_eq!(machine.facts["ulimit.nofile"], "1048576 of 1048576");
    }

    #[test]
    fn what_is_missing_is_missing() {
        let empty = tempfile::tempdir().unwrap();
        let machine = read(empty.path());
        assert_eq!((machine.memory, machine.load, machine.cpus), (None, None, 0));
        assert!(machine.facts.is_empty(), "{:?}", machine.facts);
    }

    #[test]
    fn a_fingerprint_is_the_machines_and_not_the_moments() {
        let machine = recorded("bare-metal");
        let with = |name: &str, value: &str| {
            let mut other = machine.clone();
            other.facts.insert(name.into(), value.into());
            fingerprint(&other)
        };
        assert_eq!(with("ulimit.nofile", "7"), machine.fingerprint);
        assert_eq!(with("cmdline", "BOOT_IMAGE=/vmlinuz-2"), machine.fingerprint);
        assert_ne!(with("smt", "off"), machine.fingerprint);
        let later = Machine { load: Some(9.0), ..machine.clone() };
        assert_eq!(fingerprint(&later), machine.fingerprint);
        // A kernel reserves more or less of the memory from boot to boot.
        let less = Machine { memory: machine.memory.map(|m| m - (40 << 20)), ..machine.clone() };
        assert_eq!(fingerprint(&less), machine.fingerprint);
        let updated = Machine { kernel: "6.9.0".into(), ..machine.clone() };
        assert_ne!(fingerprint(&updated), machine.fingerprint);
        assert_ne!(recorded("container").fingerprint, machine.fingerprint);
        assert_eq!(machine.fingerprint.len(), 16);
    }

    #[test]
    fn this_machine_can_be_read() {
        let machine = here();
        assert!(machine.clock.cost_ns > 0.0 && !machine.fingerprint.is_empty());
        #[cfg(target_os = "linux")]
        assert!(machine.cpus > 0 && machine.memory > Some(0), "{machine:?}");
    }
}
