//! Foreign load made by ourselves: a process on each CPU that burns 0.2 s in every 0.5 s.
//!
//! They are processes, so that the weather of a race sees them as anybody else's; they are started
//! and ended by their ids, and end by themselves when whoever started them is gone.

use std::{
    io,
    os::unix::process::{CommandExt, parent_id},
    process::{Child, Command, Stdio},
    time::Duration,
};

use deadheat_core::{clock, resource};

/// From the start of a burst to the next one's.
const PERIOD: Duration = Duration::from_millis(500);

/// How long a burst lasts.
const BURST: Duration = Duration::from_millis(200);

/// Nobody bursts for longer, whatever becomes of the one who asked for it.
const LONGEST: Duration = Duration::from_mins(30);

/// Bursts on all CPUs of this process, until it is dropped.
#[derive(Debug)]
pub(crate) struct Bursts {
    processes: Vec<Child>,
}

impl Bursts {
    /// Starts this program once more for each CPU.
    pub(crate) fn start() -> io::Result<Self> {
        let program = std::env::current_exe()?;
        let mut bursts = Self { processes: Vec::new() };
        for cpu in resource::cpus() {
            let child = Command::new(&program)
                .args(["lab", "bursts", "--on", &cpu.to_string()])
                .args(["--of", &std::process::id().to_string()])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                // Ctrl-C is for the parent, which ends them itself.
                .process_group(0)
                .spawn()?;
            bursts.processes.push(child);
        }
        Ok(bursts)
    }
}

impl Drop for Bursts {
    fn drop(&mut self) {
        for child in &mut self.processes {
            // One that has ended by itself cannot be ended.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The life of one of them, which was started by the process `parent`.
pub(crate) fn burst(cpu: usize, parent: u32) -> io::Result<()> {
    resource::die_with_parent()?;
    resource::confine(&[cpu])?;
    let end = clock::now() + clock::nanos(LONGEST);
    // It may have been gone before it could be asked for.
    while clock::now() < end && parent_id() == parent {
        let start = clock::now();
        clock::wait_until(start + clock::nanos(BURST), true);
        clock::wait_until(start + clock::nanos(PERIOD), false);
    }
    Ok(())
}
