//! The command that runs a race again.
//!
//! Not in here: whether it does. That is tested where the command line is (`src/plan/again.rs`).

use std::time::Duration;

use deadheat_core::{
    duration,
    record::{Contender, Metric, Race, Record, Role},
};
use serde_json::Value;

use super::clean;

/// The command that runs a race again, quoted for a shell: all that makes the race what it is,
/// whatever the defaults of the program that is told. The id and `--exact` hold it to that. It is a
/// comment where only the program that ran the race has its scenario, or one of its models.
pub(crate) fn command(record: &Record, race: &Race) -> String {
    let mut words = vec!["run".to_owned()];
    let id = text(&race.id);
    // As a FILTER it would be taken for a flag.
    if !id.starts_with('-') {
        words.extend([quoted(&id), "--exact".into()]);
    }
    let shape = &race.shape;
    let count = |n: usize| if n > 0 { n.to_string() } else { String::new() };
    let models = race.contenders.iter().filter(|contender| contender.role == Role::Model);
    let reference = race.contender(&race.reference).map(model).unwrap_or_default();
    let profile = text(&record.run.profile);
    let is_placement = ["same", "split", "free"].contains(&race.placement.name.as_str());
    for (flag, value) in [
        ("scenarios", text(&race.scenario)),
        ("load", text(&race.load)),
        ("param", list(race.params.iter().map(|(name, value)| format!("{name}={value}")))),
        ("placement", if is_placement { race.placement.name.clone() } else { String::new() }),
        ("config", config(record, race)),
        ("models", list(models.map(|contender| model(contender).to_owned()))),
        ("reference", text(reference)),
        ("margin", margins(race)),
        ("profile", if profile == "default" { String::new() } else { profile }),
        ("blocks", count(shape.blocks)),
        ("rounds", count(shape.rounds)),
        ("slice", window(race)),
        ("seed", record.run.seed.to_string()),
    ] {
        if !value.is_empty() {
            words.push(format!("--{flag} {}", quoted(&value)));
        }
    }
    let command = words.join(" ");
    if is_own(record, race) {
        format!("# run the same program again with: {command}")
    } else {
        format!("deadheat {command}")
    }
}

/// A text of the record as an argument. A backtick would end a block of Markdown.
fn text(text: &str) -> String {
    clean(text).replace('`', "\u{FFFD}")
}

/// Texts of the record as one argument.
fn list(texts: impl Iterator<Item = String>) -> String {
    texts.map(|one| text(&one)).collect::<Vec<_>>().join(",")
}

/// A word as a shell takes it, whatever is in it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Which model a contender is.
fn model(contender: &Contender) -> &str {
    if contender.model.is_empty() { &contender.id } else { &contender.model }
}

/// Margins that are not the default: one for all metrics, or each by its name.
fn margins(race: &Race) -> String {
    let all = Metric::ALL.map(|metric| race.margin.get(&metric).map(ToString::to_string));
    if let [Some(first), rest @ ..] = &all
        && rest.iter().all(|other| other.as_ref() == Some(first))
    {
        return first.clone();
    }
    list(race.margin.iter().map(|(metric, delta)| format!("{metric}={delta}")))
}

/// The window, where there is one, and `--slice` takes it.
fn window(race: &Race) -> String {
    let window = Duration::from_nanos(race.shape.window_ns);
    let is_taken = (Duration::from_millis(1)..=Duration::from_mins(1)).contains(&window);
    let is_timed = is_taken && !race.load.starts_with("batch-");
    if is_timed { duration::format(window) } else { String::new() }
}

/// The file that names the external programs of a race, where it has any.
fn config(record: &Record, race: &Race) -> String {
    let more = &record.run.more;
    let external = more.get("external").and_then(Value::as_array);
    let ids: Vec<&Value> = external.into_iter().flatten().map(|program| &program["id"]).collect();
    if !race.contenders.iter().any(|own| ids.iter().any(|id| **id == *model(own))) {
        return String::new();
    }
    let named = more.get("args").and_then(|args| args["choice"]["config"].as_str());
    text(named.unwrap_or("deadheat.toml"))
}

/// Whether `deadheat` has no such scenario, or lacks one of the models. A record that does not say
/// which are its program's own is of `deadheat` where that is what was called.
fn is_own(record: &Record, race: &Race) -> bool {
    let Some(own) = record.run.program.more.get("own").and_then(Value::as_array) else {
        let program = record.run.command.first().map_or("", String::as_str);
        let name = program.rsplit(['/', '\\']).next().unwrap_or(program);
        return !["", "deadheat", "deadheat.exe"].contains(&name);
    };
    let has = |id: &str| own.iter().any(|known| known == id);
    has(&race.scenario) || race.contenders.iter().any(|contender| has(model(contender)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn commands_survive_a_shell() {
        let bad = "a'; rm -rf ~; '";
        let mut race = Race { id: bad.into(), scenario: bad.into(), ..Race::default() };
        race.contenders = vec![Contender { id: "b`$(c)\nd".into(), ..Contender::default() }];
        let said = command(&Record::default(), &race);
        let quoted = r"'a'\''; rm -rf ~; '\'''";
        let wanted = format!(
            "deadheat run {quoted} --exact --scenarios {quoted} --models 'b\u{FFFD}$(c) d' --seed 0"
        );
        assert_eq!(said, wanted);
        race.id = "--config=theirs".into();
        assert!(!command(&Record::default(), &race).contains("config"));
    }

    #[test]
    fn a_command_names_everything_that_is_not_the_same_for_all() {
        let model = |id: &str| Contender { id: id.into(), model: id.into(), ..Default::default() };
        let mut race = Race {
            id: "tcp-echo/closed-128/bytes=8@free".into(),
            scenario: "tcp-echo".into(),
            load: "closed-128".into(),
            reference: "go/net".into(),
            contenders: vec![model("smol/multi"), model("go/net")],
            ..Race::default()
        };
        race.params.insert("bytes".into(), "8".into());
        race.placement.name = "free".into();
        race.margin.insert(Metric::P99, 0.2);
        (race.shape.blocks, race.shape.rounds, race.shape.window_ns) = (12, 4, 20_500_000);
        let mut record = Record::default();
        (record.run.seed, record.run.profile) = (7, "quick".into());
        let flags = "run tcp-echo/closed-128/bytes=8@free --exact --scenarios tcp-echo --load \
                     closed-128 --param bytes=8 --placement free --models smol/multi,go/net \
                     --reference go/net --margin p99=0.2 --profile quick --blocks 12 --rounds 4 \
                     --slice 20.5ms --seed 7";
        assert_eq!(command(&record, &race), format!("deadheat {flags}"));
        // Whoever has external programs needs the file that names them.
        record.run.more.insert("external".into(), json!([{ "id": "go/net" }]));
        assert!(command(&record, &race).contains(" --config deadheat.toml --models "));
        record.run.more.insert("args".into(), json!({ "choice": { "config": "a b.toml" } }));
        assert!(command(&record, &race).contains(" --config 'a b.toml' --models "));
        record.run.more.clear();
        // Whoever has scenarios or models that deadheat has not is to be asked again.
        record.run.command = vec!["target/release/deps/race-0123".into()];
        let again = format!("# run the same program again with: {flags}");
        assert_eq!(command(&record, &race), again);
        record.run.program.more.insert("own".into(), json!([]));
        assert_eq!(command(&record, &race), format!("deadheat {flags}"));
        record.run.program.more.insert("own".into(), json!(["smol/multi"]));
        assert_eq!(command(&record, &race), again);
    }
}
