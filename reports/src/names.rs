//! Names for what a record's ids become elsewhere: a cell's id, and file names that stay inside
//! their folder whatever an id holds.

use std::collections::BTreeSet;

use deadheat_core::record::Race;

use crate::words::clean;

/// The longest file name that is made of an id, in bytes: every file system takes 255, and some of
/// it is left for endings and for a temporary name beside it.
const LONGEST: usize = 160;

/// The cell's id: the race's with the model after the scenario.
pub(crate) fn cell(race: &Race, contender: &str) -> String {
    let (scenario, rest) = race.id.split_once('/').unwrap_or((&race.id, ""));
    let rest = if rest.is_empty() { String::new() } else { format!("/{rest}") };
    clean(&format!("{scenario}/{contender}{rest}"))
}

/// An id as a file name, which stays in its folder: `tcp-echo/closed-16@free` is
/// `tcp-echo.closed-16@free`.
///
/// ```
/// use deadheat_reports::file_name;
/// assert_eq!(file_name("../sleep/open-500"), "sleep.open-500");
/// ```
pub fn file_name(id: &str) -> String {
    let kept = |c: char| c.is_ascii_alphanumeric() || "-=,+.@".contains(c);
    let name: String = clean(id).chars().map(|c| if kept(c) { c } else { '.' }).collect();
    let name = name.trim_start_matches('.');
    let name = &name[..name.len().min(LONGEST)];
    if name.is_empty() { "race".into() } else { name.into() }
}

/// File names of one folder: no two are the same, also where upper and lower case are.
#[derive(Default)]
pub(crate) struct Names {
    taken: BTreeSet<String>,
}

impl Names {
    /// An id's file name, with a number behind it where another id had the same one.
    pub(crate) fn of(&mut self, id: &str) -> String {
        let name = file_name(id);
        let mut candidate = name.clone();
        let mut number = 1;
        while !self.taken.insert(candidate.to_ascii_lowercase()) {
            number += 1;
            candidate = format!("{name}.{number}");
        }
        candidate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_id_leaves_the_folder() {
        assert_eq!(file_name("tcp-echo/closed-16@free"), "tcp-echo.closed-16@free");
        assert_eq!(file_name("../../etc/passwd"), "etc.passwd");
        assert_eq!(file_name("/"), "race");
        assert_eq!(file_name(&"x/".repeat(5_000)).len(), LONGEST);
    }

    #[test]
    fn no_two_ids_share_a_file() {
        let mut names = Names::default();
        let ids = ["a/b", "a.b", "A/B", "a|b"];
        assert_eq!(ids.map(|id| names.of(id)), ["a.b", "a.b.2", "A.B.3", "a.b.4"]);
    }

    #[test]
    fn a_cell_has_its_model_after_the_scenario() {
        let race = Race { id: "tcp-echo/closed-16/bytes=4".into(), ..Race::default() };
        assert_eq!(cell(&race, "smol/multi"), "tcp-echo/smol/multi/closed-16/bytes=4");
        assert_eq!(cell(&Race::default(), "smol/multi"), "/smol/multi");
    }
}
