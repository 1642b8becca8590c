//! Where the comparisons of a campaign are: a file of lines, one JSON value each, the first of which
//! says what the campaign is.
//!
//! A line is written when its comparison has been made, all of it at once, and the file only grows.
//! A line that was cut by a crash has no end; it is taken off when the file is opened again, and its
//! comparison is made once more.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use deadheat_core::record::{Machine, Program};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::failure::Failure;

/// The shape of the file.
const SCHEMA: &str = "deadheat-lab/1";

/// The first line.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// The shape of what follows.
    pub(crate) schema: String,
    /// The campaign's name.
    pub(crate) campaign: String,
    /// When it was begun.
    pub(crate) started: String,
    /// The seed of all of its races.
    pub(crate) seed: u64,
    /// What a race must fit in, ms.
    pub(crate) race_ms: u64,
    /// What measured.
    pub(crate) program: Program,
    /// Where.
    pub(crate) machine: Machine,
}

/// What became of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome<T> {
    /// It was made.
    Found(T),
    /// It could not be made, and why.
    Failed(String),
}

/// A line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Line<T> {
    /// Which comparison of the campaign.
    pub(crate) key: String,
    /// What became of it.
    #[serde(flatten)]
    pub(crate) outcome: Outcome<T>,
}

/// The file of a campaign.
#[derive(Debug)]
pub(crate) struct Store<T> {
    path: PathBuf,
    pub(crate) head: Head,
    pub(crate) lines: Vec<Line<T>>,
}

impl<T: Serialize + DeserializeOwned> Store<T> {
    /// The file of a campaign in this folder.
    pub(crate) fn path_in(folder: &Path, campaign: &str) -> PathBuf {
        folder.join(format!("{campaign}.ndjson"))
    }

    /// Reads a campaign, as far as it has got.
    pub(crate) fn read(path: &Path, campaign: &str) -> Result<Self, Failure> {
        let text = fs::read_to_string(path).map_err(|error| failed("read", path, &error))?;
        Self::parse(path, whole(&text), campaign)
    }

    /// Opens a campaign to go on with it, or begins it.
    pub(crate) fn open(path: &Path, head: Head) -> Result<Self, Failure> {
        let machine = public(head.machine);
        let head = Head { schema: SCHEMA.into(), machine, ..head };
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(failed("read", path, &error)),
        };
        if whole(&text).is_empty() {
            let store = Self { path: path.to_owned(), head, lines: Vec::new() };
            store.begin().map_err(|error| failed("write", path, &error))?;
            return Ok(store);
        }
        let store = Self::parse(path, whole(&text), &head.campaign)?;
        if whole(&text).len() < text.len() {
            let cut = OpenOptions::new().write(true).open(path);
            cut.and_then(|file| file.set_len(whole(&text).len() as u64))
                .map_err(|error| failed("mend", path, &error))?;
        }
        Ok(store)
    }

    fn begin(&self) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        write_line(File::create(&self.path)?, &self.head)
    }

    fn parse(path: &Path, text: &str, campaign: &str) -> Result<Self, Failure> {
        let mut lines = text.lines().enumerate();
        let wrong = |number: usize, why: &dyn std::fmt::Display| {
            Failure::error(format!("{}:{}: {why}", path.display(), number + 1))
        };
        let (_, first) = lines.next().ok_or_else(|| wrong(0, &"there is nothing in it"))?;
        let head: Head = serde_json::from_str(first).map_err(|error| wrong(0, &error))?;
        if head.schema != SCHEMA {
            let why = format!("its schema is \"{}\"; this program reads {SCHEMA}", head.schema);
            return Err(wrong(0, &why));
        }
        if head.campaign != campaign {
            return Err(wrong(0, &format!("it is of the campaign {}", head.campaign)));
        }
        let parsed = lines.map(|(number, line)| {
            serde_json::from_str(line).map_err(|error| wrong(number, &error))
        });
        Ok(Self { path: path.to_owned(), head, lines: parsed.collect::<Result<_, _>>()? })
    }

    /// Adds a comparison, on disk when this returns.
    pub(crate) fn add(&mut self, line: Line<T>) -> Result<(), Failure> {
        let file = OpenOptions::new().append(true).open(&self.path);
        file.and_then(|file| write_line(file, &line))
            .map_err(|error| failed("write", &self.path, &error))?;
        self.lines.push(line);
        Ok(())
    }

    /// The keys that there are.
    pub(crate) fn keys(&self) -> BTreeSet<&str> {
        self.lines.iter().map(|line| line.key.as_str()).collect()
    }

    /// What was found.
    pub(crate) fn found(&self) -> Vec<&T> {
        let found = self.lines.iter().filter_map(|line| match &line.outcome {
            Outcome::Found(found) => Some(found),
            Outcome::Failed(_) => None,
        });
        found.collect()
    }
}

/// A campaign is there to be published, so its file has no more of the machine than a published
/// result (docs/formats.md): the kernel's command line names what is nobody's business.
fn public(mut machine: Machine) -> Machine {
    machine.facts.remove("cmdline");
    machine
}

/// All lines that have an end.
fn whole(text: &str) -> &str {
    &text[..text.rfind('\n').map_or(0, |end| end + 1)]
}

/// In one call, so that there is all of it or a line without an end.
fn write_line(mut file: File, line: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    file.write_all(&text)?;
    file.sync_data()
}

fn failed(what: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::error(format!("failed to {what} {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Head {
        Head { campaign: "aa".into(), seed: 7, ..Head::default() }
    }

    fn line(key: &str, found: f64) -> Line<f64> {
        Line { key: key.into(), outcome: Outcome::Found(found) }
    }

    #[test]
    fn what_was_added_is_there_again_but_for_a_line_that_was_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = Store::<f64>::path_in(&folder.path().join("lab"), "aa");
        let mut store = Store::open(&path, head()).unwrap();
        store.add(line("a", 0.25)).unwrap();
        store.add(Line { key: "b".into(), outcome: Outcome::Failed("no".into()) }).unwrap();
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(br#"{"key":"c","fou"#).unwrap();
        assert_eq!(Store::<f64>::read(&path, "aa").unwrap().lines.len(), 2);
        let mut store = Store::<f64>::open(&path, Head { seed: 8, ..head() }).unwrap();
        assert_eq!(store.head.seed, 7, "it goes on as it was begun");
        assert_eq!(store.keys(), BTreeSet::from(["a", "b"]));
        store.add(line("c", 1.0)).unwrap();
        assert_eq!(Store::<f64>::read(&path, "aa").unwrap().found(), [&0.25, &1.0]);
    }

    #[test]
    fn a_campaign_does_not_tell_what_a_published_result_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("aa.ndjson");
        let mut begun = head();
        for (name, value) in [("smt", "on"), ("cmdline", "ro internal.example/boot")] {
            begun.machine.facts.insert(name.into(), value.into());
        }
        let store = Store::<f64>::open(&path, begun).unwrap();
        assert_eq!(store.head.machine.facts.keys().collect::<Vec<_>>(), ["smt"]);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("smt") && !text.contains("internal.example"), "{text}");
    }

    #[test]
    fn what_is_no_campaign_is_refused_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("aa.ndjson");
        for (text, why) in [("{}\n", "aa.ndjson:1: missing field"), ("", "nothing in it")] {
            fs::write(&path, text).unwrap();
            let error = Store::<f64>::read(&path, "aa").unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
        fs::remove_file(&path).unwrap();
        Store::<f64>::open(&path, head()).unwrap();
        let other = Store::<f64>::read(&path, "order").unwrap_err().to_string();
        assert!(other.contains("of the campaign aa"), "{other}");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{text}{{\"key\":1}}\n")).unwrap();
        let error = Store::<f64>::read(&path, "aa").unwrap_err().to_string();
        assert!(error.contains("aa.ndjson:2:"), "{error}");
        fs::write(&path, text.replace(SCHEMA, "deadheat-lab/9")).unwrap();
        let error = Store::<f64>::read(&path, "aa").unwrap_err().to_string();
        assert!(error.contains("deadheat-lab/9"), "{error}");
    }
}
