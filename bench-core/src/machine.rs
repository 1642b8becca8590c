//! What the machine is: everything about it that can change a result, read once at the start of a
//! run.
//!
//! It is read from a root folder, so that tests read the trees of machines that they do not have.
//! A file that is missing is a fact that is missing, never a zero. The fingerprint covers what
//! survives a reboot; load, limits of the shell and frequencies of the moment are facts beside it.
//!
//! Not in here: advice on what spoils measurements, and what a single slice met (its weather).

use std::{path::Path, thread};

use crate::{clock, record::Machine, resource};

mod cgroup;
#[cfg(not(target_os = "linux"))]
mod elsewhere;
mod facts;
mod fingerprint;
mod hypervisor;
mod limits;
pub mod lock;
pub(crate) mod moment;
mod tree;

use self::{facts::facts, fingerprint::fingerprint, hypervisor::hypervisor, tree::Tree};

pub(crate) use self::tree::count_cpus;

/// This machine, with what its clock can do.
pub fn here() -> Machine {
    let machine = examine(Path::new("/"), hypervisor::by_cpuid());
    #[cfg(not(target_os = "linux"))]
    let machine = elsewhere::complete(machine);
    let mut machine =
        Machine { clock: clock::figures(), os: std::env::consts::OS.into(), ..machine };
    machine.facts.insert("cpu_sets".into(), cpu_sets());
    machine
}

/// The fewest processes and threads that a cgroup above this process may have.
pub(crate) fn pids_max() -> Option<u64> {
    cgroup::pids_max(&Tree(Path::new("/")))
}

/// The machine whose `/proc` and `/sys` are under `root`.
pub fn read(root: &Path) -> Machine {
    examine(root, None)
}

fn examine(root: &Path, by_cpu: Option<String>) -> Machine {
    let tree = Tree(root);
    let mut machine = Machine {
        os: "linux".into(),
        kernel: tree.text("proc/sys/kernel/osrelease").unwrap_or_default(),
        cpu: cpu(&tree).unwrap_or_default(),
        cpus: tree.cpus(),
        memory: memory(&tree),
        virtualisation: hypervisor(&tree, by_cpu),
        load: load(&tree),
        facts: facts(&tree),
        ..Machine::default()
    };
    machine.fingerprint = fingerprint(&machine);
    machine
}

/// Whether threads can be kept on chosen CPUs, tried on one: `yes`, or why not.
fn cpu_sets() -> String {
    let confined = || {
        let Some(&first) = resource::cpus().first() else { return "no: there is no CPU".into() };
        match resource::confine(&[first]) {
            Ok(()) if resource::cpus() == [first] => "yes".into(),
            Ok(()) => "no: a thread that was confined to one CPU may use others".into(),
            Err(error) => format!("no: {error}"),
        }
    };
    thread::scope(|scope| scope.spawn(confined).join())
        .unwrap_or_else(|_| "no: the thread that tried it panicked".into())
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

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::PathBuf};

    use super::*;

    fn tree(name: &str) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/machines").join(name)
    }

    fn recorded(name: &str) -> Machine {
        read(&tree(name))
    }

    #[track_caller]
    fn says(machine: &Machine, facts: &[(&str, &str)]) {
        for (name, value) in facts {
            assert_eq!(machine.facts.get(*name).map(String::as_str), Some(*value), "{name}");
        }
    }

    #[track_caller]
    fn lacks(machine: &Machine, facts: &[&str]) {
        for name in facts {
            assert_eq!(machine.facts.get(*name), None, "{name} is not available there");
        }
    }

    #[test]
    fn bare_metal_is_described() {
        let machine = recorded("bare-metal");
        assert_eq!(machine.cpu, "Intel(R) Core(TM) i3-7100 CPU @ 3.90GHz");
        assert_eq!((machine.cpus, machine.memory), (4, Some(16_281_264 << 10)));
        assert_eq!((machine.virtualisation.as_ref(), machine.load), (None, Some(0.42)));
        says(
            &machine,
            &[
                ("smt", "on"),
                ("cores", "2"),
                ("governor", "performance"),
                ("frequency.driver", "intel_pstate"),
                ("frequency.no_turbo", "1"),
                ("clocksource", "tsc"),
                ("timerslack_ns", "50000"),
                ("allocator", "glibc"),
                ("thp", "madvise"),
                ("aslr", "2"),
                ("steal", "0.00% since boot"),
                ("cgroup.version", "2"),
                ("cgroup.cpu.max", "max 100000"),
                ("cgroup.pids.max", "20921"),
                ("cgroup.throttled", "0 of 0 periods, 0.000 s"),
                ("ulimit.nofile", "1024 of 524288"),
                ("ulimit.memlock", "8388608 of unlimited"),
                ("sysctl.net.core.somaxconn", "4096"),
                ("sysctl.net.ipv4.ip_local_port_range", "32768 60999"),
                ("mitigations.meltdown", "Mitigation: PTI"),
                ("cpu.flags", "constant_tsc nonstop_tsc pcid aes avx avx2 erms"),
            ],
        );
        // No quota is no number of CPUs; what does not concern a CPU is no mitigation.
        lacks(&machine, &["cgroup.cpus", "isolated", "mitigations.tsx_async_abort"]);
    }

    #[test]
    fn a_hosted_runner_is_described() {
        let machine = recorded("runner");
        assert_eq!(machine.virtualisation.as_deref(), Some("Microsoft Corporation"));
        assert_eq!((machine.cpus, machine.kernel.as_str()), (4, "6.11.0-1018-azure"));
        says(
            &machine,
            &[
                ("clocksource", "hyperv_clocksource_tsc_page"),
                ("cores", "2"),
                ("thp", "always"),
                ("mitigations.spec_store_bypass", "Vulnerable"),
                ("cgroup.pids.max", "19155"),
                ("cgroup.cpuset", "0-3"),
                ("ulimit.nofile", "65536 of 65536"),
                ("sysctl.net.ipv4.tcp_rmem", "4096 131072 6291456"),
            ],
        );
        assert!(machine.facts["psi.cpu"].starts_with("some avg10=12.31 "));
        lacks(&machine, &["governor", "frequency.driver", "frequency.boost", "psi.irq"]);
    }

    #[test]
    fn half_a_core_of_a_container_is_seen() {
        let machine = recorded("container-v1");
        assert_eq!(machine.virtualisation.as_deref(), Some("Amazon EC2"));
        says(
            &machine,
            &[
                ("cgroup.version", "1"),
                ("cgroup.cpus", "0.50"),
                ("cgroup.cpu.max", "50000 100000"),
                ("cgroup.throttled", "10331 of 41207 periods, 512.331 s"),
                ("cgroup.memory.max", "536870912"),
                ("allocator", "musl"),
                ("steal", "2.04% since boot"),
                ("ulimit.nofile", "1048576 of 1048576"),
                ("ulimit.nproc", "unlimited of unlimited"),
            ],
        );
        lacks(&machine, &["psi.cpu", "governor"]);
        let machine = recorded("container-v2");
        assert_eq!(machine.virtualisation.as_deref(), Some("Google"));
        says(
            &machine,
            &[
                ("cgroup.version", "2"),
                ("cgroup.cpus", "0.50"),
                ("cgroup.throttled", "120 of 812 periods, 9.417 s"),
                ("cgroup.memory.max", "536870912"),
                ("cgroup.pids.max", "1024"),
            ],
        );
    }

    #[test]
    fn the_cpu_names_its_hypervisor() {
        let named = |name: &str| examine(&tree(name), Some("KVM".into())).virtualisation;
        assert_eq!(named("container-v1").as_deref(), Some("KVM (Amazon EC2)"));
        let empty = tempfile::tempdir().unwrap();
        let machine = examine(empty.path(), Some("KVM".into()));
        assert_eq!(machine.virtualisation.as_deref(), Some("KVM"));
    }

    #[test]
    fn what_is_missing_is_missing() {
        let empty = tempfile::tempdir().unwrap();
        let machine = read(empty.path());
        assert_eq!((machine.memory, machine.load, machine.cpus), (None, None, 0));
        assert_eq!(machine.virtualisation, None);
        assert!(machine.facts.is_empty(), "{:?}", machine.facts);
    }

    /// The fingerprint of a recorded machine with some texts of some files replaced.
    fn changed(name: &str, changes: &[(&str, &str, &str)]) -> String {
        fn copy(from: &Path, to: &Path) {
            fs::create_dir_all(to).unwrap();
            for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
                let to = to.join(entry.file_name());
                if entry.path().is_dir() {
                    copy(&entry.path(), &to);
                } else {
                    fs::copy(entry.path(), to).unwrap();
                }
            }
        }
        let root = tempfile::tempdir().unwrap();
        copy(&tree(name), root.path());
        for (path, old, new) in changes {
            let path = root.path().join(path);
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.contains(old), "{} has no {old}", path.display());
            fs::write(&path, text.replace(old, new)).unwrap();
        }
        read(root.path()).fingerprint
    }

    /// Another boot, other processes, another moment: the same machine.
    #[test]
    fn a_fingerprint_outlives_boots_and_moments() {
        let same = changed(
            "bare-metal",
            &[
                ("proc/uptime", "81734.21", "12.01"),
                ("proc/loadavg", "0.42 0.40 0.38 1/812 4242", "7.90 3.11 1.02 9/1204 99120"),
                ("proc/meminfo", "9120044", "1120044"),
                // A kernel reserves more or less of the memory from boot to boot.
                ("proc/meminfo", "16281264", "16281020"),
                ("proc/sys/kernel/random/boot_id", "4b0d7b4e", "00000001"),
                ("proc/cmdline", "ro quiet", "ro single"),
                ("proc/stat", "btime 1725062524", "btime 1725162524"),
                ("proc/stat", "cpu0 455137", "cpu0 1"),
                ("proc/cpuinfo", "3899.997", "800.021"),
                ("proc/pressure/cpu", "avg10=0.00", "avg10=88.10"),
                ("proc/self/maps", "7f1be8207000", "7a0000000000"),
                ("proc/self/limits", "524288", "1048576"),
                ("proc/self/cgroup", "session-2", "session-77"),
                ("sys/fs/cgroup/user.slice/cpu.stat", "nr_throttled 0", "nr_throttled 9"),
            ],
        );
        let machine = recorded("bare-metal");
        assert_eq!((same, machine.fingerprint.len()), (machine.fingerprint, 16));
    }

    #[test]
    fn a_fingerprint_changes_with_what_changes_results() {
        let governor = "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor";
        let vulnerabilities = "sys/devices/system/cpu/vulnerabilities/meltdown";
        let cases: [&[(&str, &str, &str)]; 10] = [
            &[],
            &[("proc/cpuinfo", "i3-7100", "i5-7500")],
            &[("proc/cpuinfo", "0xf8", "0xf0")],
            &[("proc/cpuinfo", " avx2 ", " ")],
            &[(governor, "performance", "powersave")],
            &[(vulnerabilities, "Mitigation: PTI", "Vulnerable")],
            &[("proc/sys/kernel/osrelease", "6.8.0-45", "6.8.0-47")],
            &[("sys/devices/system/cpu/smt/active", "1", "0")],
            &[("proc/meminfo", "16281264", "32562528")],
            &[("sys/fs/cgroup/user.slice/cpu.max", "max", "200000")],
        ];
        let mut all: Vec<String> =
            cases.iter().map(|changes| changed("bare-metal", changes)).collect();
        all.extend(["runner", "container-v1", "container-v2"].map(|n| recorded(n).fingerprint));
        let different: BTreeSet<&String> = all.iter().collect();
        assert_eq!(different.len(), all.len(), "{all:?}");
    }

    #[test]
    fn this_machine_can_be_read() {
        let machine = here();
        assert!(machine.clock.cost_ns > 0.0 && !machine.fingerprint.is_empty());
        #[cfg(target_os = "linux")]
        {
            assert!(machine.cpus > 0 && machine.memory > Some(0), "{machine:?}");
            assert_eq!(machine.facts["cpu_sets"], "yes");
            assert_eq!(machine.fingerprint, here().fingerprint, "twice the same");
        }
    }
}
