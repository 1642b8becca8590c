//! How records are shown: one format is one file and one line in [`formats`].
//!
//! A format is a pure function from a record to bytes: the same record gives the same bytes, and
//! nothing here reads a clock, a file or an environment variable, or prints. What is said of a
//! race is decided in `deadheat_core::stats`; formats only lay it out, so that no two of them can
//! say different things. Every text of a record is data: each format escapes it for its own
//! syntax.
//!
//! Not in here: where results are written to, and when colour is wanted (the command line's).

mod bmf;
mod capacities;
pub mod compare;
mod costs;
mod criterion;
mod csv;
mod damage;
#[cfg(feature = "html")]
mod figure;
mod gha;
mod hgrm;
#[cfg(feature = "html")]
mod html;
mod json;
mod junit;
mod libtest;
mod lost;
mod md;
mod names;
pub mod ndjson;
mod openmetrics;
#[cfg(feature = "html")]
mod svg;
mod table;
mod terminal;
mod words;

use std::collections::BTreeMap;

use deadheat_core::record::{Record, Warning};
pub use deadheat_core::stats::human;
use serde::Serialize;
use thiserror::Error;

pub use self::{damage::damage, names::file_name, terminal::Styles};

/// A way to show a record.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// As in `--format`: kebab-case.
    pub id: &'static str,
    /// Of its main file, without the dot.
    pub extension: &'static str,
    /// One line for `--help`.
    pub about: &'static str,
    /// Makes its files, the main one first.
    pub render: fn(&Record, &Options) -> Result<Vec<Output>, Error>,
}

/// A file that a format makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Its name. Some formats have folders of their own, separated by `/`; none leaves the folder
    /// that it is written to.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// What the reader's side decides.
#[derive(Clone, Debug)]
pub struct Options {
    /// Columns of the terminal.
    pub width: usize,
    /// Colours of the terminal; plain unless they are asked for.
    pub styles: Styles,
    /// Warnings that stand on the reader's terminal already, and are not repeated there.
    pub told: Vec<Warning>,
    /// What only some format knows: `key=value`, by name.
    pub extra: BTreeMap<String, String>,
}

/// Why a record could not be shown.
#[derive(Debug, Error)]
pub enum Error {
    /// The record can't be written as JSON.
    #[error("failed to write the record as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The table can't be written as CSV.
    #[error("failed to write the table as CSV: {0}")]
    Csv(#[from] ::csv::Error),
    /// Nothing of the record fits the format.
    #[error("the record has only capacities (--slo), and {0} has no room for them")]
    OnlyCapacities(&'static str),
    /// The page's template failed.
    #[cfg(feature = "html")]
    #[error("failed to fill the page's template: {0}")]
    Page(#[from] askama::Error),
}

/// Every format of this build.
///
/// ```
/// use deadheat_core::record::Record;
/// use deadheat_reports::{Options, find};
/// let page = find("md").unwrap();
/// let files = (page.render)(&Record::default(), &Options::default()).unwrap();
/// assert_eq!(files[0].name, "report.md");
/// ```
pub fn formats() -> &'static [Format] {
    &[
        terminal::FORMAT,
        md::FORMAT,
        json::FORMAT,
        #[cfg(feature = "html")]
        html::FORMAT,
        #[cfg(feature = "html")]
        svg::FORMAT,
        csv::FORMAT,
        ndjson::FORMAT,
        hgrm::FORMAT,
        criterion::FORMAT,
        libtest::FORMAT,
        bmf::FORMAT,
        gha::FORMAT,
        openmetrics::FORMAT,
        junit::FORMAT,
    ]
}

/// Other names of formats.
const ALIASES: &[(&str, &str)] = &[("bencher", "libtest")];

/// The format of that id, or of one of its other names.
pub fn find(id: &str) -> Option<&'static Format> {
    let id = ALIASES.iter().find(|(alias, _)| *alias == id).map_or(id, |(_, id)| id);
    formats().iter().find(|format| format.id == id)
}

impl Default for Options {
    fn default() -> Self {
        Self { width: 100, styles: Styles::plain(), told: Vec::new(), extra: BTreeMap::new() }
    }
}

impl Output {
    fn text(name: &str, text: String) -> Self {
        Self { name: name.into(), bytes: text.into_bytes() }
    }

    fn json(name: &str, value: &impl Serialize) -> Result<Self, Error> {
        let mut bytes = serde_json::to_vec_pretty(value)?;
        bytes.push(b'\n');
        Ok(Self { name: name.into(), bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_found() {
        for format in formats() {
            assert!(std::ptr::eq(find(format.id).unwrap().id, format.id));
            assert_eq!(formats().iter().filter(|other| other.id == format.id).count(), 1);
        }
        for (alias, id) in ALIASES {
            assert!(formats().iter().all(|format| format.id != *alias));
            assert_eq!(find(alias).unwrap().id, *id);
        }
        assert!(find("parquet").is_none());
    }
}
