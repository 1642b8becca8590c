//! Tables as they stand in documents, and the words for numbers in them. Pure.

use deadheat_core::stats::{Estimate, human, proportion};

/// Rows below a head, as a table of Markdown that is aligned for a terminal too.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table.
    pub(crate) fn new(head: &[&str]) -> Self {
        Self { rows: vec![head.iter().map(|&cell| cell.to_owned()).collect()] }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// A line each.
    pub(crate) fn lines(&self) -> Vec<String> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let cell = |row: &Vec<String>, column: usize| row.get(column).cloned().unwrap_or_default();
        let width = |column: usize| {
            self.rows.iter().map(|row| cell(row, column).chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let line = |row: &Vec<String>| {
            let cells = widths.iter().enumerate();
            let cells: Vec<_> =
                cells.map(|(column, width)| format!("{:width$}", cell(row, column))).collect();
            format!("| {} |", cells.join(" | "))
        };
        let mut lines: Vec<String> = self.rows.iter().map(line).collect();
        let rule: Vec<String> = widths.iter().map(|width| "-".repeat(width + 2)).collect();
        lines.insert(1, format!("|{}|", rule.join("|")));
        lines
    }
}

/// "3 of 80 = 3.8% [0.8%, 10.6%]", with the exact interval at 95%.
pub(crate) fn share(hits: usize, trials: usize) -> String {
    if trials == 0 {
        return "0 of 0".into();
    }
    let (lo, hi) = proportion(hits, trials, 0.95);
    let [seen, lo, hi] = [hits as f64 / trials as f64, lo, hi].map(percent);
    format!("{hits} of {trials} = {seen} [{lo}, {hi}]")
}

/// The most that a proportion is, at 95% one-sided: "0.93%".
pub(crate) fn at_most(hits: usize, trials: usize) -> String {
    let share = proportion(hits, trials, 0.90).1;
    format!("{:.2}%", share * 100.0)
}

/// "3.8%".
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

/// A median and its interval as ratios: "1.003 [0.998, 1.007]".
pub(crate) fn ratio(estimate: &Estimate) -> String {
    let interval = estimate.interval.map(|(lo, hi)| (lo.exp(), hi.exp()));
    if estimate.n == 0 {
        "—".into()
    } else {
        human::ratio_interval(estimate.point.exp(), interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_aligned() {
        let mut table = Table::new(&["a", "long head"]);
        table.row(["1.5 ± 2".to_owned(), "x".to_owned()]);
        table.row(["y".to_owned()]);
        let expected = [
            "| a       | long head |",
            "|---------|-----------|",
            "| 1.5 ± 2 | x         |",
            "| y       |           |",
        ];
        assert_eq!(table.lines(), expected);
    }

    #[test]
    fn proportions_carry_their_exact_intervals() {
        assert_eq!(share(3, 10), "3 of 10 = 30.0% [6.7%, 65.2%]");
        assert_eq!(share(0, 0), "0 of 0");
        assert_eq!(at_most(0, 300), "0.99%");
    }
}
