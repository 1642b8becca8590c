//! Operations that never ended: a quantile that lies among them has no value in any format, and
//! where there is room it is told as above the slowest that ended.

use std::sync::LazyLock;

use deadheat_core::{
    record::{Block, Foul, Kind, Race, Record, Slice},
    stats::{human, judge, summary},
};
use deadheat_reports::{Options, Output, find};

#[path = "support/records.rs"]
mod records;
#[path = "support/tiny.rs"]
#[expect(dead_code, reason = "other tests have the rest")]
mod tiny;

const MODEL: &str = "tokio/multi-thread";

/// Of 21,000 operations in each block, 1,000 never end: the 99th percentile is among them, the 90th
/// is not.
static LOST: LazyLock<Record> = LazyLock::new(|| {
    let mut record = tiny::ordinary();
    record.races.truncate(1);
    each_slice(&mut record.races[0], |slice| slice.censored = 1_000);
    record
});

fn each_slice(race: &mut Race, change: impl Fn(&mut Slice)) {
    for trial in race.blocks.iter_mut().flat_map(|block| &mut block.trials) {
        if trial.contender == MODEL {
            trial.slices.iter_mut().for_each(&change);
        }
    }
    let judgement = judge(race);
    (race.verdicts, race.controls) = (judgement.verdicts, judgement.controls);
}

fn files(format: &str, record: &Record) -> Vec<Output> {
    (find(format).unwrap().render)(record, &Options::default()).unwrap()
}

fn shown(format: &str, record: &Record) -> String {
    let files = files(format, record).into_iter();
    files.map(|file| String::from_utf8(file.bytes).unwrap()).collect()
}

/// "> 4.21 ms"
fn above() -> String {
    let summary = summary(&LOST.races[0]);
    let row = summary.rows.iter().find(|row| row.id == MODEL).unwrap();
    format!("> {}", human::time(row.slowest.unwrap()))
}

#[test]
fn tables_tell_it_as_above_the_slowest() {
    let above = above();
    for format in ["terminal", "md"] {
        let text = shown(format, &LOST).replace("&gt;", ">");
        let line = text.lines().find(|line| line.contains(MODEL) && line.contains(&above));
        assert!(line.is_some(), "{format}: {text}");
        let unwrapped = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(unwrapped.contains("never ended; x is the slowest that did"), "{format}: {text}");
    }
}

#[cfg(feature = "html")]
#[test]
fn the_page_tells_it_and_ends_its_curves_there() {
    // In half of the blocks: the others compare a p99, and it is not the whole race's.
    let mut record = LOST.clone();
    // As many rounds as were planned: else no quantile of a block counts.
    record.races[0].shape.rounds = 1;
    let blocks = record.races[0].blocks.iter_mut().skip(4);
    for slice in blocks.flat_map(|block| &mut block.trials).flat_map(|trial| &mut trial.slices) {
        slice.censored = 0;
    }
    each_slice(&mut record.races[0], |_| ());
    let page = shown("html", &record);
    let cell = format!("<td class=\"num\">{}</td>", above().replace('>', "&#62;"));
    // In the race's table, and in that of percentiles for three of five.
    assert_eq!(page.matches(&cell).count(), 4, "{cell}");
    assert!(page.contains("Some operations failed or never ended"));
    // By p99 it is not compared, and has nothing to be sorted by.
    let by_p99 = page.split("data-metric=\"p99\"").nth(1).unwrap();
    let of_model = by_p99.split("<td class=\"u\"").nth(1).unwrap();
    assert!(of_model.starts_with(" title=\"the quantile lies among operations"), "{of_model:.200}");
    let data = page.split("id=\"data\">").nth(1).unwrap().split("</script>").next().unwrap();
    let data: serde_json::Value = serde_json::from_str(data).unwrap();
    let points = |id: &str| data["races"][0]["service"][id].as_array().unwrap().len();
    // 12 points to a factor of ten in 1/(1−q), from 1 on: 160 of 164 is at 41.
    assert_eq!(points(MODEL), 20);
    assert!(points("threads/per-task") > 40);
}

#[test]
fn data_for_tools_leave_it_out() {
    let table = shown("csv", &LOST);
    let rows = |metric: &str| {
        let is = |line: &&str| line.contains(MODEL) && line.contains(&format!(",{metric},"));
        table.lines().filter(is).count()
    };
    assert_eq!((rows("service-p50"), rows("service-p90")), (8, 8));
    assert_eq!((rows("service-p99"), rows("service-p99.9")), (0, 0));
    assert!(table.contains("threads/per-task,closed-16,,same,,0,,service-p99,"), "{table}");
    let gauges = shown("openmetrics", &LOST);
    let has = |q: &str| {
        let labels = [format!("model=\"{MODEL}\""), format!("time=\"service\",quantile=\"{q}\"")];
        gauges.lines().any(|line| labels.iter().all(|label| line.contains(label)))
    };
    assert!(has("0.9") && !has("0.99") && !has("0.999"), "{gauges}");
    let cell = format!("tcp-echo/{MODEL}/closed-16");
    for format in ["gha", "criterion"] {
        let text = shown(format, &LOST);
        let has = |metric: &str| text.contains(&format!("{cell}/{metric}\""));
        assert!(has("p50") && !has("p99"), "{format}: {text}");
    }
    let bmf: serde_json::Value = serde_json::from_str(&shown("bmf", &LOST)).unwrap();
    assert!(bmf[&cell]["p50"].is_object() && bmf[&cell]["p99"].is_null(), "{bmf}");
}

#[test]
fn a_distribution_ends_where_operations_never_did() {
    let all = files("hgrm", &LOST);
    let text = |end: &str| {
        let is = |file: &&Output| file.name.contains("multi-thread") && file.name.ends_with(end);
        String::from_utf8(all.iter().find(is).unwrap().bytes.clone()).unwrap()
    };
    let distribution = text(".service.hgrm");
    let (comments, rows): (Vec<&str>, Vec<&str>) =
        distribution.lines().skip(2).partition(|line| line.starts_with('#'));
    let last: Vec<f64> =
        rows.last().unwrap().split_whitespace().map(|part| part.parse().unwrap()).collect();
    assert!((last[1] - 20.0 / 21.0).abs() < 1e-9 && (last[3] - 21.0).abs() < 0.01, "{last:?}");
    assert!(comments[0].starts_with("#[8000 operations failed or never ended"), "{comments:?}");
    assert!(text(".hlog").contains("\n#[8000 operations failed or never ended"));
}

#[test]
fn what_was_lost_in_foul_weather_is_set_aside_with_it() {
    let mut record = LOST.clone();
    let race = &mut record.races[0];
    let foul = |block: &Block| Foul { block: block.index, ..Foul::default() };
    race.foul = race.blocks.iter().map(foul).collect();
    let table = shown("csv", &record);
    assert!(table.contains(&format!("{MODEL},closed-16,,same,,0,,service-p99,")), "{table}");
}

#[test]
fn slices_say_what_was_compared_and_what_was_set_aside() {
    let mut record = LOST.clone();
    let race = &mut record.races[0];
    each_slice(race, |slice| {
        (slice.censored, slice.clipped, slice.progress) = (0, 3, Some(2_500.0));
    });
    race.foul = vec![Foul { block: 2, contenders: vec![MODEL.into()], ..Foul::default() }];
    let table = shown("csv", &record);
    let of = |model: &str, rest: &str| {
        table.lines().filter(|line| line.contains(model) && line.ends_with(rest)).count()
    };
    // 2,500 operations in a window of 25 ms.
    assert_eq!(of(MODEL, ",throughput,100000,ops/s"), 8, "{table}");
    assert_eq!(of(MODEL, ",clipped,3,ops"), 8);
    assert_eq!(of("same,,2,0,foul", ",1,slices"), 3, "a round is foul for all");
    record.races[0].kind = Kind::Solo;
    let table = shown("csv", &record);
    let foul: Vec<&str> = table.lines().filter(|line| line.contains(",foul,")).collect();
    assert!(foul.len() == 1 && foul[0].contains(MODEL), "but for those who were alone: {foul:?}");
}

#[test]
fn clipped_latencies_are_told_to_people() {
    let mut record = LOST.clone();
    each_slice(&mut record.races[0], |slice| slice.clipped = 2);
    let mut formats = vec!["terminal", "md"];
    formats.extend(cfg!(feature = "html").then_some("html"));
    for format in formats {
        let text = shown(format, &record);
        let said = "16 of the latencies were above 60.0 s, and count as 60.0 s";
        assert!(text.contains(said) && !shown(format, &LOST).contains(said), "{format}: {text}");
    }
}
