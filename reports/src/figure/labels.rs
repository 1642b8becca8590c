//! Labels beside the ends of lines, pushed apart where they would overlap; below the plot where
//! there is no room beside it.

use super::svg::{Anchor, CHAR, Svg, cut};

/// A line's name and where the line ends.
pub(crate) struct Label {
    pub(crate) text: String,
    pub(crate) class: String,
    pub(crate) end: (f64, f64),
}

const HEIGHT: f64 = 14.0;
/// The piece of line before a label below the plot.
const SAMPLE: f64 = 25.0;

/// Writes the labels at `x`, between `top` and `bottom`, each with a thin leader to its line.
pub(crate) fn beside(
    svg: &mut Svg,
    x: f64,
    (top, bottom): (f64, f64),
    width: f64,
    mut labels: Vec<Label>,
) {
    labels.sort_by(|a, b| a.end.1.total_cmp(&b.end.1));
    let mut heights: Vec<f64> = labels.iter().map(|label| label.end.1).collect();
    // Down from the top, then up from the bottom: the second pass only moves what ran over.
    for i in 1..heights.len() {
        heights[i] = heights[i].max(heights[i - 1] + HEIGHT);
    }
    let mut limit = bottom;
    for height in heights.iter_mut().rev() {
        *height = height.min(limit).max(top);
        limit = *height - HEIGHT;
    }
    for (label, y) in labels.iter().zip(heights) {
        svg.path(&[label.end, (x - 12.0, y), (x - 4.0, y)], &format!("leader {}", label.class));
        svg.text(
            (x, y + 4.0),
            Anchor::Start,
            &format!("label {}", label.class),
            &cut(&label.text, width),
        );
    }
}

/// How high the labels are below a plot of this width.
pub(crate) fn height_below<'a>(width: f64, labels: impl Iterator<Item = &'a str>) -> f64 {
    let lengths: Vec<usize> = labels.map(|label| label.chars().count()).collect();
    let columns = columns(width, lengths.iter().copied().max().unwrap_or(0));
    lengths.len().div_ceil(columns) as f64 * (HEIGHT + 3.0) + 6.0
}

/// Writes the labels in columns under the plot, each after a piece of its line.
pub(crate) fn below(svg: &mut Svg, x: f64, y: f64, width: f64, labels: &[Label]) {
    let longest = labels.iter().map(|label| label.text.chars().count()).max().unwrap_or(0);
    let columns = columns(width, longest);
    let column = width / columns as f64;
    for (i, label) in labels.iter().enumerate() {
        let x = x + (i % columns) as f64 * column;
        let y = y + (i / columns) as f64 * (HEIGHT + 3.0);
        svg.line((x, y - 4.0), (x + SAMPLE - 5.0, y - 4.0), &format!("curve {}", label.class));
        svg.text((x + SAMPLE, y), Anchor::Start, "label", &cut(&label.text, column - SAMPLE));
    }
}

fn columns(width: f64, longest: usize) -> usize {
    if (longest as f64 * CHAR + SAMPLE) * 2.0 <= width { 2 } else { 1 }
}
