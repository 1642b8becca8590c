//! K9: what a contender is said to have used, against what it did use.

use deadheat_core::{
    record::Trial,
    stats::known::{Known, Limit, Unit},
};

use super::{
    Context,
    track::{Course, run, sound},
};

/// What is used: CPU time in milliseconds, MiB, threads, forced blocks.
const USED: [(&str, u64); 4] = [("cpu-ms", 1_000), ("mib", 64), ("threads", 17), ("blocks", 500)];

pub(super) fn k9(context: &Context) -> Result<Vec<Known>, String> {
    let nothing = using(context, "nothing", 0)?;
    USED.into_iter()
        .map(|(what, amount)| Ok(known(what, amount, &using(context, what, amount)?, &nothing)))
        .collect()
}

/// The trial of a process that used that, and nothing else.
fn using(context: &Context, what: &str, amount: u64) -> Result<Trial, String> {
    let course = Course {
        scenario: "selftest-use",
        models: &["blocking/sequential"],
        load: "batch-1",
        params: &format!("what={what},amount={amount}"),
        placement: "free",
    };
    let race = sound(run(context, &course.plan(&context.cells, 1, 1)?)?)?;
    let trial = race.blocks.into_iter().flat_map(|block| block.trials).next();
    trial.ok_or_else(|| format!("{what}: nothing was run"))
}

fn known(what: &str, amount: u64, trial: &Trial, nothing: &Trial) -> Known {
    let slice = |trial: &Trial| trial.slices.first().cloned().unwrap_or_default();
    let number = |value: Option<u64>| value.map_or(f64::NAN, |value| value as f64);
    let more = |of: fn(&Trial) -> Option<u64>| number(of(trial)) - number(of(nothing));
    let truth = amount as f64;
    match what {
        "cpu-ms" => {
            let used = slice(trial).cpu_turn_ns as f64;
            Known::new(
                "CPU time of 1 s of work",
                Unit::Ns,
                truth * 1e6,
                used,
                Limit::Relative(0.02),
            )
        }
        "mib" => {
            const MIB: f64 = 1_048_576.0;
            let rss = more(|trial| trial.resources.rss_peak);
            let what = "resident set of 64 MiB touched";
            Known::new(what, Unit::Bytes, truth * MIB, rss, Limit::Absolute(MIB))
        }
        "threads" => {
            let threads = more(|trial| trial.resources.threads_peak);
            Known::new("peak of 17 threads more", Unit::Count, truth, threads, Limit::Absolute(0.0))
        }
        _ => {
            let blocks = number(slice(trial).voluntary);
            let what = "voluntary switches of 500 forced blocks";
            Known::new(what, Unit::Count, truth, blocks, Limit::AtLeast)
        }
    }
}
