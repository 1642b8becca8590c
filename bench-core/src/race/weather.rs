//! The weather of a slice: who else ran on the race's CPUs, what the hypervisor stole, whether a
//! control group was throttled.
//!
//! Read by the parent between slices, a few small files each time. A counter that does not resolve a
//! slice is not used: ticks of 10 ms say nothing of 20 ms, and idle time (`cpuidle`) is booked when
//! a CPU wakes up, so one that slept through a slice looks like one that never rested. What is not
//! available is `None`.
//!
//! Not in here: what is done about foul weather (`block`), and what may still be said (`stats`).

use std::{
    collections::VecDeque,
    fs,
    path::{Path, PathBuf},
};

use crate::{clock, record::Weather, resource};

/// Foreign CPU time that a slice bears, as a share of the time that the race's CPUs had.
pub const FOREIGN: f64 = 0.05;

/// Time without CPU by a control group's limit that a slice bears, as a share of its time.
pub const THROTTLED: f64 = 0.01;

/// Stolen time that is borne, as a share of time, beyond what the race shows by itself.
pub const STEAL: f64 = 0.05;

/// Steal is counted in ticks of 10 ms, so it is judged over this much time at least, ns.
const STEAL_SPAN: u64 = 1_000_000_000;

/// Where CPU time of everybody is counted in nanoseconds, CPU by CPU or as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    /// `cpuacct.usage_percpu` of the root group: nanoseconds by CPU.
    PerCpu(PathBuf),
    /// `/proc/schedstat`: nanoseconds that tasks ran, by CPU.
    Schedstat(PathBuf),
    /// `cpu.stat` of the root group: microseconds on all CPUs together.
    Whole(PathBuf),
}

/// Reads the weather for a race on these CPUs.
#[derive(Debug)]
pub struct Barometer {
    root: PathBuf,
    cpus: Vec<usize>,
    source: Option<Source>,
    /// Files of this process's control groups that count throttling, its ancestors' included.
    throttled: Vec<PathBuf>,
}

/// Counters at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reading {
    at: u64,
    /// CPU time of everybody on the race's CPUs, ns.
    used: Option<u64>,
    /// CPU time of the race itself, ns.
    own: u64,
    /// Ticks stolen from the race's CPUs.
    stolen: Option<u64>,
    /// Time throttled, ns.
    throttled: Option<u64>,
}

impl Barometer {
    /// For the CPUs of a race, on this machine.
    pub fn new(cpus: &[usize]) -> Self {
        Self::over(Path::new("/"), cpus, resource::workers())
    }

    /// For tests: over a tree of files. `online` is the number of the machine's CPUs.
    fn over(root: &Path, cpus: &[usize], online: usize) -> Self {
        let group = root.join("sys/fs/cgroup");
        let per_cpu = ["cpuacct", "cpu,cpuacct"].map(|name| group.join(name));
        // Only the root group has this file; a container that sees its own group as the root would
        // measure nobody but itself.
        let of_root = per_cpu.iter().find(|folder| folder.join("cgroup.sane_behavior").exists());
        let whole = group.join("cpu.stat");
        let is_root =
            group.join("cgroup.controllers").exists() && !group.join("cgroup.type").exists();
        let schedstat = root.join("proc/schedstat");
        let source = match () {
            () if of_root.is_some() => {
                of_root.map(|folder| Source::PerCpu(folder.join("cpuacct.usage_percpu")))
            }
            () if schedstat.exists() => Some(Source::Schedstat(schedstat)),
            () if is_root && whole.exists() && cpus.len() >= online => Some(Source::Whole(whole)),
            () => None,
        };
        let throttled = own_groups(root)
            .into_iter()
            .map(|folder| folder.join("cpu.stat"))
            .filter(|path| throttled_in(path).is_some())
            .collect();
        Self { root: root.to_owned(), cpus: cpus.to_vec(), source, throttled }
    }

    /// Whether foreign load can be told at all.
    pub fn resolves_a_slice(&self) -> bool {
        self.source.is_some()
    }

    /// The counters now; `ours` are the processes of the race that are meant to run.
    pub fn read(&self, ours: impl Iterator<Item = u32>) -> Reading {
        // Asking for a process's time brings the counters of its running threads up to date, so it
        // is asked first.
        let own = ours.filter_map(resource::cpu_of).sum::<u64>() + resource::cpu_of_this_process();
        Reading {
            at: clock::now(),
            used: self.used(),
            own,
            stolen: self.stolen(),
            throttled: self.throttled.iter().filter_map(|path| throttled_in(path)).reduce(u64::max),
        }
    }

    fn used(&self) -> Option<u64> {
        let text = |path: &Path| fs::read_to_string(path).ok();
        match self.source.as_ref()? {
            Source::PerCpu(path) => {
                let all: Vec<u64> = numbers(&text(path)?).collect();
                self.cpus.iter().map(|cpu| all.get(*cpu).copied()).sum()
            }
            Source::Schedstat(path) => {
                let text = text(path)?;
                self.cpus.iter().map(|cpu| ran_on(&text, *cpu)).sum()
            }
            Source::Whole(path) => field(&text(path)?, "usage_usec").map(|us| us * 1_000),
        }
    }

    fn stolen(&self) -> Option<u64> {
        let text = fs::read_to_string(self.root.join("proc/stat")).ok()?;
        let of = |cpu: &usize| -> Option<u64> {
            let name = format!("cpu{cpu}");
            let mut words = text.lines().map(str::split_ascii_whitespace);
            let mut line = words.find_map(|mut line| (line.next()? == name).then_some(line))?;
            line.nth(7)?.parse().ok()
        };
        self.cpus.iter().map(of).sum()
    }
}

/// What happened between two readings.
pub fn between(begin: &Reading, end: &Reading, cpus: usize) -> Weather {
    let time = end.at.saturating_sub(begin.at).max(1) as f64;
    let own = end.own.saturating_sub(begin.own);
    let share = |ns: u64| ns as f64 / time;
    let since = |end: Option<u64>, begin: Option<u64>| Some(end?.saturating_sub(begin?));
    Weather {
        foreign: since(end.used, begin.used)
            .map(|used| share(used.saturating_sub(own)) / cpus.max(1) as f64),
        // Ticks do not resolve a slice: it is noted when a second is over. See `Steal`.
        steal: None,
        throttled: since(end.throttled, begin.throttled).map(share),
    }
}

/// Why a slice was in foul weather.
pub fn foul(weather: &Weather) -> Option<String> {
    let over = |share: Option<f64>, limit: f64, what: &str| {
        let share = share.filter(|share| *share > limit)?;
        Some(format!("{what} {} of the slice (limit {})", percent(share), percent(limit)))
    };
    over(weather.foreign, FOREIGN, "foreign load")
        .or_else(|| over(weather.throttled, THROTTLED, "throttled for"))
}

fn percent(share: f64) -> String {
    format!("{:.0}%", share * 100.0)
}

/// What was stolen over a second and more.
#[derive(Clone, Debug, PartialEq)]
pub struct Stolen {
    /// Of the time that the race's CPUs had.
    pub share: f64,
    /// Rounds that ended within it, the one that has just ended included.
    pub rounds: usize,
    /// Why the round that has just ended is foul, if it is.
    pub foul: Option<String>,
}

/// Steal over spans of a second and more, held against what the race shows by itself.
#[derive(Debug, Default)]
pub struct Steal {
    /// Readings at the ends of rounds, of the last span.
    rounds: VecDeque<Reading>,
    /// Shares of all spans so far.
    seen: Vec<f64>,
}

impl Steal {
    /// Adds the reading at the end of a round, and says what was stolen lately; `None` where that
    /// is not counted, or not for long enough yet.
    pub fn judge(&mut self, now: Reading, cpus: usize) -> Option<Stolen> {
        self.rounds.push_back(now);
        let span = |from: &Reading| now.at.saturating_sub(from.at);
        while self.rounds.len() > 2 && span(&self.rounds[1]) >= STEAL_SPAN {
            self.rounds.pop_front();
        }
        let first = self.rounds.front().filter(|first| span(first) >= STEAL_SPAN)?;
        let ticks = now.stolen?.saturating_sub(first.stolen?);
        let share = (ticks * 10_000_000) as f64 / (span(first) * cpus.max(1) as u64) as f64;
        self.seen.push(share);
        let usual = crate::stats::median(&self.seen).unwrap_or(0.0);
        let foul = (share > usual + STEAL)
            .then(|| format!("stolen {} of a second (usually {})", percent(share), percent(usual)));
        Some(Stolen { share, rounds: self.rounds.len() - 1, foul })
    }
}

fn numbers(text: &str) -> impl Iterator<Item = u64> + '_ {
    text.split_ascii_whitespace().map_while(|word| word.parse().ok())
}

/// `name value` on a line of its own.
fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

/// Folders of this process's control groups that may limit its CPU time, up to their roots.
fn own_groups(root: &Path) -> Vec<PathBuf> {
    let text = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let mounts = root.join("sys/fs/cgroup");
    let mut folders = Vec::new();
    for line in text.lines() {
        // `ID:CONTROLLERS:PATH`; version 2 has no controllers.
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        if !controllers.is_empty() && !controllers.split(',').any(|name| name == "cpu") {
            continue;
        }
        let mount = mounts.join(controllers);
        let own = mount.join(path.trim_start_matches('/'));
        folders.extend(own.ancestors().take_while(|f| f.starts_with(&mount)).map(Path::to_owned));
    }
    folders
}

fn throttled_in(path: &Path) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    // Version 2 counts microseconds, version 1 nanoseconds.
    field(&text, "throttled_usec").map(|us| us * 1_000).or_else(|| field(&text, "throttled_time"))
}

/// The seventh number of a CPU's line: time that tasks ran there.
fn ran_on(schedstat: &str, cpu: usize) -> Option<u64> {
    let name = format!("cpu{cpu}");
    let mut lines = schedstat.lines().map(str::split_ascii_whitespace);
    let mut line = lines.find_map(|mut line| (line.next()? == name).then_some(line))?;
    line.nth(6)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    fn used(root: &Path, cpus: &[usize]) -> Option<u64> {
        Barometer::over(root, cpus, 2).used()
    }

    #[test]
    fn counters_are_those_of_the_races_cpus() {
        let v1 = tree(&[
            ("sys/fs/cgroup/cpuacct/cgroup.sane_behavior", "0\n"),
            ("sys/fs/cgroup/cpuacct/cpuacct.usage_percpu", "100 20 3 \n"),
        ]);
        assert_eq!(used(v1.path(), &[0, 2]), Some(103));
        let v2 = tree(&[
            ("sys/fs/cgroup/cgroup.controllers", "cpu\n"),
            ("sys/fs/cgroup/cpu.stat", "usage_usec 7\nuser_usec 5\n"),
        ]);
        assert_eq!(used(v2.path(), &[0, 1]), Some(7_000));
        let stat = "version 15\ncpu0 0 0 0 0 0 0 900 4 5\ndomain0 3\ncpu1 0 0 0 0 0 0 50 4 5\n";
        assert_eq!(used(tree(&[("proc/schedstat", stat)]).path(), &[1]), Some(50));
    }

    #[test]
    fn a_group_that_is_not_the_root_says_nothing_of_others() {
        let container = tree(&[
            ("sys/fs/cgroup/cgroup.controllers", "cpu\n"),
            ("sys/fs/cgroup/cgroup.type", "domain\n"),
            ("sys/fs/cgroup/cpu.stat", "usage_usec 7\nthrottled_usec 3\n"),
            ("sys/fs/cgroup/cpuacct/cpuacct.usage_percpu", "100 20\n"),
            ("proc/self/cgroup", "0::/\n"),
        ]);
        let barometer = Barometer::over(container.path(), &[0, 1], 2);
        assert!(!barometer.resolves_a_slice());
        let reading = barometer.read(std::iter::empty());
        assert_eq!((reading.used, reading.throttled), (None, Some(3_000)));
        // Some CPUs only: a total over all of them would blame the race for the others.
        let whole = tree(&[
            ("sys/fs/cgroup/cgroup.controllers", "cpu\n"),
            ("sys/fs/cgroup/cpu.stat", "usage_usec 7\n"),
        ]);
        assert_eq!(used(whole.path(), &[0]), None);
        assert_eq!(used(tree(&[]).path(), &[0]), None);
    }

    #[test]
    fn idle_time_tells_nobody_who_ran() {
        let idle = tree(&[("sys/devices/system/cpu/cpu0/cpuidle/state0/time", "3600000000\n")]);
        let barometer = Barometer::over(idle.path(), &[0], 1);
        assert!(!barometer.resolves_a_slice(), "that is a warning of the race");
        let begin = barometer.read(std::iter::empty());
        let weather = between(&begin, &barometer.read(std::iter::empty()), 1);
        assert_eq!(weather.foreign, None, "not available, and neither fair nor foul");
    }

    #[test]
    fn both_versions_of_control_groups_count_throttling() {
        let v1 = tree(&[
            ("proc/self/cgroup", "9:memory:/a\n3:cpu:/a/b\n1:name=systemd:/\n"),
            ("sys/fs/cgroup/cpu/a/b/cpu.stat", "nr_periods 9\nthrottled_time 40\n"),
            // A limit further up stops everybody below.
            ("sys/fs/cgroup/cpu/a/cpu.stat", "nr_periods 9\nthrottled_time 5000\n"),
        ]);
        let barometer = Barometer::over(v1.path(), &[0], 1);
        assert_eq!(barometer.read(std::iter::empty()).throttled, Some(5_000));
    }

    fn at(ms: u64, used: u64, own: u64, throttled: u64) -> Reading {
        let (used, throttled) = (Some(used * 1_000_000), Some(throttled * 1_000_000));
        Reading { at: ms * 1_000_000, used, own: own * 1_000_000, stolen: None, throttled }
    }

    #[test]
    fn what_is_not_ours_is_foreign() {
        let quiet = between(&at(0, 100, 50, 0), &at(20, 118, 68, 0), 1);
        assert_eq!((quiet.foreign, foul(&quiet)), (Some(0.0), None));
        let loud = between(&at(0, 100, 50, 0), &at(20, 128, 68, 0), 1);
        assert_eq!(foul(&loud).unwrap(), "foreign load 50% of the slice (limit 5%)");
        let throttled = between(&at(0, 100, 50, 0), &at(20, 118, 68, 5), 1);
        assert_eq!(foul(&throttled).unwrap(), "throttled for 25% of the slice (limit 1%)");
        let unknown = between(&Reading::default(), &Reading { at: 20, ..Reading::default() }, 1);
        assert_eq!((unknown, foul(&unknown)), (Weather::default(), None));
    }

    #[test]
    fn steal_is_judged_over_a_second_and_against_the_usual() {
        let mut steal = Steal::default();
        let mut reason = None;
        for second in 0..20 {
            // One tick in a second is usual; then half of one second is gone.
            let stolen = second + if second >= 15 { 50 } else { 0 };
            let reading =
                Reading { at: second * 1_000_000_000, stolen: Some(stolen), ..Reading::default() };
            let judged = steal.judge(reading, 1);
            assert_eq!(judged.is_some(), second > 0, "a second is over: {second}");
            let foul = judged.and_then(|stolen| stolen.foul);
            assert_eq!(foul.is_some(), second == 15, "{second}: {foul:?}");
            reason = reason.or(foul);
        }
        assert_eq!(reason.unwrap(), "stolen 51% of a second (usually 1%)");
    }

    #[test]
    fn steal_is_told_with_the_rounds_that_it_is_of() {
        let mut steal = Steal::default();
        // Rounds of 300 ms, and two ticks are stolen in each.
        let mut round = |number: u64, stolen: Option<u64>| {
            let at = number * 300_000_000;
            steal.judge(Reading { at, stolen, ..Reading::default() }, 2)
        };
        for number in 0..4 {
            assert_eq!(round(number, Some(2 * number)), None, "no second is over");
        }
        for number in 4..8 {
            let stolen = round(number, Some(2 * number)).unwrap();
            // 80 ms of the 1.2 s that two CPUs had.
            assert!((stolen.share - 0.08 / 2.4).abs() < 1e-9, "{stolen:?}");
            assert_eq!((stolen.rounds, stolen.foul), (4, None));
        }
        assert_eq!(round(8, None), None, "not available is not zero");
    }

    #[test]
    fn a_neighbour_is_seen_here_where_anything_can_be_seen() {
        let cpus = resource::cpus();
        let barometer = Barometer::new(&cpus);
        if !barometer.resolves_a_slice() {
            return;
        }
        // A process of another's own, that this one does not count as its own.
        let mut hog = std::process::Command::new("sh")
            .args(["-c", "while :; do :; done"])
            .spawn()
            .expect("there is a shell");
        let seen = (0..50).any(|_| {
            let begin = barometer.read(std::iter::empty());
            clock::sleep(std::time::Duration::from_millis(40));
            let weather = between(&begin, &barometer.read(std::iter::empty()), cpus.len());
            foul(&weather).is_some()
        });
        hog.kill().unwrap();
        hog.wait().unwrap();
        assert!(seen, "a process that never sleeps is foreign load");
    }
}
