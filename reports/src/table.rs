//! The table of a race, once for all formats: which columns, which rows, which texts.

use deadheat_core::{
    record::{Metric, Role},
    stats::{Row, State, Summary, human},
};

use crate::words;

/// What a cell without a number shows; never zero.
pub(crate) const NONE: &str = "–";

/// How a cell begins whose quantile has no value, and what that means.
const ABOVE: &str = "> ";
const ABOVE_MEANS: &str =
    "> x: the quantile lies among operations that failed or never ended; x is the slowest that did";

/// How a latency begins whose model waits off the clock, and what that means.
const UNTIMED: &str = "†";
const UNTIMED_MEANS: &str =
    "†: it waits off the clock: this latency leaves out a wait, and is not compared";

/// A column of numbers.
#[derive(Clone, Copy)]
pub(crate) struct Column {
    /// Its heading, with the unit where the cells have none.
    pub(crate) head: &'static str,
    /// What it means, for those who ask.
    #[cfg_attr(not(feature = "html"), expect(dead_code, reason = "only the page has room for it"))]
    pub(crate) about: &'static str,
    /// Higher ones are left out first where space is short.
    pub(crate) rank: u8,
    value: fn(&Row) -> Option<String>,
}

/// A line of the table.
pub(crate) struct Line<'a> {
    /// What it shows.
    pub(crate) row: &'a Row,
    /// First column.
    pub(crate) name: String,
    /// One text per column; empty where the row has no numbers at all.
    pub(crate) cells: Vec<String>,
    /// The ratio to the reference with its interval.
    pub(crate) ratio: String,
    /// The verdict, or why there is none.
    pub(crate) verdict: String,
    /// Whether it is in the leading group.
    pub(crate) leads: bool,
}

/// A race's table.
pub(crate) struct Table<'a> {
    /// Only those in which some row has a number.
    pub(crate) columns: Vec<Column>,
    /// Leading group, other models by ratio, those without numbers, controls.
    pub(crate) lines: Vec<Line<'a>>,
}

const COLUMNS: [Column; 9] = [
    Column {
        head: "per unit",
        about: "memory of one more waiting unit: slope of RSS, kernel stacks and page tables",
        rank: 0,
        value: |row| row.memory_unit.map(human::bytes),
    },
    Column {
        head: "p50",
        about: "median latency, merged over all blocks",
        rank: 1,
        value: |row| quantile(row, Metric::P50, row.p50),
    },
    Column {
        head: "p99",
        about: "99th percentile of latency, merged over all blocks",
        rank: 0,
        value: |row| quantile(row, Metric::P99, row.p99),
    },
    Column {
        head: "ops/s",
        about: "throughput: operations per second, median over blocks",
        rank: 0,
        value: |row| row.throughput.map(human::count),
    },
    Column {
        head: "CPU/op",
        about: "CPU time of the contender per operation, median over blocks",
        rank: 2,
        value: |row| row.cpu_ns.map(human::time),
    },
    Column {
        head: "switches/op",
        about: "voluntary and involuntary context switches per operation",
        rank: 4,
        value: |row| row.switches.map(human::count),
    },
    Column {
        head: "peak memory",
        about: "peak of RSS, kernel stacks and page tables of the process, median over blocks",
        rank: 3,
        value: |row| row.memory_peak.map(human::bytes),
    },
    Column {
        head: "own share",
        about: "CPU time of the contender per operation ÷ what is compared: how much of it is its own doing",
        rank: 6,
        value: |row| row.share.map(human::percent),
    },
    Column {
        head: "workers",
        about: "threads that ran its work, as the model itself says",
        rank: 5,
        value: |row| {
            row.workers.map(|workers| match workers {
                0 => "one a task".into(),
                n => human::whole(n as u64),
            })
        },
    },
];

impl<'a> Table<'a> {
    /// Lays out a race.
    pub(crate) fn of(summary: &'a Summary) -> Self {
        // Where memory is asked for, an operation is a step of a climb, and nobody waits for it.
        let asked = |column: &Column| {
            summary.metric != Metric::Memory || ["per unit", "peak memory"].contains(&column.head)
        };
        let has = |column: &Column| {
            asked(column) && summary.rows.iter().any(|row| (column.value)(row).is_some())
        };
        let columns: Vec<Column> = COLUMNS.into_iter().filter(has).collect();
        let mut lines: Vec<Line<'a>> =
            summary.rows.iter().map(|row| Line::of(summary, row, &columns)).collect();
        lines.sort_by(|a, b| {
            a.place().cmp(&b.place()).then(a.cost(summary).total_cmp(&b.cost(summary)))
        });
        Self { columns, lines }
    }

    /// What the signs mean that latencies begin with, of those in the columns that are shown.
    pub(crate) fn notes(&self, is_shown: impl Fn(usize) -> bool) -> Vec<&'static str> {
        let has = |sign: &str| {
            self.lines.iter().any(|line| {
                line.cells.iter().enumerate().any(|(i, cell)| is_shown(i) && cell.contains(sign))
            })
        };
        let signs = [(ABOVE, ABOVE_MEANS), (UNTIMED, UNTIMED_MEANS)];
        signs.into_iter().filter(|(sign, _)| has(sign)).map(|(_, means)| means).collect()
    }

    /// Whether the leading group is a group, and so deserves a brace.
    pub(crate) fn is_braced(&self) -> bool {
        self.lines.iter().filter(|line| line.leads).count() > 1
    }
}

impl<'a> Line<'a> {
    fn of(summary: &Summary, row: &'a Row, columns: &[Column]) -> Self {
        let cells = if row.has_numbers() {
            columns
                .iter()
                .map(|column| (column.value)(row).unwrap_or_else(|| NONE.into()))
                .collect()
        } else {
            Vec::new()
        };
        let ratio = match &row.verdict {
            _ if !row.has_numbers() => String::new(),
            _ if row.id == summary.reference => "1".into(),
            Some(verdict) if verdict.n > 0 => {
                human::ratio_interval(verdict.ratio, verdict.lo.zip(verdict.hi))
            }
            _ => NONE.into(),
        };
        let leads = summary.leaders().contains(&row.id);
        let verdict = words::verdict(row, &summary.reference);
        Self { row, name: words::name(row), cells, ratio, verdict, leads }
    }

    fn place(&self) -> u8 {
        match (self.row.role, &self.row.state) {
            (Role::Model, State::Raced | State::Partly { .. }) if self.leads => 0,
            (Role::Model, State::Raced | State::Partly { .. }) => 1,
            (Role::Model, State::Failed(_)) => 2,
            (Role::Model, _) => 3,
            _ => 4,
        }
    }

    /// What it is sorted by: what has no number, or none that is known, comes last.
    fn cost(&self, summary: &Summary) -> f64 {
        match &self.row.verdict {
            _ if self.row.beyond.contains(&summary.metric) => f64::INFINITY,
            _ if self.row.id == summary.reference => 1.0,
            Some(verdict) if verdict.n > 0 => verdict.ratio,
            _ => f64::INFINITY,
        }
    }
}

fn quantile(row: &Row, metric: Metric, value: Option<f64>) -> Option<String> {
    let text = above(row, metric).or(value.map(human::time))?;
    Some(if row.conditions.waits_off_the_clock { format!("{UNTIMED}{text}") } else { text })
}

/// A quantile that lies among operations that never ended: all that is known is that it is longer
/// than the slowest that did.
pub(crate) fn above(row: &Row, metric: Metric) -> Option<String> {
    let slowest = row.slowest.filter(|_| row.beyond.contains(&metric))?;
    Some(longer_than(slowest))
}

/// The same for any quantile.
pub(crate) fn longer_than(slowest: f64) -> String {
    format!("{ABOVE}{}", human::time(slowest))
}

/// What the ratio compares, as a heading.
pub(crate) fn ratio_head(metric: Metric) -> &'static str {
    match metric {
        Metric::Throughput => "time per op ÷ reference",
        Metric::Makespan => "makespan ÷ reference",
        Metric::P50 => "p50 ÷ reference",
        Metric::P99 => "p99 ÷ reference",
        Metric::CpuTime => "CPU/op ÷ reference",
        Metric::Memory => "per unit ÷ reference",
    }
}

#[cfg(test)]
mod tests {
    use deadheat_core::{record::Verdict, stats::Conditions};

    use super::*;

    #[test]
    fn a_quantile_among_the_lost_is_above_the_slowest_and_last() {
        let row = |id: &str, ratio, p99| Row {
            id: id.into(),
            p99,
            slowest: Some(1.9e9),
            verdict: Some(Verdict { metric: Metric::P99, ratio, n: 8, ..Verdict::default() }),
            ..Row::default()
        };
        let lost = Row { beyond: vec![Metric::P99], ..row("lost", 0.5, None) };
        let rows = vec![lost, row("slow", 2.0, Some(4e6)), row("fast", 0.9, Some(2e6))];
        let summary = Summary { metric: Metric::P99, rows, ..Summary::default() };
        let table = Table::of(&summary);
        let names: Vec<&str> = table.lines.iter().map(|line| line.name.as_str()).collect();
        assert_eq!(names, ["fast", "slow", "lost"]);
        let cells: Vec<&String> = table.lines.iter().flat_map(|line| &line.cells).collect();
        assert_eq!(cells, ["2.00 ms", "4.00 ms", "> 1.90 s"]);
        let notes = table.notes(|_| true);
        assert!(notes.len() == 1 && notes[0].contains("never ended"), "{notes:?}");
    }

    #[test]
    fn a_latency_that_leaves_out_a_wait_is_marked() {
        let row = |id: &str, waits_off_the_clock| Row {
            id: id.into(),
            p99: Some(2e6),
            throughput: Some(50.0),
            conditions: Conditions { waits_off_the_clock, ..Conditions::default() },
            ..Row::default()
        };
        let rows = vec![row("pool", true), row("tasks", false)];
        let summary = Summary { rows, ..Summary::default() };
        let table = Table::of(&summary);
        let cells: Vec<&String> = table.lines.iter().flat_map(|line| &line.cells).collect();
        assert_eq!(cells, ["†2.00 ms", "50.0", "2.00 ms", "50.0"]);
        let notes = table.notes(|_| true);
        assert!(notes.len() == 1 && notes[0].contains("waits off the clock"), "{notes:?}");
        assert!(table.notes(|column| column > 0).is_empty(), "there is no room for the column");
    }
}
