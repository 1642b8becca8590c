//! What a process has used, where it may run, and how it dies.
//!
//! Readings cost about a microsecond: per slice, never per operation. What a system does not tell
//! is `None`, which is never zero.

use std::{fs, io, thread};

use nix::{
    sys::resource::{Resource, Usage as RUsage, UsageWho, getrlimit, getrusage, setrlimit},
    time::{ClockId, clock_gettime},
};

use crate::protocol::{Levels, Usage};

/// The kernel stack of a thread, bytes: 16 KiB on x86-64 and arm64.
const KERNEL_STACK: u64 = 16 << 10;

/// Totals of one of the harness's threads, to be subtracted.
#[derive(Clone, Copy, Debug)]
pub struct Own(Usage);

/// Totals of the calling thread.
#[cfg(target_os = "linux")]
pub fn own() -> io::Result<Own> {
    let usage = getrusage(UsageWho::RUSAGE_THREAD)?;
    Ok(Own(read(usage, ClockId::CLOCK_THREAD_CPUTIME_ID)?))
}

/// Totals of the calling thread: not available here, so nothing is subtracted.
#[cfg(not(target_os = "linux"))]
pub fn own() -> io::Result<Own> {
    Ok(Own(Usage::default()))
}

/// Totals of this process, less those of the harness's threads.
pub fn usage(harness: &[Own]) -> io::Result<Usage> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let mut total = read(usage, ClockId::CLOCK_PROCESS_CPUTIME_ID)?;
    for Own(own) in harness {
        total.cpu_ns = total.cpu_ns.saturating_sub(own.cpu_ns);
        total.user_ns = total.user_ns.saturating_sub(own.user_ns);
        total.voluntary = total.voluntary.saturating_sub(own.voluntary);
        total.involuntary = total.involuntary.saturating_sub(own.involuntary);
        total.faults = total.faults.saturating_sub(own.faults);
    }
    total.run_delay_ns = run_delay();
    Ok(total)
}

fn read(usage: RUsage, clock: ClockId) -> io::Result<Usage> {
    let time = clock_gettime(clock)?;
    let user = usage.user_time();
    Ok(Usage {
        cpu_ns: count(time.tv_sec()) * 1_000_000_000 + count(time.tv_nsec()),
        user_ns: count(user.tv_sec()) * 1_000_000_000 + count(user.tv_usec()) * 1_000,
        voluntary: count(usage.voluntary_context_switches()),
        involuntary: count(usage.involuntary_context_switches()),
        faults: count(usage.minor_page_faults()) + count(usage.major_page_faults()),
        run_delay_ns: None,
    })
}

fn count(n: impl TryInto<u64>) -> u64 {
    n.try_into().unwrap_or(0)
}

/// Run-queue delay of the threads that are alive, ns: `None` beyond 64 threads, where reading it
/// would itself be a load, and where the kernel keeps no such count.
fn run_delay() -> Option<u64> {
    let tasks: Vec<_> = fs::read_dir("/proc/self/task").ok()?.take(65).collect();
    if tasks.len() > 64 {
        return None;
    }
    tasks
        .into_iter()
        .flatten()
        .map(|task| {
            let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
            text.split_ascii_whitespace().nth(1)?.parse::<u64>().ok()
        })
        .sum()
}

/// Levels of a process; the calling one where `pid` is `None`. `harness` threads are not counted.
pub fn levels(pid: Option<u32>, harness: u64) -> Levels {
    let who = pid.map_or_else(|| "self".into(), |pid| pid.to_string());
    let Ok(status) = fs::read_to_string(format!("/proc/{who}/status")) else {
        return Levels::default();
    };
    let field = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_ascii_whitespace().next()?.parse().ok()
    };
    let kib = |name| field(name).map(|kib| kib << 10);
    let threads = field("Threads:");
    Levels {
        threads: threads.map(|n| n.saturating_sub(harness)),
        rss: kib("VmRSS:"),
        rss_peak: kib("VmHWM:"),
        page_tables: kib("VmPTE:"),
        kernel_stack: threads.map(|n| n * KERNEL_STACK),
    }
}

/// CPU time of another process since its start, ns; `None` where it is gone or not ours.
#[cfg(target_os = "linux")]
pub fn cpu_of(pid: u32) -> Option<u64> {
    let pid = nix::unistd::Pid::from_raw(i32::try_from(pid).ok()?);
    let time = clock_gettime(nix::time::clock_getcpuclockid(pid).ok()?).ok()?;
    Some(u64::try_from(time.tv_sec()).ok()? * 1_000_000_000 + u64::try_from(time.tv_nsec()).ok()?)
}

/// CPU time of another process: not available here.
#[cfg(not(target_os = "linux"))]
pub fn cpu_of(_pid: u32) -> Option<u64> {
    None
}

/// CPU time of this process since its start, ns; 0 where the clock fails, which it does not.
pub fn cpu_of_this_process() -> u64 {
    let time = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID);
    time.map_or(0, |time| count(time.tv_sec()) * 1_000_000_000 + count(time.tv_nsec()))
}

/// Connections that the kernel has dropped so far, on this machine, because a listener's queue was
/// full; `None` where it does not tell.
pub fn listen_overflows() -> Option<u64> {
    let text = fs::read_to_string("/proc/net/netstat").ok()?;
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("TcpExt:"));
    let (names, values) = (lines.next()?, lines.next()?);
    let mut both = names.split_ascii_whitespace().zip(values.split_ascii_whitespace());
    both.find(|(name, _)| *name == "ListenOverflows")?.1.parse().ok()
}

/// CPUs that the calling thread may use, ascending.
#[cfg(target_os = "linux")]
pub fn cpus() -> Vec<usize> {
    use nix::{
        sched::{CpuSet, sched_getaffinity},
        unistd::Pid,
    };
    let Ok(set) = sched_getaffinity(Pid::from_raw(0)) else { return (0..workers()).collect() };
    (0..CpuSet::count()).filter(|&cpu| set.is_set(cpu) == Ok(true)).collect()
}

/// CPUs of the machine: there are no sets here.
#[cfg(not(target_os = "linux"))]
pub fn cpus() -> Vec<usize> {
    (0..workers()).collect()
}

/// Confines the calling thread, and the threads that it will start, to these CPUs. None: no limit.
#[cfg(target_os = "linux")]
pub fn confine(cpus: &[usize]) -> io::Result<()> {
    use nix::{
        sched::{CpuSet, sched_setaffinity},
        unistd::Pid,
    };
    if cpus.is_empty() {
        return Ok(());
    }
    let mut set = CpuSet::new();
    for &cpu in cpus {
        set.set(cpu)?;
    }
    sched_setaffinity(Pid::from_raw(0), &set)
        .map_err(|error| io::Error::other(format!("failed to run on CPUs {cpus:?}: {error}")))
}

/// Confines nothing: there are no CPU sets here, and the plan says so.
#[cfg(not(target_os = "linux"))]
pub fn confine(_cpus: &[usize]) -> io::Result<()> {
    Ok(())
}

/// Makes this process die with its parent. Elsewhere the end of its input does that.
pub fn die_with_parent() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?;
    Ok(())
}

/// Makes sleeps of the calling thread end within a microsecond instead of fifty. Models keep the
/// system's default.
pub fn sharpen_timers() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_timerslack(1)?;
    Ok(())
}

/// Names the calling thread.
pub fn name_thread(name: &str) {
    #[cfg(target_os = "linux")]
    if let Ok(name) = std::ffi::CString::new(name) {
        let _ = nix::sys::prctl::set_name(&name);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = name;
}

/// How many threads a runtime would start here by default.
pub fn workers() -> usize {
    thread::available_parallelism().map_or(1, Into::into)
}

/// Raises the limit on descriptors to what is allowed, and says what that is.
pub fn raise_descriptors() -> io::Result<u64> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    Ok(most)
}

/// How many processes and threads this user may have; `None`: any number, as for root.
pub fn processes() -> Option<u64> {
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    if !nix::unistd::geteuid().is_root() {
        let (limit, _) = getrlimit(Resource::RLIMIT_NPROC).ok()?;
        return (limit != nix::sys::resource::RLIM_INFINITY).then_some(limit);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn cpu_time_is_that_of_the_work_and_not_of_the_harness() {
        let before = usage(&[own().unwrap()]).unwrap();
        let until = clock::now() + 20_000_000;
        clock::wait_until(until, true);
        let harness = usage(&[own().unwrap()]).unwrap().cpu_ns - before.cpu_ns;
        thread::spawn(|| clock::wait_until(clock::now() + 20_000_000, true)).join().unwrap();
        let both = usage(&[own().unwrap()]).unwrap().cpu_ns - before.cpu_ns;
        // Other tests run in this process too, so only the order is sure.
        assert!(both > harness, "{both} {harness}");
    }

    #[test]
    fn a_thread_more_is_a_thread_more() {
        let (done, wait) = std::sync::mpsc::channel::<()>();
        let thread = thread::spawn(move || _ = wait.recv());
        let levels = levels(None, 0);
        assert!(levels.threads.unwrap() >= 2 && levels.rss.unwrap() > 0, "{levels:?}");
        drop(done);
        thread.join().unwrap();
    }

    #[test]
    fn a_thread_can_be_confined() {
        let all = cpus();
        thread::spawn(move || {
            confine(&all[..1]).unwrap();
            assert_eq!((cpus(), workers()), (all[..1].to_vec(), 1));
        })
        .join()
        .unwrap();
    }
}
