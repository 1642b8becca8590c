//! Reading and writing records: whole or not at all.

use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use serde::Deserialize;
use thiserror::Error;

use super::{Record, SCHEMA};

/// The largest file that is read, in bytes: beyond it something else was meant.
const LARGEST: u64 = 256 << 20;

/// Why a record could not be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The file could not be opened or read.
    #[error("failed to read {}: {source}", path.display())]
    Io {
        /// What was asked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Larger than any record: something else was meant.
    #[error("{} has {size} bytes, and a record has at most {LARGEST}", path.display())]
    TooLarge {
        /// What was asked for.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
    },
    /// Not JSON, or not a record's shape.
    #[error("{} is not a record of deadheat: {source}", path.display())]
    Malformed {
        /// What was asked for.
        path: PathBuf,
        /// Where it stops being one.
        source: serde_json::Error,
    },
    /// A schema that this program does not know.
    #[error("{} has schema \"{found}\"; this program reads {SCHEMA}", path.display())]
    Schema {
        /// What was asked for.
        path: PathBuf,
        /// What it says it is.
        found: String,
    },
}

/// What every version of the schema has.
#[derive(Deserialize)]
struct Head {
    schema: String,
}

/// Reads a record.
pub fn read(path: &Path) -> Result<Record, ReadError> {
    let io_error = |source| ReadError::Io { path: path.to_owned(), source };
    let size = fs::metadata(path).map_err(io_error)?.len();
    if size > LARGEST {
        return Err(ReadError::TooLarge { path: path.to_owned(), size });
    }
    // What is no plain file has no size that could be believed.
    let mut text = Vec::new();
    let file = fs::File::open(path).map_err(io_error)?;
    file.take(LARGEST + 1).read_to_end(&mut text).map_err(io_error)?;
    if text.len() as u64 > LARGEST {
        return Err(ReadError::TooLarge { path: path.to_owned(), size: text.len() as u64 });
    }
    let malformed = |source| ReadError::Malformed { path: path.to_owned(), source };
    let head: Head = serde_json::from_slice(&text).map_err(malformed)?;
    if head.schema != SCHEMA {
        return Err(ReadError::Schema { path: path.to_owned(), found: head.schema });
    }
    serde_json::from_slice(&text).map_err(malformed)
}

/// Writes a record beside `path` and moves it there: a reader sees the old one or the new one, and
/// so does who comes after a loss of power.
pub fn write(path: &Path, record: &Record) -> io::Result<()> {
    let beside = path.with_extension("json.part");
    let text = serde_json::to_vec(record).map_err(io::Error::other)?;
    let written = write_through(&beside, &text).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

/// Returns when the disk has it: a file could be moved before its contents are there.
fn write_through(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_file(name: &str, text: &[u8]) -> Result<Record, ReadError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        read(&path)
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results.json");
        let mut record = Record { schema: SCHEMA.into(), ..Record::default() };
        record.run.seed = u64::MAX;
        write(&path, &record).unwrap();
        assert_eq!(read(&path).unwrap(), record);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn unknown_fields_of_the_same_major_are_kept() {
        let mut value = serde_json::to_value(Record { schema: SCHEMA.into(), ..Record::default() });
        value.as_mut().unwrap()["moon_phase"] = "full".into();
        let text = serde_json::to_vec(&value.unwrap()).unwrap();
        let record = in_file("r.json", &text).unwrap();
        assert_eq!(record.more["moon_phase"], "full");
    }

    #[test]
    fn a_newer_major_is_refused_by_name() {
        let error = in_file("r.json", br#"{"schema":"deadheat/2","run":7}"#).unwrap_err();
        assert!(matches!(&error, ReadError::Schema { found, .. } if found == "deadheat/2"));
    }

    #[test]
    fn rubbish_says_where() {
        let error = in_file("r.json", b"{\"schema\":").unwrap_err();
        assert!(error.to_string().contains("not a record of deadheat"), "{error}");
    }
}
