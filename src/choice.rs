//! Which cells are meant: globs over models and scenarios, regexes over cell ids.
//!
//! A profile leaves courses and models out. What is named is raced all the same: a filter that
//! matches nothing within the profile is tried on what is outside of it.

use deadheat_core::cell::Cell;
use regex::Regex;

use crate::{
    cli::ChoiceArgs,
    config::Outsider,
    course::{Course, Racer, courses},
    failure::Failure,
    profile::Profile,
};

/// The courses that are meant, each with the cells that are.
pub(crate) fn choose(
    cells: &[Cell],
    outsiders: &[Outsider],
    choice: &ChoiceArgs,
    profile: Profile,
    reference: Option<&str>,
) -> Result<Vec<Course>, Failure> {
    let mut models = ids(cells, |cell| cell.model.id);
    models.extend(outsiders.iter().map(|outsider| outsider.external.id.clone()));
    let scenarios = ids(cells, |cell| cell.scenario.id);
    check_globs("model", &choice.models, &models)?;
    check_globs("scenario", &choice.scenarios, &scenarios)?;
    if let Some(reference) = reference.filter(|id| !models.iter().any(|model| model == id)) {
        return Err(nothing("model", reference, &models));
    }
    // What --param says makes sense for these, and need not for others.
    let named = cells.iter().filter(|cell| globs(&choice.scenarios, cell.scenario.id));
    let all = courses(&named.cloned().collect::<Vec<_>>(), outsiders, choice)?;
    let marked = Marked::new(&all, choice, profile)?;
    let chosen: Vec<Course> = all
        .iter()
        .zip(marked.racers)
        .map(|(course, mut marks)| {
            // The others need somebody to be compared with.
            if marks.contains(&true) {
                for (racer, mark) in course.racers.iter().zip(&mut marks) {
                    *mark |= reference == Some(racer.model());
                }
            }
            let chosen = course.racers.iter().zip(marks).filter(|(_, mark)| *mark);
            Course { racers: chosen.map(|(racer, _)| racer.clone()).collect(), ..course.clone() }
        })
        .filter(|course| !course.racers.is_empty())
        .collect();
    if chosen.is_empty() {
        return Err(Failure::usage("nothing is left to be raced: see `deadheat list`"));
    }
    Ok(chosen)
}

/// For each course, which of its racers are meant.
struct Marked {
    racers: Vec<Vec<bool>>,
}

impl Marked {
    fn new(all: &[Course], choice: &ChoiceArgs, profile: Profile) -> Result<Self, Failure> {
        let wanted = |racer: &Racer| globs(&choice.models, racer.model());
        // Who is named in a file is meant in every profile.
        let usual = |racer: &Racer| match racer {
            Racer::Own(cell) => !choice.models.is_empty() || profile.has_model(cell.model.id),
            Racer::External(_) => true,
        };
        let tiered = |course: &Course| {
            choice.all
                || profile.has_course(course.tier)
                || choice.scenarios.iter().any(|name| name == course.scenario.id)
        };
        let none = |course: &Course| vec![false; course.racers.len()];
        let mut marked = Self { racers: all.iter().map(none).collect() };
        if choice.filters.is_empty()
            && !marked.mark(all, |course, racer| tiered(course) && wanted(racer) && usual(racer))
        {
            // A crate with one race, or one model, means that one whatever the profile.
            marked.mark(all, |_, racer| wanted(racer));
        }
        for filter in &choice.filters {
            let pattern = Pattern::new(filter, choice.exact)?;
            // What is named by its whole id belongs to every profile.
            let in_tier = |course: &Course, racer: &Racer| {
                tiered(course) || [course.id(), course.cell_id(racer.model())].contains(filter)
            };
            let in_models = |course: &Course, racer: &Racer| {
                usual(racer) || course.cell_id(racer.model()) == *filter
            };
            let found = [(true, true), (true, false), (false, true), (false, false)]
                .into_iter()
                .any(|(tier, models)| {
                    marked.mark(all, |course, racer| {
                        wanted(racer)
                            && pattern.meets(course, racer)
                            && (!tier || in_tier(course, racer))
                            && (!models || in_models(course, racer))
                    })
                });
            if !found {
                return Err(nothing("filter", filter, &names(all)));
            }
        }
        for skip in &choice.skip {
            let pattern = Pattern::new(skip, choice.exact)?;
            marked.unmark(all, |course, racer| pattern.meets(course, racer));
        }
        Ok(marked)
    }

    /// Marks what is meant; whether there was any.
    fn mark(&mut self, all: &[Course], meant: impl Fn(&Course, &Racer) -> bool) -> bool {
        let mut any = false;
        for (course, marks) in all.iter().zip(&mut self.racers) {
            for (racer, mark) in course.racers.iter().zip(marks) {
                let hit = meant(course, racer);
                any |= hit;
                *mark |= hit;
            }
        }
        any
    }

    fn unmark(&mut self, all: &[Course], meant: impl Fn(&Course, &Racer) -> bool) {
        for (course, marks) in all.iter().zip(&mut self.racers) {
            for (racer, mark) in course.racers.iter().zip(marks) {
                *mark &= !meant(course, racer);
            }
        }
    }
}

/// A FILTER.
enum Pattern {
    Regex(Regex),
    Whole(String),
}

impl Pattern {
    fn new(text: &str, exact: bool) -> Result<Self, Failure> {
        if exact {
            return Ok(Self::Whole(text.into()));
        }
        let regex = Regex::new(text).map_err(|error| {
            let why = error.to_string();
            let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
            Failure::usage(format!("filter \"{text}\" is not a regex: {why}"))
        })?;
        Ok(Self::Regex(regex))
    }

    fn meets(&self, course: &Course, racer: &Racer) -> bool {
        let ids = [course.cell_id(racer.model()), course.id()];
        ids.iter().any(|id| match self {
            Self::Regex(regex) => regex.is_match(id),
            Self::Whole(text) => text == id,
        })
    }
}

/// Ids in the order of the cells, each once.
pub(crate) fn ids(cells: &[Cell], id: impl Fn(&Cell) -> &'static str) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for cell in cells {
        if !ids.iter().any(|known| known == id(cell)) {
            ids.push(id(cell).into());
        }
    }
    ids
}

/// Everything that a filter could have meant.
fn names(all: &[Course]) -> Vec<String> {
    let mut names: Vec<String> = all.iter().map(Course::id).collect();
    names.extend(all.iter().map(|course| course.scenario.id.to_owned()));
    let models = |course: &Course| -> Vec<String> {
        course.racers.iter().map(|racer| racer.model().to_owned()).collect()
    };
    names.extend(all.iter().flat_map(models));
    names.extend(all.iter().flat_map(|c| c.racers.iter().map(|racer| c.cell_id(racer.model()))));
    names.sort();
    names.dedup();
    names
}

fn check_globs(kind: &str, given: &[impl AsRef<str>], known: &[String]) -> Result<(), Failure> {
    for glob in given.iter().map(AsRef::as_ref) {
        if !known.iter().any(|id| globs(&[glob], id)) {
            return Err(nothing(kind, glob, &with_families(known)));
        }
    }
    Ok(())
}

/// Ids, and the families that stand for them.
fn with_families(ids: &[String]) -> Vec<String> {
    let mut names = ids.to_vec();
    names.extend(ids.iter().map(|id| family(id).to_owned()));
    names.sort();
    names.dedup();
    names
}

/// Whether something is called exactly so; else what is near.
pub(crate) fn check_name(kind: &str, given: &str, known: &[String]) -> Result<(), Failure> {
    if known.iter().any(|id| id == given) { Ok(()) } else { Err(nothing(kind, given, known)) }
}

/// Whether any of these globs matches; a family stands for all of its variants. None: everything.
fn globs(given: &[impl AsRef<str>], id: &str) -> bool {
    let family = family(id);
    given.is_empty()
        || given
            .iter()
            .map(AsRef::as_ref)
            .any(|pattern| matches(pattern.as_bytes(), id.as_bytes()) || pattern == family)
}

fn family(id: &str) -> &str {
    id.split_once('/').map_or(id, |(family, _)| family)
}

/// `*` is any text, `?` any one character; a `*` crosses `/`, since an id has just one.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => {
            matches(rest, text) || (!text.is_empty() && matches(pattern, &text[1..]))
        }
        ([b'?', pattern @ ..], [_, text @ ..]) => matches(pattern, text),
        ([p, pattern @ ..], [t, text @ ..]) if p == t => matches(pattern, text),
        _ => false,
    }
}

fn nothing(kind: &str, given: &str, known: &[String]) -> Failure {
    let near = near(given, known);
    let hint = if near.is_empty() {
        "see `deadheat list`".to_owned()
    } else {
        format!("near: {}", near.join(", "))
    };
    let what = match kind {
        "filter" => "no cell matches the filter",
        "model" => "no model is called",
        _ => "no scenario is called",
    };
    Failure::usage(format!("{what} \"{given}\" ({hint})"))
}

/// Up to three names that are like what was given, the likest first.
fn near(given: &str, known: &[String]) -> Vec<String> {
    let likeness = |name: &str| {
        if name.starts_with(given) {
            // It was cut off, and the shortest that goes on is the likest.
            1.0 - name.len() as f64 / 1_000.0
        } else {
            strsim::normalized_damerau_levenshtein(given, name)
        }
    };
    let mut scored: Vec<(f64, &String)> = known
        .iter()
        .filter(|name| *name != given)
        .map(|name| (likeness(name), name))
        .filter(|(score, _)| *score >= 0.5)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.into_iter().take(3).map(|(_, name)| name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_ids_and_families() {
        for (pattern, id, expected) in [
            ("tokio/*", "tokio/multi-thread", true),
            ("tokio", "tokio/multi-thread", true),
            ("*/multi*", "smol/multi", true),
            ("threads/pool-?4", "threads/pool-64", true),
            ("toki", "tokio/multi-thread", false),
            ("", "tokio/multi-thread", false),
        ] {
            assert_eq!(globs(&[pattern], id), expected, "{pattern} {id}");
        }
        assert!(globs(&[] as &[&str], "anything"));
    }

    #[test]
    fn what_is_near_is_said() {
        let known = ["tcp-echo", "sleep", "http-server"].map(String::from);
        assert_eq!(near("tcp-ecko", &known), ["tcp-echo"]);
        assert!(near("zzz", &known).is_empty());
    }

    #[test]
    fn an_unknown_model_or_family_is_answered_with_the_nearest() {
        let known = ["tokio/multi-thread", "tokio/current-thread", "smol/multi"].map(String::from);
        for (given, nearest) in [
            ("tokyo/multi-thread", "tokio/multi-thread"),
            ("tokyo", "tokio"),
            ("tokyo/*", "tokio"),
            ("Smol", "smol"),
        ] {
            let said = check_globs("model", &[given], &known).unwrap_err().to_string();
            let start = format!("no model is called \"{given}\" (near: {nearest}");
            assert!(said.starts_with(&start), "{said}");
        }
        assert!(check_globs("model", &["tokio", "*/multi"], &known).is_ok());
    }
}
