//! A report for a pull request: conclusions first, tables folded, always below GitHub's limit.

use std::fmt::Write;

use deadheat_core::{
    record::{Race, Record, Role},
    stats::{Sentence, Summary, Topic, judge_capacity, summary, sweeps},
};

use crate::{
    Error, Format, Options, Output, lost,
    table::{Table, ratio_head},
    words,
};

pub(crate) const FORMAT: Format = Format {
    id: "md",
    extension: "md",
    about: "GitHub-flavoured Markdown that fits a pull request",
    render,
};

/// GitHub takes 65,536 characters; the rest is for the line that says what is missing.
const LIMIT: usize = 65_000;

#[expect(clippy::unnecessary_wraps, reason = "the registry's signature")]
fn render(record: &Record, _: &Options) -> Result<Vec<Output>, Error> {
    let machine = escape(&words::machine(&record.machine));
    let mut text = format!("## deadheat\n\nOn {machine}.\n\n");
    for warning in record.warnings.iter().take(20) {
        let _ = writeln!(text, "> **Warning:** {}", escape(&words::warning(warning)));
    }
    let mut room = LIMIT - text.chars().count().min(LIMIT) - 1_000;
    let parts: Vec<(String, String)> =
        record.races.iter().map(|race| section(record, race)).collect();
    let mut folded = String::new();
    let mut missing = 0;
    for (headline, details) in &parts {
        // A race's details are dropped before its headline is.
        let (short, long) = (headline.chars().count(), details.chars().count());
        if short > room {
            missing += 1;
            continue;
        }
        text.push_str(headline);
        room -= short;
        if long <= room {
            folded.push_str(details);
            room -= long;
        } else {
            missing += 1;
        }
    }
    for sweep in sweeps(&record.races) {
        let _ = writeln!(text, "### {}\n", escape(&words::clean(&sweep.id)));
        for sentence in sweep.sentences() {
            let _ = writeln!(text, "- {}", escaped(&words::sentence(&sentence)));
        }
    }
    for capacity in &record.capacities {
        let (title, shape) = words::capacity(capacity);
        let _ = writeln!(text, "### {}\n\n{}\n", escape(&title), escape(&shape));
        for warning in &capacity.warnings {
            let _ = writeln!(text, "> **Warning:** {}", escape(&words::warning(warning)));
        }
        for sentence in judge_capacity(capacity).sentences() {
            let _ = writeln!(text, "- {}", escaped(&words::sentence(&sentence)));
        }
    }
    if record.races.is_empty() && record.capacities.is_empty() {
        text.push_str("Nothing was raced.\n");
    }
    text.push('\n');
    text.push_str(&folded);
    if missing > 0 {
        let _ = writeln!(text, "_No room for {missing} more; `deadheat report` has them all._\n");
    }
    let _ = writeln!(text, "<sub>{}</sub>", escape(&words::run(record)));
    Ok(vec![Output::text("report.md", text)])
}

/// The line that everybody reads, and the table that some unfold.
fn section(record: &Record, race: &Race) -> (String, String) {
    let summary = summary(race);
    let sentences = summary.sentences();
    let id = escape(&race.id);
    let blunt = if summary.is_blunt() { " (BLUNT)" } else { "" };
    let mut headline = format!("- **{id}**{blunt}: ");
    let first =
        sentences.iter().filter(|s| matches!(s.topic, Topic::Validity | Topic::Lead | Topic::Size));
    let first: Vec<String> = first.map(said).collect();
    headline.push_str(if first.is_empty() { "no result." } else { "" });
    headline.push_str(&first.join(" "));
    headline.push('\n');
    let mut details = format!("<details><summary>{id}</summary>\n\n");
    if !race.operation.is_empty() {
        let _ = writeln!(details, "One operation: {}  ", escape(&race.operation));
    }
    let _ = writeln!(details, "{}\n", escape(&words::shape(race)));
    table(&mut details, &summary);
    for sentence in sentences.iter().filter(|s| s.topic > Topic::Size) {
        let _ = writeln!(details, "- {}", said(sentence));
    }
    for warning in race.warnings.iter().chain(&lost::clipped(race)) {
        let _ = writeln!(details, "- **Warning:** {}", escape(&words::warning(warning)));
    }
    let _ = writeln!(
        details,
        "\n```sh\n{}\n```\n\n</details>\n",
        words::command(record, race).replace('`', "'")
    );
    (headline, details)
}

fn said(sentence: &Sentence) -> String {
    let text = escaped(&words::sentence(&sentence.text));
    if sentence.topic == Topic::Validity { format!("**{text}**") } else { text }
}

fn table(text: &mut String, summary: &Summary) {
    let table = Table::of(summary);
    let heads: Vec<&str> = table.columns.iter().map(|column| column.head).collect();
    let _ = write!(text, "| model |");
    for head in &heads {
        let _ = write!(text, " {head} |");
    }
    let _ = writeln!(text, " {} | verdict |", ratio_head(summary.metric));
    let _ = writeln!(text, "|:--|{}:--|:--|", "--:|".repeat(heads.len()));
    for line in &table.lines {
        let name = escape(&line.name);
        let name = match line.row.role {
            Role::Model if line.leads => format!("**{name}**"),
            Role::Model => name,
            _ => format!("_{name}_"),
        };
        let _ = write!(text, "| {name} |");
        for i in 0..heads.len() {
            let cell = line.cells.get(i).map_or("", String::as_str);
            let _ = write!(text, " {} |", escaped(cell));
        }
        let _ = writeln!(text, " {} | {} |", escape(&line.ratio), escape(&line.verdict));
    }
    for note in table.notes(|_| true) {
        let _ = writeln!(text, "\n_{}_", escaped(note));
    }
    text.push('\n');
}

/// Text as text: no markup, no table cell of its own, no mention, no link.
fn escape(text: &str) -> String {
    escaped(&words::clean(text))
}

/// What is clean already.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '@' => escaped.push_str("&#64;"),
            '#' => escaped.push_str("&#35;"),
            ':' => escaped.push_str("&#58;"),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '~' | '!' => {
                escaped.push('\\');
                escaped.push(c);
            }
            _ => escaped.push(c),
        }
    }
    // A colon is only dangerous where it makes a link.
    escaped.replace("&#58; ", ": ")
}
