//! The table that a terminal shows, fitted to its width, ending in sentences.
//!
//! Where space is short, columns are left out (and named), never squeezed: model, ratio and
//! verdict always stay.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use deadheat_core::{
    record::{Call, Record, Role, Warning},
    stats::{Summary, Topic, human, judge_capacity, summary, sweeps},
};

use crate::{
    Error, Format, Options, Output, lost,
    table::{Line, NONE, Table, ratio_head},
    words,
};

pub(crate) const FORMAT: Format = Format {
    id: "terminal",
    extension: "txt",
    about: "tables and conclusions for a terminal",
    render,
};

/// How the terminal's parts are coloured. Never the only carrier of a meaning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Styles {
    /// A race's id.
    pub heading: Style,
    /// Column heads, controls, rows without numbers.
    pub muted: Style,
    /// "faster".
    pub faster: Style,
    /// "slower" and failures.
    pub slower: Style,
    /// "dead heat", and who leads.
    pub dead_heat: Style,
    /// Warnings and invalid races.
    pub warning: Style,
}

impl Styles {
    /// No escape sequences at all.
    pub const fn plain() -> Self {
        let none = Style::new();
        Self {
            heading: none,
            muted: none,
            faster: none,
            slower: none,
            dead_heat: none,
            warning: none,
        }
    }

    /// The sixteen colours that every terminal lets its user choose.
    pub const fn coloured() -> Self {
        Self {
            heading: Style::new().bold(),
            muted: Style::new().dimmed(),
            faster: AnsiColor::Green.on_default(),
            slower: AnsiColor::Red.on_default(),
            dead_heat: AnsiColor::Cyan.on_default(),
            warning: AnsiColor::Yellow.on_default().bold(),
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the registry's signature")]
fn render(record: &Record, options: &Options) -> Result<Vec<Output>, Error> {
    let mut text = String::new();
    let styles = &options.styles;
    let _ = writeln!(text, "{}", words::run(record));
    let _ = writeln!(text, "{}", words::machine(&record.machine));
    if !options.told.is_empty() {
        let note = "(the warnings given before the run are not repeated; the page has them)";
        let mut plain = String::new();
        wrap(&mut plain, options.width, "", note);
        for line in plain.lines() {
            let _ = writeln!(text, "{}", paint(styles.muted, line));
        }
    }
    for warning in &record.warnings {
        warn(&mut text, options, warning);
    }
    for race in &record.races {
        let summary = summary(race);
        let shape = format!("{}{}", words::shape(race), own_share(&summary));
        heading(&mut text, options, &words::clean(&race.id), &shape);
        if !race.operation.is_empty() {
            wrap(&mut text, options.width, "  ", &words::clean(&race.operation));
        }
        table(&mut text, &summary, options);
        for warning in race.warnings.iter().chain(&lost::clipped(race)) {
            warn(&mut text, options, warning);
        }
        for sentence in summary.sentences() {
            let style = match sentence.topic {
                Topic::Validity => styles.warning,
                Topic::Lead | Topic::Size => styles.heading,
                Topic::Control => styles.muted,
                _ => Style::new(),
            };
            let mut plain = String::new();
            wrap(&mut plain, options.width, "  ", &words::tie(&words::sentence(&sentence.text)));
            for line in plain.lines() {
                let _ = writeln!(text, "  {}", paint(style, line.trim_start()));
            }
        }
    }
    for sweep in sweeps(&record.races) {
        heading(&mut text, options, &words::clean(&sweep.id), "sweep");
        for sentence in sweep.sentences() {
            wrap(&mut text, options.width, "  ", &words::tie(&words::sentence(&sentence)));
        }
    }
    for capacity in &record.capacities {
        let (title, shape) = words::capacity(capacity);
        heading(&mut text, options, &title, &shape);
        for warning in &capacity.warnings {
            warn(&mut text, options, warning);
        }
        for sentence in judge_capacity(capacity).sentences() {
            wrap(&mut text, options.width, "  ", &words::tie(&words::sentence(&sentence)));
        }
    }
    if record.races.is_empty() && record.capacities.is_empty() {
        let _ = writeln!(text, "\nNothing was raced.");
    }
    Ok(vec![Output::text("report.txt", text)])
}

/// How much of what is compared is the models' own doing, least to most: a verdict can't be read
/// without it, and its column may have no room.
fn own_share(summary: &Summary) -> String {
    let models = summary.rows.iter().filter(|row| row.role == Role::Model);
    let shares: Vec<f64> = models.filter_map(|row| row.share).collect();
    let least = shares.iter().copied().reduce(f64::min).map(human::percent);
    let most = shares.iter().copied().reduce(f64::max).map(human::percent);
    match (least, most) {
        (Some(least), Some(most)) if least == most => format!(" · own share {most}"),
        (Some(least), Some(most)) => format!(" · own share {least} to {most}"),
        _ => String::new(),
    }
}

/// The race and how it was run, on one line if that fits.
fn heading(text: &mut String, options: &Options, id: &str, shape: &str) {
    let styles = &options.styles;
    let _ = write!(text, "\n{}", paint(styles.heading, id));
    if columns(id) + GAP + columns(shape) <= options.width {
        let _ = writeln!(text, "  {}", paint(styles.muted, shape));
        return;
    }
    let mut plain = String::from("\n");
    wrap(&mut plain, options.width, "  ", shape);
    text.push_str(&paint(styles.muted, &plain));
}

/// A warning, unless its reader has been told.
fn warn(text: &mut String, options: &Options, warning: &Warning) {
    if options.told.contains(warning) {
        return;
    }
    let full = format!("warning: {}", words::warning(warning));
    let mut plain = String::new();
    wrap(&mut plain, options.width, "  ", full.trim());
    for line in plain.lines() {
        let _ = writeln!(text, "{}", paint(options.styles.warning, line));
    }
}

/// Text with its style; without one, the text alone.
fn paint(style: Style, text: &str) -> String {
    if style.is_plain() { text.to_owned() } else { format!("{style}{text}{style:#}") }
}

/// Writes words into lines of at most `width` columns, each after `indent`.
fn wrap(text: &mut String, width: usize, indent: &str, words: &str) {
    let room = width.max(40).saturating_sub(indent.len());
    let mut line = String::new();
    for word in words.split(' ').filter(|word| !word.is_empty()) {
        let longer = line.chars().count() + 1 + word.chars().count();
        if !line.is_empty() && longer > room {
            let _ = writeln!(text, "{indent}{line}");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.chars().map(|c| if c == '\u{A0}' { ' ' } else { c }));
    }
    if !line.is_empty() {
        let _ = writeln!(text, "{indent}{line}");
    }
}

const GAP: usize = 2;
/// Below this width words are shortened, to leave room for one more column of numbers.
const SPACIOUS: usize = 100;
/// What a question mark stands for there.
const OPEN: &str = ", size undecided";

fn table(text: &mut String, summary: &Summary, options: &Options) {
    let table = Table::of(summary);
    let numbered: Vec<&Line<'_>> =
        table.lines.iter().filter(|line| !line.cells.is_empty()).collect();
    if !numbered.is_empty() {
        grid(text, summary, &table, &numbered, options);
    }
    for line in table.lines.iter().filter(|line| line.cells.is_empty()) {
        let full = format!("{}: {}", line.name, line.verdict);
        let mut plain = String::new();
        wrap(&mut plain, options.width, "    ", &full);
        for line in plain.lines() {
            let _ = writeln!(text, "{}", paint(options.styles.muted, line));
        }
    }
    text.push('\n');
}

fn grid(
    text: &mut String,
    summary: &Summary,
    table: &Table<'_>,
    lines: &[&Line<'_>],
    options: &Options,
) {
    let width_of = |texts: &mut dyn Iterator<Item = &str>| texts.map(columns).max().unwrap_or(0);
    let name = width_of(&mut lines.iter().map(|line| line.name.as_str())).min(40);
    let short = options.width < SPACIOUS;
    let head = if short { "ratio" } else { ratio_head(summary.metric) };
    let verdicts: Vec<String> = lines
        .iter()
        .map(|line| if short { line.verdict.replace(OPEN, "?") } else { line.verdict.clone() })
        .collect();
    let ratio = width_of(&mut lines.iter().map(|line| line.ratio.as_str()).chain([head]));
    let verdict = width_of(&mut verdicts.iter().map(String::as_str));
    let widths: Vec<usize> = table
        .columns
        .iter()
        .enumerate()
        .map(|(i, column)| {
            width_of(&mut lines.iter().map(|line| line.cells[i].as_str()).chain([column.head]))
        })
        .collect();
    let kept = fit(table, &widths, 2 + name + GAP + ratio + GAP + verdict, options.width);
    let mut heads = format!("  {:<name$}", "");
    for &i in &kept {
        let _ = write!(heads, "  {:>1$}", table.columns[i].head, widths[i]);
    }
    let _ = write!(heads, "  {head:<ratio$}");
    let _ = writeln!(text, "{}", paint(options.styles.muted, heads.trim_end()));
    for (place, line) in lines.iter().enumerate() {
        let mut row = format!("{:<name$}", cut(&line.name, name));
        for &i in &kept {
            let _ = write!(row, "  {:>1$}", line.cells[i], widths[i]);
        }
        let _ = write!(row, "  {:<ratio$}", line.ratio);
        let brace = brace(table, lines, place);
        let styles = &options.styles;
        let (style, word) = match line.row.call() {
            _ if line.row.role != Role::Model => (styles.muted, styles.muted),
            Call::Faster | Call::FasterSizeUndecided => (Style::new(), styles.faster),
            Call::Slower | Call::SlowerSizeUndecided => (Style::new(), styles.slower),
            Call::DeadHeat => (Style::new(), styles.dead_heat),
            Call::Undecided => (Style::new(), styles.muted),
        };
        let (row, brace) = (paint(style, &row), paint(styles.dead_heat, brace));
        let _ = writeln!(text, "{brace} {row}  {}", paint(word, &verdicts[place]));
    }
    notes(text, table, lines, &kept, options);
}

/// What a reader of the table would otherwise have to guess.
fn notes(
    text: &mut String,
    table: &Table<'_>,
    lines: &[&Line<'_>],
    kept: &[usize],
    options: &Options,
) {
    let every = table.columns.iter().enumerate();
    let dropped: Vec<&str> =
        every.filter(|(i, _)| !kept.contains(i)).map(|(_, column)| column.head).collect();
    let mut plain = String::new();
    if !dropped.is_empty() {
        let note =
            format!("(no room for {}; a wider terminal or the page has them)", dropped.join(", "));
        wrap(&mut plain, options.width, "  ", &note);
    }
    if lines.iter().any(|line| line.cells.iter().any(|cell| cell == NONE)) {
        let note = format!("({NONE}: too few samples, or not available here)");
        wrap(&mut plain, options.width, "  ", &note);
    }
    for note in table.notes(|column| kept.contains(&column)) {
        wrap(&mut plain, options.width, "  ", &format!("({note})"));
    }
    if options.width < SPACIOUS && lines.iter().any(|line| line.verdict.contains(OPEN)) {
        wrap(&mut plain, options.width, "  ", "(?: there is a difference, its size is undecided)");
    }
    for line in plain.lines() {
        let _ = writeln!(text, "{}", paint(options.styles.muted, line));
    }
}

/// Which columns fit beside those that always stay.
fn fit(table: &Table<'_>, widths: &[usize], fixed: usize, width: usize) -> Vec<usize> {
    let mut kept: Vec<usize> = (0..widths.len()).collect();
    let total = |kept: &[usize]| fixed + kept.iter().map(|i| widths[*i] + GAP).sum::<usize>();
    while total(&kept) > width {
        let Some(least) = kept.iter().copied().max_by_key(|i| table.columns[*i].rank) else {
            break;
        };
        kept.retain(|i| *i != least);
    }
    kept
}

/// The leading group is braced together; a single leader has a mark of its own.
fn brace(table: &Table<'_>, lines: &[&Line<'_>], place: usize) -> &'static str {
    let leads = |place: usize| lines.get(place).is_some_and(|line| line.leads);
    match (leads(place), place > 0 && leads(place - 1), leads(place + 1)) {
        (false, _, _) => " ",
        _ if !table.is_braced() => "▸",
        (_, false, _) => "┌",
        (_, true, true) => "│",
        (_, true, false) => "└",
    }
}

fn columns(text: &str) -> usize {
    text.chars().count()
}

fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}
