//! Who could not be told from the reference, and what it would take.

use super::super::{
    human::{list, percent, whole},
    judge::mark,
    summary::{Row, Summary},
};
use crate::record::{Call, Verdict};

/// As many as are told one by one; of more, their rows tell each.
const EACH: usize = 2;

impl Summary {
    /// Who is undecided, one by one or all together.
    pub(super) fn unknown(&self) -> Option<String> {
        if self.is_invalid() || self.group.is_none() {
            return None;
        }
        let open = self.models().filter(|row| row.call() == Call::Undecided && row.has_numbers());
        let open: Vec<(&Row, &Verdict)> =
            open.filter_map(|row| Some((row, row.verdict.as_ref()?))).collect();
        if open.len() > EACH {
            return Some(format!("Undecided against {}: {}", self.reference, all_together(&open)));
        }
        let said: Vec<String> = open
            .into_iter()
            .map(|(row, verdict)| {
                let range = match verdict.resolution {
                    Some(resolution) => format!("can tell ±{}", percent(resolution)),
                    None => "no interval".into(),
                };
                let floored = is_floored(verdict);
                let limit = 1.0 + self.margin;
                let ends = verdict.lo.zip(verdict.hi);
                let equal = ends.is_some_and(|(lo, hi)| lo >= 1.0 / limit && hi <= limit);
                let noise = match floored {
                    true if equal => "the same code, twice, is not shown to be equal; ",
                    true => "does not stand clear of the same code, twice; ",
                    false => "",
                };
                let needs = match verdict.settle {
                    Some(blocks) => format!("about {} blocks would settle it", whole(blocks)),
                    None => "out of reach of more blocks".into(),
                };
                format!("{} ({noise}{range}; {needs})", row.id)
            })
            .collect();
        (!said.is_empty())
            .then(|| format!("Undecided against {}: {}.", self.reference, said.join(", ")))
    }
}

fn is_floored(verdict: &Verdict) -> bool {
    verdict.marks.iter().any(|mark| mark == mark::WITHIN_NOISE_FLOOR)
}

/// "a, b and c. They can tell ±2.1% to ±4.0%; about 18 to 211 blocks would settle a and b. …"
fn all_together(open: &[(&Row, &Verdict)]) -> String {
    let names = |keep: &dyn Fn(&Verdict) -> bool| -> Vec<&str> {
        open.iter().filter(|(_, v)| keep(v)).map(|(row, _)| row.id.as_str()).collect()
    };
    let ends = |of: &dyn Fn(&Verdict) -> Option<f64>, show: &dyn Fn(f64) -> String| {
        let all: Vec<f64> = open.iter().filter_map(|(_, v)| of(v)).collect();
        let low = show(all.iter().copied().reduce(f64::min)?);
        let high = show(all.iter().copied().reduce(f64::max)?);
        Some(if low == high { low } else { format!("{low} to {high}") })
    };
    let mut said = vec![format!("{}.", list(&names(&|_| true)))];
    if let Some(range) = ends(&|v| v.resolution, &|r| format!("±{}", percent(r))) {
        said.push(format!("They can tell {range}."));
    }
    if let Some(blocks) = ends(&|v| v.settle.map(|n| n as f64), &|n| format!("{n:.0}")) {
        let whose = names(&|v| v.settle.is_some());
        let whose = if whose.len() == open.len() { "them".to_owned() } else { list(&whose) };
        said.push(format!("About {blocks} blocks would settle {whose}."));
    }
    let floored = names(&is_floored);
    if !floored.is_empty() {
        let verb = if floored.len() == 1 { "does" } else { "do" };
        said.push(format!("{} {verb} not stand clear of the same code, twice.", list(&floored)));
    }
    said.join(" ")
}
