//! The version matrix: records that were written by other versions of this program, read by this
//! one. The files are frozen. A new minor version adds one; none is ever written anew.

use std::path::{Path, PathBuf};

use deadheat_core::record::{Record, SCHEMA, read};
use deadheat_reports::{Options, damage, find, formats};
use serde_json::Value;

/// As the first version wrote it.
const FIRST: &str = "first";
/// Without every field that the schema does not require: what an older version may leave out.
const SPARSE: &str = "sparse";
/// With a field that nobody knows wherever there may be one: what a later version may add.
const LATER: &str = "later";

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/records/{name}.json"))
}

fn frozen(name: &str) -> Record {
    read(&path(name)).unwrap()
}

fn shown(format: &str, record: &Record) -> Vec<deadheat_reports::Output> {
    (find(format).unwrap().render)(record, &Options::default()).unwrap()
}

#[test]
fn every_version_is_shown_in_every_format() {
    for name in [FIRST, SPARSE, LATER] {
        let record = frozen(name);
        assert_eq!((record.schema.as_str(), damage(&record)), (SCHEMA, None), "{name}");
        assert_eq!(record.races.len(), 2, "{name}");
        for format in formats() {
            let files = (format.render)(&record, &Options::default()).unwrap();
            assert!(files.iter().all(|file| !file.bytes.is_empty()), "{name} as {}", format.id);
            assert!(!files.is_empty(), "{name} as {}", format.id);
        }
    }
}

#[test]
fn what_is_left_out_changes_no_number() {
    let (first, sparse) = (frozen(FIRST), frozen(SPARSE));
    for format in ["libtest", "bmf"] {
        assert!(shown(format, &first) == shown(format, &sparse), "{format} differs");
    }
}

#[test]
fn what_is_added_is_kept_and_changes_nothing_else() {
    let (first, later) = (frozen(FIRST), frozen(LATER));
    for format in ["terminal", "md", "csv", "libtest", "junit", "openmetrics", "hgrm"] {
        assert!(shown(format, &first) == shown(format, &later), "{format} differs");
    }
    let written = std::fs::read_to_string(path(LATER)).unwrap();
    let again = String::from_utf8(shown("json", &later).remove(0).bytes).unwrap();
    let [written, again] =
        [written, again].map(|text| serde_json::from_str::<Value>(&text).unwrap());
    let moons = |value: &Value| value.to_string().matches("moon_phase").count();
    assert!(moons(&written) > 20 && moons(&written) == moons(&again), "{}", moons(&again));
    assert!(written == again, "something got lost on the way");
}
