//! `deadheat.toml`: external programs that take part. It is read before anything is planned, and a
//! run's record keeps what was in it, so that `--resume` does not depend on the file.
//!
//! Not in here: flags. What a run is told stands on the command line, and in the environment.

use std::{
    collections::BTreeMap,
    fs, io,
    ops::Range,
    path::{self, Path, PathBuf},
};

use deadheat_core::{
    cell::{Cell, ScenarioInfo},
    race::{External, Plan},
    scenario::{Params, Setup},
};
use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::{
    choice::{check_name, ids},
    failure::Failure,
};

/// The file that is read where none is named.
const FILE: &str = "deadheat.toml";

/// An external program, and where it races.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outsider {
    #[serde(flatten)]
    pub(crate) external: External,
    /// The scenarios that it can be told; `None`: see [`Outsider::knows`].
    scenarios: Option<Vec<String>>,
}

/// The file's shape.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    contender: Vec<Entry>,
}

/// One `[[contender]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: Spanned<String>,
    command: Spanned<Vec<String>>,
    scenarios: Option<Vec<Spanned<String>>>,
    #[serde(default)]
    note: String,
}

impl Outsider {
    /// Whether it takes part in this scenario. Where its entry does not say, in those whose
    /// operations are defined by what goes over the wire: clients that have a server to talk to.
    pub(crate) fn knows(&self, scenario: &ScenarioInfo) -> bool {
        match &self.scenarios {
            Some(named) => named.iter().any(|id| id == scenario.id),
            None => !scenario.server && has_peers(scenario),
        }
    }
}

fn has_peers(scenario: &ScenarioInfo) -> bool {
    let defaults = Params::resolve(&BTreeMap::new(), (scenario.describe)().params);
    let (Ok(params), Ok(load)) = (defaults, "closed-1".parse()) else { return false };
    !(scenario.peers)(&Setup { params: &params, load, peers: &[] }).is_empty()
}

/// The file that is read: the one that is named, or `deadheat.toml` in the current folder.
pub(crate) fn path(named: Option<&Path>) -> &Path {
    named.unwrap_or(Path::new(FILE))
}

/// The programs of the file; none where no file is named, and there is none.
pub(crate) fn read(named: Option<&Path>, cells: &[Cell]) -> Result<Vec<Outsider>, Failure> {
    let path = path(named);
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => {
            return Ok(Vec::new());
        }
        Err(error) => {
            return Err(Failure::usage(format!("failed to read {}: {error}", path.display())));
        }
    };
    Source { path, text: &text }.outsiders(cells)
}

/// Whether the external programs of these plans are there, which are from this file. Asked before
/// anything is measured; a program that goes missing later is a contender that failed.
pub(crate) fn check_programs(plans: &[Plan], file: &Path) -> Result<(), Failure> {
    let externals =
        plans.iter().flat_map(|plan| &plan.entrants).filter_map(|e| e.external.as_ref());
    for external in externals {
        if let Some(why) = external.missing() {
            let (file, id) = (file.display(), &external.id);
            return Err(Failure::usage(format!("{file}: contender \"{id}\": {why}")));
        }
    }
    Ok(())
}

/// A file while it is read.
struct Source<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Source<'_> {
    fn outsiders(&self, cells: &[Cell]) -> Result<Vec<Outsider>, Failure> {
        let file: File = toml::from_str(self.text).map_err(|error| {
            let message = error.message().lines().collect::<Vec<_>>().join(" ");
            self.wrong(error.span(), &message)
        })?;
        let folder = self.folder()?;
        let models = ids(cells, |cell| cell.model.id);
        let scenarios = ids(cells, |cell| cell.scenario.id);
        let mut outsiders: Vec<Outsider> = Vec::new();
        for entry in file.contender {
            let id = entry.id.get_ref();
            let wrong =
                |span, what: &str| self.wrong(Some(span), &format!("contender \"{id}\": {what}"));
            let taken = outsiders.iter().any(|other| other.external.id == *id);
            let why = match () {
                () if !is_id(id) => "an id is family/variant, each of a-z, 0-9, '.' and '-'",
                () if taken => "there are two of this id",
                () if models.contains(id) => "a model of this program has this id",
                () => "",
            };
            if !why.is_empty() {
                return Err(wrong(entry.id.span(), why));
            }
            if entry.command.get_ref().first().is_none_or(String::is_empty) {
                return Err(wrong(entry.command.span(), "its command is empty"));
            }
            for name in entry.scenarios.iter().flatten() {
                check_name("scenario", name.get_ref(), &scenarios)
                    .map_err(|error| wrong(name.span(), &error.to_string()))?;
            }
            let names =
                |all: Vec<Spanned<String>>| all.into_iter().map(Spanned::into_inner).collect();
            outsiders.push(Outsider {
                scenarios: entry.scenarios.map(names),
                external: External {
                    id: id.clone(),
                    command: entry.command.into_inner(),
                    folder: folder.clone(),
                    note: entry.note,
                },
            });
        }
        Ok(outsiders)
    }

    /// Commands run where the file lies.
    fn folder(&self) -> Result<PathBuf, Failure> {
        let parent = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        path::absolute(parent.unwrap_or(Path::new("."))).map_err(|error| {
            Failure::error(format!("failed to find the folder of {}: {error}", self.path.display()))
        })
    }

    /// "deadheat.toml:3: …".
    fn wrong(&self, at: Option<Range<usize>>, what: &str) -> Failure {
        let before = at.and_then(|span| self.text.get(..span.start));
        let line = before.map(|text| format!(":{}", text.matches('\n').count() + 1));
        Failure::usage(format!("{}{}: {what}", self.path.display(), line.unwrap_or_default()))
    }
}

fn is_id(text: &str) -> bool {
    let plain = |part: &str| {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c);
        !part.is_empty() && part.chars().all(allowed)
    };
    text.split_once('/').is_some_and(|(family, variant)| plain(family) && plain(variant))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_a_family_and_a_variant() {
        for (id, expected) in [
            ("go/net", true),
            ("python3.14/asyncio-uvloop", true),
            ("go", false),
            ("go/", false),
            ("go/net/http", false),
            ("Go/net", false),
            ("go/net+twin", false),
            ("", false),
        ] {
            assert_eq!(is_id(id), expected, "{id}");
        }
    }
}
