//! What the process may use: ulimits, and the limits of its cgroup, of either version.

use super::tree::Tree;

/// Rows of `/proc/self/limits`, and their names in a shell.
const ULIMITS: [(&str, &str); 5] = [
    ("Max open files", "nofile"),
    ("Max processes", "nproc"),
    ("Max locked memory", "memlock"),
    ("Max stack size", "stack"),
    ("Max address space", "as"),
];

/// Soft and hard limits: `ulimit.nofile = 1024 of 524288`.
pub(super) fn ulimits(tree: &Tree<'_>, add: &mut impl FnMut(String, Option<String>)) {
    for line in tree.lines("proc/self/limits") {
        for (row, name) in ULIMITS {
            if let Some(rest) = line.strip_prefix(row) {
                let mut values = rest.split_ascii_whitespace();
                let (soft, hard) = (values.next(), values.next());
                let both = soft.zip(hard).map(|(soft, hard)| format!("{soft} of {hard}"));
                add(format!("ulimit.{name}"), both);
            }
        }
    }
}

/// The limits of the innermost cgroup that this process can see, and how many CPUs they amount to.
pub(super) fn cgroup(tree: &Tree<'_>, add: &mut impl FnMut(String, Option<String>)) {
    let own = |controller: &str| {
        tree.lines("proc/self/cgroup").iter().find_map(|line| {
            let mut parts = line.splitn(3, ':').skip(1);
            let (names, path) = (parts.next()?, parts.next()?);
            names.split(',').any(|name| name == controller).then(|| path.to_owned())
        })
    };
    // Inside a container the process's own path may lie outside of what is mounted.
    let read = |mount: &str, controller: &str, file: &str| {
        let path = own(controller).unwrap_or_default();
        let inner = tree.text(&format!("{mount}{}/{file}", path.trim_end_matches('/')));
        inner.or_else(|| tree.text(&format!("{mount}/{file}")))
    };
    let unified = "sys/fs/cgroup";
    if tree.text("sys/fs/cgroup/cgroup.controllers").is_some() {
        let quota = read(unified, "", "cpu.max");
        add("cgroup.version".into(), Some("2".into()));
        add("cgroup.cpus".into(), quota.as_deref().and_then(cpus));
        add("cgroup.cpu.max".into(), quota);
        add("cgroup.cpuset".into(), read(unified, "", "cpuset.cpus.effective"));
        add("cgroup.memory.max".into(), read(unified, "", "memory.max"));
        add("cgroup.pids.max".into(), read(unified, "", "pids.max"));
        return;
    }
    let mount = |controller: &str| format!("sys/fs/cgroup/{controller}");
    let v1 = |controller: &str, file: &str| read(&mount(controller), controller, file);
    let quota = v1("cpu", "cpu.cfs_quota_us");
    let memory = v1("memory", "memory.limit_in_bytes");
    if quota.is_none() && memory.is_none() {
        return;
    }
    add("cgroup.version".into(), Some("1".into()));
    // −1: none.
    let quota = quota.filter(|quota| !quota.starts_with('-'));
    let both = quota.zip(v1("cpu", "cpu.cfs_period_us"));
    let quota = both.map(|(quota, period)| format!("{quota} {period}"));
    add("cgroup.cpus".into(), quota.as_deref().and_then(cpus));
    add("cgroup.cpu.max".into(), quota);
    add("cgroup.cpuset".into(), v1("cpuset", "cpuset.effective_cpus"));
    add("cgroup.memory.max".into(), memory);
    add("cgroup.pids.max".into(), v1("pids", "pids.max"));
}

/// `50000 100000` is half a CPU; `max 100000` is no limit.
fn cpus(quota: &str) -> Option<String> {
    let (quota, period) = quota.split_once(' ')?;
    let (quota, period): (f64, f64) = (quota.parse().ok()?, period.parse().ok()?);
    (period > 0.0).then(|| format!("{:.2}", quota / period))
}
