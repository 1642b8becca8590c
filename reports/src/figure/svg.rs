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

    /// Many dots of one kind, as one element: round ends of lines without length.
    pub(crate) fn dots(&mut self, points: &[(f64, f64)], class: &str) {
        self.strokes(points, 0.0, class);
    }

    /// Many level strokes of one length, as one element: the cells of a heat map. Cells that touch
    /// become one.
    pub(crate) fn strokes(&mut self, starts: &[(f64, f64)], length: f64, class: &str) {
        if starts.is_empty() {
            return;
        }
        let _ = write!(self.body, r#"<path class="{class}" d=""#);
        let mut pen = Pen::default();
        let mut starts = starts.iter().peekable();
        while let Some(&(x, y)) = starts.next() {
            let mut end = x + length;
            while let Some(next) = starts.next_if(|next| touches(**next, (end, y), length)) {
                end = next.0 + length;
            }
            pen.go(&mut self.body, 'm', (x, y));
            pen.level(&mut self.body, end);
        }
        self.body.push_str(r#""/>"#);
    }

    /// An open line through points.
    pub(crate) fn path(&mut self, points: &[(f64, f64)], class: &str) {
        if points.len() < 2 {
            return;
        }
        let _ = write!(self.body, r#"<path class="{class}" d=""#);
        let mut pen = Pen::default();
        for (i, point) in points.iter().enumerate() {
            pen.go(&mut self.body, if i == 0 { 'm' } else { 'l' }, *point);
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

fn touches(next: (f64, f64), end: (f64, f64), length: f64) -> bool {
    length > 0.0 && (next.0 - end.0).abs() < 0.01 && (next.1 - end.1).abs() < 0.01
}

/// Where a path has come to, in tenths of a pixel: its steps are written relative to that, which
/// takes half the room, and rounding does not add up.
#[derive(Default)]
struct Pen {
    x: i64,
    y: i64,
    last: Option<char>,
}

impl Pen {
    fn go(&mut self, body: &mut String, how: char, (x, y): (f64, f64)) {
        let (x, y) = (tenths(x), tenths(y));
        // A line may go on without its letter, and does after a move.
        if self.last != Some(how) && !(self.last == Some('m') && how == 'l') {
            body.push(how);
            step(body, x - self.x, false);
        } else {
            step(body, x - self.x, true);
        }
        step(body, y - self.y, true);
        (self.x, self.y, self.last) = (x, y, Some(how));
    }

    fn level(&mut self, body: &mut String, x: f64) {
        let x = tenths(x);
        body.push('h');
        step(body, x - self.x, false);
        (self.x, self.last) = (x, Some('h'));
    }
}

/// Tenths as a number; a minus sign parts it from the one before, as would a space.
fn step(body: &mut String, tenths: i64, part: bool) {
    if part && tenths >= 0 {
        body.push(' ');
    }
    if tenths < 0 {
        body.push('-');
    }
    let (whole, tenth) = (tenths.unsigned_abs() / 10, tenths.unsigned_abs() % 10);
    let _ = match (whole, tenth) {
        (whole, 0) => write!(body, "{whole}"),
        (0, tenth) => write!(body, ".{tenth}"),
        (whole, tenth) => write!(body, "{whole}.{tenth}"),
    };
}

#[expect(clippy::cast_possible_truncation, reason = "a page is not that large")]
fn tenths(value: f64) -> i64 {
    if value.is_finite() { (value * 10.0).round() as i64 } else { 0 }
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
    fn paths_are_short_and_do_not_drift() {
        let mut svg = Svg::new(10.0, 10.0, "");
        svg.path(&[(10.0, 20.06), (10.5, 19.0), (9.0, f64::NAN)], "p");
        svg.strokes(&[(1.0, 5.0), (2.0, 5.0), (4.0, 5.0), (1.0, 7.0)], 1.0, "s");
        svg.dots(&[(1.0, 5.0), (1.0, 5.0)], "d");
        let text = svg.finish();
        assert!(text.contains(r#"class="p" d="m10 20.1 .5-1.1-1.5-19""#), "{text}");
        assert!(text.contains(r#"class="s" d="m1 5h2m1 0h1m-4 2h1""#), "{text}");
        assert!(text.contains(r#"class="d" d="m1 5h0m0 0h0""#), "{text}");
    }

    #[test]
    fn long_labels_are_cut() {
        assert_eq!(cut("threads/per-task", 200.0), "threads/per-task");
        let short = cut("a-family/with-a-very-long-variant", 100.0);
        assert!(short.ends_with('…') && short.chars().count() as f64 * CHAR <= 100.0);
    }
}
