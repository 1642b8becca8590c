//! What units cost in memory: growth over their number, with the regression line. Both axes are
//! logarithmic, and what the process had without any unit (the line's intercept) is taken off, so
//! that equal prices are equal heights and every line has the same slope.

use deadheat_core::{
    record::Role,
    stats::{Line, human, median, theil_sen},
};

use super::{
    NARROW, Subject, axis,
    labels::{self, Label},
    palette::classes,
    svg::{Anchor, Svg},
};
use crate::{table::Table, words};

/// A contender's price and name, its points (units, bytes of growth) and its line.
struct Cloud {
    name: String,
    class: String,
    points: Vec<(f64, f64)>,
    line: Line,
}

/// Draws all contenders that held units; `None` where nobody did.
pub(crate) fn memory(subject: Subject<'_>, width: f64) -> Option<String> {
    let clouds = clouds(subject);
    if clouds.is_empty() {
        return None;
    }
    let narrow = width < NARROW;
    let (left, right) = (72.0, if narrow { width - 12.0 } else { width - 200.0 });
    let (top, bottom) = (14.0, 284.0);
    let all = || clouds.iter().flat_map(|cloud| &cloud.points);
    let bound = |of: fn(&(f64, f64)) -> f64| {
        all().map(of).fold((f64::INFINITY, 0.0_f64), |(lo, hi), v| (lo.min(v), hi.max(v)))
    };
    let (units, sizes) = (bound(|point| point.0), bound(|point| point.1));
    let x = axis::Log::new((units.0 / 1.15, units.1 * 1.15), (left, right));
    let y = axis::Log::new((sizes.0 / 1.4, sizes.1 * 1.4), (bottom, top));
    let below = if narrow {
        labels::height_below(width - 16.0, clouds.iter().map(|cloud| cloud.name.as_str()))
    } else {
        0.0
    };
    let label = format!("Memory over waiting units: {}", spoken(&clouds));
    let mut svg = Svg::new(width, bottom + 46.0 + below, &label);
    frame(&mut svg, &x, &y, (left, right), (top, bottom));
    let mut names = Vec::new();
    for cloud in clouds {
        let ends: Vec<(f64, f64)> = span(&cloud.points)
            .iter()
            .map(|units| (x.at(*units), y.at(units * cloud.line.slope)))
            .collect();
        svg.path(&ends, &format!("curve {}", cloud.class));
        let dots: Vec<(f64, f64)> =
            cloud.points.iter().map(|(units, size)| (x.at(*units), y.at(*size))).collect();
        svg.dots(&dots, &format!("dots large {}", cloud.class));
        names.push(Label {
            text: cloud.name,
            class: cloud.class,
            end: *ends.last().unwrap_or(&(left, top)),
        });
    }
    if narrow {
        labels::below(&mut svg, 8.0, bottom + 60.0, width - 16.0, &names);
    } else {
        labels::beside(&mut svg, right + 20.0, (top, bottom), width - right - 20.0, names);
    }
    Some(svg.finish())
}

fn clouds(subject: Subject<'_>) -> Vec<Cloud> {
    let table = Table::of(subject.summary);
    let rows = table.lines.iter().map(|line| line.row).filter(|row| row.role != Role::Handicapped);
    let cloud = |row: &deadheat_core::stats::Row| {
        let trials = subject.race.trials(&row.id).map(|(_, trial)| trial);
        let slices = trials.filter(|trial| trial.outcome.is_ok()).flat_map(|trial| &trial.slices);
        let all: Vec<(f64, f64)> =
            slices.filter_map(|slice| Some((slice.units? as f64, slice.memory? as f64))).collect();
        let medians = per_count(&all);
        let line = theil_sen(&medians).filter(|line| line.slope > 0.0)?;
        let points: Vec<(f64, f64)> = medians
            .iter()
            .map(|(units, size)| (*units, size - line.intercept))
            .filter(|(units, size)| *units > 0.0 && *size > 0.0)
            .collect();
        let class = if row.role == Role::Model { classes(&row.id) } else { "control d2".into() };
        (!points.is_empty()).then(|| Cloud {
            // As in the table: the median of the blocks' slopes.
            name: format!(
                "{} {}",
                human::bytes(row.memory_unit.unwrap_or(line.slope)),
                words::name(row)
            ),
            class,
            points,
            line,
        })
    };
    rows.filter_map(cloud).collect()
}

/// The median over blocks at each number of units.
fn per_count(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut counts: Vec<f64> = points.iter().map(|point| point.0).collect();
    counts.sort_by(f64::total_cmp);
    counts.dedup();
    let at = |count: f64| {
        let same = points.iter().filter(|point| point.0.to_bits() == count.to_bits());
        median(&same.map(|point| point.1).collect::<Vec<_>>())
    };
    counts.iter().filter_map(|count| Some((*count, at(*count)?))).collect()
}

fn span(points: &[(f64, f64)]) -> [f64; 2] {
    points.iter().fold([f64::INFINITY, 0.0], |[lo, hi], point| [point.0.min(lo), point.0.max(hi)])
}

fn frame(
    svg: &mut Svg,
    x: &axis::Log,
    y: &axis::Log,
    (left, right): (f64, f64),
    (top, bottom): (f64, f64),
) {
    let sizes: Vec<f64> =
        (0..5).flat_map(|unit| [1.0, 10.0, 100.0].map(|size| size * 1024_f64.powi(unit))).collect();
    for tick in y.ticks(&sizes, 18.0) {
        svg.line((left, y.at(tick)), (right, y.at(tick)), "grid");
        let text = human::bytes(tick).replace(".00 ", " ").replace(".0 ", " ");
        svg.text((left - 6.0, y.at(tick) + 4.0), Anchor::End, "tick", &text);
    }
    for tick in x.ticks(&axis::decades(), 44.0) {
        svg.line((x.at(tick), top), (x.at(tick), bottom), "grid");
        let text = human::count(tick).replace(".00", "").replace(".0", "");
        svg.text((x.at(tick), bottom + 15.0), Anchor::Middle, "tick", &text);
    }
    svg.line((left, bottom), (right, bottom), "axis");
    let mid = f64::midpoint(left, right);
    svg.text((mid, bottom + 34.0), Anchor::Middle, "title", "waiting units, log scale");
    svg.upright((11.0, f64::midpoint(top, bottom)), "title", "memory above none, log scale");
}

fn spoken(clouds: &[Cloud]) -> String {
    let said: Vec<String> = clouds.iter().map(|cloud| cloud.name.clone()).collect();
    said.join("; ")
}
