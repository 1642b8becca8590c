//! Tells the program what it was built from. Runs again only where that can have changed, so that
//! builds stay incremental.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-env=DEADHEAT_GIT={}", git_state(&root));
    println!("cargo:rustc-env=DEADHEAT_RUSTC={}", rustc());
    println!("cargo:rustc-env=DEADHEAT_BUILD={}", build());
    println!("cargo:rustc-env=DEADHEAT_FEATURES={}", features());
    let lock = root.join("Cargo.lock");
    watch(&lock);
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("Cargo.lock");
    let text = fs::read_to_string(&lock).unwrap_or_default();
    fs::write(&out, text).expect("OUT_DIR is ours to write to");
}

/// A path that does not exist would run this at every build.
fn watch(path: &Path) {
    if path.exists() {
        println!("cargo:rerun-if-changed={}", path.display());
    }
}

/// The commit, with `+dirty` where files that are tracked have changes.
fn git_state(root: &Path) -> String {
    // As a dependency it may lie in a repository that is not its own.
    if !root.join(".git").exists() {
        return String::new();
    }
    // Looking must not write: a status that refreshes the index is a change to what is watched.
    let git = |args: &[&str]| {
        output(Command::new("git").arg("--no-optional-locks").arg("-C").arg(root).args(args))
    };
    let path = |name: &str| git(&["rev-parse", "--git-path", name]).map(|path| root.join(path));
    let branch = git(&["symbolic-ref", "-q", "HEAD"]);
    for name in ["HEAD", "index", "packed-refs"].into_iter().chain(branch.as_deref()) {
        if let Some(path) = path(name) {
            watch(&path);
        }
    }
    for sources in ["src", "bench-core/src", "scenarios/src", "reports/src", "Cargo.toml"] {
        watch(&root.join(sources));
    }
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else { return String::new() };
    let clean =
        git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|s| s.is_empty());
    if clean { commit } else { format!("{commit}+dirty") }
}

/// `rustc -Vv` in one line.
fn rustc() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let said = output(Command::new(rustc).arg("-Vv")).unwrap_or_default();
    said.lines().collect::<Vec<_>>().join("; ")
}

fn build() -> String {
    let var = |name: &str| env::var(name).unwrap_or_default();
    let mut parts = vec![
        var("PROFILE"),
        format!("opt-level {}", var("OPT_LEVEL")),
        format!("debug {}", var("DEBUG")),
        var("TARGET"),
    ];
    let flags = var("CARGO_ENCODED_RUSTFLAGS").replace('\x1f', " ");
    if !flags.is_empty() {
        parts.push(flags);
    }
    parts.join(", ")
}

fn features() -> String {
    let enabled = env::vars().filter_map(|(name, _)| {
        let name = name.strip_prefix("CARGO_FEATURE_")?.to_lowercase().replace('_', "-");
        (name != "default").then_some(name)
    });
    let mut enabled: Vec<_> = enabled.collect();
    enabled.sort();
    enabled.join(",")
}

fn output(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
