//! Whether a race can be believed: its end, its controls, the weather it was run in.

use super::{
    super::{
        human::{list, percent, ratio, ratio_interval},
        summary::Summary,
    },
    plural,
};
use crate::record::{Metric, Role, Status};

impl Summary {
    /// Why nobody is ranked, or why there is less than was planned.
    pub(super) fn validity(&self) -> Option<String> {
        if let Some(control) = self.controls().find(|control| control.state == "invalid") {
            let found = ratio_interval(control.ratio, control.lo.zip(control.hi));
            return Some(match control.role {
                Role::Handicapped => format!(
                    "INVALID: the same code, made {}× as slow on purpose, came out at {found}, so nobody is ranked.",
                    ratio(control.truth)
                ),
                _ => format!(
                    "INVALID: the same code, raced twice, differs from itself ({found}), so nobody is ranked."
                ),
            });
        }
        let done = plural(self.blocks, "block");
        match &self.status {
            Status::Complete => None,
            Status::Running => Some(format!("Not finished: {done} so far.")),
            Status::Cut => Some(format!("Ended early, after {done}; what is there stands.")),
            Status::Failed(cause) => Some(format!("This race could not be run: {cause}.")),
        }
    }

    /// Same code, twice, and slower on purpose.
    pub(super) fn control(&self) -> Option<String> {
        let twin = self.twin.as_ref().filter(|_| !self.is_invalid())?;
        let same = match self.noise_floor() {
            Some(floor) => format!(
                "Same code, twice: {} (noise floor {}).",
                ratio_interval(twin.ratio, twin.lo.zip(twin.hi)),
                percent(floor)
            ),
            None => format!("Same code, twice: {}.", ratio_interval(twin.ratio, None)),
        };
        let Some(slowed) = &self.handicapped else {
            let missing = "BLUNT: the twin that is slowed on purpose has no number here; whether a \
                           slowdown would have been seen is not known.";
            let blunt = self.is_blunt();
            return Some(if blunt { format!("{same} {missing}") } else { same });
        };
        let found = ratio_interval(slowed.ratio, slowed.lo.zip(slowed.hi));
        let truth = ratio(slowed.truth);
        let (made, seen) = match self.metric {
            Metric::Memory => (format!("told to take {truth}× as much"), "seen as more"),
            Metric::CpuTime => {
                (format!("made to take {truth}× as much on purpose"), "seen as more")
            }
            _ => (format!("made {truth}× as slow on purpose"), "seen as slower"),
        };
        Some(match slowed.state.as_str() {
            "blunt" => {
                let differs = slowed.lo.is_some_and(|lo| lo > 1.0);
                let but = if differs {
                    format!("a difference, but not shown to exceed {}", percent(self.margin))
                } else {
                    format!("not told from ±{}", percent(self.margin))
                };
                format!(
                    "{same} BLUNT: {made}, it came out at {found}: {but}. A difference of that size \
                     may have been missed."
                )
            }
            "ok" => format!("{same} The same code, {made}: {found}, {seen}."),
            _ => format!("{same} The same code, {made}: {found}."),
        })
    }

    /// Weather, drift and carry-over, where there is something to say.
    pub(super) fn went(&self) -> Option<String> {
        let course = &self.course;
        let mut said = Vec::new();
        if course.foul > 0 {
            let why: Vec<String> =
                course.reasons.iter().map(|(what, n)| format!("{what}: {n}")).collect();
            said.push(format!(
                "{} of {} were in foul weather ({}).",
                course.foul,
                plural(course.rounds, "round"),
                why.join(", ")
            ));
        }
        if !course.culprits.is_empty() {
            said.push(format!(
                "That is not spread evenly: {} makes its own weather, so nothing is set aside.",
                list(&course.culprits)
            ));
        }
        if course.unwatched {
            said.push(
                "Nothing here counts foreign load finely enough: no round was set aside for it."
                    .to_owned(),
            );
        }
        for (id, drift) in &course.drifting {
            said.push(format!(
                "Still drifting: {id} against {} changes by {} from a block's first round to its last.",
                self.reference,
                percent((drift.size - 1.0).abs())
            ));
        }
        let shown = course.carry_over.iter().filter(|effect| effect.is_shown());
        let largest = shown.max_by(|a, b| a.effect.point.abs().total_cmp(&b.effect.point.abs()));
        if let Some(effect) = largest {
            let size = effect.effect.point.exp_m1();
            said.push(format!(
                "Carry-over: who runs after {} costs {} {}.",
                effect.predecessor,
                percent(size.abs()),
                if size > 0.0 { "more" } else { "less" }
            ));
        }
        (!said.is_empty()).then(|| said.join(" "))
    }
}
