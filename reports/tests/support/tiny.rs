//! Made-up records in sizes for whole snapshots: few contenders, eight blocks (the fewest that can
//! prove a race invalid), one round.

use deadheat_core::{
    record::{Fits, Outcome, Race, Record, Warning},
    stats::judge,
};

use crate::records;

/// The reference, its twin, and one that is faster.
const KEPT: [&str; 3] = ["threads/per-task", "threads/per-task+twin", "tokio/multi-thread"];

/// One race that went well, and one for memory.
pub(crate) fn ordinary() -> Record {
    let mut record = records::ordinary();
    record.races.retain(|race| race.scenario == "tcp-echo" || race.scenario == "idle-tasks");
    prune(record, &KEPT)
}

/// A contender that fails, a race that is invalid, one that never ran, one in which nobody fits.
pub(crate) fn failures() -> Record {
    let mut record = prune(records::failures(), &[&KEPT[..], &["rayon/pool"]].concat());
    let mut nobody = record.races.pop().expect("the race that never ran");
    record.races.push(nobody.clone());
    nobody.id = "tcp-echo/closed-3".into();
    nobody.status = deadheat_core::record::Status::Complete;
    for contender in &mut nobody.contenders {
        contender.fits = Fits::Infeasible("`vm.max_map_count` is 65530".into());
    }
    record.races.push(nobody);
    record
}

/// Every text tries to be something else, in every syntax that a format has.
pub(crate) fn hostile() -> Record {
    let mut record = prune(records::ordinary(), &KEPT);
    record.races.truncate(1);
    let evil = "=cmd|' /C calc'!A0,\"</a><script>alert(1)</script>]]>\n# EOF\n\r../../x\0\x1b[31m\u{202E}abc\u{FFFF}{}\\";
    record.run.id = evil.into();
    record.run.profile = evil.into();
    record.machine.cpu = evil.into();
    record.warnings = vec![Warning { code: evil.into(), text: evil.into(), advice: evil.into() }];
    let race = &mut record.races[0];
    race.id = format!("../../{evil}/{}", "long/".repeat(400));
    (race.scenario, race.load) = (evil.into(), evil.into());
    race.params.insert(evil.into(), evil.into());
    race.placement.name = evil.into();
    let rename = |id: &str| id.replace("tokio/multi-thread", evil);
    for contender in &mut race.contenders {
        contender.id = rename(&contender.id);
        contender.build = evil.into();
    }
    for trial in race.blocks.iter_mut().flat_map(|block| &mut block.trials) {
        trial.contender = rename(&trial.contender);
        trial.slices[0].errors.insert(evil.into(), 1);
    }
    let last = race.blocks[5].trials.last_mut().expect("a trial");
    last.outcome = Outcome::Failed { cause: evil.into(), stderr: evil.into() };
    judged(record)
}

/// More races than any run has scenarios: histograms make more of them slow in a test.
pub(crate) fn many() -> Record {
    let mut record = ordinary();
    let race = record.races.swap_remove(0);
    let numbered = |n| Race { id: format!("tcp-echo/closed-{n}"), ..race.clone() };
    record.races = (1..=4).map(numbered).collect();
    record
}

fn prune(mut record: Record, kept: &[&str]) -> Record {
    for race in &mut record.races {
        race.contenders.retain(|contender| kept.contains(&contender.id.as_str()));
        race.blocks.truncate(8);
        for block in &mut race.blocks {
            block.trials.retain(|trial| kept.contains(&trial.contender.as_str()));
            let memory = race.scenario == "idle-tasks";
            let rounds = if memory { 5 } else { 1 };
            block.trials.iter_mut().for_each(|trial| trial.slices.truncate(rounds));
        }
    }
    judged(record)
}

fn judged(mut record: Record) -> Record {
    for race in &mut record.races {
        let judgement = judge(race);
        (race.verdicts, race.controls) = (judgement.verdicts, judgement.controls);
    }
    record
}
