//! External programs that take part in a race: who they are, and whether they can be started.
//!
//! Not in here: what is said to them (`protocol`), and which file they are named in; that is read by
//! the command line.

use std::{
    env, fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use serde::{Deserialize, Serialize};

/// A program that speaks the protocol (docs/protocol.md).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct External {
    /// `family/variant`, as a model's.
    pub id: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Where it is started, and what a program with a `/` in its name is relative to; empty: where
    /// this program was started.
    #[serde(default)]
    pub folder: PathBuf,
    /// What stands beside its name.
    #[serde(default)]
    pub note: String,
}

impl External {
    /// Its file; `None` where there is none that could be run.
    pub fn program(&self) -> Option<PathBuf> {
        let name = self.command.first().filter(|name| !name.is_empty())?;
        if name.contains('/') {
            return Some(self.folder.join(name)).filter(|path| is_program(path));
        }
        let path = env::var_os("PATH")?;
        env::split_paths(&path).map(|folder| folder.join(name)).find(|path| is_program(path))
    }

    /// Why it cannot be started, if that is known beforehand.
    pub fn missing(&self) -> Option<String> {
        if self.program().is_some() {
            return None;
        }
        let name = self.name();
        let (path, folder) = (self.folder.join(name), self.folder.display());
        Some(match () {
            () if name.is_empty() => "its command is empty".into(),
            () if !name.contains('/') => format!("there is no program {name} on the PATH"),
            () if path.is_file() => format!("{} is not executable", path.display()),
            () if self.folder.as_os_str().is_empty() => format!("there is no program {name}"),
            () => format!("there is no program {name} in {folder}"),
        })
    }

    /// The program's name, as it was given.
    pub fn name(&self) -> &str {
        self.command.first().map_or("", String::as_str)
    }

    /// That it could not be started, and why.
    pub(super) fn not_started(&self, error: &io::Error) -> io::Error {
        io::Error::new(error.kind(), format!("failed to start {}: {error}", self.name()))
    }

    /// How it is started.
    pub(super) fn start(&self) -> io::Result<Command> {
        let program = self.program().ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, self.missing().unwrap_or_default())
        })?;
        let mut command = Command::new(program);
        command.args(&self.command[1..]);
        if !self.folder.as_os_str().is_empty() {
            command.current_dir(&self.folder);
        }
        Ok(command)
    }
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn external(folder: &Path, name: &str) -> External {
        External { command: vec![name.into()], folder: folder.into(), ..External::default() }
    }

    #[test]
    fn programs_are_found_in_their_folder_or_on_the_path() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path();
        fs::write(here.join("mine"), "").unwrap();
        let missing = |name| external(here, name).missing().unwrap_or_default();
        assert_eq!(missing("sh"), "");
        assert!(missing("./mine").ends_with("mine is not executable"));
        fs::set_permissions(here.join("mine"), fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(missing("./mine"), "");
        assert_eq!(external(here, "./mine").program().unwrap(), here.join("./mine"));
        assert_eq!(missing("mine"), "there is no program mine on the PATH");
        assert!(missing("./yours").starts_with("there is no program ./yours in /"));
        assert_eq!(missing(""), "its command is empty");
    }
}
