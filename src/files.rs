//! Files that are there whole or not at all: written beside their place, then moved there.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use deadheat_reports::Output;

use crate::failure::Failure;

/// Writes a format's files into a folder, all or none; their paths. What is there already is kept,
/// unless `over`.
pub(crate) fn write(folder: &Path, files: &[Output], over: bool) -> Result<Vec<PathBuf>, Failure> {
    let paths: Vec<PathBuf> = files.iter().map(|file| folder.join(&file.name)).collect();
    for path in &paths {
        if path.is_dir() {
            return Err(failed(path, &io::ErrorKind::IsADirectory.into()));
        }
        if !over && path.exists() {
            return Err(Failure::error(format!("{} is there already (--force)", path.display())));
        }
    }
    let mut parts = Parts::default();
    for (path, file) in paths.iter().zip(files) {
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent).map_err(|error| failed(parent, &error))?;
        parts.write(path, &file.bytes).map_err(|error| failed(path, &error))?;
    }
    parts.place()?;
    Ok(paths)
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::error(format!("failed to write {}: {error}", path.display()))
}

/// Written, and not yet in their place; gone if they never get there.
#[derive(Default)]
struct Parts {
    beside: Vec<(PathBuf, PathBuf)>,
}

impl Parts {
    fn write(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        let part = path.with_file_name(name);
        self.beside.push((part.clone(), path.to_owned()));
        fs::write(part, bytes)
    }

    fn place(&mut self) -> Result<(), Failure> {
        for (part, path) in &self.beside {
            fs::rename(part, path).map_err(|error| failed(path, &error))?;
        }
        self.beside.clear();
        Ok(())
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        for (part, _) in &self.beside {
            let _ = fs::remove_file(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, bytes: &[u8]) -> Output {
        Output { name: name.into(), bytes: bytes.into() }
    }

    #[test]
    fn all_files_are_there_or_none() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join("new");
        let files = [file("a.txt", b"one"), file("deep/b.txt", b"two")];
        let paths = write(&folder, &files, false).unwrap();
        assert_eq!(fs::read(&paths[1]).unwrap(), b"two");
        let again = write(&folder, &[file("c.txt", b"3"), files[0].clone()], false);
        assert!(again.unwrap_err().to_string().contains("a.txt is there already"));
        assert!(!folder.join("c.txt").exists());
        write(&folder, &[file("a.txt", b"more")], true).unwrap();
        assert_eq!(fs::read(&paths[0]).unwrap(), b"more");
        // The second file can't be written: the first does not appear, and nothing is left over.
        let blocked = write(&folder, &[file("c.txt", b"3"), file("a.txt/d.txt", b"4")], true);
        assert!(blocked.unwrap_err().to_string().starts_with("failed to write"));
        let mut left: Vec<_> =
            fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["a.txt", "deep"]);
    }
}
