//! What this program was built from.

use std::{collections::BTreeMap, env, fs, path::Path};

use deadheat_core::{machine::lock, record::Program};

/// The lock file that this crate was built with; empty where it was built as a dependency.
const LOCK: &str = include_str!(concat!(env!("OUT_DIR"), "/Cargo.lock"));

/// As in records.
pub(crate) fn program() -> Program {
    Program {
        version: env!("CARGO_PKG_VERSION").into(),
        git: env!("DEADHEAT_GIT").into(),
        rustc: env!("DEADHEAT_RUSTC").into(),
        profile: env!("DEADHEAT_BUILD").into(),
        features: env!("DEADHEAT_FEATURES").split_terminator(',').map(Into::into).collect(),
        lock: locked(),
        ..Program::default()
    }
}

/// Versions of what runs and measures. Under cargo the lock file of the crate that is raced
/// counts: its versions are the ones that were built.
fn locked() -> BTreeMap<String, String> {
    let above = env::var_os("CARGO_MANIFEST_DIR").and_then(|folder| {
        let found = Path::new(&folder).ancestors().map(|folder| folder.join("Cargo.lock"));
        found.map(fs::read_to_string).find_map(Result::ok)
    });
    lock::versions(above.as_deref().unwrap_or(LOCK))
}
