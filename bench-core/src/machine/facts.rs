//! Facts by name. Only what is there.

use std::collections::{BTreeMap, BTreeSet};

use super::{cgroup, limits, moment, tree::Tree};

/// One file, one fact.
const FILES: [(&str, &str); 17] = [
    ("kernel.version", "proc/sys/kernel/version"),
    ("cmdline", "proc/cmdline"),
    ("clocksource", "sys/devices/system/clocksource/clocksource0/current_clocksource"),
    ("frequency.driver", "sys/devices/system/cpu/cpu0/cpufreq/scaling_driver"),
    ("frequency.preference", "sys/devices/system/cpu/cpu0/cpufreq/energy_performance_preference"),
    ("frequency.boost", "sys/devices/system/cpu/cpufreq/boost"),
    ("frequency.no_turbo", "sys/devices/system/cpu/intel_pstate/no_turbo"),
    ("idle.driver", "sys/devices/system/cpu/cpuidle/current_driver"),
    ("isolated", "sys/devices/system/cpu/isolated"),
    ("nohz_full", "sys/devices/system/cpu/nohz_full"),
    ("numa.nodes", "sys/devices/system/node/online"),
    ("aslr", "proc/sys/kernel/randomize_va_space"),
    ("timerslack_ns", "proc/self/timerslack_ns"),
    ("psi.cpu", "proc/pressure/cpu"),
    ("psi.memory", "proc/pressure/memory"),
    ("psi.io", "proc/pressure/io"),
    ("psi.irq", "proc/pressure/irq"),
];

/// Files of which the word in brackets counts: `always [madvise] never`.
const CHOICES: [(&str, &str); 2] = [
    ("thp", "sys/kernel/mm/transparent_hugepage/enabled"),
    ("thp.defrag", "sys/kernel/mm/transparent_hugepage/defrag"),
];

/// Kernel settings that a scenario can meet.
const SYSCTLS: [&str; 22] = [
    "fs.file-max",
    "fs.nr_open",
    "kernel.io_uring_disabled",
    "kernel.nmi_watchdog",
    "kernel.numa_balancing",
    "kernel.sched_autogroup_enabled",
    "kernel.sched_rt_runtime_us",
    "net.core.somaxconn",
    "net.core.rmem_max",
    "net.core.wmem_max",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_max_syn_backlog",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_tw_reuse",
    "net.ipv4.tcp_wmem",
    "net.ipv4.tcp_congestion_control",
    "vm.max_map_count",
    "vm.overcommit_memory",
    "vm.swappiness",
    "kernel.threads-max",
    "kernel.pid_max",
    "kernel.perf_event_paranoid",
];

/// Instructions that code of runtimes, hashes and copies chooses by, and timing depends on.
const FLAGS: [&str; 14] = [
    "aes",
    "asimd",
    "atomics",
    "avx",
    "avx2",
    "avx512f",
    "constant_tsc",
    "erms",
    "fsrm",
    "nonstop_tsc",
    "pcid",
    "sha_ni",
    "sha2",
    "waitpkg",
];

/// Everything that is known of the machine beside its name.
pub(super) fn facts(tree: &Tree<'_>) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    let mut add = |name: String, value: Option<String>| {
        if let Some(value) = value {
            facts.insert(name, value);
        }
    };
    for (name, path) in FILES {
        add(name.into(), tree.text(path));
    }
    for (name, path) in CHOICES {
        add(name.into(), tree.text(path).and_then(|text| chosen(&text)));
    }
    for name in SYSCTLS {
        let path = format!("proc/sys/{}", name.replace('.', "/"));
        add(format!("sysctl.{name}"), tree.text(&path));
    }
    add("governor".into(), governors(tree));
    add("smt".into(), smt(tree));
    add("cores".into(), cores(tree));
    let vulnerabilities = tree.names(VULNERABILITIES);
    let known = vulnerabilities.len();
    let mut concern = 0;
    for name in vulnerabilities {
        let state = tree.text(&format!("{VULNERABILITIES}/{name}"));
        // What does not concern this CPU costs it nothing.
        let state = state.filter(|state| state != "Not affected");
        concern += usize::from(state.is_some());
        add(format!("mitigations.{name}"), state);
    }
    let summary = || format!("{concern} of {known} known vulnerabilities concern this CPU");
    add("mitigations".into(), (known > 0).then(summary));
    add("cpus.allowed".into(), tree.field("proc/self/status", "Cpus_allowed_list"));
    let flags: Vec<String> =
        tree.flags().into_iter().filter(|flag| FLAGS.contains(&flag.as_str())).collect();
    add("cpu.flags".into(), (!flags.is_empty()).then(|| flags.join(" ")));
    add("cpu.microcode".into(), tree.cpuinfo("microcode"));
    add("allocator".into(), allocator(tree));
    add(
        "steal".into(),
        moment::stolen(tree).map(|share| format!("{:.2}% since boot", share * 100.0)),
    );
    limits::ulimits(tree, &mut add);
    cgroup::cgroup(tree, &mut add);
    facts
}

const VULNERABILITIES: &str = "sys/devices/system/cpu/vulnerabilities";

fn chosen(text: &str) -> Option<String> {
    let (_, rest) = text.split_once('[')?;
    Some(rest.split_once(']')?.0.into())
}

/// Of all CPUs: `performance`, or `performance+powersave` where they differ.
fn governors(tree: &Tree<'_>) -> Option<String> {
    let of = |cpu| tree.text(&format!("sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_governor"));
    let all: BTreeSet<String> = (0..tree.cpus()).filter_map(of).collect();
    (!all.is_empty()).then(|| all.into_iter().collect::<Vec<_>>().join("+"))
}

/// Libraries that take over `malloc` when they are loaded, and what has it otherwise.
const ALLOCATORS: [(&str, &str); 6] = [
    ("jemalloc", "jemalloc"),
    ("mimalloc", "mimalloc"),
    ("tcmalloc", "tcmalloc"),
    ("snmalloc", "snmalloc"),
    ("/libc.so.6", "glibc"),
    ("/ld-musl-", "musl"),
];

/// The allocator behind `malloc`, which Rust's default is. One that is linked in can't be seen.
fn allocator(tree: &Tree<'_>) -> Option<String> {
    let maps = tree.lines("proc/self/maps");
    let mapped = |library: &str| maps.iter().any(|line| line.contains(library));
    let found = ALLOCATORS.iter().find(|(library, _)| mapped(library));
    found.map(|(_, name)| (*name).into())
}

fn smt(tree: &Tree<'_>) -> Option<String> {
    match tree.text("sys/devices/system/cpu/smt/active")?.as_str() {
        "0" => Some("off".into()),
        "1" => Some("on".into()),
        other => Some(other.into()),
    }
}

/// Physical cores: how many different pairs of package and core there are.
fn cores(tree: &Tree<'_>) -> Option<String> {
    let id = |cpu: usize, what: &str| {
        tree.text(&format!("sys/devices/system/cpu/cpu{cpu}/topology/{what}"))
    };
    let pairs: Option<BTreeSet<_>> = (0..tree.cpus())
        .map(|cpu| Some((id(cpu, "physical_package_id")?, id(cpu, "core_id")?)))
        .collect();
    pairs.filter(|pairs| !pairs.is_empty()).map(|pairs| pairs.len().to_string())
}
