//! External programs from the command line: `deadheat.toml`, and the race that follows from it.

use std::{fs, path::Path, process::Command};

use deadheat::core::record::{Role, Slice, Status};

use crate::support::{Running, deadheat, record, stderr, stdout};

/// The program, started in this folder.
fn in_folder(folder: &Path) -> Command {
    let mut command = deadheat();
    command.current_dir(folder);
    command
}

/// An entry for the contender of the tests, under this id.
fn python(id: &str, more: &str) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/contender.py");
    format!("[[contender]]\nid = \"{id}\"\ncommand = [\"python3\", \"{script}\"]\n{more}\n")
}

fn listed(folder: &Path, args: &[&str]) -> Vec<String> {
    let output = in_folder(folder).args(["run", "--list"]).args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", stderr(&output));
    let text = stdout(&output);
    text.lines().filter_map(|line| line.strip_suffix(": benchmark")).map(Into::into).collect()
}

/// A file, and what the error must name besides it.
const BAD: &[(&str, &[&str])] = &[
    ("[[contender", &["deadheat.toml:1: "]),
    ("[[contestant]]\nid = \"a/b\"", &["deadheat.toml:1: unknown field `contestant`"]),
    (
        "[[contender]]\nid = \"a/b\"\ncomand = []",
        &["deadheat.toml:3: unknown field `comand`", "`command`"],
    ),
    ("[[contender]]\nid = \"a/b\"", &["deadheat.toml:1: missing field `command`"]),
    ("[[contender]]\nid = 3\ncommand = [\"x\"]", &["deadheat.toml:2: ", "string"]),
    (
        "[[contender]]\nid = \"Go/Net\"\ncommand = [\"x\"]",
        &["deadheat.toml:2: contender \"Go/Net\": an id is family/variant"],
    ),
    (
        "[[contender]]\nid = \"a/b\"\ncommand = [\"x\"]\n[[contender]]\nid = \"a/b\"\ncommand = [\"y\"]",
        &["deadheat.toml:5: contender \"a/b\": there are two"],
    ),
    (
        "[[contender]]\nid = \"smol/multi\"\ncommand = [\"x\"]",
        &["deadheat.toml:2: contender \"smol/multi\": a model of this program has this id"],
    ),
    (
        "[[contender]]\nid = \"a/b\"\ncommand = []",
        &["deadheat.toml:3: contender \"a/b\": its command is empty"],
    ),
    (
        "[[contender]]\nid = \"a/b\"\ncommand = [\"sh\"]\nscenarios = [\"tcp-ecko\"]",
        &[
            "deadheat.toml:4: contender \"a/b\": no scenario is called \"tcp-ecko\" (near: tcp-echo)",
        ],
    ),
    (
        "[[contender]]\nid = \"a/b\"\ncommand = [\"./nobody\"]",
        &["deadheat.toml: contender \"a/b\": there is no program ./nobody in /"],
    ),
];

#[test]
fn what_is_wrong_with_the_file_is_one_line_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    for (text, named) in BAD {
        fs::write(folder.path().join("deadheat.toml"), text).unwrap();
        let output = in_folder(folder.path()).args(["run", "tcp-echo"]).output().unwrap();
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{text}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        for name in *named {
            assert!(said.contains(name), "{text} should name {name}: {said}");
        }
    }
    let named = in_folder(folder.path()).args(["list", "--config", "no.toml"]).output().unwrap();
    assert_eq!(named.status.code(), Some(2));
    assert!(stderr(&named).contains("failed to read no.toml"), "{}", stderr(&named));
}

#[test]
fn external_programs_are_chosen_as_models_are() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let text =
        python("py/any", "") + &python("py/sleeper", "scenarios = [\"sleep\"]\nnote = \"x\"");
    fs::write(here.join("deadheat.toml"), text).unwrap();
    assert_eq!(
        listed(here, &["--models", "py"]),
        ["tcp-echo/py/any/closed-16", "http-fanout/py/any/closed-64", "sleep/py/sleeper/closed-64",],
        "by default it races where what is done goes over the wire"
    );
    assert_eq!(listed(here, &["py/sleeper"]), ["sleep/py/sleeper/closed-64"]);
    assert_eq!(listed(here, &["--exact", "sleep/py/sleeper/closed-64"]).len(), 1);
    let quick = listed(here, &["--quick", "tcp-echo"]);
    assert!(quick.contains(&"tcp-echo/py/any/closed-16".into()), "every profile: {quick:?}");
    assert_eq!(listed(here, &["sleep/smol/single", "--reference", "py/sleeper"]).len(), 2);

    let list = in_folder(here).args(["list", "sleep"]).output().unwrap();
    let text = stdout(&list);
    for part in
        ["py/sleeper              external program: python3 /", "sleep/py/sleeper/closed-64\n"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    // Elsewhere, it is there only where the file is named.
    let other = tempfile::tempdir().unwrap();
    let config = here.join("deadheat.toml");
    let named = ["--models", "py", "--config", config.to_str().unwrap()];
    assert_eq!(listed(other.path(), &named).len(), 3);
    assert!(listed(other.path(), &["sleep"]).iter().all(|id| !id.contains("/py/")));
}

#[test]
fn a_program_that_is_not_there_harms_only_who_asks_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[[contender]]\nid = \"a/b\"\ncommand = [\"./nobody\"]";
    fs::write(folder.path().join("deadheat.toml"), text).unwrap();
    let list = in_folder(folder.path()).args(["list", "a/b"]).output().unwrap();
    let text = stdout(&list);
    assert!(text.contains("tcp-echo/a/b/closed-16  can't run here: there is no program"), "{text}");
    let mut other = in_folder(folder.path());
    other.args(["run", "--test", "--exact", "tcp-echo/threads/per-task/closed-16"]);
    let output = other.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn an_external_program_races_and_is_resumed_from_the_record_alone() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let config = folder.path().join("deadheat.toml");
    fs::write(&config, python("py/threads", "note = \"by hand\"")).unwrap();
    let mut run = in_folder(folder.path());
    run.args(["run", "tcp-echo", "--load", "closed-2", "--models", "py,threads/per-task"]);
    run.args(["--reference", "py/threads", "--blocks", "4", "--rounds", "1", "--slice", "30ms"]);
    run.arg("--out").arg(&out);
    let mut running = Running::start(run, &out);
    running.has_blocks(1);
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    fs::remove_file(&config).unwrap();
    let resumed = deadheat().args(["run", "--resume"]).arg(&out).output().unwrap();
    assert_eq!(resumed.status.code(), Some(0), "{}{}", stderr(&resumed), stdout(&resumed));
    let record = record(&out);
    let race = &record.races[0];
    assert_eq!((&race.status, race.blocks.len()), (&Status::Complete, 4));
    let roles: Vec<_> = race.contenders.iter().map(|c| (c.id.as_str(), c.role)).collect();
    assert_eq!(
        roles,
        [
            ("threads/per-task", Role::Model),
            ("py/threads", Role::Model),
            ("py/threads+twin", Role::Twin),
            ("py/threads+handicap", Role::Handicapped),
        ]
    );
    assert_eq!(race.contenders[1].note, "by hand");
    let some = |id, count: fn(&Slice) -> u64| {
        race.trials(id).flat_map(|(_, trial)| &trial.slices).any(|slice| count(slice) > 0)
    };
    assert!(some("py/threads", |slice| slice.done) && !some("py/threads", |slice| slice.extra));
    assert!(some("py/threads+handicap", |slice| slice.extra), "it does what slows it down");
    for trial in race.blocks.iter().flat_map(|block| &block.trials) {
        assert!(trial.outcome.is_ok() && !trial.slices.is_empty(), "{:?}", trial.outcome);
    }
}
