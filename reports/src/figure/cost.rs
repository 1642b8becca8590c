//! What an operation costs its contender: CPU time, and context switches (voluntary and not) beside
//! it. Bars start at
//! 0, so their lengths are the amounts.

use deadheat_core::{
    record::Role,
    stats::{Row, human},
};

use super::{
    NARROW, Subject,
    axis::Linear,
    palette::classes,
    svg::{Anchor, CHAR, Svg, cut},
};
use crate::{table::Table, words};

/// One of the two groups of bars.
struct Panel {
    title: &'static str,
    value: fn(&Row) -> Option<f64>,
    show: fn(f64) -> String,
}

const PANELS: [Panel; 2] = [
    Panel { title: "CPU time per operation", value: |row| row.cpu_ns, show: human::time },
    Panel { title: "switches per operation", value: |row| row.switches, show: human::count },
];

/// Room for the number behind a bar.
const NUMBER: f64 = 62.0;

/// Draws the contenders that have CPU times; `None` where nobody has.
pub(crate) fn cost(subject: Subject<'_>, width: f64) -> Option<String> {
    let table = Table::of(subject.summary);
    let rows: Vec<&Row> = table
        .lines
        .iter()
        .map(|line| line.row)
        .filter(|row| row.role == Role::Model && row.cpu_ns.is_some())
        .collect();
    let panels: Vec<&Panel> =
        PANELS.iter().filter(|panel| rows.iter().any(|row| (panel.value)(row).is_some())).collect();
    if rows.is_empty() {
        return None;
    }
    let narrow = width < NARROW;
    let longest = rows.iter().map(|row| words::name(row).chars().count()).max().unwrap_or(0);
    let names = if narrow { 0.0 } else { (longest as f64 * CHAR + 14.0).min(180.0) };
    let step = if narrow { 34.0 } else { 22.0 };
    let top = 24.0;
    let panel = (width - names) / panels.len() as f64;
    let height = top + step * rows.len() as f64 + 8.0;
    let mut svg = Svg::new(width, height, &spoken(&rows, &panels));
    for (place, row) in rows.iter().enumerate() {
        let y = top + step * place as f64;
        let (x, y, anchor) = if narrow {
            (8.0, y + 13.0, Anchor::Start)
        } else {
            (names - 10.0, y + 15.0, Anchor::End)
        };
        let room = if narrow { width } else { names - 12.0 };
        svg.text((x, y), anchor, "label", &cut(&words::name(row), room));
    }
    for (place, shown) in panels.iter().enumerate() {
        let left = names + panel * place as f64 + 2.0;
        let title = cut(shown.title, panel - 6.0);
        svg.text((left, 13.0), Anchor::Start, "title", &title);
        let most = rows.iter().filter_map(|row| (shown.value)(row)).fold(0.0, f64::max);
        let axis = Linear::new(most, (left, left + panel - NUMBER - 10.0));
        for (place, row) in rows.iter().enumerate() {
            let y = top + step * place as f64 + if narrow { 17.0 } else { 4.0 };
            let Some(value) = (shown.value)(row) else { continue };
            let class = format!("bar {}", classes(&row.id));
            svg.rect((left, y), ((axis.at(value) - left).max(1.0), 13.0), &class);
            let at = (axis.at(value).max(left + 1.0) + 5.0, y + 11.0);
            svg.text(at, Anchor::Start, "number", &(shown.show)(value));
        }
        svg.line((left, top), (left, height - 6.0), "axis");
    }
    Some(svg.finish())
}

fn spoken(rows: &[&Row], panels: &[&Panel]) -> String {
    let mut text = String::from("Cost per operation:");
    for row in rows {
        text = format!("{text} {}", words::name(row));
        for panel in panels {
            if let Some(value) = (panel.value)(row) {
                text = format!("{text} {}", (panel.show)(value));
            }
        }
        text.push(';');
    }
    text.chars().take(390).collect()
}
