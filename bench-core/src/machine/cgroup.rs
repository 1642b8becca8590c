//! The limits of this process's cgroup, of either version, and how often they held it back.
//!
//! A limit may be set on any group above, so the tightest counts. Inside a container the path in
//! `/proc/self/cgroup` may lie outside of what is mounted; then the mounted root is its own group.

use super::tree::Tree;

/// Groups from this process's own to the mounted root: folders.
struct Groups<'a>(&'a Tree<'a>, Vec<String>);

impl<'a> Groups<'a> {
    fn new(tree: &'a Tree<'a>, mount: &str, own: &str) -> Self {
        let parts: Vec<_> = own.split('/').filter(|part| !part.is_empty()).collect();
        let folder = |n: usize| [&[mount], &parts[..n]].concat().join("/");
        Self(tree, (0..=parts.len()).rev().map(folder).collect())
    }

    fn all(&self, file: &str) -> impl Iterator<Item = (&str, String)> {
        self.1.iter().filter_map(move |folder| {
            Some((folder.as_str(), self.0.text(&format!("{folder}/{file}"))?))
        })
    }

    fn own(&self, file: &str) -> Option<String> {
        Some(self.all(file).next()?.1)
    }

    /// The smallest limit of all groups; else what the innermost group says, which is none.
    fn least(&self, file: &str) -> Option<String> {
        let limits = self.all(file).filter_map(|(_, text)| Some((text.parse::<u64>().ok()?, text)));
        // Version 1 says "none" with the largest whole page that a signed number holds.
        let limits = limits.filter(|(limit, _)| *limit < 1 << 62);
        match limits.min() {
            Some((_, text)) => Some(text),
            None => self.own(file).map(|_| "max".into()),
        }
    }
}

/// What a group's `cpu.stat` has counted since the group was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Throttled {
    /// Periods in which it ran.
    pub(crate) periods: u64,
    /// Those of them in which its quota was used up.
    pub(crate) held_back: u64,
    /// How long its threads were held back, summed over CPUs.
    pub(crate) ns: u64,
}

/// A quota, and how often it was used up.
#[derive(Clone, Debug, Default)]
struct Cpu {
    /// `QUOTA PERIOD` in microseconds, or `max PERIOD`.
    quota: Option<String>,
    throttled: Option<Throttled>,
}

/// Where cgroups are mounted.
const ROOT: &str = "sys/fs/cgroup";

/// Both versions, behind the same names.
struct Hierarchy<'a> {
    version: &'static str,
    cpu: Groups<'a>,
    cpuset: Groups<'a>,
    memory: Groups<'a>,
    pids: Groups<'a>,
}

impl<'a> Hierarchy<'a> {
    fn of(tree: &'a Tree<'a>) -> Option<Self> {
        let lines = tree.lines("proc/self/cgroup");
        let find = |controller: &str| {
            lines.iter().find_map(|line| {
                let mut parts = line.splitn(3, ':').skip(1);
                let (names, path) = (parts.next()?, parts.next()?);
                let found = names.split(',').any(|name| name == controller);
                found.then(|| (names.to_owned(), path.to_owned()))
            })
        };
        if tree.text("sys/fs/cgroup/cgroup.controllers").is_some() {
            let own = find("").unwrap_or_default().1;
            let groups = || Groups::new(tree, ROOT, &own);
            let (cpu, cpuset, memory, pids) = (groups(), groups(), groups(), groups());
            return Some(Self { version: "2", cpu, cpuset, memory, pids });
        }
        let groups = |controller: &str| {
            let (names, own) =
                find(controller).unwrap_or_else(|| (controller.into(), String::new()));
            // Controllers that are mounted together have links of their single names beside.
            let single = format!("{ROOT}/{controller}");
            let mount = if tree.has(&single) { single } else { format!("{ROOT}/{names}") };
            tree.has(&mount).then(|| Groups::new(tree, &mount, &own))
        };
        let none = || Groups(tree, Vec::new());
        let (cpu, memory) = (groups("cpu"), groups("memory"));
        (cpu.is_some() || memory.is_some()).then(|| Self {
            version: "1",
            cpu: cpu.unwrap_or_else(none),
            cpuset: groups("cpuset").unwrap_or_else(none),
            memory: memory.unwrap_or_else(none),
            pids: groups("pids").unwrap_or_else(none),
        })
    }

    /// The tightest quota, and the count of the group that has it.
    fn cpu(&self) -> Cpu {
        let mut all: Vec<(&str, String)> = match self.version {
            "2" => self.cpu.all("cpu.max").collect(),
            _ => self
                .cpu
                .all("cpu.cfs_quota_us")
                .filter_map(|(folder, quota)| {
                    let period = self.cpu.0.text(&format!("{folder}/cpu.cfs_period_us"))?;
                    // −1: none.
                    let quota = if quota.starts_with('-') { "max".into() } else { quota };
                    Some((folder, format!("{quota} {period}")))
                })
                .collect(),
        };
        let own = self.cpu.all("cpu.stat").next().map(|(_, text)| text);
        let innermost = all.first().map(|(_, text)| text.clone());
        all.retain(|(_, quota)| cpus(quota).is_some());
        all.sort_by(|a, b| {
            cpus(&a.1).partial_cmp(&cpus(&b.1)).unwrap_or(std::cmp::Ordering::Equal)
        });
        match all.first() {
            Some((folder, quota)) => Cpu {
                quota: Some(quota.clone()),
                throttled: self.cpu.0.text(&format!("{folder}/cpu.stat")).and_then(|t| parse(&t)),
            },
            None => Cpu { quota: innermost, throttled: own.and_then(|text| parse(&text)) },
        }
    }
}

/// `cpu.stat` of either version, on one line. `None` where nothing is counted: a root group.
fn parse(text: &str) -> Option<Throttled> {
    let words: Vec<&str> = text.split(' ').collect();
    let field = |name: &str| {
        let pair = words.chunks(2).find(|pair| pair[0] == name)?;
        pair.get(1)?.parse::<u64>().ok()
    };
    Some(Throttled {
        periods: field("nr_periods")?,
        held_back: field("nr_throttled")?,
        ns: field("throttled_usec").map(|us| us * 1_000).or_else(|| field("throttled_time"))?,
    })
}

/// `50000 100000` is half a CPU; `max 100000` is no limit.
fn cpus(quota: &str) -> Option<f64> {
    let (quota, period) = quota.split_once(' ')?;
    let (quota, period): (f64, f64) = (quota.parse().ok()?, period.parse().ok()?);
    (period > 0.0).then(|| quota / period)
}

/// How often the quota was used up; `None` where nothing counts it.
pub(super) fn throttled(tree: &Tree<'_>) -> Option<Throttled> {
    Hierarchy::of(tree)?.cpu().throttled
}

/// The fewest processes and threads that a group of ours may have; `None` where there is no limit.
pub(super) fn pids_max(tree: &Tree<'_>) -> Option<u64> {
    Hierarchy::of(tree)?.pids.least("pids.max")?.parse().ok()
}

/// Facts.
pub(super) fn cgroup(tree: &Tree<'_>, add: &mut impl FnMut(String, Option<String>)) {
    let Some(hierarchy) = Hierarchy::of(tree) else { return };
    let Cpu { quota, throttled } = hierarchy.cpu();
    add("cgroup.version".into(), Some(hierarchy.version.into()));
    let share = quota.as_deref().and_then(cpus);
    add("cgroup.cpus".into(), share.map(|cpus| format!("{cpus:.2}")));
    add("cgroup.cpu.max".into(), quota);
    let said = |Throttled { periods, held_back, ns }| {
        format!("{held_back} of {periods} periods, {:.3} s", ns as f64 / 1e9)
    };
    add("cgroup.throttled".into(), throttled.map(said));
    let set =
        if hierarchy.version == "2" { "cpuset.cpus.effective" } else { "cpuset.effective_cpus" };
    add("cgroup.cpuset".into(), hierarchy.cpuset.own(set));
    let memory = if hierarchy.version == "2" { "memory.max" } else { "memory.limit_in_bytes" };
    add("cgroup.memory.max".into(), hierarchy.memory.least(memory));
    add("cgroup.pids.max".into(), hierarchy.pids.least("pids.max"));
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs, path::Path};

    use super::*;

    fn facts(files: &[(&str, &str)]) -> BTreeMap<String, String> {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let mut facts = BTreeMap::new();
        cgroup(&Tree(root.path()), &mut |name, value| {
            facts.extend(value.map(|value| (name, value)));
        });
        facts
    }

    /// A service whose own group has no limit, in a slice that has a quota, on a machine that
    /// limits its memory.
    #[test]
    fn the_tightest_limit_of_all_groups_above_counts() {
        let facts = facts(&[
            ("proc/self/cgroup", "0::/ci.slice/job.service\n"),
            ("sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n"),
            ("sys/fs/cgroup/ci.slice/cpu.max", "150000 100000\n"),
            ("sys/fs/cgroup/ci.slice/cpu.stat", STAT),
            ("sys/fs/cgroup/ci.slice/memory.max", "2147483648\n"),
            ("sys/fs/cgroup/ci.slice/job.service/cpu.max", "max 100000\n"),
            ("sys/fs/cgroup/ci.slice/job.service/memory.max", "max\n"),
            ("sys/fs/cgroup/ci.slice/job.service/pids.max", "max\n"),
        ]);
        assert_eq!(facts["cgroup.cpus"], "1.50");
        assert_eq!(facts["cgroup.throttled"], "38 of 912 periods, 1.204 s");
        assert_eq!(
            (&*facts["cgroup.memory.max"], &*facts["cgroup.pids.max"]),
            ("2147483648", "max")
        );
        assert!(!facts.contains_key("cgroup.cpuset"));
    }

    #[test]
    fn a_limit_on_processes_above_our_own_group_counts() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("proc/self/cgroup", "0::/ci.slice/job.service\n");
        write("sys/fs/cgroup/cgroup.controllers", "pids\n");
        write("sys/fs/cgroup/ci.slice/job.service/pids.max", "max\n");
        assert_eq!(pids_max(&Tree(root.path())), None);
        write("sys/fs/cgroup/ci.slice/pids.max", "300\n");
        assert_eq!(pids_max(&Tree(root.path())), Some(300));
    }

    const STAT: &str = "usage_usec 70000000\nuser_usec 60000000\nsystem_usec 10000000\n\
        nr_periods 912\nnr_throttled 38\nthrottled_usec 1204000\n";

    /// Version 1 without limits: −1, and the largest whole page.
    #[test]
    fn no_limit_is_no_number() {
        let facts = facts(&[
            ("proc/self/cgroup", "4:memory:/user/7\n1:cpu,cpuacct:/user/7\n0::/\n"),
            ("sys/fs/cgroup/cpu,cpuacct/user/7/cpu.cfs_quota_us", "-1\n"),
            ("sys/fs/cgroup/cpu,cpuacct/user/7/cpu.cfs_period_us", "100000\n"),
            ("sys/fs/cgroup/memory/user/7/memory.limit_in_bytes", "9223372036854771712\n"),
        ]);
        assert_eq!((&*facts["cgroup.version"], &*facts["cgroup.cpu.max"]), ("1", "max 100000"));
        assert_eq!(facts["cgroup.memory.max"], "max");
        assert!(!facts.contains_key("cgroup.cpus") && !facts.contains_key("cgroup.throttled"));
    }

    #[test]
    fn a_root_group_counts_nothing() {
        assert_eq!(parse("usage_usec 70000000 user_usec 60000000 system_usec 10000000"), None);
        let counted = Throttled { periods: 5, held_back: 2, ns: 7_000 };
        assert_eq!(parse("nr_periods 5 nr_throttled 2 throttled_time 7000"), Some(counted));
        assert_eq!(throttled(&Tree(Path::new("/nowhere"))), None);
    }
}
