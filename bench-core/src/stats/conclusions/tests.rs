//! Sentences about races that are made up.

use super::*;
use crate::{record::Verdict, stats::group::Group};

fn row((id, resolution, settle, floored): (&str, f64, Option<u64>, bool)) -> Row {
    let marks = if floored { vec![mark::WITHIN_NOISE_FLOOR.to_owned()] } else { Vec::new() };
    let verdict =
        Verdict { n: 12, resolution: Some(resolution), settle, marks, ..Verdict::default() };
    let verdict = Some(verdict);
    Row { id: id.into(), role: Role::Model, state: State::Raced, verdict, ..Row::default() }
}

#[test]
fn many_that_are_undecided_are_told_together() {
    let all = [
        ("a", 0.021, Some(18), false),
        ("b", 0.04, Some(211), true),
        ("c", 0.03, None, true),
        ("d", 0.03, Some(40), false),
    ];
    let said = |rows: &[_]| {
        let rows = rows.iter().copied().map(row).collect();
        let group = Some(Group::default());
        Summary { reference: "ref".into(), rows, group, ..Summary::default() }.unknown()
    };
    assert_eq!(
        said(&all).unwrap(),
        "Undecided against ref: a, b, c and d. They can tell ±2.1% to ±4.0%. About 18 to 211 \
         blocks would settle a, b and d. b and c do not stand clear of the same code, twice."
    );
    assert_eq!(
        said(&all[2..]).unwrap(),
        "Undecided against ref: c (does not stand clear of the same code, twice; can tell \
         ±3.0%; out of reach of more blocks), d (can tell ±3.0%; about 40 blocks would settle \
         it)."
    );
    assert_eq!(said(&[]), None);
}

#[test]
fn nobody_leads_where_all_are_in_front_and_none_is_shown_to_be_equal() {
    let rows = ["a", "b", "c"].map(|id| row((id, 0.1, None, false))).to_vec();
    let leaders = |members: &[&str], equivalent| {
        let members = members.iter().map(|id| (*id).to_owned()).collect();
        let group = Some(Group { members, equivalent, ..Group::default() });
        let rows = rows.clone();
        Summary { rows, group, ..Summary::default() }.leaders().len()
    };
    assert_eq!(leaders(&["a", "b", "c"], false), 0);
    assert_eq!(leaders(&["a", "b", "c"], true), 3);
    assert_eq!(leaders(&["a", "b"], false), 2);
    assert_eq!(Summary::default().leaders().len(), 0);
}
