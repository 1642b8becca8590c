//! Figures as small SVG texts: ratio intervals, percentile spectra, memory per unit, cost per
//! operation, latency over the course of a race, several loads of one scenario.
//!
//! They are drawn at the width at which they are shown, because scaled text is illegible on a
//! phone. Colours are CSS variables, so that one text serves light and dark pages; shapes, dashes
//! and labels carry every meaning that a colour has.
//!
//! Not in here: interaction (the page's script draws some of them anew). Numbers are in the tables
//! beside the figures.

pub(crate) mod axis;
pub(crate) mod cost;
pub(crate) mod course;
pub(crate) mod forest;
pub(crate) mod heat;
pub(crate) mod labels;
pub(crate) mod memory;
pub(crate) mod palette;
pub(crate) mod spectrum;
pub(crate) mod svg;
pub(crate) mod sweep;

/// What every figure is drawn from.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) race: &'a deadheat_core::record::Race,
    pub(crate) measures: &'a deadheat_core::stats::Measures<'a>,
    pub(crate) summary: &'a deadheat_core::stats::Summary,
}

/// Figures narrower than this give labels lines of their own.
pub(crate) const NARROW: f64 = 480.0;
