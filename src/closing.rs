//! The last five lines of a run: who leads, what is a tie, what it costs, what could not be told,
//! and where the page is. What they say is the statistics' own; nothing is concluded here.

use std::path::Path;

use deadheat_core::{
    record::{Call, Record, Role, Status},
    stats::{Summary, Topic, human, summary},
};

/// Names in a list, before "and n more".
const NAMES: usize = 3;

/// Exactly five lines.
pub(crate) fn sentences(record: &Record, page: &Path) -> [String; 5] {
    let summaries: Vec<Summary> = record.races.iter().map(summary).collect();
    [
        leads(&summaries),
        ties(&summaries),
        cost(&summaries),
        unknown(record, &summaries),
        format!("The whole report: {}", page.display()),
    ]
}

fn said(summary: &Summary, topic: Topic) -> Option<String> {
    let found = summary.sentences().into_iter().find(|sentence| sentence.topic == topic);
    found.map(|sentence| sentence.text)
}

fn leads(summaries: &[Summary]) -> String {
    if let [only] = summaries {
        let first = said(only, Topic::Lead).or_else(|| said(only, Topic::Validity));
        return first.unwrap_or_else(|| "Nobody leads: nothing was measured.".into());
    }
    let told: Vec<String> = summaries
        .iter()
        .filter(|summary| !summary.is_invalid())
        .filter_map(|summary| {
            let members = summary.leaders();
            (!members.is_empty()).then(|| format!("{} — {}", summary.race, names(members)))
        })
        .collect();
    match told.as_slice() {
        [] => "Nobody is shown to lead.".into(),
        told => format!("In front: {}.", told.join("; ")),
    }
}

fn ties(summaries: &[Summary]) -> String {
    let told: Vec<String> = summaries
        .iter()
        .filter(|summary| !summary.is_invalid())
        .flat_map(|summary| tied(summary).map(move |ids| (summary, ids)))
        .filter(|(_, ids)| ids.len() > 1)
        .map(|(summary, ids)| {
            let margin = human::percent(summary.margin);
            format!("{} — {} (margin {margin})", summary.race, names(&ids))
        })
        .collect();
    match told.as_slice() {
        [] => "Dead heats: none is proven.".into(),
        told => format!("Dead heats: {}.", told.join("; ")),
    }
}

/// Who is tied in front, and who is with the reference, unless these are the same.
fn tied(summary: &Summary) -> impl Iterator<Item = Vec<String>> {
    let group = summary.group.as_ref().filter(|group| group.equivalent);
    let front = group.map(|group| group.members.clone()).unwrap_or_default();
    let dead_heats = summary
        .rows
        .iter()
        .filter(|row| row.role == Role::Model)
        .filter(|row| row.verdict.as_ref().is_some_and(|v| v.verdict == Call::DeadHeat))
        .map(|row| row.id.clone());
    let with_reference: Vec<String> =
        std::iter::once(summary.reference.clone()).chain(dead_heats).collect();
    let news = with_reference.iter().any(|id| !front.contains(id));
    [Some(front), news.then_some(with_reference)].into_iter().flatten()
}

fn cost(summaries: &[Summary]) -> String {
    let mut told = summaries.iter().filter_map(|summary| {
        let text = said(summary, Topic::Cost)?;
        let whose = if summaries.len() > 1 { format!("{}: ", summary.race) } else { String::new() };
        Some(format!("{whose}{text}"))
    });
    told.next().unwrap_or_else(|| "The price: not measured.".into())
}

fn unknown(record: &Record, summaries: &[Summary]) -> String {
    let verdicts = || {
        let rows = summaries.iter().flat_map(|summary| &summary.rows);
        rows.filter(|row| row.role == Role::Model).filter_map(|row| row.verdict.as_ref())
    };
    let open = verdicts().filter(|verdict| verdict.verdict == Call::Undecided).count();
    let mut parts = vec![format!("{open} of {} comparisons are undecided", verdicts().count())];
    let mut count = |n: usize, what: &str| {
        if n > 0 {
            parts.push(format!("{n} {what}"));
        }
    };
    count(summaries.iter().filter(|s| s.is_invalid()).count(), "races are invalid");
    count(record.races.iter().filter(|r| r.status == Status::Cut).count(), "races ended early");
    let failed = |s: &&Summary| said(s, Topic::Failed).is_some();
    count(summaries.iter().filter(failed).count(), "races have contenders that failed");
    let lost = record.races.iter().filter(|race| matches!(race.status, Status::Failed(_)));
    count(lost.count(), "races could not be run");
    format!("Not told: {}.", parts.join("; "))
}

fn names(all: &[String]) -> String {
    match all.len() {
        n if n > NAMES + 1 => format!("{} and {} more", all[..NAMES].join(", "), n - NAMES),
        _ => human::list(all),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use deadheat_core::{
        record::Verdict,
        stats::{Group, Row},
    };

    fn summary(group: &[&str], dead_heat: &[&str]) -> Summary {
        let rows = dead_heat.iter().map(|id| {
            let verdict = Verdict { verdict: Call::DeadHeat, ..Verdict::default() };
            Row { id: (*id).into(), verdict: Some(verdict), ..Row::default() }
        });
        let members = group.iter().map(|id| (*id).into()).collect();
        Summary {
            race: "r".into(),
            reference: "ref".into(),
            margin: 0.05,
            group: Some(Group {
                members,
                equivalent: true,
                within: Some(0.02),
                ..Group::default()
            }),
            rows: rows.collect(),
            ..Summary::default()
        }
    }

    #[test]
    fn every_proven_tie_is_told_once() {
        for (group, dead_heat, told) in [
            (&["a", "b"][..], &[][..], "Dead heats: r — a and b (margin 5.0%)."),
            (&["a", "ref"], &["a"], "Dead heats: r — a and ref (margin 5.0%)."),
            (&["a"], &["b"], "Dead heats: r — ref and b (margin 5.0%)."),
            (
                &["a", "b"],
                &["c"],
                "Dead heats: r — a and b (margin 5.0%); r — ref and c (margin 5.0%).",
            ),
            (&["a"], &[], "Dead heats: none is proven."),
        ] {
            assert_eq!(ties(&[summary(group, dead_heat)]), told);
        }
    }
}
