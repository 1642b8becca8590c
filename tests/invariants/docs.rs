//! What is written down: every scenario says what it is, everything that races is explained, and
//! no document points at nothing.

use std::{
    collections::BTreeSet,
    fs,
    path::{Component, Path, PathBuf},
};

use crate::source::{Source, files, root};

/// What the module docs of a scenario say.
const HEADINGS: &[&str] = &["Operation", "Session", "Not measured", "Stands for", "Claims"];

/// Files that the program, or its user, writes: they are nowhere in the repository.
const WRITTEN: &[&str] = &[
    "bmf.json",
    "deadheat.toml",
    "gha-bigger.json",
    "gha-smaller.json",
    "report.html",
    "report.md",
    "results.json",
];

/// Extensions that make a word in backticks the name of a file.
const EXTENSIONS: &[&str] = &["css", "html", "json", "md", "py", "rs", "toml", "txt"];

fn documents() -> Vec<Source> {
    let mut documents = files(&["docs"], "md");
    for name in ["README.md", "CHANGELOG.md"] {
        let text = fs::read_to_string(root().join(name)).expect("it is there");
        documents.push(Source::planted(name, &text));
    }
    documents
}

fn missing_headings(source: &Source) -> Vec<&'static str> {
    let is_one = source.names().windows(3).any(|names| {
        let trait_of = names[1].segments.last().map(String::as_str);
        names[0].segments == ["impl"]
            && matches!(trait_of, Some("Scenario" | "Service"))
            && names[2].segments == ["for"]
    });
    let docs = source.module_docs();
    let says = |heading: &&&str| docs.contains(&format!("- **{heading}**"));
    HEADINGS.iter().filter(|heading| is_one && !says(heading)).copied().collect()
}

#[test]
fn every_scenario_says_what_it_is() {
    let text = "//! - **Operation**: one.\nimport!();\nimpl Scenario for Mine {}";
    let planted = missing_headings(&Source::planted("scenarios/src/mine.rs", text));
    assert_eq!(planted, ["Session", "Not measured", "Stands for", "Claims"]);
    let scenarios = files(&["scenarios/src"], "rs");
    for source in &scenarios {
        let missing = missing_headings(source);
        assert!(missing.is_empty(), "{} does not say: {}", source.path, missing.join(", "));
    }
    let cells = deadheat::matrix::cells();
    let ids: BTreeSet<_> = cells.iter().map(|cell| cell.scenario.id).collect();
    let found =
        |id: &str| scenarios.iter().any(|s| s.path.ends_with(&format!("/{}.rs", snake(id))));
    assert!(ids.iter().all(|id| found(id)), "each scenario has a file of its name: {ids:?}");
}

fn snake(id: &str) -> String {
    id.replace('-', "_")
}

/// The first cells of the table below a heading: ids in backticks.
fn table(document: &str, heading: &str) -> BTreeSet<String> {
    let below = document.split(&format!("\n## {heading}\n")).nth(1).unwrap_or_default();
    let section = below.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| Some(row.split_once('`')?.0.to_owned())).collect()
}

#[test]
fn everything_that_races_is_explained_and_nothing_else() {
    let planted = "\n## Models\n\n| id | what |\n|---|---|\n| `a/b` | x |\n\n## Scenarios\n| `c` |";
    assert_eq!(table(planted, "Models"), BTreeSet::from(["a/b".to_owned()]));
    let glossary = fs::read_to_string(root().join("docs/GLOSSARY.md")).expect("it is there");
    let cells = deadheat::matrix::cells();
    let models: BTreeSet<_> = cells.iter().map(|cell| cell.model.id.to_owned()).collect();
    let scenarios: BTreeSet<_> = cells.iter().map(|cell| cell.scenario.id.to_owned()).collect();
    let explained = table(&glossary, "Models");
    let missing: Vec<_> = models.difference(&explained).collect();
    assert!(missing.is_empty(), "models that nobody explains: {missing:?}");
    // Some models are not in every build; but they have a file.
    let sources = files(&["bench-core/src/model"], "rs");
    let is_there = |id: &&String| sources.iter().any(|s| s.text.contains(&format!("\"{id}\"")));
    let gone: Vec<_> = explained.difference(&models).filter(|id| !is_there(id)).collect();
    assert!(gone.is_empty(), "models that are not there: {gone:?}");
    assert_eq!(table(&glossary, "Scenarios"), scenarios);
}

/// The document without its fenced blocks.
fn prose(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

/// Targets of links, and words in backticks that are names of files.
fn mentions(text: &str) -> Vec<String> {
    let text = prose(text);
    let links = text.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
    let quoted = text.split('`').skip(1).step_by(2).filter(|word| is_file_name(word));
    links.chain(quoted).map(str::to_owned).collect()
}

fn is_file_name(word: &str) -> bool {
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
    let extension = Path::new(word).extension().and_then(|extension| extension.to_str());
    let folder = word.ends_with('/') && word.len() > 1;
    let file = extension.is_some_and(|extension| EXTENSIONS.contains(&extension));
    plain && (folder || file) && !word.starts_with("target/") && !WRITTEN.contains(&word)
}

/// Why a mention leads nowhere. Links count from their document, names of files from the root.
fn broken(document: &str, mention: &str) -> Option<String> {
    if mention.starts_with("https://") {
        return None;
    }
    let (file, anchor) = mention.split_once('#').unwrap_or((mention, ""));
    let beside = Path::new(document).parent().unwrap_or(Path::new("")).join(file);
    let target = if file.is_empty() { PathBuf::from(document) } else { beside };
    let found = [normal(&target), PathBuf::from(file)].map(|path| root().join(path));
    let Some(found) = found.into_iter().find(|path| path.exists()) else {
        return Some(format!("{document}: {mention} is not there"));
    };
    if anchor.is_empty() {
        return None;
    }
    let text = fs::read_to_string(&found).unwrap_or_default();
    let has = prose(&text).lines().any(|line| line.starts_with('#') && slug(line) == anchor);
    (!has).then(|| format!("{document}: {mention} has no such heading"))
}

fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => _ = normal.pop(),
            other => normal.push(other),
        }
    }
    normal
}

/// A heading as an anchor.
fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn documents_point_at_what_is_there() {
    let planted = "[a](no.md) `src/none.rs` [b](GLOSSARY.md#none) `nowhere/`\n```\n`x.rs`\n```\n";
    let seen: Vec<_> = mentions(planted).iter().filter_map(|m| broken("docs/BIAS.md", m)).collect();
    assert_eq!(seen.len(), 4, "{seen:?}");
    let good = "[a](BIAS.md#what-the-numbers-cannot-say) [b](../README.md) `src/lib.rs` `results.json` `a::b`";
    assert!(mentions(good).iter().all(|m| broken("docs/BIAS.md", m).is_none()));
    for document in documents() {
        for mention in mentions(&document.text) {
            let broken = broken(&document.path, &mention);
            assert!(broken.is_none(), "{}", broken.unwrap_or_default());
        }
    }
}

/// `docs/X.md` and `X.md, "Heading"` in the comments and texts of a source.
fn unknown_documents(source: &Source) -> Vec<String> {
    let mut unknown = Vec::new();
    for (at, _) in source.text.match_indices(".md") {
        let word = |c: char| !(c.is_ascii_alphanumeric() || "_./-".contains(c));
        let start = source.text[..at].rfind(word).map_or(0, |before| before + 1);
        let name = &source.text[start..at + 3];
        let upper = |c: char| c.is_ascii_uppercase();
        let path = match name {
            name if name.starts_with("docs/") => root().join(name),
            "README.md" | "CHANGELOG.md" => root().join(name),
            name if name.starts_with(upper) => root().join("docs").join(name),
            _ => continue,
        };
        let Ok(text) = fs::read_to_string(path) else {
            unknown.push(format!("{}: {name} is not there", source.path));
            continue;
        };
        let heading = source.text[at + 3..].strip_prefix(", \"").and_then(|rest| {
            let heading = rest.split_once('"')?.0;
            (!heading.contains('\n')).then_some(heading)
        });
        if let Some(heading) = heading
            && !text.lines().any(|line| line.trim_start_matches('#').trim() == heading)
        {
            unknown.push(format!("{}: {name} has no heading \"{heading}\"", source.path));
        }
    }
    unknown
}

#[test]
fn sources_point_at_documents_that_are_there() {
    for text in ["// docs/NOPE.md", "// NOPE.md", "// METHODOLOGY.md, \"Nope\""] {
        let found = unknown_documents(&Source::planted("src/lib.rs", text));
        assert_eq!(found.len(), 1, "{text}: {found:?}");
    }
    let folders = ["bench-core/src", "examples", "reports/src", "scenarios/src", "src"];
    let unknown: Vec<_> = files(&folders, "rs").iter().flat_map(unknown_documents).collect();
    assert!(unknown.is_empty(), "\n{}\n", unknown.join("\n"));
}
