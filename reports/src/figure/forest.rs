//! Ratios to the reference with their intervals, the margin within which they count as equal,
//! and the same code, twice. Faint dots are the blocks: the noise itself.

use deadheat_core::{
    record::{Call, Metric, Role},
    stats::{Row, human},
};

use super::{
    NARROW, Subject, axis,
    svg::{Anchor, CHAR, Svg, cut},
};
use crate::{
    figure::palette::classes,
    table::{Table, ratio_head},
    words,
};

/// Where at least this many models lie within `NEAR` of the reference, those beyond it are arrows
/// at the edge: they would squeeze the differences that need looking at.
const CROWD: usize = 3;
const NEAR: f64 = 3.0;

struct Plot {
    axis: axis::Log,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    row: f64,
    narrow: bool,
    width: f64,
}

/// Draws the comparisons on the summary's metric; `None` where there are none.
pub(crate) fn forest(subject: Subject<'_>, width: f64) -> Option<String> {
    let table = Table::of(subject.summary);
    let rows: Vec<&Row> =
        table.lines.iter().map(|line| line.row).filter(|row| is_shown(row, subject)).collect();
    let compared = rows.iter().filter(|row| row.verdict.is_some()).count();
    if compared == 0 {
        return None;
    }
    let narrow = width < NARROW;
    let row = if narrow { 38.0 } else { 24.0 };
    let longest = rows.iter().map(|row| words::name(row).chars().count()).max().unwrap_or(0);
    let numbers = rows.iter().map(|row| numbers(row).chars().count()).max().unwrap_or(0) as f64;
    let left = if narrow { 14.0 } else { (longest as f64 * CHAR + 14.0).min(180.0) };
    let right = if narrow { width - 14.0 } else { width - numbers * CHAR - 14.0 };
    let (top, bottom) = (26.0, 26.0 + row * rows.len() as f64);
    let axis = axis::Log::new(range(&rows, subject), (left, right));
    let plot = Plot { axis, left, right, top, bottom, row, narrow, width };
    let mut svg = Svg::new(width, bottom + 44.0, &spoken(&rows, subject));
    plot.frame(&mut svg, subject);
    for (place, row) in rows.iter().enumerate() {
        plot.row(&mut svg, place, row, subject);
    }
    Some(svg.finish())
}

fn is_shown(row: &Row, subject: Subject<'_>) -> bool {
    let reference = row.id == subject.summary.reference;
    row.has_numbers() && (reference || row.verdict.as_ref().is_some_and(|verdict| verdict.n > 0))
}

/// From the least to the largest end, the band and some air included.
fn range(rows: &[&Row], subject: Subject<'_>) -> (f64, f64) {
    let verdicts = || rows.iter().filter_map(|row| row.verdict.as_ref());
    let is_near = |ratio: f64| (1.0 / NEAR..=NEAR).contains(&ratio);
    let models = rows.iter().filter(|row| row.role == Role::Model);
    let near = models.filter_map(|row| row.verdict.as_ref()).filter(|v| is_near(v.ratio)).count();
    let margin = 1.0 + subject.summary.margin;
    let mut range = (1.0 / margin, margin);
    for verdict in verdicts().filter(|verdict| near < CROWD || is_near(verdict.ratio)) {
        for end in [Some(verdict.ratio), verdict.lo, verdict.hi].into_iter().flatten() {
            range = (range.0.min(end), range.1.max(end));
        }
    }
    let air = (range.1 / range.0).powf(0.06).max(1.01);
    (range.0 / air, range.1 * air)
}

fn spoken(rows: &[&Row], subject: Subject<'_>) -> String {
    let mut text =
        format!("{}, 1 is {}:", ratio_head(subject.summary.metric), subject.summary.reference);
    for row in rows {
        if let Some(verdict) = &row.verdict {
            let interval = human::ratio_interval(verdict.ratio, verdict.lo.zip(verdict.hi));
            text = format!("{text} {} {interval};", words::name(row));
        }
    }
    // The longest text that is spoken in one piece is the table's business.
    text.chars().take(390).collect()
}

impl Plot {
    fn frame(&self, svg: &mut Svg, subject: Subject<'_>) {
        let margin = 1.0 + subject.summary.margin;
        let band = (self.axis.at(1.0 / margin), self.axis.at(margin));
        svg.rect((band.0, self.top - 4.0), (band.1 - band.0, self.bottom - self.top + 4.0), "band");
        for tick in self.axis.ticks(&axis::ratios(), 34.0) {
            let x = self.axis.at(tick);
            svg.line((x, self.top - 4.0), (x, self.bottom), "grid");
            svg.text((x, self.bottom + 15.0), Anchor::Middle, "tick", &tick_text(tick));
        }
        let one = self.axis.at(1.0);
        svg.line((one, self.top - 4.0), (one, self.bottom + 3.0), "one");
        svg.line((self.left, self.bottom), (self.right, self.bottom), "axis");
        let (less, more) = match subject.summary.metric {
            Metric::Memory | Metric::CpuTime => ("← less", "more →"),
            _ => ("← faster", "slower →"),
        };
        let room = 10.0 * CHAR;
        if one - self.left > room {
            svg.text((one - 8.0, self.top - 12.0), Anchor::End, "hint", less);
        }
        if self.right - one > room {
            svg.text((one + 8.0, self.top - 12.0), Anchor::Start, "hint", more);
        }
        let mid = f64::midpoint(self.left, self.right);
        let mid = if self.narrow { self.width / 2.0 } else { mid };
        let title = format!("{}, log scale", ratio_head(subject.summary.metric));
        svg.text((mid, self.bottom + 34.0), Anchor::Middle, "title", &title);
    }

    fn row(&self, svg: &mut Svg, place: usize, row: &Row, subject: Subject<'_>) {
        let top = self.top + self.row * place as f64;
        let y = if self.narrow { top + 27.0 } else { top + self.row / 2.0 };
        let class = match row.role {
            Role::Model => classes(&row.id),
            _ => "control".into(),
        };
        let name = words::name(row);
        let label = if row.role == Role::Model { "label" } else { "label quiet" };
        let numbers = numbers(row);
        if self.narrow {
            let room = self.width - 24.0 - numbers.chars().count() as f64 * CHAR;
            svg.text((self.left, top + 14.0), Anchor::Start, label, &cut(&name, room));
            svg.text((self.right, top + 14.0), Anchor::End, "number", &numbers);
        } else {
            svg.text(
                (self.left - 10.0, y + 4.0),
                Anchor::End,
                label,
                &cut(&name, self.left - 12.0),
            );
            svg.text((self.width - 2.0, y + 4.0), Anchor::End, "number", &numbers);
        }
        let reference = &subject.summary.reference;
        let far = row.verdict.as_ref().is_some_and(|verdict| !self.axis.holds(verdict.ratio));
        if row.verdict.is_some() && !far {
            let pairs = subject.measures.pairs(subject.summary.metric, &row.id, reference);
            let dots: Vec<(f64, f64)> =
                pairs.iter().map(|pair| (self.axis.at(pair.d.exp()), y)).collect();
            svg.dots(&dots, &format!("dots {class}"));
        }
        self.interval(svg, y, row, &class);
    }

    fn interval(&self, svg: &mut Svg, y: f64, row: &Row, class: &str) {
        let Some(verdict) = &row.verdict else {
            let one = self.axis.at(1.0);
            svg.rect((one - 3.5, y - 3.5), (7.0, 7.0), &format!("mark {class}"));
            return;
        };
        if !self.axis.holds(verdict.ratio) {
            let (edge, inwards) =
                if verdict.ratio > 1.0 { (self.right, -1.0) } else { (self.left, 1.0) };
            let class = format!("curve {class}").replace(" d1", "").replace(" d2", "");
            svg.path(&[(edge + inwards * 26.0, y), (edge, y)], &class);
            let head = edge + inwards * 7.0;
            svg.path(&[(head, y - 5.0), (edge, y), (head, y + 5.0)], &class);
            return;
        }
        if let (Some(lo), Some(hi)) = (verdict.lo, verdict.hi) {
            let (lo, hi) = (self.axis.at(lo), self.axis.at(hi));
            let ends =
                [(lo, y - 4.0), (lo, y + 4.0), (lo, y), (hi, y), (hi, y - 4.0), (hi, y + 4.0)];
            svg.path(&ends, &format!("interval {class}"));
        }
        let x = self.axis.at(verdict.ratio);
        let open = matches!(
            verdict.verdict,
            Call::Undecided | Call::FasterSizeUndecided | Call::SlowerSizeUndecided
        );
        let mark = if open { "mark open" } else { "mark" };
        svg.circle((x, y), 4.2, &format!("{mark} {class}"));
    }
}

fn numbers(row: &Row) -> String {
    match &row.verdict {
        Some(verdict) => human::ratio_interval(verdict.ratio, verdict.lo.zip(verdict.hi)),
        None => "reference".into(),
    }
}

fn tick_text(tick: f64) -> String {
    let text = format!("{tick:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
