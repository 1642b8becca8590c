//! What this program was built from, and what it can race that `deadheat` can't.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use deadheat_core::{
    cell::Cell,
    clock,
    machine::lock,
    record::{Program, ProgramFile},
};

use crate::{choice::ids, matrix};

/// Where a record keeps what [`own`] says.
pub(crate) const OWN: &str = "own";

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
        file: file(),
        ..Program::default()
    }
}

/// Its file: on Linux the one that is running, whatever was built in its place since.
fn file() -> Option<ProgramFile> {
    let path = if cfg!(target_os = "linux") {
        PathBuf::from("/proc/self/exe")
    } else {
        env::current_exe().ok()?
    };
    let file = fs::metadata(path).ok()?;
    let changed = file.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(ProgramFile { size: file.len(), changed_ns: clock::nanos(changed) })
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

/// Scenarios and models among these that the program `deadheat` does not have. A race of one of
/// them is run again by the program that ran it, and by no other: its record has to say so.
pub(crate) fn own(cells: &[Cell]) -> Vec<String> {
    let standard = matrix::cells();
    let of = |id: fn(&Cell) -> &'static str| {
        let known = ids(&standard, id);
        ids(cells, id).into_iter().filter(move |own| !known.contains(own))
    };
    of(|cell| cell.scenario.id).chain(of(|cell| cell.model.id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Threads;

    #[test]
    fn its_file_is_the_one_that_runs() {
        let size = fs::metadata(env::current_exe().unwrap()).unwrap().len();
        assert_eq!(program().file.map(|file| file.size), Some(size));
        assert_eq!(program().file, program().file);
    }

    #[test]
    fn what_is_not_of_the_matrix_is_ones_own() {
        assert!(own(&matrix::cells()).is_empty());
        let race = crate::race("load-user");
        let race = race.blocking("ureq", Threads::per_task(), || Ok(()), |(), seq| Ok(seq));
        let mine = race.cells();
        assert_eq!(own(&[matrix::cells(), mine].concat()), ["load-user", "ureq"]);
    }
}
