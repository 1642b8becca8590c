//! Latency over the course of a race where each slice kept its histogram: one small map for each
//! contender, slices to the right, latency upwards, shade for how many operations took that long.

use deadheat_core::{
    record::Histograms,
    stats::{histogram, human},
};

use super::{
    NARROW, axis,
    course::Lane,
    svg::{Anchor, Svg, cut},
};

/// Shades, from few operations to many.
const SHADES: usize = 7;
/// Bands of latency in a map.
const BANDS: usize = 26;
/// Columns of a map at most: slices beyond them share one.
const COLUMNS: usize = 64;
/// The height of a map, and of its name.
const HEIGHT: f64 = 104.0;
const HEAD: f64 = 18.0;

/// Operations of a contender, by column and band.
struct Map<'a> {
    name: &'a str,
    columns: Vec<Vec<(u64, u64)>>,
}

/// Draws a map for every contender; `None` where the record did not keep its slices' histograms.
pub(crate) fn heat(lanes: &[Lane<'_>], width: f64) -> Option<String> {
    let maps: Vec<Map<'_>> = lanes.iter().filter_map(Map::of).collect();
    let values = || maps.iter().flat_map(|map| map.columns.iter().flatten());
    let lo = values().map(|(value, _)| *value).min()? as f64;
    let hi = values().map(|(value, _)| *value).max()? as f64;
    let across = if width < NARROW { 1 } else { 3 };
    let axis_width = 52.0;
    let panel = (width - axis_width) / across as f64;
    let rows = maps.len().div_ceil(across);
    let row = HEIGHT + HEAD + 10.0;
    let mut svg = Svg::new(width, row * rows as f64 + 22.0, &spoken(&maps, (lo, hi)));
    for (place, map) in maps.iter().enumerate() {
        let left = axis_width + panel * (place % across) as f64;
        let top = row * (place / across) as f64 + HEAD;
        let bands = axis::Log::new((lo.max(1.0), hi.max(2.0)), (top + HEIGHT, top));
        svg.text((left, top - 5.0), Anchor::Start, "label", &cut(map.name, panel - 8.0));
        if place.is_multiple_of(across) {
            for tick in bands.ticks(&axis::decades(), 30.0) {
                let text = axis::short(&human::time(tick));
                svg.text((left - 6.0, bands.at(tick) + 4.0), Anchor::End, "tick", &text);
            }
        }
        map.draw(&mut svg, &bands, (left, left + panel - 10.0), (top, top + HEIGHT));
    }
    let mid = f64::midpoint(axis_width, width);
    let title = "slices in the order of the race; latency upwards, log scale";
    svg.text((mid, row * rows as f64 + 14.0), Anchor::Middle, "title", &cut(title, width));
    Some(svg.finish())
}

impl<'a> Map<'a> {
    fn of(lane: &'a Lane<'_>) -> Option<Self> {
        let texts: Vec<&Histograms> =
            lane.slices.iter().filter_map(|(_, slice)| slice.hist.as_ref()).collect();
        let share = texts.len().div_ceil(COLUMNS).max(1);
        let column = |some: &[&Histograms]| {
            let texts = some.iter().map(|hist| match hist.response.as_str() {
                "" => hist.service.as_str(),
                response => response,
            });
            let merged = histogram::merge(texts)?;
            let counts = merged.iter_recorded();
            Some(counts.map(|v| (v.value_iterated_to(), v.count_at_value())).collect())
        };
        let columns: Vec<Vec<(u64, u64)>> = texts.chunks(share).filter_map(column).collect();
        (!columns.is_empty()).then_some(Self { name: &lane.name, columns })
    }

    fn draw(
        &self,
        svg: &mut Svg,
        bands: &axis::Log,
        (left, right): (f64, f64),
        (top, bottom): (f64, f64),
    ) {
        let (column, band) =
            ((right - left) / self.columns.len() as f64, (bottom - top) / BANDS as f64);
        let mut cells: Vec<Vec<(f64, f64)>> = vec![Vec::new(); SHADES];
        for (place, values) in self.columns.iter().enumerate() {
            let mut counts = [0_u64; BANDS];
            for (value, count) in values {
                let at = (bands.at(*value as f64) - top) / band;
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "on the axis"
                )]
                let at = at as usize;
                counts[at.min(BANDS - 1)] += count;
            }
            let most = counts.iter().copied().max().unwrap_or(1).max(1) as f64;
            for (at, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                // By the logarithm: a single slow operation among thousands has to be seen.
                let part = (*count as f64).ln_1p() / most.ln_1p();
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "0 to 6"
                )]
                let shade = (part * (SHADES as f64 - 0.001)) as usize;
                let y = top + band * (at as f64 + 0.5);
                cells[shade.min(SHADES - 1)].push((left + column * place as f64, y));
            }
        }
        for (shade, cells) in cells.iter().enumerate() {
            svg.strokes(cells, column, &format!("cell thin h{shade}"));
        }
        svg.path(&[(left, top), (left, bottom), (right, bottom)], "axis frame");
    }
}

fn spoken(maps: &[Map<'_>], (lo, hi): (f64, f64)) -> String {
    let names: Vec<&str> = maps.iter().map(|map| map.name).collect();
    let (lo, hi) = (human::time(lo), human::time(hi));
    let text = format!("Latency of each slice as a heat map, {lo} to {hi}: {}", names.join(", "));
    text.chars().take(390).collect()
}
