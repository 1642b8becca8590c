//! Shell scripts around the program: limits and namespaces that no flag sets.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::support::deadheat;

/// A folder that a script works in. It finds the program as `$DEADHEAT`, and leaves the output of
/// each run and its exit code, with [`RUN`], for the test to read.
pub(crate) struct Stage {
    folder: TempDir,
}

/// `run NAME ARGS…`: `deadheat run ARGS…`, its output in NAME.txt, its exit code in NAME.code.
const RUN: &str = r#"
run() { local name=$1; shift; "$DEADHEAT" run "$@" >"$name.txt" 2>&1; echo $? >"$name.code"; }
set -u
"#;

impl Stage {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Another user may have to work in it.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a script in a shell that `before` starts (`unshare -rn`), or in a plain one.
    pub(crate) fn play(&self, before: &str, script: &str) {
        let program = deadheat();
        let mut words = before.split_ascii_whitespace().chain(["bash", "-c"]);
        let mut shell = Command::new(words.next().unwrap());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        shell.args(words).arg(format!("{RUN}{script}")).current_dir(self.folder.path());
        let output = shell.env("DEADHEAT", program.get_program()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "the script failed: {said}");
    }

    /// The exit code of a script's run.
    pub(crate) fn code(&self, name: &str) -> i32 {
        let text = fs::read_to_string(self.path(&format!("{name}.code"))).unwrap();
        text.trim().parse().unwrap()
    }

    /// What a script's run printed.
    pub(crate) fn said(&self, name: &str) -> String {
        fs::read_to_string(self.path(&format!("{name}.txt"))).unwrap()
    }
}

/// Whether this works here: a test that needs it says that it is skipped, past the capturing of
/// what tests print.
pub(crate) fn can(command: &str) -> bool {
    let mut words = command.split_ascii_whitespace();
    let mut probe = Command::new(words.next().unwrap());
    probe.args(words).stdout(Stdio::null()).stderr(Stdio::null());
    let able = probe.status().is_ok_and(|status| status.success());
    if !able {
        let test = std::thread::current().name().unwrap_or_default().to_owned();
        let line = format!("skipped: {test}: `{command}` does not work here\n");
        io::stderr().write_all(line.as_bytes()).unwrap();
    }
    able
}

/// What a shell must be started with so that the limit on processes holds: root has none.
pub(crate) fn nobody() -> Option<String> {
    let program = deadheat();
    let before = if nix::unistd::geteuid().is_root() {
        "setpriv --reuid=65534 --regid=65534 --clear-groups"
    } else {
        "env"
    };
    let reach = format!("{before} test -x {}", Path::new(program.get_program()).display());
    can(&reach).then(|| before.into())
}
