//! Totals since boot, of which the difference of two readings says what happened in between.

use std::path::Path;

use super::{
    cgroup::{self, Throttled},
    tree::Tree,
};

/// Ticks of `/proc/stat`, summed over some CPUs: a tick is 10 ms, so a share of a second on one
/// CPU is known to ±1%.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ticks {
    /// All of them.
    pub(crate) all: u64,
    /// Somebody ran.
    pub(crate) busy: u64,
    /// Somebody wanted to run, and the hypervisor ran somebody else.
    pub(crate) steal: u64,
}

/// One reading.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Moment {
    /// `None` where the CPUs' ticks can't be read.
    pub(crate) ticks: Option<Ticks>,
    /// `None` where nobody counts throttling.
    pub(crate) throttled: Option<Throttled>,
}

impl Moment {
    /// Of this machine, for these CPUs.
    pub(crate) fn now(cpus: &[usize]) -> Self {
        Self::read(&Tree(Path::new("/")), cpus)
    }

    fn read(tree: &Tree<'_>, cpus: &[usize]) -> Self {
        Self { ticks: ticks(tree, |cpu| cpus.contains(&cpu)), throttled: cgroup::throttled(tree) }
    }

    /// What happened since an earlier reading.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let less = u64::saturating_sub;
        let ticks = self.ticks.zip(earlier.ticks).map(|(b, a)| Ticks {
            all: less(b.all, a.all),
            busy: less(b.busy, a.busy),
            steal: less(b.steal, a.steal),
        });
        let throttled = self.throttled.zip(earlier.throttled).map(|(b, a)| Throttled {
            periods: less(b.periods, a.periods),
            held_back: less(b.held_back, a.held_back),
            ns: less(b.ns, a.ns),
        });
        Self { ticks, throttled }
    }
}

/// The share of all time since boot that a hypervisor took from CPUs that wanted to run.
pub(super) fn stolen(tree: &Tree<'_>) -> Option<f64> {
    let ticks = ticks(tree, |_| true)?;
    (ticks.all > 0).then(|| ticks.steal as f64 / ticks.all as f64)
}

/// `cpu0 user nice system idle iowait irq softirq steal guest guest_nice`; guests' time is in
/// user's and nice's too.
fn ticks(tree: &Tree<'_>, wanted: impl Fn(usize) -> bool) -> Option<Ticks> {
    let mut sum: Option<Ticks> = None;
    for line in tree.lines("proc/stat") {
        let mut words = line.split_ascii_whitespace();
        let cpu = words.next().and_then(|word| word.strip_prefix("cpu")?.parse().ok());
        if !cpu.is_some_and(&wanted) {
            continue;
        }
        let n: Vec<u64> = words.take(8).filter_map(|word| word.parse().ok()).collect();
        let [user, nice, system, idle, iowait, irq, softirq, steal] = n[..] else { continue };
        let busy = user + nice + system + irq + softirq;
        let sum = sum.get_or_insert_default();
        sum.all += busy + idle + iowait + steal;
        sum.busy += busy;
        sum.steal += steal;
    }
    sum
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn recorded(stat: &str, cpus: &[usize]) -> Moment {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("proc")).unwrap();
        fs::write(root.path().join("proc/stat"), stat).unwrap();
        Moment::read(&Tree(root.path()), cpus)
    }

    const BEFORE: &str = "cpu  300 0 100 1600 0 0 0 0 0 0\n\
        cpu0 100 0 50 850 0 0 0 0 0 0\ncpu1 200 0 50 750 0 0 0 0 0 0\nintr 7 0\n";
    const AFTER: &str = "cpu  350 0 110 1690 10 5 5 30 20 0\n\
        cpu0 150 0 60 890 0 0 0 0 20 0\ncpu1 200 0 50 800 10 5 5 30 0 0\nintr 9 0\n";

    #[test]
    fn a_difference_is_of_the_chosen_cpus_and_counts_guests_once() {
        let between = |cpus: &[usize]| recorded(AFTER, cpus).since(&recorded(BEFORE, cpus)).ticks;
        assert_eq!(between(&[0]), Some(Ticks { all: 100, busy: 60, steal: 0 }));
        assert_eq!(between(&[1]), Some(Ticks { all: 100, busy: 10, steal: 30 }));
        assert_eq!(between(&[0, 1]), Some(Ticks { all: 200, busy: 70, steal: 30 }));
    }

    #[test]
    fn what_is_not_counted_is_not_zero() {
        assert_eq!(recorded("cpu  1 2 3\n", &[0]).ticks, None);
        assert_eq!(recorded(BEFORE, &[7]).ticks, None);
        let root = tempfile::tempdir().unwrap();
        assert_eq!(stolen(&Tree(root.path())), None);
    }
}
