//! A race as a leaderboard: pure, so that it can be looked at in tests.

use std::cmp::Ordering;

use anstyle::AnsiColor;
use deadheat_core::{
    record::{Call, Race, Role},
    stats::{Row, State, Summary, human},
};

use super::span::Line;

/// The leaderboard: the best first, dead heats braced together, the twin's row at the end.
pub(crate) fn lines(race: &Race, summary: &Summary) -> Vec<Line> {
    let mut lines = vec![heading(race, summary)];
    let width = summary.rows.iter().map(|row| row.id.len()).max().unwrap_or(0);
    let ranks = ranked(summary);
    for (place, rank) in ranks.iter().enumerate() {
        let before = place.checked_sub(1).map(|place| ranks[place].tie);
        let after = ranks.get(place + 1).map(|rank| rank.tie);
        lines.push(model(rank, brace(rank.tie, before, after), width, summary));
    }
    for row in summary.rows.iter().filter(|row| row.role == Role::Model) {
        lines.extend(failure(row, width));
    }
    lines.extend(twin(summary));
    lines
}

/// Which rows are tied, as numbers of ties; `None`: with nobody.
type Tie = Option<usize>;

struct Rank<'a> {
    row: &'a Row,
    /// Its cost ÷ the reference's; the reference's own is 1.
    ratio: f64,
    tie: Tie,
}

/// The models that have a ratio, the best first, ties side by side.
fn ranked(summary: &Summary) -> Vec<Rank<'_>> {
    let mut ranks: Vec<Rank<'_>> = summary
        .rows
        .iter()
        .filter(|row| row.role == Role::Model)
        .filter_map(|row| {
            let ratio = match &row.verdict {
                _ if row.id == summary.reference => Some(1.0),
                Some(verdict) if verdict.n > 0 => Some(verdict.ratio),
                _ => None,
            };
            Some(Rank { row, ratio: ratio?, tie: tie(row, summary) })
        })
        .collect();
    let lead = |tie: Tie, own: f64, ranks: &[Rank<'_>]| {
        let others = ranks.iter().filter(|rank| tie.is_some() && rank.tie == tie);
        others.map(|rank| rank.ratio).fold(own, f64::min)
    };
    let leads: Vec<f64> = ranks.iter().map(|r| lead(r.tie, r.ratio, &ranks)).collect();
    let mut order: Vec<usize> = (0..ranks.len()).collect();
    order.sort_by(|&a, &b| {
        let by = |f: &dyn Fn(usize) -> f64| f(a).total_cmp(&f(b));
        by(&|i| leads[i])
            .then(ranks[a].tie.cmp(&ranks[b].tie))
            .then(by(&|i| ranks[i].ratio))
            .then(Ordering::Equal)
    });
    let mut sorted: Vec<Option<Rank<'_>>> = ranks.drain(..).map(Some).collect();
    order.into_iter().filter_map(|i| sorted[i].take()).collect()
}

/// The leading group, where it is a dead heat; else those that are one with the reference.
fn tie(row: &Row, summary: &Summary) -> Tie {
    let group = summary.group.as_ref().filter(|group| group.equivalent);
    if group.is_some_and(|group| group.members.contains(&row.id)) {
        return Some(0);
    }
    let with_reference = row.id == summary.reference
        || row.verdict.as_ref().is_some_and(|v| v.verdict == Call::DeadHeat);
    let reference_leads = group.is_some_and(|group| group.members.contains(&summary.reference));
    (with_reference && !reference_leads).then_some(1)
}

fn brace(own: Tie, before: Option<Tie>, after: Option<Tie>) -> &'static str {
    let (up, down) = (before == Some(own), after == Some(own));
    match (own, up, down) {
        (Some(_), false, true) => "⎧",
        (Some(_), true, true) => "⎨",
        (Some(_), true, false) => "⎩",
        _ => " ",
    }
}

fn heading(race: &Race, summary: &Summary) -> Line {
    let mut line = Line::default();
    line.bold(summary.race.clone());
    let (done, of) = (summary.blocks, race.shape.blocks);
    let metric = summary.metric.name();
    line.muted(format!("  {metric}, block {done} of {of}, above 1 is slower"));
    line
}

fn model(rank: &Rank<'_>, brace: &str, width: usize, summary: &Summary) -> Line {
    let Rank { row, ratio, .. } = rank;
    let mut line = Line::default();
    line.colour(AnsiColor::Cyan, format!("{brace} "));
    line.plain(format!("{:width$}  ", row.id));
    if row.id == summary.reference {
        line.plain(format!("{:<22}", human::ratio(1.0)));
        line.muted("reference");
        return line;
    }
    let interval = row.verdict.as_ref().and_then(|verdict| verdict.lo.zip(verdict.hi));
    let shown = match interval {
        Some(_) => human::ratio_interval(*ratio, interval),
        None => human::ratio(*ratio),
    };
    line.plain(format!("{shown:<22}"));
    let (colour, word) = match (interval, row.verdict.as_ref().map(|v| v.verdict)) {
        (None, _) | (_, None) => (None, "too early to tell"),
        (_, Some(Call::Faster)) => (Some(AnsiColor::Green), "faster"),
        (_, Some(Call::FasterSizeUndecided)) => (Some(AnsiColor::Green), "faster, size undecided"),
        (_, Some(Call::DeadHeat)) => (Some(AnsiColor::Cyan), "dead heat"),
        (_, Some(Call::SlowerSizeUndecided)) => (Some(AnsiColor::Red), "slower, size undecided"),
        (_, Some(Call::Slower)) => (Some(AnsiColor::Red), "slower"),
        (_, Some(Call::Undecided)) => (None, "undecided"),
    };
    match colour {
        Some(colour) => line.colour(colour, word),
        None => line.muted(word),
    }
    line
}

fn failure(row: &Row, width: usize) -> Option<Line> {
    let (colour, why) = match &row.state {
        State::Failed(cause) => (Some(AnsiColor::Red), format!("failed: {cause}")),
        State::Partly { failed, cause } => {
            (Some(AnsiColor::Red), format!("failed in {failed} blocks: {cause}"))
        }
        State::NotApplicable(why) => (None, format!("not applicable: {why}")),
        State::Infeasible(why) => (None, why.clone()),
        State::Raced | State::Absent => return None,
    };
    let mut line = Line::default();
    let text = format!("  {:width$}  {why}", row.id);
    match colour {
        Some(colour) => line.colour(colour, text),
        None => line.muted(text),
    }
    Some(line)
}

fn twin(summary: &Summary) -> Option<Line> {
    let twin = summary.twin.as_ref()?;
    let floor = match summary.noise_floor() {
        Some(floor) => format!("noise floor {}", human::percent(floor)),
        None => format!("{} so far", human::ratio(twin.ratio)),
    };
    let mut line = Line::default();
    if summary.is_invalid() {
        line.colour(AnsiColor::Yellow, format!("  same code, twice: {floor} — INVALID"));
    } else {
        line.muted(format!("  same code, twice: {floor}"));
    }
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use deadheat_core::{
        record::{Control, Shape, Verdict},
        stats::Group,
    };

    fn row(id: &str, ratio: f64, half: Option<f64>, verdict: Call) -> Row {
        let (lo, hi) = (half.map(|h| ratio / (1.0 + h)), half.map(|h| ratio * (1.0 + h)));
        let verdict = Verdict { ratio, lo, hi, n: 8, verdict, ..Verdict::default() };
        Row { id: id.into(), verdict: Some(verdict), ..Row::default() }
    }

    fn board(rows: Vec<Row>, group: Option<Group>, width: usize) -> String {
        let race = Race { shape: Shape { blocks: 16, ..Shape::default() }, ..Race::default() };
        let (lo, hi) = (Some(0.988), Some(1.013));
        let summary = Summary {
            race: "tcp-echo/closed-16".into(),
            reference: "threads/per-task".into(),
            blocks: 8,
            rows,
            group,
            twin: Some(Control { ratio: 1.001, lo, hi, n: 8, ..Control::default() }),
            ..Summary::default()
        };
        let lines = lines(&race, &summary);
        let text: Vec<_> = lines.iter().map(|line| line.render(width, false)).collect();
        text.join("\n")
    }

    fn field() -> Vec<Row> {
        vec![
            row("threads/pool-64", 1.21, Some(0.04), Call::Slower),
            Row { id: "threads/per-task".into(), ..Row::default() },
            row("tokio/block-on", 0.98, Some(0.03), Call::DeadHeat),
            row("tokio/current-thread", 0.84, Some(0.02), Call::Faster),
            row("tokio/multi-thread", 0.842, Some(0.03), Call::Faster),
            row("smol/single", 0.97, None, Call::Undecided),
            Row {
                id: "blocking/sequential".into(),
                state: State::NotApplicable("a waiting task holds the thread".into()),
                ..Row::default()
            },
            Row {
                id: "rayon/pool".into(),
                state: State::Failed("it ended: signal 11\n\x1b[2J".into()),
                ..Row::default()
            },
        ]
    }

    #[test]
    fn the_best_stands_first_and_dead_heats_are_braced() {
        let members = ["tokio/current-thread", "tokio/multi-thread"].map(String::from).into();
        let group =
            Some(Group { members, equivalent: true, within: Some(0.03), ..Group::default() });
        insta::assert_snapshot!(board(field(), group, 100), @r"
        tcp-echo/closed-16  throughput, block 8 of 16, above 1 is slower
        ⎧ tokio/current-thread  0.840 [0.824, 0.857]  faster
        ⎩ tokio/multi-thread    0.842 [0.817, 0.867]  faster
          smol/single           0.970                 too early to tell
        ⎧ tokio/block-on        0.980 [0.951, 1.009]  dead heat
        ⎩ threads/per-task      1.000                 reference
          threads/pool-64       1.21 [1.16, 1.26]     slower
          blocking/sequential   not applicable: a waiting task holds the thread
          rayon/pool            failed: it ended: signal 11  [2J
          same code, twice: noise floor 1.3%
        ");
    }

    #[test]
    fn a_narrow_terminal_cuts_lines_and_tears_none() {
        insta::assert_snapshot!(board(field(), None, 34), @r"
        tcp-echo/closed-16  throughput, b…
          tokio/current-thread  0.840 [0.…
          tokio/multi-thread    0.842 [0.…
          smol/single           0.970    …
        ⎧ tokio/block-on        0.980 [0.…
        ⎩ threads/per-task      1.000    …
          threads/pool-64       1.21 [1.1…
          blocking/sequential   not appli…
          rayon/pool            failed: i…
          same code, twice: noise floor 1…
        ");
    }
}
