//! Figures as small SVG texts: ratio intervals, the percentile spectrum, memory per unit.
//!
//! They are drawn at the width at which they are shown, because scaled text is illegible on a
//! phone. Colours are CSS variables, so that one text serves light and dark pages; shapes, dashes
//! and labels carry every meaning that a colour has.
//!
//! Not in here: interaction. Numbers are in the tables beside the figures.

pub(crate) mod axis;
pub(crate) mod forest;
pub(crate) mod labels;
pub(crate) mod memory;
pub(crate) mod palette;
pub(crate) mod spectrum;
pub(crate) mod svg;

/// What every figure is drawn from.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) race: &'a deadheat_core::record::Race,
    pub(crate) measures: &'a deadheat_core::stats::Measures<'a>,
    pub(crate) summary: &'a deadheat_core::stats::Summary,
}

/// Figures narrower than this give labels lines of their own.
pub(crate) const NARROW: f64 = 480.0;
