//! Verdicts of races that are made up, so that the truth is known.

use super::*;
use crate::{
    record::{Foul, Handicap, Outcome, PeerCounts},
    stats::testing::race,
};

fn primary<'a>(judgement: &'a Judgement, id: &str) -> &'a Verdict {
    judgement.verdicts.iter().find(|v| v.a == id && v.metric == Metric::Throughput).unwrap()
}

#[test]
fn known_costs_get_their_verdicts() {
    let models = [("slow", 1.5), ("fast", 0.5), ("same", 1.0), ("close", 1.05)];
    let judgement = judge(&race(12, &models));
    let call = |id| primary(&judgement, id).verdict;
    assert_eq!(call("slow"), Call::Slower);
    assert_eq!(call("fast"), Call::Faster);
    assert_eq!(call("same"), Call::DeadHeat);
    assert_eq!(call("close"), Call::SlowerSizeUndecided);
    let slow = primary(&judgement, "slow");
    assert!((slow.ratio - 1.5).abs() < 0.01, "{slow:?}");
    // α = 0.05/4: P(Bin(12, ½) ≤ 1) = 0.0032 ≤ 0.00625 < P(Bin(12, ½) ≤ 2).
    assert_eq!((slow.n, slow.k), (12, 2));
    assert!((slow.share.unwrap() - 0.5).abs() < 0.01);
    let cpu = judgement.verdicts.iter().find(|v| v.metric == Metric::CpuTime).unwrap();
    assert!((cpu.ratio - 1.5).abs() < 0.01 && cpu.share.is_none());
}

#[test]
fn quantiles_without_samples_decide_nothing() {
    let judgement = judge(&race(12, &[("slow", 1.5)]));
    let p99 = judgement.verdicts.iter().find(|v| v.metric == Metric::P99).unwrap();
    assert_eq!(p99.verdict, Call::Slower, "12,000 samples a block leave 120 beyond p99");
    let mut thin = race(12, &[("slow", 1.5)]);
    for trial in thin.blocks.iter_mut().flat_map(|block| &mut block.trials) {
        let mut few = crate::stats::histogram::empty();
        few.saturating_record_n(10_000, 2_000);
        trial.hist.service = crate::stats::histogram::encode(&few).unwrap();
    }
    let judgement = judge(&thin);
    let p99 = judgement.verdicts.iter().find(|v| v.metric == Metric::P99).unwrap();
    assert_eq!((p99.verdict, p99.settle), (Call::Undecided, None));
    assert!(p99.marks.contains(&mark::NOT_DECIDABLE.to_owned()));
}

#[test]
fn a_twin_that_differs_voids_the_race() {
    let mut race = race(12, &[("slow", 1.5)]);
    for trial in race.blocks.iter_mut().flat_map(|block| &mut block.trials) {
        if trial.contender == "ref+twin" {
            trial.slices.iter_mut().for_each(|slice| slice.window_ns *= 2);
        }
    }
    let judgement = judge(&race);
    assert!(judgement.is_invalid(Metric::Throughput));
    assert!(judgement.verdicts.iter().all(|v| v.verdict == Call::Undecided));
    assert!(primary(&judgement, "slow").marks.contains(&mark::INVALID.to_owned()));
}

#[test]
fn without_a_twin_nothing_is_said() {
    let mut race = race(12, &[("slow", 1.5)]);
    race.contenders.retain(|contender| contender.role != Role::Twin);
    let judgement = judge(&race);
    assert_eq!(primary(&judgement, "slow").verdict, Call::Undecided);
    assert!(primary(&judgement, "slow").marks.contains(&mark::NO_FLOOR.to_owned()));
    assert!(judgement.controls.is_empty());
}

#[test]
fn totals_that_contradict_the_typical_round_are_uneven() {
    let mut race = race(12, &[("stalls", 1.0)]);
    for trial in race.blocks.iter_mut().flat_map(|block| &mut block.trials) {
        if trial.contender == "stalls" {
            trial.slices[0].window_ns *= 3;
        }
    }
    let judgement = judge(&race);
    let verdict = primary(&judgement, "stalls");
    assert_eq!(verdict.verdict, Call::DeadHeat);
    assert!(verdict.marks.contains(&mark::UNEVEN.to_owned()));
    assert_eq!(verdict.slow_share, Some(0.25));
}

#[test]
fn failed_trials_are_not_pairs() {
    let mut race = race(12, &[("slow", 1.5)]);
    for (index, block) in race.blocks.iter_mut().enumerate() {
        if index % 3 == 0 {
            block.trials.retain(|trial| trial.contender != "slow");
        } else if index % 3 == 1 {
            let cause = "exited with signal 11".to_owned();
            block.trials[2].outcome = Outcome::Failed { cause, stderr: String::new() };
        }
    }
    let judgement = judge(&race);
    let verdict = primary(&judgement, "slow");
    assert_eq!((verdict.n, verdict.lo, verdict.verdict), (4, None, Call::Undecided));
    assert!(verdict.marks.contains(&mark::FEW_BLOCKS.to_owned()));
}

#[test]
fn degenerate_races_are_judged_without_a_number() {
    assert_eq!(judge(&Race::default()), Judgement::default());
    let one = judge(&race(1, &[("slow", 1.5)]));
    assert_eq!(primary(&one, "slow").verdict, Call::Undecided);
    let none = judge(&race(0, &[("slow", 1.5)]));
    let verdict = primary(&none, "slow");
    assert_eq!((verdict.n, verdict.ratio, verdict.settle), (0, 0.0, None));
    let mut zero = race(12, &[("slow", 1.5)]);
    for trial in zero.blocks.iter_mut().flat_map(|block| &mut block.trials) {
        trial.hist.service = "rubbish".into();
        for slice in &mut trial.slices {
            (slice.window_ns, slice.done, slice.executed, slice.cpu_turn_ns) = (0, 0, 0, 0);
        }
    }
    let judgement = judge(&zero);
    assert_eq!(judgement.verdicts.len(), 1);
    assert_eq!(primary(&judgement, "slow").marks, [mark::NO_DATA]);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_measured_makes_it_panic_or_say_what_json_cannot(
        values in proptest::collection::vec(proptest::prelude::any::<(u64, u64)>(), 96),
        memory: bool,
    ) {
        let mut race = race(8, &[("wild", 1.0)]);
        race.primary = if memory { Metric::Memory } else { Metric::Throughput };
        let slices = race.blocks.iter_mut().flat_map(|block| &mut block.trials);
        for (slice, (a, b)) in slices.flat_map(|trial| &mut trial.slices).zip(values) {
            (slice.window_ns, slice.done, slice.executed) = (a, b, b);
            (slice.units, slice.memory) = (Some(b), Some(a));
        }
        let judgement = judge(&race);
        (race.verdicts, race.controls) = (judgement.verdicts, judgement.controls);
        let text = serde_json::to_string(&race).unwrap();
        proptest::prop_assert!(serde_json::from_str::<Race>(&text).unwrap() == race);
        let _ = crate::stats::summary(&race).sentences();
    }
}

fn control(judgement: &Judgement, role: Role, metric: Metric) -> &Control {
    let mut all = judgement.controls.iter();
    all.find(|control| control.role == role && control.metric == metric).unwrap()
}

/// The race with a twin that is slowed by a tenth, and comes out so much slower.
fn slowed(blocks: usize, comes_out: f64) -> Race {
    let mut race = race(blocks, &[("slow", 1.5), ("ref+handicap", comes_out)]);
    let contender = race.contenders.iter_mut().find(|c| c.id == "ref+handicap").unwrap();
    contender.role = Role::Handicapped;
    contender.handicap = Some(Handicap::Work { every: 10 });
    race
}

#[test]
fn a_known_slowdown_must_be_seen() {
    for (comes_out, state) in [(1.10, "ok"), (1.00, "invalid"), (1.20, "invalid"), (0.9, "invalid")]
    {
        let judgement = judge(&slowed(12, comes_out));
        let found = control(&judgement, Role::Handicapped, Metric::Throughput);
        assert_eq!((found.state.as_str(), found.truth), (state, 1.1), "{comes_out}");
        let void = primary(&judgement, "slow").marks.contains(&mark::INVALID.to_owned());
        assert_eq!(void, state == "invalid", "{comes_out}");
        let latency = |c: &Control| c.role == Role::Handicapped && c.metric == Metric::P99;
        assert!(!judgement.controls.iter().any(latency), "work does not slow a median by 10%");
    }
}

#[test]
fn a_slowdown_that_drowns_in_noise_makes_a_race_blunt() {
    let mut race = slowed(12, 1.10);
    for (index, block) in race.blocks.iter_mut().enumerate() {
        let trial = block.trials.iter_mut().find(|t| t.contender == "ref+handicap").unwrap();
        for slice in &mut trial.slices {
            slice.window_ns = slice.window_ns * (90 + 3 * index as u64) / 106;
        }
    }
    let judgement = judge(&race);
    let found = control(&judgement, Role::Handicapped, Metric::Throughput);
    assert_eq!(found.state, "blunt", "{found:?}");
    // Others stand by their own intervals.
    assert_eq!(primary(&judgement, "slow").verdict, Call::Slower);
    (race.verdicts, race.controls) = (judgement.verdicts, judgement.controls);
    let summary = crate::stats::summary(&race);
    assert!(summary.is_blunt() && !summary.is_invalid());
    assert!(summary.sentences().iter().any(|s| s.text.contains("BLUNT")));
}

fn fouled(race: &mut Race, rounds: &[usize], contender: &str) {
    for block in 0..race.blocks.len() {
        race.foul.extend(rounds.iter().map(|round| Foul {
            block,
            round: *round,
            reason: "foreign load 50% of the slice (limit 5%)".into(),
            contenders: vec![contender.into()],
        }));
    }
}

#[test]
fn tails_count_fair_rounds_only_and_need_as_many_as_planned() {
    let mut race = race(12, &[("slow", 1.5)]);
    race.shape.rounds = 4;
    let p99 = |race: &Race| {
        let judgement = judge(race);
        judgement.verdicts.into_iter().find(|v| v.metric == Metric::P99 && v.a == "slow").unwrap()
    };
    assert_eq!(p99(&race).verdict, Call::Slower);
    // One round of each block is foul, in the slices of everyone in turn.
    for (block, who) in (0..12).zip(["ref", "slow", "ref+twin"].into_iter().cycle()) {
        let (reason, contenders) = ("foreign load".into(), vec![who.into()]);
        race.foul.push(Foul { block, round: 1, reason, contenders });
    }
    let verdict = p99(&race);
    assert_eq!((verdict.verdict, verdict.n), (Call::Undecided, 0), "three fair rounds of four");
    assert!(verdict.marks.contains(&mark::WEATHER.to_owned()), "{verdict:?}");
    race.shape.rounds = 3;
    assert_eq!(p99(&race).verdict, Call::Slower, "three of three");
}

#[test]
fn what_only_holds_in_foul_weather_depends_on_it() {
    let mut race = race(12, &[("fair-weather", 1.0), ("bystander", 1.0)]);
    race.shape.rounds = 2;
    for trial in race.blocks.iter_mut().flat_map(|block| &mut block.trials) {
        if trial.contender == "fair-weather" {
            // A hog on its CPU costs a pinned loop everything, in two rounds of four and a bit.
            for slice in &mut trial.slices[..3] {
                slice.window_ns *= 2;
            }
        }
    }
    for round in 0..3 {
        let who = ["ref", "bystander", "ref+twin"][round];
        fouled(&mut race, &[round], who);
    }
    let judgement = judge(&race);
    let verdict = primary(&judgement, "fair-weather");
    assert_eq!(verdict.verdict, Call::Undecided);
    assert!(verdict.marks.contains(&mark::DEPENDS_ON_WEATHER.to_owned()), "{verdict:?}");
    let fair = verdict.fair.as_ref().unwrap();
    assert!(verdict.ratio > 1.9 && (fair.ratio - 1.0).abs() < 0.02, "{verdict:?}");
    assert_eq!(primary(&judgement, "bystander").verdict, Call::DeadHeat);
}

#[test]
fn whoever_makes_the_weather_is_not_helped_by_it() {
    let mut race = race(12, &[("busybody", 1.5), ("same", 1.0)]);
    race.shape.rounds = 2;
    fouled(&mut race, &[0, 1], "busybody");
    let judgement = judge(&race);
    let verdict = primary(&judgement, "busybody");
    assert!(verdict.marks.contains(&mark::MAKES_WEATHER.to_owned()), "{verdict:?}");
    assert_eq!((verdict.verdict, &verdict.fair), (Call::Slower, &None), "nothing is set aside");
    let said = crate::stats::summary(&race).sentences();
    assert!(said.iter().any(|s| s.text.contains("busybody makes its own weather")), "{said:?}");
}

fn each_slice(race: &mut Race, id: &str, change: impl Fn(&mut crate::record::Slice)) {
    for trial in race.blocks.iter_mut().flat_map(|block| &mut block.trials) {
        if trial.contender == id {
            trial.slices.iter_mut().for_each(&change);
        }
    }
}

fn marks_of<'a>(judgement: &'a Judgement, metric: Metric, id: &str) -> (Call, &'a [String]) {
    let verdict = judgement.verdicts.iter().find(|v| v.metric == metric && v.a == id).unwrap();
    (verdict.verdict, &verdict.marks)
}

#[test]
fn latencies_of_the_saturated_are_never_compared() {
    let mut race = race(12, &[("slow", 1.5)]);
    (race.load, race.primary) = ("open-1000".into(), Metric::P99);
    for id in ["ref", "slow"] {
        // Room enough for its queue to forget what it was.
        each_slice(&mut race, id, |slice| slice.span_ns = 100 * slice.window_ns);
    }
    each_slice(&mut race, "slow", |slice| slice.saturated = slice.round != 0);
    let judgement = judge(&race);
    for metric in [Metric::P50, Metric::P99] {
        let (call, marks) = marks_of(&judgement, metric, "slow");
        assert!(call == Call::Undecided && marks.contains(&mark::SATURATED.to_owned()));
    }
    assert_eq!(marks_of(&judgement, Metric::CpuTime, "slow").0, Call::Slower);
    // A minority of slices is a hiccup.
    each_slice(&mut race, "slow", |slice| slice.saturated = slice.round == 0);
    assert_eq!(marks_of(&judge(&race), Metric::P99, "slow").0, Call::Slower);
}

#[test]
fn a_late_generator_ranks_nobody() {
    let mut race = race(12, &[("slow", 1.5)]);
    race.load = "open-1000".into();
    for trial in race.blocks.iter_mut().flat_map(|block| &mut block.trials) {
        trial.hist.response.clone_from(&trial.hist.service);
        let mut lag = crate::stats::histogram::empty();
        // Responses take 10 µs: a tenth of that is borne, and half of it at p99.
        lag.saturating_record_n(if trial.contender == "slow" { 2_000 } else { 900 }, 1_000);
        trial.hist.lag = crate::stats::histogram::encode(&lag).unwrap();
    }
    let judgement = judge(&race);
    let (call, marks) = marks_of(&judgement, Metric::CpuTime, "slow");
    assert!(call == Call::Undecided && marks.contains(&mark::GENERATOR_LIMITED.to_owned()));
}

#[test]
fn a_tie_against_a_busy_peer_is_no_dead_heat() {
    let mut race = race(12, &[("same", 1.0), ("slow", 1.5)]);
    race.placement.peer = vec![1];
    let busy = |slice: &mut crate::record::Slice| {
        slice.span_ns = 1_000;
        slice.peer = Some(PeerCounts { busy: 950, ..PeerCounts::default() });
    };
    each_slice(&mut race, "same", busy);
    let judgement = judge(&race);
    let (call, marks) = marks_of(&judgement, Metric::Throughput, "same");
    assert!(call == Call::Undecided && marks.contains(&mark::PEER_BOUND.to_owned()));
    assert_eq!(primary(&judgement, "slow").verdict, Call::Slower);
}

#[test]
fn what_failed_or_never_ended_is_slower_than_anything() {
    let mut race = race(12, &[("drops", 0.5)]);
    // Two in a hundred never end: the 99th percentile is one of them, and the median is not.
    each_slice(&mut race, "drops", |slice| slice.censored = 61);
    let judgement = judge(&race);
    let (call, marks) = marks_of(&judgement, Metric::P99, "drops");
    assert!(call == Call::Undecided && marks.contains(&mark::NEVER_ENDED.to_owned()), "{marks:?}");
    assert_eq!(marks_of(&judgement, Metric::P50, "drops").0, Call::Faster);
    let summary = crate::stats::summary(&race);
    let row = summary.rows.iter().find(|row| row.id == "drops").unwrap();
    assert_eq!((row.beyond.as_slice(), row.p99), (&[Metric::P99][..], None));
    assert!(row.slowest.is_some_and(|ns| (ns - 5_000.0).abs() < 100.0), "{row:?}");
    each_slice(&mut race, "drops", |slice| {
        slice.censored = 0;
        slice.errors.insert("TimedOut".into(), 61);
    });
    let judgement = judge(&race);
    let (_, marks) = marks_of(&judgement, Metric::P99, "drops");
    assert!(marks.contains(&mark::ERRORS.to_owned()), "{marks:?}");
    assert!(marks.contains(&mark::NEVER_ENDED.to_owned()), "{marks:?}");
}

#[test]
fn what_a_round_that_is_set_aside_lost_is_set_aside_with_it() {
    let mut race = race(12, &[("drops", 0.5)]);
    race.shape.rounds = 3;
    // Far more than one in a hundred, and all in one round of each block.
    each_slice(&mut race, "drops", |slice| slice.censored = 600 * u64::from(slice.round == 1));
    let p99 = |race: &Race| {
        let verdicts = judge(race).verdicts;
        verdicts.into_iter().find(|v| v.metric == Metric::P99).unwrap()
    };
    assert!(p99(&race).marks.contains(&mark::NEVER_ENDED.to_owned()), "in fair weather it counts");
    for (block, who) in (0..12).zip(["ref", "drops", "ref+twin"].into_iter().cycle()) {
        let (reason, contenders) = ("foreign load".into(), vec![who.into()]);
        race.foul.push(Foul { block, round: 1, reason, contenders });
    }
    assert_eq!(p99(&race).verdict, Call::Faster, "{:?}", p99(&race));
    let row = |race: &Race| {
        let rows = crate::stats::summary(race).rows;
        rows.into_iter().find(|row| row.id == "drops").unwrap()
    };
    assert!(row(&race).beyond.is_empty() && row(&race).p99.is_some());
    // Whoever makes the weather has all of its rounds counted.
    race.foul.clear();
    fouled(&mut race, &[1], "drops");
    let verdict = p99(&race);
    assert!(verdict.marks.contains(&mark::MAKES_WEATHER.to_owned()), "{verdict:?}");
    assert!(verdict.marks.contains(&mark::NEVER_ENDED.to_owned()), "{verdict:?}");
    assert_eq!(row(&race).beyond, [Metric::P99]);
}

#[test]
fn work_outside_of_turns_is_added_and_said() {
    let mut race = race(12, &[("lazy", 1.0)]);
    each_slice(&mut race, "ref", |slice| slice.cpu_ns = slice.cpu_turn_ns);
    each_slice(&mut race, "lazy", |slice| {
        slice.cpu_ns = slice.cpu_turn_ns;
        slice.cpu_turn_ns = slice.cpu_turn_ns * 3 / 2;
    });
    let judgement = judge(&race);
    let (call, marks) = marks_of(&judgement, Metric::CpuTime, "lazy");
    assert!(call == Call::Slower && marks.contains(&mark::OUTSIDE_ITS_TURN.to_owned()));
}

#[test]
fn a_secondary_difference_among_many_looks_must_be_rare() {
    let race = race(12, &[("a", 1.0), ("b", 1.0)]);
    let judgement = judge(&race);
    let secondary = || judgement.verdicts.iter().filter(|v| v.metric != race.primary);
    assert!(secondary().all(|v| v.marks.contains(&mark::EXPLORATORY.to_owned())));
    assert!(secondary().all(|v| v.verdict == Call::DeadHeat), "equality is no discovery");
    let mut verdicts = vec![
        Verdict { metric: Metric::P50, verdict: Call::Slower, ..Verdict::default() },
        Verdict { metric: Metric::P99, verdict: Call::Slower, ..Verdict::default() },
    ];
    let decisive = [Metric::Throughput; 2];
    discover(&mut verdicts, &[Some(0.04), Some(0.001)], decisive);
    assert_eq!(verdicts.iter().map(|v| v.verdict).collect::<Vec<_>>(), [Call::Slower; 2]);
    verdicts[1].marks.clear();
    for verdict in &mut verdicts {
        verdict.verdict = Call::Slower;
    }
    discover(&mut verdicts, &[Some(0.04), Some(0.3)], decisive);
    assert_eq!(verdicts.iter().map(|v| v.verdict).collect::<Vec<_>>(), [Call::Undecided; 2]);
}

#[test]
fn what_is_judged_in_place_of_a_tail_is_judged_as_that() {
    let mut race = race(12, &[("slow", 1.5), ("same", 1.0)]);
    // Its slices have no length: no tail of it is decided.
    (race.load, race.primary) = ("open-1000".into(), Metric::P99);
    for trial in race.blocks.iter_mut().flat_map(|block| &mut block.trials) {
        trial.slices.iter_mut().for_each(|slice| slice.cpu_ns = slice.cpu_turn_ns);
        if trial.contender == "ref+twin" {
            let mut late = crate::stats::histogram::empty();
            late.saturating_record_n(20_000, 12_000);
            trial.hist.service = crate::stats::histogram::encode(&late).unwrap();
        }
    }
    let mut judgement = judge(&race);
    assert!(judgement.is_invalid(Metric::P99) && !judgement.is_invalid(Metric::CpuTime));
    // Neither one of many looks, nor void with a metric that decides nothing.
    for (id, said) in [("slow", Call::Slower), ("same", Call::DeadHeat)] {
        let (call, marks) = marks_of(&judgement, Metric::CpuTime, id);
        assert!(call == said && marks.is_empty(), "{id}: {marks:?}");
    }
    let (_, tail) = marks_of(&judgement, Metric::P99, "slow");
    assert!(tail.contains(&mark::INVALID.to_owned()), "{tail:?}");
    assert!(!tail.contains(&mark::EXPLORATORY.to_owned()), "{tail:?}");
    let (_, median) = marks_of(&judgement, Metric::P50, "slow");
    assert!(median.contains(&mark::EXPLORATORY.to_owned()), "{median:?}");
    for recorded in [false, true] {
        if recorded {
            race.verdicts = std::mem::take(&mut judgement.verdicts);
            race.controls = std::mem::take(&mut judgement.controls);
        }
        let summary = crate::stats::summary(&race);
        assert_eq!((summary.metric, summary.in_place_of), (Metric::CpuTime, Some(Metric::P99)));
        assert!(!summary.is_invalid() && summary.group.is_some());
        let lead = summary.sentences()[0].text.clone();
        assert!(lead.starts_with("ref and same lead in a dead heat by CPU time"), "{lead}");
    }
}

#[test]
fn a_race_is_void_with_what_is_judged_in_place_of_its_tail() {
    let mut race = race(12, &[("slow", 1.5)]);
    (race.load, race.primary) = ("open-1000".into(), Metric::P99);
    each_slice(&mut race, "ref+twin", |slice| slice.cpu_turn_ns *= 2);
    let judgement = judge(&race);
    for metric in [Metric::P99, Metric::P50, Metric::CpuTime] {
        let (call, marks) = marks_of(&judgement, metric, "slow");
        assert!(call == Call::Undecided && marks.contains(&mark::INVALID.to_owned()), "{metric}");
    }
    assert!(crate::stats::summary(&race).is_invalid());
}

#[test]
fn the_reference_cannot_hide_behind_its_twins() {
    let mut race = race(12, &[("same", 1.0)]);
    race.shape.rounds = 2;
    fouled(&mut race, &[0, 1], "ref");
    fouled(&mut race, &[2, 3], "ref+twin");
    let culprits = crate::stats::summary(&race).course.culprits;
    assert_eq!(culprits, ["ref", "ref+twin"], "its slices, whatever they are called");
}

#[test]
fn alone_everyone_has_weather_of_his_own() {
    let mut race = race(12, &[("slow", 1.5), ("other", 1.2)]);
    (race.kind, race.shape.rounds) = (crate::record::Kind::Solo, 4);
    for (block, who) in (0..12).zip(["other", "ref+handicap", "elsewhere"].into_iter().cycle()) {
        let (reason, contenders) = ("foreign load".into(), vec![who.into()]);
        race.foul.push(Foul { block, round: 1, reason, contenders });
    }
    let judgement = judge(&race);
    assert_eq!(marks_of(&judgement, Metric::P99, "slow").0, Call::Slower, "theirs was fair");
    let other = judgement.verdicts.iter().find(|v| v.metric == Metric::P99 && v.a == "other");
    assert_eq!(other.unwrap().n, 8, "four blocks of it were not");
}

#[test]
fn a_wait_that_no_clock_saw_ranks_no_latency() {
    let mut race = race(12, &[("pool", 0.5)]);
    race.shape.sessions = 4;
    each_slice(&mut race, "pool", |slice| slice.waiting_ns = Some(slice.window_ns / 10));
    let judgement = judge(&race);
    let (call, marks) = marks_of(&judgement, Metric::P50, "pool");
    assert!(call == Call::Undecided && marks.contains(&mark::WAITS_OFF_THE_CLOCK.to_owned()));
    assert_eq!(primary(&judgement, "pool").verdict, Call::Faster, "its throughput is what it is");
}

#[test]
fn a_stalled_window_is_no_gap() {
    let mut race = race(12, &[("stalls", 1.0)]);
    each_slice(&mut race, "stalls", |slice| {
        if slice.round == 0 {
            (slice.done, slice.progress) = (0, Some(0.0));
        }
    });
    let verdict = primary(&judge(&race), "stalls").clone();
    assert!(verdict.marks.contains(&mark::UNEVEN.to_owned()), "{verdict:?}");
    assert_eq!(verdict.slow_share, Some(0.25));
}

#[test]
fn a_block_in_which_one_did_nothing_is_no_gap() {
    let mut race = race(12, &[("stalls", 0.5)]);
    let stall = |race: &mut Race, blocks: usize| {
        for block in &mut race.blocks[..blocks] {
            let trials = block.trials.iter_mut().filter(|trial| trial.contender == "stalls");
            for slice in trials.flat_map(|trial| &mut trial.slices) {
                (slice.done, slice.progress) = (0, Some(0.0));
            }
        }
    };
    assert_eq!(primary(&judge(&race), "stalls").verdict, Call::Faster);
    stall(&mut race, 4);
    let pairs = Measures::of(&race).pairs(Metric::Throughput, "stalls", "ref");
    assert!(pairs[0].d > 10.0 && pairs[0].total.is_none(), "{:?}", pairs[0]);
    assert!(pairs[4].d < 0.0 && pairs[4].total.is_some(), "{:?}", pairs[4]);
    let verdict = primary(&judge(&race), "stalls").clone();
    assert_eq!((verdict.n, verdict.verdict), (12, Call::Undecided), "fast in eight of twelve");
    stall(&mut race, 10);
    assert_eq!(primary(&judge(&race), "stalls").verdict, Call::Slower);
    let group = crate::stats::summary(&race).group.unwrap();
    assert!(group.members == ["ref"] && group.beats_all, "{group:?}");
}

#[test]
fn a_tie_that_the_peer_made_is_no_dead_heat_in_front_either() {
    let mut race = race(12, &[("same", 1.0)]);
    assert!(crate::stats::summary(&race).group.unwrap().equivalent);
    race.placement.peer = vec![1];
    each_slice(&mut race, "same", |slice| {
        slice.span_ns = 1_000;
        slice.peer = Some(PeerCounts { busy: 950, ..PeerCounts::default() });
    });
    assert!(!crate::stats::summary(&race).group.unwrap().equivalent);
}
