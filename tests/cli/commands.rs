//! What the command line says: help, lists, and one clear line for every kind of bad input.

use crate::support::{deadheat, stderr, stdout};

#[test]
fn help_stays_as_it_is() {
    trycmd::TestCases::new().case("tests/cmd/*.trycmd");
}

/// Arguments, exit code, and what the line must name: the thing and the value.
type Bad = (&'static [&'static str], i32, &'static [&'static str]);

const BAD: &[Bad] = &[
    (&["run", "zzzzzz"], 2, &["no cell matches the filter \"zzzzzz\"", "deadheat list"]),
    (&["run", "tcp-ecko"], 2, &["\"tcp-ecko\"", "near: tcp-echo"]),
    (&["run", "tcp-echo/["], 2, &["\"tcp-echo/[\" is not a regex", "unclosed"]),
    (&["run", "--exact", "tcp-echo"], 2, &["\"tcp-echo\"", "tcp-echo/closed-16"]),
    (&["run", "--skip", "."], 2, &["nothing is left"]),
    (&["run", "--models", "tokyo/multi-thread"], 2, &["no model", "near: tokio/multi-thread"]),
    (&["run", "--models", "tokyo"], 2, &["no model is called \"tokyo\"", "near: tokio"]),
    (&["run", "--scenarios", "slep"], 2, &["no scenario is called \"slep\"", "near: sleep"]),
    (&["run", "--reference", "threads"], 2, &["\"threads\""]),
    (&["run", "--slice", "15"], 2, &["'15'", "--slice", "needs a unit"]),
    (&["run", "--slice", "0ms"], 2, &["'0ms'", "not between 1ms and 60s"]),
    (&["run", "--slice", "x"], 2, &["'x'", "not a duration"]),
    (&["run", "--max-time", "3h"], 2, &["'3h'", "--max-time", "\"h\""]),
    (&["run", "--max-time", "1ms"], 2, &["'1ms'", "not between 1s"]),
    (&["run", "--until", "0%"], 2, &["'0%'", "--until", "between 0.1% and 100%"]),
    (&["run", "--until", "soon"], 2, &["'soon'", "--until"]),
    (&["run", "--until", "2%", "--profile", "smoke"], 2, &["--until", "smoke"]),
    (&["run", "--slo", "p99"], 2, &["'p99'", "--slo", "not of the form p99<20ms"]),
    (&["run", "--slo", "p99<20"], 2, &["'p99<20'", "needs a unit"]),
    (&["run", "--slo", "p10<1ms"], 2, &["'p10<1ms'", "between p50 and p99.9"]),
    (&["run", "sleep", "--slo", "p99<20ms", "--load", "closed-4"], 2, &["--slo", "--load"]),
    (&["run", "sleep", "--slo", "p99<20ms", "--until", "2%"], 2, &["--slo", "--until"]),
    (
        &["run", "http-server", "--slo", "p99<20ms", "--output-format", "bencher"],
        2,
        &["only capacities", "libtest"],
    ),
    (&["run", "--sweep", "closed=1,2"], 2, &["'closed=1,2'", "--sweep", "3 to 32"]),
    (&["run", "--sweep", "half=1..9"], 2, &["'half=1..9'", "closed=1,4,16"]),
    (&["run", "--sweep", "closed=1..9", "--load", "closed-4"], 2, &["--sweep", "--load"]),
    (&["run", "--blocks", "0"], 2, &["'0'", "--blocks", "from 1 to 1000"]),
    (&["run", "--blocks", "many"], 2, &["'many'", "--blocks"]),
    (&["run", "--rounds", "100000"], 2, &["'100000'", "--rounds", "from 1 to 1000"]),
    (&["run", "--load", "closed-0"], 2, &["closed-0", "0 clients"]),
    (&["run", "--load", "open-fast"], 2, &["open-fast", "not a number of operations"]),
    (&["run", "--load", "open-999999999999"], 2, &["more than"]),
    (&["run", "--load", "half"], 2, &["\"half\"", "closed-16"]),
    (&["run", "tcp-echo", "--param", "bytes=0"], 2, &["tcp-echo: bytes=0:", "8 to 1048576"]),
    (&["run", "tcp-echo", "--param", "bytes"], 2, &["'bytes'", "name=value"]),
    (&["run", "--param", "weight=3"], 2, &["no scenario has the parameter weight"]),
    (&["run", "--margin", "900%"], 2, &["900%", "between 0.1% and 100%"]),
    (&["run", "--margin", "p98=5%"], 2, &["\"p98\"", "p99"]),
    (&["run", "--placement", "nowhere"], 2, &["'nowhere'", "--placement"]),
    (&["run", "--profile", "fast"], 2, &["'fast'", "--profile"]),
    (&["run", "--quick", "--profile", "publish"], 2, &["--quick"]),
    (&["run", "--seed", "-1"], 2, &["-1"]),
    (&["run", "--save-baseline", "../x"], 2, &["../x", "a name has letters"]),
    (&["run", "--resume", "nowhere"], 1, &["nowhere/results.json"]),
    (&["run", "--resume", "nowhere", "--blocks", "3"], 2, &["come from the record"]),
    (
        &["run", "sleep", "--out", "Cargo.toml/results"],
        1,
        &["failed to write to Cargo.toml/results"],
    ),
    (&["report", "nowhere.json"], 1, &["failed to read nowhere.json"]),
    (&["report", "Cargo.toml"], 1, &["Cargo.toml is not a record"]),
    (&["report", "--format", "pdf", "x"], 2, &["\"pdf\"", "terminal, md, json"]),
    (&["report", "src"], 1, &["failed to read src/results.json"]),
    (&["compare", "nowhere.json", "x"], 1, &["failed to read nowhere.json"]),
    (&["compare", "x"], 2, &["<NEW>"]),
    (&["run", "sleep", "--baseline", "never-kept"], 2, &["\"never-kept\"", "--save-baseline"]),
    (&["run", "sleep", "--message-format", "xml"], 2, &["'xml'", "--message-format"]),
    (&["init", "src"], 1, &["src/Cargo.toml"]),
    (&["selftest", "--only", "K99"], 2, &["\"K99\"", "K1, K2", "order"]),
    (&["fly"], 2, &["'fly'"]),
];

#[test]
fn bad_input_gives_one_clear_line_and_the_right_code() {
    for (args, code, named) in BAD {
        let output = deadheat().args(*args).output().unwrap();
        let said = stderr(&output);
        let line = said.lines().find(|line| line.starts_with("error")).unwrap_or_default();
        assert_eq!(output.status.code(), Some(*code), "{args:?}: {said}");
        for name in *named {
            assert!(said.contains(name), "{args:?} should name {name}: {said}");
        }
        assert!(!line.is_empty(), "{args:?}: {said}");
        assert!(output.stdout.is_empty(), "{args:?} printed a result: {}", stdout(&output));
        assert!(!said.contains("plan:"), "{args:?} went on to measure: {said}");
    }
}

fn listed(args: &[&str]) -> Vec<String> {
    let output = deadheat().args(["run", "--list"]).args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", stderr(&output));
    let text = stdout(&output);
    text.lines().filter_map(|line| line.strip_suffix(": benchmark")).map(Into::into).collect()
}

#[test]
fn filters_say_which_cells() {
    let all = listed(&[]);
    assert!(all.iter().any(|id| id == "tcp-echo/blocking/sequential/closed-16"), "{all:?}");
    assert!(all[0].starts_with("http-server/") && all[0].ends_with("/closed-64"), "{}", all[0]);
    let quick = listed(&["--quick"]);
    // It climbs to fewer tasks.
    let of_default = |id: &String| all.contains(id) || id.ends_with("/batch-2000");
    assert!(quick.len() == 20 && quick.iter().all(of_default), "{quick:?}");
    assert_eq!(listed(&["--exact", "sleep/smol/multi/closed-64"]), ["sleep/smol/multi/closed-64"]);
    let two = listed(&["^sleep/tokio/(multi|current)"]);
    assert_eq!(two, ["sleep/tokio/current-thread/closed-64", "sleep/tokio/multi-thread/closed-64"]);
    let loads = ["sleep", "--models", "smol/s*", "--load", "closed-4", "--load", "open-500"];
    assert_eq!(listed(&loads), ["sleep/smol/single/closed-4", "sleep/smol/single/open-500"]);
    let params = ["--param", "for=2ms", "--models", "rayon", "--placement", "free"];
    assert_eq!(listed(&params), ["sleep/rayon/pool/closed-64/for=2ms@free"]);
    // More than another scenario's messages may have.
    let params = ["--scenarios", "sha256", "--param", "bytes=16777216", "--models", "rayon"];
    assert_eq!(listed(&params), ["sha256/rayon/pool/closed-4/bytes=16777216"]);
    assert_eq!(listed(&["^sleep", "--skip", "tokio|smol|std|rayon|threads"]).len(), 1);
}

#[test]
fn what_a_profile_leaves_out_is_raced_by_name() {
    // A course of another tier, a model of another profile, a scenario that is not quick.
    assert_eq!(listed(&["http-fanout/smol/single/batch-10000"]).len(), 1);
    assert_eq!(listed(&["--quick", "tcp-echo/smol/single/closed-16"]).len(), 1);
    assert!(listed(&["--quick", "sleep"]).iter().all(|id| !id.contains("block-on")));
    let all = listed(&["--all", "http-fanout"]);
    assert!(all.iter().any(|id| id.ends_with("/batch-10000")), "{all:?}");
    assert!(listed(&["http-fanout"]).iter().all(|id| id.ends_with("/closed-64")));
}

#[test]
fn flags_have_environment_variables() {
    let output = deadheat()
        .args(["run", "--list", "sleep"])
        .env("DEADHEAT_MODELS", "smol/single,tokio/block-on")
        .env("DEADHEAT_LOAD", "closed-2")
        .output()
        .unwrap();
    let text = stdout(&output);
    assert!(text.contains("sleep/tokio/block-on/closed-2: benchmark"), "{text}");
    assert!(text.contains("2 benchmarks"), "{text}");
    let output = deadheat().args(["run"]).env("DEADHEAT_BLOCKS", "0").output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    let output = deadheat().args(["selftest"]).env("DEADHEAT_ONLY", "K99").output().unwrap();
    assert!(stderr(&output).contains("no known answer is called \"K99\""), "{}", stderr(&output));

    // And each of them says so.
    let help = stdout(&deadheat().arg("--help").output().unwrap());
    let (_, listed) = help.split_once("Commands:\n").unwrap();
    let (listed, _) = listed.split_once("\n\n").unwrap();
    let names = listed.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let visible: Vec<&str> = names.filter(|name| !name.is_empty() && *name != "help").collect();
    assert!(visible.len() > 5 && visible.contains(&"selftest"), "{help}");
    for subcommand in visible.into_iter().chain(["lab"]) {
        let help = stdout(&deadheat().args([subcommand, "--help"]).output().unwrap());
        for (flag, about) in flags(&help) {
            let variable = flag.to_uppercase().replace('-', "_");
            let said = format!("[env: DEADHEAT_{variable}=");
            assert!(about.contains(&said), "{subcommand} --{flag}: {about}");
        }
    }
}

/// The flags of a help text, each with all that is said of it, in one line.
fn flags(help: &str) -> Vec<(String, String)> {
    let mut flags: Vec<(String, String)> = Vec::new();
    for line in help.lines() {
        // What is said of a flag stands further to the right.
        let short = || Some(line.strip_prefix("  -")?.split_once(", --")?.1);
        if let Some(flag) = line.strip_prefix("      --").or_else(short) {
            let name = flag.split(' ').next().unwrap_or_default();
            flags.push((name.into(), String::new()));
        }
        if let Some((_, about)) = flags.last_mut() {
            about.push_str(line.trim());
            about.push(' ');
        }
    }
    flags.retain(|(name, _)| name != "help" && name != "version");
    flags
}

#[test]
fn what_cannot_run_is_listed_with_its_reason() {
    let output = deadheat().args(["list", "http-server"]).output().unwrap();
    let text = stdout(&output);
    let cell = text.lines().find(|line| line.contains("http-server/blocking/sequential/")).unwrap();
    assert!(cell.contains("not applicable: "), "{cell}");
    for part in ["MODELS", "SCENARIOS", "CELLS", "legacy, discontinued"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn init_writes_a_starter_and_never_over_anything() {
    let folder = tempfile::tempdir().unwrap();
    let init = || deadheat().arg("init").arg(folder.path()).output().unwrap();
    assert_eq!(init().status.code(), Some(1), "there is no crate");
    std::fs::write(folder.path().join("Cargo.toml"), "[package]\nname = \"mine\"\n").unwrap();
    let output = init();
    assert!(output.status.success(), "{}", stderr(&output));
    for line in ["[dev-dependencies]", "deadheat = ", "name = \"race\"", "harness = false"] {
        assert!(stdout(&output).contains(line), "{}", stdout(&output));
    }
    let written = std::fs::read_to_string(folder.path().join("benches/race.rs")).unwrap();
    assert!(written.contains("deadheat::main!"));
    let again = init();
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr(&again).contains("is there already"));
}

#[test]
fn the_self_test_finds_out_who_cheats() {
    let args = ["selftest", "--quick", "--only", "k10,K11", "--json"];
    let output = deadheat().args(args).output().unwrap();
    assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
    let answers: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let ids: Vec<_> = answers.as_array().unwrap().iter().map(|answer| &answer["id"]).collect();
    assert_eq!(ids, ["K10", "K11"]);
    let known = answers[1]["known"].as_array().unwrap();
    let refused: Vec<_> = known.iter().map(|known| known["measured"].as_f64().unwrap()).collect();
    assert_eq!(refused, [2.0, 2.0, 2.0, 0.0], "{known:#?}");
}
