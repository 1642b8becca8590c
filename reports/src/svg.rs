//! Each race's forest plot as a picture of its own, for READMEs, papers and slides.
//!
//! The same figure as in the page, with the page's style sheet inside: it follows the reader's
//! light or dark scheme wherever it is shown.

use deadheat_core::{
    record::{Race, Record},
    stats::{Measures, summary},
};

use crate::{
    Error, Format, Options, Output,
    figure::{Subject, forest},
    words::clean,
};

pub(crate) const FORMAT: Format = Format {
    id: "svg",
    extension: "svg",
    about: "the forest plot of each race, as a picture of its own",
    render,
};

/// The width of a picture, in pixels: a column of text on most pages.
const WIDTH: f64 = 760.0;

const STYLE: &str = include_str!("../templates/figure.css");

#[expect(clippy::unnecessary_wraps, reason = "the registry's signature")]
fn render(record: &Record, _: &Options) -> Result<Vec<Output>, Error> {
    Ok(record.races.iter().filter_map(picture).collect())
}

fn picture(race: &Race) -> Option<Output> {
    let (measures, summary) = (Measures::of(race), summary(race));
    let subject = Subject { race, measures: &measures, summary: &summary };
    let figure = forest::forest(subject, WIDTH)?;
    let (open, rest) = figure.split_once('>')?;
    let style = format!("<style><![CDATA[{STYLE}]]></style>");
    let text = format!("{open}>{style}{rest}\n");
    Some(Output::text(&format!("{}.svg", file_name(&race.id)), text))
}

/// A race's id as a file name: `tcp-echo/closed-16@free` is `tcp-echo.closed-16@free`.
fn file_name(id: &str) -> String {
    let kept = |c: char| c.is_ascii_alphanumeric() || "-=,+.@".contains(c);
    let name: String = clean(id).chars().map(|c| if kept(c) { c } else { '.' }).collect();
    let name = name.trim_start_matches('.');
    if name.is_empty() { "race".into() } else { name.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_id_leaves_the_folder() {
        assert_eq!(file_name("tcp-echo/closed-16@free"), "tcp-echo.closed-16@free");
        assert_eq!(file_name("../../etc/passwd"), "etc.passwd");
        assert_eq!(file_name("/"), "race");
    }
}
