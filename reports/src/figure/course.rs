//! Latency over the course of a race: a line of cells for each contender, one cell per slice, in
//! the order in which they were run. A cell's shade says how its latency compares with the
//! contender's own median, so that a bad minute is a column, and who is uneven has a spotted line.
//! How contenders compare with each other is what all other figures are about.

use deadheat_core::{
    record::{Race, Role, Slice},
    stats::{Row, Summary, human, median},
};

use super::{
    NARROW, axis,
    svg::{Anchor, CHAR, Svg, cut},
};
use crate::{table::Table, words};

/// The slices of one contender.
pub(crate) struct Lane<'a> {
    /// The contender's id.
    pub(crate) id: String,
    /// As it is shown.
    pub(crate) name: String,
    /// Block, and the slice; in order.
    pub(crate) slices: Vec<(usize, &'a Slice)>,
    /// Operations that one sample covers.
    per_sample: u64,
}

/// Shades, from the fastest slices to the slowest.
const SHADES: usize = 7;
/// Fewer slices than this have no course.
const LEAST: usize = 4;

/// Everyone's slices, as they stand in the table.
pub(crate) fn lanes<'a>(race: &'a Race, summary: &Summary) -> Vec<Lane<'a>> {
    let table = Table::of(summary);
    let rows = table.lines.iter().map(|line| line.row).filter(|row| row.role != Role::Handicapped);
    let lane = |row: &Row| {
        let trials = race.blocks.iter().flat_map(|block| {
            let all = block.trials.iter().map(move |trial| (block.index, trial));
            all.filter(|(_, trial)| trial.contender == row.id && trial.outcome.is_ok())
        });
        let slices: Vec<(usize, &Slice)> = trials
            .flat_map(|(block, trial)| trial.slices.iter().map(move |slice| (block, slice)))
            .filter(|(_, slice)| slice.p50_ns > 0)
            .collect();
        let per_sample = race.shape.ops_per_sample.max(1);
        let (id, name) = (row.id.clone(), words::name(row));
        (slices.len() >= LEAST).then_some(Lane { id, name, slices, per_sample })
    };
    rows.filter_map(lane).collect()
}

/// Draws the 99th percentile of every slice; `None` where there are too few slices.
pub(crate) fn course(lanes: &[Lane<'_>], width: f64) -> Option<String> {
    let values = |lane: &Lane<'_>| -> Vec<f64> {
        let all = tails(lane);
        let own = median(&all).unwrap_or(1.0);
        all.into_iter().map(|value| value / own).collect()
    };
    let mut all: Vec<f64> = lanes.iter().flat_map(values).collect();
    all.sort_by(f64::total_cmp);
    // The outermost hundredth would take all shades for itself.
    let (lo, hi) = (*all.get(all.len() / 100)?, *all.get(all.len() - 1 - all.len() / 100)?);
    let narrow = width < NARROW;
    let longest = lanes.iter().map(|lane| lane.name.chars().count()).max().unwrap_or(0);
    let left = if narrow { 2.0 } else { (longest as f64 * CHAR + 14.0).min(180.0) };
    let right = width - 2.0;
    let (top, step) = if narrow { (6.0, 34.0) } else { (6.0, 20.0) };
    let columns = lanes.iter().map(|lane| lane.slices.len()).max()?;
    let bottom = top + step * lanes.len() as f64;
    let mut svg = Svg::new(width, bottom + 66.0, &spoken(lanes));
    let shade = axis::Log::new((lo, hi), (0.0, SHADES as f64 - 0.001));
    let column = (right - left) / columns as f64;
    let mut cells: Vec<Vec<(f64, f64)>> = vec![Vec::new(); SHADES];
    for (place, lane) in lanes.iter().enumerate() {
        let y = top + step * place as f64 + if narrow { 24.0 } else { 10.0 };
        let at = if narrow { (left, y - 11.0) } else { (left - 10.0, y + 4.0) };
        let anchor = if narrow { Anchor::Start } else { Anchor::End };
        let room = if narrow { width } else { left - 12.0 };
        svg.text(at, anchor, "label", &cut(&lane.name, room));
        for (place, value) in values(lane).into_iter().enumerate() {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 6")]
            let shade = shade.at(value) as usize;
            cells[shade.min(SHADES - 1)].push((left + column * place as f64, y));
        }
    }
    for (shade, cells) in cells.iter().enumerate() {
        svg.strokes(cells, column, &format!("cell h{shade}"));
    }
    let rounds = |lane: &Lane<'_>| -> Vec<usize> {
        let blocks = lane.slices.windows(2).enumerate();
        blocks.filter(|(_, pair)| pair[0].0 != pair[1].0).map(|(place, _)| place + 1).collect()
    };
    // Where blocks meet is only the same for all if nobody lost one.
    let full = lanes.iter().find(|lane| lane.slices.len() == columns)?;
    if lanes.iter().all(|lane| lane.slices.len() == columns) {
        for place in rounds(full) {
            let x = left + column * place as f64;
            svg.line((x, bottom + 1.0), (x, bottom + 5.0), "axis");
        }
    }
    svg.line((left, bottom + 1.0), (right, bottom + 1.0), "axis");
    let mid = f64::midpoint(left, right);
    let title = "slices in the order of the race; ticks part the blocks";
    svg.text((mid, bottom + 20.0), Anchor::Middle, "title", &cut(title, width));
    legend(&mut svg, (left, bottom + 42.0), (right - left).min(420.0), (lo, hi));
    Some(svg.finish())
}

/// Operations of a slice that let its 99th percentile be read: ten lie beyond it.
const READABLE: u64 = 1_000;

/// The 99th percentile of every slice, or the median of lanes whose slices hold too few operations.
fn tails(lane: &Lane<'_>) -> Vec<f64> {
    let samples = |slice: &Slice| slice.done / lane.per_sample;
    let readable = lane.slices.iter().filter(|(_, slice)| samples(slice) >= READABLE).count();
    let tail = 2 * readable > lane.slices.len();
    let of = |slice: &Slice| if tail { slice.p99_ns } else { slice.p50_ns };
    lane.slices.iter().map(|(_, slice)| of(slice) as f64).collect()
}

/// What the shades mean.
fn legend(svg: &mut Svg, (left, y): (f64, f64), width: f64, (lo, hi): (f64, f64)) {
    let (low, high) = (format!("p99 ÷ own median {lo:.2}"), format!("{hi:.2}"));
    // A figure's digits are wider than its letters.
    let room = |text: &str| (text.chars().count() + 1) as f64 * CHAR * 1.15;
    let (start, end) = (left + room(&low), left + width - room(&high));
    let shade = (end - start) / SHADES as f64;
    svg.text((left, y + 4.0), Anchor::Start, "tick", &low);
    for place in 0..SHADES {
        svg.strokes(&[(start + shade * place as f64, y)], shade, &format!("cell h{place}"));
    }
    svg.text((left + width, y + 4.0), Anchor::End, "tick", &high);
}

fn spoken(lanes: &[Lane<'_>]) -> String {
    let mut text = String::from("99th percentile of each slice; median and largest:");
    for lane in lanes {
        let values = tails(lane);
        let most = values.iter().copied().fold(0.0, f64::max);
        let middle = median(&values).unwrap_or_default();
        text = format!("{text} {} {}, {};", lane.name, human::time(middle), human::time(most));
    }
    text.chars().take(390).collect()
}
