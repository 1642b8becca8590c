//! A line of styled text that is cut to a width without being torn.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

/// Pieces of text, each with a style. One character is one column: nothing wider is put in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Line(Vec<(Style, String)>);

impl Line {
    pub(crate) fn plain(&mut self, text: impl Into<String>) {
        self.push(Style::new(), text);
    }

    pub(crate) fn bold(&mut self, text: impl Into<String>) {
        self.push(Style::new().bold(), text);
    }

    pub(crate) fn muted(&mut self, text: impl Into<String>) {
        self.push(Style::new().dimmed(), text);
    }

    pub(crate) fn colour(&mut self, colour: AnsiColor, text: impl Into<String>) {
        self.push(colour.on_default(), text);
    }

    fn push(&mut self, style: Style, text: impl Into<String>) {
        // A control character of somebody's error message must not move the cursor.
        let text: String = text.into();
        let safe = text.chars().map(|c| if c.is_control() { ' ' } else { c });
        self.0.push((style, safe.collect()));
    }

    /// At most `width` columns; `…` stands for what was cut.
    pub(crate) fn render(&self, width: usize, colour: bool) -> String {
        let whole: usize = self.0.iter().map(|(_, text)| text.chars().count()).sum();
        let cut = whole > width;
        let mut left = if cut { width.saturating_sub(1) } else { width };
        let mut out = String::new();
        for (style, text) in &self.0 {
            let text: String = text.chars().take(left).collect();
            left -= text.chars().count();
            if colour && !text.is_empty() {
                let _ = write!(out, "{style}{text}{style:#}");
            } else {
                out += &text;
            }
        }
        if cut && width > 0 {
            out.push('…');
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_never_wider_than_it_may_be() {
        let mut line = Line::default();
        line.bold("⎧ tokio/multi-thread");
        line.plain("\x1b[2J  1.01\n");
        for width in 0..40 {
            let text = line.render(width, false);
            assert!(text.chars().count() <= width, "{width}: {text}");
            assert!(!text.contains(['\x1b', '\n']));
        }
        assert_eq!(line.render(5, false), "⎧ to…");
        assert!(line.render(40, true).contains("\x1b[1m"));
    }
}
