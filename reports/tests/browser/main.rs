//! The page in a real browser, at three widths, light and dark, with scripts and without.
//!
//! Needs Chromium (`$CHROMIUM`, or `chromium` in the path); where there is none, every test says
//! so and counts as ignored. With `DEADHEAT_PICTURES=FOLDER` it leaves pictures to look at.

use std::{env, fs, path::PathBuf, process::ExitCode, sync::LazyLock};

use deadheat_core::record::Record;
use deadheat_reports::{Options, find};
use libtest_mimic::{Arguments, Completion, Trial};
use serde_json::{Value, json};

use chromium::Browser;

mod chromium;
#[path = "../support/records.rs"]
mod records;

const CHECKS: &str = include_str!("checks.js");
const AXE: &str = include_str!("../assets/axe.js");

/// A phone, a laptop, a large screen; and how high they are.
const WIDTHS: [(u32, u32); 3] = [(390, 844), (1280, 800), (3840, 2160)];
const SCHEMES: [&str; 2] = ["light", "dark"];

/// Each is rendered once.
static PAGES: LazyLock<Vec<(&'static str, String)>> = LazyLock::new(|| {
    let all = [
        ("loads", records::loads()),
        ("failures", records::failures()),
        ("hostile", records::hostile()),
        ("empty", records::empty()),
    ];
    all.into_iter().map(|(name, record)| (name, page(&record))).collect()
});

type Test = fn(&mut Browser);

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // They share the machine, and a browser is many threads.
    arguments.test_threads = Some(1);
    let tests: [(&str, Test); 10] = [
        ("it_fits_every_width_in_both_schemes", fits),
        ("its_charts_are_drawn_in_the_schemes_colours", charts),
        ("its_filters_and_its_sorting_work", filters),
        ("a_link_leads_to_its_race", links),
        ("it_works_from_the_keyboard", keyboard),
        ("its_data_can_be_taken_along", downloads),
        ("it_works_without_scripts", without_scripts),
        ("it_can_be_printed", prints),
        ("nothing_of_a_record_runs", hostile),
        ("axe_has_no_serious_finding", access),
    ];
    let trials =
        tests.into_iter().map(|(name, test)| Trial::ignorable_test(name, move || Ok(run(test))));
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn run(test: Test) -> Completion {
    let Some(path) = chromium::find() else {
        return Completion::ignored_with("there is no chromium");
    };
    test(&mut Browser::start(&path));
    Completion::Completed
}

fn page(record: &Record) -> String {
    let files = (find("html").expect("html is built").render)(record, &Options::default());
    let file = files.expect("it renders").swap_remove(0);
    String::from_utf8(file.bytes).expect("it is text")
}

fn named(name: &str) -> &'static str {
    &PAGES.iter().find(|page| page.0 == name).expect("a known page").1
}

/// Opens a page with the checks at hand.
fn open(browser: &mut Browser, name: &str, fragment: &str) {
    browser.open(named(name), fragment);
    browser.eval(CHECKS);
}

/// Runs one of the checks, which gives back a list of what is wrong.
fn check(browser: &mut Browser, check: &str, about: &str) {
    let wrong = browser.eval(&format!("checks.{check}()"));
    let complaints = browser.complaints();
    assert_eq!(wrong, json!([]), "{check}, {about}");
    assert_eq!(complaints, Vec::<String>::new(), "{check}, {about}");
}

fn fits(browser: &mut Browser) {
    let pictures = env::var_os("DEADHEAT_PICTURES").map(PathBuf::from);
    for (name, _) in PAGES.iter() {
        for (width, height) in WIDTHS {
            // Colours change no layout: the odd ones are looked at in one.
            let schemes =
                if ["loads", "failures"].contains(name) { &SCHEMES[..] } else { &["dark"] };
            for scheme in schemes {
                let about = format!("{name} at {width}, {scheme}");
                browser.dress(width, height, scheme);
                open(browser, name, "");
                for what in ["overflow", "labels", "charts", "overflow"] {
                    check(browser, what, &about);
                }
                // With all that can be unfolded.
                browser
                    .eval("checks.all('details').forEach((details) => { details.open = true; })");
                check(browser, "overflow", &about);
                if let Some(folder) = &pictures {
                    browser.eval(
                        "checks.all('details').forEach((details) => { details.open = false; })",
                    );
                    fs::create_dir_all(folder).expect("the folder can be made");
                    let file = |end| folder.join(format!("{name}-{width}-{scheme}{end}.png"));
                    browser.picture(&file(""), false);
                    // A large screen's whole page is more than a picture can be.
                    if width < 2_000 {
                        browser.picture(&file("-whole"), true);
                    }
                }
            }
        }
    }
}

fn charts(browser: &mut Browser) {
    browser.dress(1280, 800, "light");
    open(browser, "loads", "");
    check(browser, "charts", "light");
    let kinds =
        browser.eval("[...new Set(checks.all('[data-chart]').map((f) => f.dataset.chart))].sort()");
    assert_eq!(kinds, json!(["response", "service", "slices", "sweep"]));
    // The closed loads are all carried; of the open ones, one is beyond what threads carry.
    let hollow = browser.eval("checks.hollow()");
    assert!(hollow[0] == 0 && hollow[1].as_u64() > Some(20), "{hollow}");
    // What a plot looks like is uPlot's; that it has the page's colours is ours.
    let legend = "getComputedStyle(document.querySelector('.u-series:nth-child(2) .u-marker')).borderTopColor";
    let light = browser.eval(legend);
    browser.dress(1280, 800, "dark");
    check(browser, "charts", "dark");
    assert_ne!(light, browser.eval(legend), "the colours of the light scheme are left");
    // The values under the pointer are said.
    let hover = "(() => { const chart = document.querySelector('[data-chart=service] .u-over');
        chart.scrollIntoView(); const box = chart.getBoundingClientRect();
        return { x: box.left + box.width / 2, y: box.top + box.height / 2 }; })()";
    let mut at = browser.eval(hover);
    at["type"] = json!("mouseMoved");
    browser.ask("Input.dispatchMouseEvent", &at);
    let said = browser.eval(
        "new Promise((done) => requestAnimationFrame(() => setTimeout(() =>
            done(document.querySelector('[data-chart=service] .u-series:nth-child(2) .u-value').textContent), 100)))",
    );
    assert!(said.as_str().is_some_and(|said| said.contains('s')), "{said}");
    check(browser, "overflow", "after all of it");
}

fn filters(browser: &mut Browser) {
    browser.dress(1280, 800, "light");
    open(browser, "loads", "");
    let all = browser.eval("checks.matrix()");
    let races = all["races"].as_array().expect("races").len();
    assert!(all["shown"] == 1 && all["metric"] == "judged" && races > 4, "{all}");
    let mut after = |script: &str| {
        browser.eval(script);
        browser.eval("checks.matrix()")
    };
    let some = after("checks.set('[name=class]', 'open load')");
    let open_races = some["races"].as_array().expect("races").clone();
    assert!(
        open_races.iter().all(|race| race.as_str().is_some_and(|r| r.contains("/open-"))),
        "{some}"
    );
    assert!(!open_races.is_empty() && open_races.len() < races, "{some}");
    assert_eq!(some["answers"], json!(open_races.len()));
    assert_eq!(some["sections"], json!(open_races.len()));
    assert_eq!(some["count"], json!(format!("{} of {races} races", open_races.len())));
    let none = after("checks.set('[name=find]', 'no such race')");
    assert_eq!((&none["races"], &none["answers"]), (&json!([]), &json!(0)));
    let again = after("checks.set('[name=class]', ''); checks.set('[name=find]', '')");
    assert_eq!(again["races"], all["races"]);
    let fewer = after("checks.set('[name=family][value=tokio]', false)");
    let models = fewer["models"].as_array().expect("models");
    assert!(models.iter().all(|model| !model.as_str().expect("a name").starts_with("tokio")));
    assert!(models.len() < all["models"].as_array().expect("models").len());
    let other = after(
        "checks.set('[name=family][value=tokio]', true); checks.set('[name=metric]', 'cpu-time')",
    );
    assert_eq!((&other["metric"], &other["shown"]), (&json!("cpu-time"), &json!(1)));
    let sorted = "[...document.querySelectorAll('.matrix[data-metric=cpu-time] tbody tr')]
        .map((row) => Number(row.cells[4].dataset.sort ?? 'NaN'))";
    let press =
        "document.querySelectorAll('.matrix[data-metric=cpu-time] thead button')[3].click();";
    for down in [false, true] {
        let values = browser.eval(&format!("{press} {sorted}.filter((v) => !Number.isNaN(v))"));
        let values: Vec<f64> =
            values.as_array().expect("values").iter().filter_map(Value::as_f64).collect();
        let ordered = values.is_sorted_by(|a, b| if down { a >= b } else { a <= b });
        assert!(ordered && values.len() > 2, "{down}: {values:?}");
    }
    let last = browser.eval(&format!("{sorted}.findIndex(Number.isNaN)"));
    let count = browser.eval(&format!("{sorted}.filter((v) => !Number.isNaN(v)).length"));
    assert!(last == -1 || last == count, "what has no number is not last: {last} of {count}");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

fn links(browser: &mut Browser) {
    browser.dress(1280, 800, "light");
    let anchor = "race-idle-tasks/batch-1";
    open(browser, "loads", &format!("#{anchor}"));
    let top =
        format!("Math.round(document.getElementById('{anchor}').getBoundingClientRect().top)");
    // Charts that are drawn above it move it; it has to come to rest in view.
    let in_view = format!("{top} >= -400 && {top} < innerHeight");
    assert_eq!(browser.eval(&in_view), json!(true), "{}", browser.eval(&top));
    // A filter hides it; a link shows it.
    browser.eval("checks.set('[name=class]', 'open load'); location.hash = ''");
    assert_eq!(browser.eval(&format!("document.getElementById('{anchor}').hidden")), json!(true));
    browser.eval(&format!(
        "new Promise((done) => {{ addEventListener('hashchange', () => setTimeout(done, 0));
            location.hash = '{anchor}'; }})"
    ));
    assert_eq!(browser.eval(&format!("document.getElementById('{anchor}').hidden")), json!(false));
    assert_eq!(browser.eval(&in_view), json!(true), "{}", browser.eval(&top));
    let dead = "checks.all('a[href^=\"#\"]').filter((a) =>
        !document.getElementById(decodeURIComponent(a.hash.slice(1)))).map((a) => a.hash)";
    assert_eq!(browser.eval(dead), json!([]));
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

fn keyboard(browser: &mut Browser) {
    browser.dress(1280, 800, "light");
    open(browser, "loads", "");
    let mut press = |key: &str, code: u32, text: &str| {
        for kind in ["keyDown", "keyUp"] {
            let event = json!({
                "type": kind, "key": key, "windowsVirtualKeyCode": code,
                "text": if kind == "keyDown" { text } else { "" },
            });
            browser.ask("Input.dispatchKeyEvent", &event);
        }
        browser.eval(
            "(() => { const e = document.activeElement; const s = getComputedStyle(e);
                return [e.tagName, e.textContent.slice(0, 30), s.outlineStyle, !!e.closest('.matrix')]; })()",
        )
    };
    let mut pressed = false;
    for _ in 0..80 {
        let at = press("Tab", 9, "");
        assert_ne!(at[0], json!("BODY"), "the focus is lost");
        assert_ne!(at[2], json!("none"), "the focus is not seen: {at}");
        if at[0] == json!("BUTTON") && at[3] == json!(true) {
            press("Enter", 13, "\r");
            pressed = true;
            break;
        }
    }
    assert!(pressed, "no way to the buttons that sort");
    assert_eq!(browser.eval("checks.all('[aria-sort=ascending]').length > 0"), json!(true));
}

fn downloads(browser: &mut Browser) {
    browser.dress(1280, 800, "light");
    let folder = browser.folder().join("saved");
    fs::create_dir(&folder).expect("the folder can be made");
    let behaviour = json!({"behavior": "allow", "downloadPath": folder, "eventsEnabled": true});
    browser.ask("Browser.setDownloadBehavior", &behaviour);
    for scripts in [true, false] {
        browser.ask("Emulation.setScriptExecutionDisabled", &json!({"value": !scripts}));
        open(browser, "loads", "");
        let mut take = |selector: &str, end: &str| -> String {
            browser.forget();
            browser.eval(&format!("document.querySelector('{selector}').click()"));
            browser.wait("Browser.downloadProgress", |event| event["state"] == "completed");
            taken(&folder, end)
        };
        let csv = take("a[download]", ".csv");
        let mut lines = csv.split("\r\n");
        assert!(lines.next().is_some_and(|head| head.starts_with("race,scenario,load,")), "{csv}");
        assert!(lines.next().is_some_and(|line| line.starts_with("tcp-echo/")), "{csv}");
        assert!(csv.lines().count() > 50);
        if scripts {
            let data: Value =
                serde_json::from_str(&take("[data-download]", ".json")).expect("JSON");
            assert_eq!(data["schema"], "deadheat-page/1");
            assert!(data["races"][0]["contenders"].as_array().is_some_and(|all| all.len() > 2));
        }
    }
}

/// The one file in a folder; it is taken out of it.
fn taken(folder: &std::path::Path, end: &str) -> String {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    let [file] = files.as_slice() else { panic!("not one file: {files:?}") };
    assert!(file.to_string_lossy().ends_with(end), "{}", file.display());
    let text = fs::read_to_string(file).expect("it is text");
    fs::remove_file(file).expect("it can be removed");
    text
}

fn without_scripts(browser: &mut Browser) {
    browser.ask("Emulation.setScriptExecutionDisabled", &json!({"value": true}));
    for (width, height) in WIDTHS {
        browser.dress(width, height, "light");
        open(browser, "loads", "");
        for what in ["overflow", "labels"] {
            check(browser, what, &format!("at {width}"));
        }
        let there = browser.eval(
            "({ charts: checks.all('canvas').length,
                scripted: checks.all('.scripted').filter(checks.seen).length,
                figures: checks.all('svg.figure').filter(checks.seen).length,
                figures_of_all: checks.all('figure').length,
                matrices: checks.all('.matrix').filter(checks.seen).length,
                answers: checks.all('.answers .lead').filter(checks.seen).length,
                races: checks.all('section.race table').filter(checks.seen).length })",
        );
        assert_eq!((&there["charts"], &there["scripted"]), (&json!(0), &json!(0)), "{there}");
        assert_eq!(there["figures"], there["figures_of_all"], "{there}");
        for part in ["figures", "matrices", "answers", "races"] {
            assert!(there[part].as_u64() > Some(0), "{part}: {there}");
        }
        if let Some(folder) = env::var_os("DEADHEAT_PICTURES").map(PathBuf::from) {
            fs::create_dir_all(&folder).expect("the folder can be made");
            browser.picture(&folder.join(format!("plain-{width}.png")), false);
        }
    }
}

fn prints(browser: &mut Browser) {
    // A sheet of A4 less its margins, printed by a reader of the dark page.
    browser.dress(703, 1_000, "dark");
    open(browser, "loads", "");
    check(browser, "charts", "before it is printed");
    browser.eval("checks.all('details').forEach((details) => { details.open = true; })");
    let dark = json!([{"name": "prefers-color-scheme", "value": "dark"}]);
    let paper = json!({"media": "print", "features": dark});
    browser.ask("Emulation.setEmulatedMedia", &paper);
    check(browser, "paper", "on paper");
    let borders = "checks.all('.matrix td').filter(checks.seen)
        .filter((cell) => getComputedStyle(cell).borderTopStyle !== 'solid').length";
    assert_eq!(browser.eval(borders), json!(0), "cells that nothing parts");
}

fn hostile(browser: &mut Browser) {
    browser.dress(1280, 800, "light");
    open(browser, "hostile", "");
    check(browser, "charts", "hostile");
    browser.eval("checks.set('[name=metric]', 'p50'); checks.set('[name=find]', 'script')");
    let scripts = browser.eval("document.scripts.length");
    assert_eq!(scripts, json!(3), "something of the record became a script");
    let texts = browser.eval(
        "checks.all('a[href^=javascript], [onerror], [onload], iframe, object, embed').length",
    );
    assert_eq!(texts, json!(0));
    // Even a script that got in could not run, and could ask for nothing.
    browser.eval(
        "(() => { const s = document.createElement('script'); s.textContent = 'globalThis.evil = 1';
            document.body.append(s); })()",
    );
    assert_eq!(browser.eval("typeof globalThis.evil"), json!("undefined"));
    let asked = browser.eval("fetch('data:,x').then(() => 'answered', () => 'refused')");
    assert_eq!(asked, json!("refused"));
}

fn access(browser: &mut Browser) {
    for name in ["loads", "failures", "empty"] {
        for (width, height) in [WIDTHS[0], WIDTHS[1]] {
            for scheme in SCHEMES {
                let about = format!("{name} at {width}, {scheme}");
                browser.dress(width, height, scheme);
                open(browser, name, "");
                check(browser, "charts", &about);
                browser
                    .eval("checks.all('details').forEach((details) => { details.open = true; })");
                browser.eval(AXE);
                let wrong = browser.eval("checks.access()");
                assert_eq!(wrong, json!([]), "{about}");
            }
        }
    }
}
