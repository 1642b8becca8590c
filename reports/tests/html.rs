//! The page as bytes: its structure, that nothing of a record becomes markup, and its size. How it
//! looks and what its scripts do is asked of a browser, in `browser/`.

#![cfg(feature = "html")]

use std::sync::LazyLock;

use deadheat_core::{
    record::{Control, Metric, Record, Role},
    stats::sweeps,
};
use deadheat_reports::{Options, find};
use serde_json::{Value, json};

#[path = "support/records.rs"]
mod records;

static FAILURES: LazyLock<Record> = LazyLock::new(records::failures);
static HOSTILE: LazyLock<Record> = LazyLock::new(records::hostile);
static SMALL: LazyLock<Record> = LazyLock::new(records::small);
static EMPTY: LazyLock<Record> = LazyLock::new(records::empty);
static LOADS: LazyLock<Record> = LazyLock::new(records::loads);

fn page(record: &Record) -> String {
    let files = (find("html").unwrap().render)(record, &Options::default()).unwrap();
    String::from_utf8(files.into_iter().next().unwrap().bytes).unwrap()
}

/// The texts between a start and an end.
fn between<'a>(page: &'a str, start: &'a str, end: &'a str) -> Vec<&'a str> {
    page.split(start).skip(1).filter_map(|rest| rest.split(end).next()).collect()
}

/// The page without what is the same in all pages, or too long to be read: style sheet, scripts,
/// data, paths.
fn structure(page: &str) -> String {
    let mut text = page.to_owned();
    for (start, end) in [
        ("<style>", "</style>"),
        ("<script>", "</script>"),
        ("id=\"data\">", "</script>"),
        ("href=\"data:text/csv", "\""),
        (" d=\"", "\""),
        ("'sha256-", "'"),
    ] {
        for part in between(page, start, end) {
            text = text.replace(&format!("{start}{part}{end}"), &format!("{start}…{end}"));
        }
    }
    text
}

fn data(page: &str) -> Value {
    serde_json::from_str(between(page, "id=\"data\">", "</script>")[0]).unwrap()
}

#[test]
fn structure_of_pages() {
    insta::assert_snapshot!("html-small", structure(&page(&SMALL)));
    insta::assert_snapshot!("html-empty", structure(&page(&EMPTY)));
}

#[test]
fn nothing_of_a_record_becomes_markup() {
    let page = page(&HOSTILE);
    assert_eq!(page.matches("</title>").count(), 1);
    // The page's own three, and no other.
    assert_eq!(page.matches("<script").count(), 3);
    assert_eq!(page.matches("</script>").count(), 3);
    for markup in ["javascript:alert(2)\"", "\u{202E}", "\x1b", "<!--"] {
        assert!(!page.contains(markup), "{markup:?}");
    }
    assert!(between(&page, "aria-label=\"", "\"").iter().all(|label| !label.contains('<')));
    assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
    // As data it is there in full.
    let name = data(&page)["races"][0]["id"].as_str().unwrap().to_owned();
    assert!(name.contains("</title></svg><script>alert(1)</script>"), "{name}");
}

#[test]
fn the_page_asks_for_nothing() {
    for record in [&*SMALL, &*FAILURES, &*HOSTILE, &*EMPTY] {
        let page = page(record);
        assert!(page.contains("default-src 'none'") && !page.contains("unsafe-"));
        let page = page.replace("http://www.w3.org/2000/svg", "");
        let body = &page[..page.find("<script").unwrap()];
        let tags = body.split('<').skip(1).filter_map(|part| part.split('>').next());
        for tag in tags {
            for remote in ["src=", "@import", "url(", "http://", "https://", " on", " style="] {
                let quoted = tag.replace(" on ", " ");
                let outside = quoted.split('"').step_by(2).collect::<String>();
                assert!(!outside.contains(remote), "{tag}");
            }
        }
    }
}

#[test]
fn every_link_has_its_place() {
    for record in [&*SMALL, &*FAILURES, &*HOSTILE] {
        let page = page(record);
        for anchor in between(&page, "href=\"#", "\"") {
            let places = page.matches(&format!(" id=\"{anchor}\"")).count();
            assert_eq!(places, 1, "#{anchor}");
        }
    }
}

#[test]
fn the_data_are_the_pages_numbers() {
    let data = data(&page(&SMALL));
    let race = &data["races"][0];
    assert_eq!(race["id"], "tcp-echo/closed-16");
    let verdicts = race["verdicts"].as_array().unwrap();
    let verdict = verdicts.iter().find(|v| v["metric"] == "throughput").unwrap();
    let ratio = SMALL.races[0].verdicts[0].ratio;
    assert!((verdict["ratio"].as_f64().unwrap() - ratio).abs() < 1e-3 * ratio, "{verdict}");
    let ratios = race["block_ratios"]["tokio/multi-thread"].as_array().unwrap();
    assert_eq!(ratios.len(), SMALL.races[0].blocks.len());
    let grid = data["grid"].as_array().unwrap().len();
    let curve = race["service"]["tokio/multi-thread"].as_array().unwrap();
    assert!(curve.len() > 10 && curve.len() <= grid);
}

#[test]
fn controls_that_fail_are_said_loudly() {
    for (state, badge) in [("invalid", "INVALID"), ("blunt", "BLUNT")] {
        let mut record = SMALL.clone();
        let badges = |record: &Record| {
            page(record).matches(&format!("<span class=\"badge\">{badge}</span>")).count()
        };
        assert_eq!(badges(&record), 0);
        record.races[0].controls.push(Control {
            role: Role::Handicapped,
            metric: Metric::Throughput,
            truth: 1.1,
            ratio: 1.0,
            state: state.into(),
            ..Control::default()
        });
        assert_eq!(badges(&record), 2, "in its answer and in its section");
    }
}

#[test]
fn sweeps_are_judged_as_in_every_format() {
    let judged = sweeps(&LOADS.races);
    assert_eq!(judged.len(), 2);
    let page = page(&LOADS).replace('\u{A0}', " ");
    for sentence in judged.iter().flat_map(deadheat_core::stats::Sweep::sentences) {
        assert!(page.contains(&format!("<li>{sentence}</li>")), "{sentence}");
    }
    assert!(page.contains("Universal Scalability Law: too few cores to fit"));
    let data = data(&page);
    for (of, drawn) in judged.iter().zip(data["sweeps"].as_array().unwrap()) {
        assert_eq!(drawn["title"], of.id.as_str());
        for curve in drawn["curves"].as_array().unwrap() {
            let own = of.curves.iter().find(|own| own.contender == curve["id"]).unwrap();
            assert_eq!(curve["knee"].as_f64(), own.knee, "{curve}");
            let late: Vec<bool> = own.steps.iter().map(|step| !step.kept_up).collect();
            assert_eq!(curve["saturated"], json!(late), "{curve}");
        }
    }
    assert!(data["sweeps"][0]["curves"].as_array().unwrap().iter().any(|c| c["knee"] == 16));
    let files = (find("svg").unwrap().render)(&LOADS, &Options::default()).unwrap();
    for name in ["tcp-echo.closed-N.sweep.svg", "http-server.open-R-poisson.sweep.svg"] {
        assert!(files.iter().any(|file| file.name == name), "{name}");
    }
}

#[test]
fn what_was_measured_besides_is_shown() {
    let plain = page(&SMALL);
    assert!(plain.contains("<th scope=\"row\">system calls</th><td>not available</td>"));
    assert!(plain.contains("<th scope=\"row\">run-queue delay</th><td>not available</td>"));
    let mut record = SMALL.clone();
    for block in &mut record.races[0].blocks {
        for (place, trial) in block.trials.iter_mut().enumerate() {
            trial.facts.insert("hand_overs".into(), json!(7));
            for slice in &mut trial.slices {
                slice.position = place;
                slice.run_delay_ns = Some(2_000 * slice.executed);
            }
        }
    }
    let page = page(&record);
    for (what, shown) in [
        ("facts", "<li>Observed besides: hand overs: 7.</li>"),
        ("run-queue delay", "<td class=\"num\">2.00 µs</td>"),
        ("carry-over", "<summary>Carry-over: what it costs to run after each contender</summary>"),
        ("a predecessor", "<tr><th scope=\"row\">threads/per-task</th><td>"),
    ] {
        assert!(page.contains(shown) && !plain.contains(shown), "{what}");
    }
    assert!(page.contains("system calls") && !page.contains("run-queue delay</th><td>not"));
}

#[test]
fn on_paper_text_needs_no_background() {
    let page = page(&SMALL);
    let paper = page.split("@media print {").find(|part| part.contains("@page")).unwrap();
    for rule in [
        ".matrix td { color: var(--ink);",
        ".badge { color: var(--loud); background: none;",
        ".wide { display: block; } .narrow { display: none; }",
        "white-space: normal; overflow: visible; overflow-wrap: anywhere; max-width: none;",
    ] {
        assert!(paper.contains(rule), "{rule}");
    }
}

#[test]
fn on_paper_only_what_was_found_is_unfolded() {
    let page = page(&SMALL);
    let unfolded = ".how::details-content, .found::details-content { content-visibility: visible;";
    assert!(page.contains(unfolded) && !page.contains("details::details-content"));
    assert_eq!(page.matches("<details class=\"how\">").count(), 1);
    assert_eq!(page.matches("<details class=\"found\">").count(), 2, "percentiles, other metrics");
    assert!(page.matches("<details>").count() > 0, "how it was run");
}

#[test]
fn pages_stay_small() {
    let record = records::huge();
    let size = |races: usize| {
        let mut record = record.clone();
        record.races.truncate(races);
        let cells: usize = record.races.iter().map(|race| race.contenders.len()).sum();
        (cells, page(&record).len())
    };
    // As many races as a run of the default profile has.
    let (cells, bytes) = size(9);
    assert!(bytes <= 1_500_000, "{cells} cells: {bytes} bytes");
    // 8 MB for a thousand cells: a page grows with them, and fewer are quicker to make.
    let (cells, bytes) = size(41);
    assert!(cells > 400 && bytes <= 8_000 * cells, "{cells} cells: {bytes} bytes");
}
