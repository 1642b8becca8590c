//! An SVG being written: a few shapes, everything escaped.

use std::fmt::Write;

use crate::words::clean;

/// The average width of a character at the figures' font size, in user units. Labels are set in
/// the page's sans serif; this is generous for it.
pub(crate) const CHAR: f64 = 6.6;

/// A figure in the making.
pub(crate) struct Svg {
    width: f64,
    height: f64,
    label: String,
    body: String,
}

/// Where a text is held.
#[derive(Clone, Copy)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

impl Svg {
    /// `label` is what a screen reader says.
    pub(crate) fn new(width: f64, height: f64, label: &str) -> Self {
        Self { width, height, label: label.to_owned(), body: String::new() }
    }

    pub(crate) fn line(&mut self, from: (f64, f64), to: (f64, f64), class: &str) {
        let _ = write!(
            self.body,
            r#"<line class="{class}" x1="{}" y1="{}" x2="{}" y2="{}"/>"#,
            n(from.0),
            n(from.1),
            n(to.0),
            n(to.1)
        );
    }

    pub(crate) fn rect(&mut self, at: (f64, f64), size: (f64, f64), class: &str) {
        let _ = write!(
            self.body,
            r#"<rect class="{class}" x="{}" y="{}" width="{}" height="{}"/>"#,
            n(at.0),
            n(at.1),
            n(size.0.max(0.0)),
            n(size.1.max(0.0))
        );
    }

    pub(crate) fn circle(&mut self, at: (f64, f64), radius: f64, class: &str) {
        let _ = write!(
            self.body,
            r#"<circle class="{class}" cx="{}" cy="{}" r="{}"/>"#,
            n(at.0),
            n(at.1),
            n(radius)
        );
    }

    /// An open line through points.
    pub(crate) fn path(&mut self, points: &[(f64, f64)], class: &str) {
        if points.len() < 2 {
            return;
        }
        let _ = write!(self.body, r#"<path class="{class}" d=""#);
        for (i, (x, y)) in points.iter().enumerate() {
            let _ = write!(self.body, "{}{} {}", if i == 0 { 'M' } else { 'L' }, n(*x), n(*y));
        }
        self.body.push_str(r#""/>"#);
    }

    pub(crate) fn text(&mut self, at: (f64, f64), anchor: Anchor, class: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let _ = write!(
            self.body,
            r#"<text class="{class}" x="{}" y="{}" text-anchor="{anchor}">{}</text>"#,
            n(at.0),
            n(at.1),
            escape(text)
        );
    }

    /// A text turned by 90°, reading upwards.
    pub(crate) fn upright(&mut self, at: (f64, f64), class: &str, text: &str) {
        let (x, y) = (n(at.0), n(at.1));
        let _ = write!(
            self.body,
            r#"<text class="{class}" x="{x}" y="{y}" text-anchor="middle" transform="rotate(-90 {x} {y})">{}</text>"#,
            escape(text)
        );
    }

    /// The whole element. It has its size in pixels and shrinks with its container.
    pub(crate) fn finish(self) -> String {
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" class="figure" role="img" aria-label="{}" width="{w}" height="{h}" viewBox="0 0 {w} {h}">{}</svg>"#,
            escape(&self.label),
            self.body,
            w = n(self.width),
            h = n(self.height),
        )
    }
}

/// Text as text, in content and in attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in clean(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Cut to a width in user units.
pub(crate) fn cut(text: &str, width: f64) -> String {
    let text = clean(text);
    if text.chars().count() as f64 * CHAR <= width {
        return text;
    }
    let mut short = String::new();
    for c in text.chars() {
        if (short.chars().count() + 2) as f64 * CHAR > width {
            break;
        }
        short.push(c);
    }
    short.push('…');
    short
}

/// A coordinate: a tenth of a pixel is enough, and a number that is none is the origin.
fn n(value: f64) -> String {
    if !value.is_finite() {
        return "0".into();
    }
    let text = format!("{value:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" { "0".into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stay_texts() {
        let mut svg = Svg::new(10.0, 10.0, "\"><script>");
        svg.text((1.0, f64::NAN), Anchor::Start, "t", "</text><script>alert(1)</script>");
        let text = svg.finish();
        assert!(!text.contains("<script") && text.contains(r#"y="0""#), "{text}");
        assert!(text.contains("aria-label=\"&quot;&gt;&lt;script&gt;\""));
    }

    #[test]
    fn long_labels_are_cut() {
        assert_eq!(cut("threads/per-task", 200.0), "threads/per-task");
        let short = cut("a-family/with-a-very-long-variant", 100.0);
        assert!(short.ends_with('…') && short.chars().count() as f64 * CHAR <= 100.0);
    }
}
