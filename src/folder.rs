//! Where a run's files are: a folder of its own, `latest` beside it, and baselines by name.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

use deadheat_core::record::{self, Record};
use deadheat_reports::Output;

use crate::{failure::Failure, files};

/// The record's name in its folder.
pub(crate) const RECORD: &str = "results.json";

/// A run's folder.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Whether it is one of many, so that a link says which is the latest.
    one_of_many: bool,
}

impl Folder {
    /// Makes the folder of a new run and puts its empty record there: what can't be written is
    /// found before anything is measured.
    pub(crate) fn create(out: Option<&Path>, record: &Record) -> Result<Self, Failure> {
        let path = match out {
            Some(out) => out.to_owned(),
            None => runs().join(&record.run.id),
        };
        let folder = Self { path, one_of_many: out.is_none() };
        if folder.record().exists() {
            return Err(Failure::error(format!(
                "{} is there already: go on with it (--resume {}), or name another folder",
                folder.record().display(),
                folder.path.display()
            )));
        }
        fs::create_dir_all(&folder.path).map_err(|error| folder.unwritable(&error))?;
        folder.save(record)?;
        Ok(folder)
    }

    /// The folder of a run that is there already, and its record.
    pub(crate) fn open(path: &Path) -> Result<(Self, Record), Failure> {
        let path = if path.is_file() { path.parent().unwrap_or(path) } else { path };
        // `latest` is a link: were it the name of the run, it would be made to point to itself.
        let target = if path.is_symlink() { fs::read_link(path).ok() } else { None };
        let path = target.map_or(path.to_owned(), |target| path.with_file_name(target));
        let one_of_many = path.parent().is_some_and(|parent| parent == runs());
        let folder = Self { path, one_of_many };
        let record =
            record::read(&folder.record()).map_err(|error| Failure::error(error.to_string()))?;
        folder.save(&record)?;
        Ok((folder, record))
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The record's path.
    pub(crate) fn record(&self) -> PathBuf {
        self.path.join(RECORD)
    }

    /// Writes the record: the old one or the new one is there at any time.
    pub(crate) fn save(&self, record: &Record) -> Result<(), Failure> {
        record::write(&self.record(), record).map_err(|error| self.unwritable(&error))
    }

    /// Writes a format's files; the main one's path.
    pub(crate) fn add(&self, files: &[Output]) -> Result<PathBuf, Failure> {
        let paths = files::write(&self.path, files, true)?;
        Ok(paths.into_iter().next().unwrap_or_else(|| self.path.clone()))
    }

    /// Makes `latest` point here.
    pub(crate) fn link_latest(&self) {
        if let (true, Some(runs), Some(name)) =
            (self.one_of_many, self.path.parent(), self.path.file_name())
        {
            // A convenience: whoever is without links goes by the printed path.
            let _ = point(&runs.join("latest"), name);
        }
    }

    /// Keeps the record under a name, beside the runs: the one that had it or this one is there at
    /// any time.
    pub(crate) fn keep_as(&self, name: &str) -> Result<PathBuf, Failure> {
        let kept = baseline(name);
        let beside = kept.with_extension("json.part");
        let keep = || {
            fs::create_dir_all(kept.parent().unwrap_or(&kept))?;
            fs::copy(self.record(), &beside)?;
            fs::File::open(&beside)?.sync_all()?;
            fs::rename(&beside, &kept)
        };
        keep().map_err(|error| {
            let _ = fs::remove_file(&beside);
            Failure::error(format!("failed to write {}: {error}", kept.display()))
        })?;
        Ok(kept)
    }

    fn unwritable(&self, error: &io::Error) -> Failure {
        Failure::error(format!("failed to write to {}: {error}", self.path.display()))
    }
}

/// The record that is kept under a name, whether it is there or not.
pub(crate) fn baseline(name: &str) -> PathBuf {
    runs().join("baselines").join(name).join(RECORD)
}

/// Where files go that are only made to be looked at.
pub(crate) fn shown() -> PathBuf {
    runs().join("shown")
}

/// Where runs are kept.
fn runs() -> PathBuf {
    target().join("deadheat")
}

/// Cargo's target folder: as it was told, as this program lies in it, or as it would be here.
fn target() -> PathBuf {
    if let Some(told) = std::env::var_os("CARGO_TARGET_DIR").filter(|told| !told.is_empty()) {
        return told.into();
    }
    let program = std::env::current_exe().unwrap_or_default();
    let tagged = program.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file());
    tagged.map_or_else(|| PathBuf::from("target"), Path::to_owned)
}

#[cfg(unix)]
fn point(link: &Path, to: &OsStr) -> io::Result<()> {
    let beside = link.with_extension("new");
    let _ = fs::remove_file(&beside);
    std::os::unix::fs::symlink(to, &beside)?;
    fs::rename(&beside, link)
}

#[cfg(not(unix))]
fn point(_link: &Path, _to: &OsStr) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
