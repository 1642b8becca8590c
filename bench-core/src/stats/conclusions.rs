//! A race in plain words. Every sentence says how sure it is, and none names a winner that the
//! intervals do not support.

use super::{
    human::{list, percent, ratio, ratio_interval},
    judge::mark,
    rank::min_blocks,
    summary::{Row, State, Summary},
};
use crate::record::{Call, Control, Metric, Role};

mod price;
mod trust;
mod undecided;

/// One conclusion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// What it is about.
    pub topic: Topic,
    /// The words.
    pub text: String,
}

/// What a conclusion is about, in the order in which they are said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// The race cannot be believed, or was not finished.
    Validity,
    /// Who leads, together with whom.
    Lead,
    /// By how much, in one short sentence.
    Size,
    /// Who differs from the reference, and by how much.
    Difference,
    /// The price in memory and CPU.
    Cost,
    /// What could not be told, and what it would take.
    Unknown,
    /// Who has no number.
    Failed,
    /// Same code, twice, and slower on purpose.
    Control,
    /// The weather, and what slices did to each other.
    Course,
}

impl Summary {
    /// The race's conclusions, most important first.
    pub fn sentences(&self) -> Vec<Sentence> {
        let parts = [
            (Topic::Validity, self.validity()),
            (Topic::Lead, self.lead()),
            (Topic::Size, self.size()),
            (Topic::Difference, self.differences()),
            (Topic::Cost, self.cost()),
            (Topic::Unknown, self.unknown()),
            (Topic::Failed, self.failed()),
            (Topic::Control, self.control()),
            (Topic::Course, self.went()),
        ];
        let said =
            parts.into_iter().filter_map(|(topic, text)| Some(Sentence { topic, text: text? }));
        said.collect()
    }

    /// Whether a control proves that the race can't be believed.
    pub fn is_invalid(&self) -> bool {
        self.controls().any(|control| control.state == "invalid")
    }

    /// Whether the race may have missed a slowdown of twice the margin: verdicts stand by their
    /// own intervals, and a gate could not trust its silence.
    pub fn is_blunt(&self) -> bool {
        let seen = self.handicapped.as_ref().map(|control| control.state.as_str());
        let twin = self.twin.as_ref().is_some_and(|twin| twin.state == "ok");
        // One that failed, or has too few blocks, has not shown anything either.
        seen == Some("blunt")
            || (twin && self.controlled && seen.is_none_or(|s| s == "no-interval"))
    }

    fn controls(&self) -> impl Iterator<Item = &Control> {
        [&self.twin, &self.handicapped].into_iter().flatten()
    }

    /// How far the same code was from itself: the farther end of the twin's interval.
    pub fn noise_floor(&self) -> Option<f64> {
        let twin = self.twin.as_ref()?;
        Some((twin.hi?).max(1.0 / twin.lo?) - 1.0)
    }

    /// Who is in front. Nobody, where all that have numbers are there and are not shown to be equal.
    pub fn leaders(&self) -> &[String] {
        let raced = self.models().filter(|row| row.has_numbers()).count();
        let group = self.group.as_ref().filter(|g| g.equivalent || g.members.len() < raced);
        group.map_or(&[], |group| group.members.as_slice())
    }

    fn models(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.role == Role::Model)
    }

    fn lead(&self) -> Option<String> {
        if self.is_invalid() || self.models().all(|row| !row.has_numbers()) {
            return None;
        }
        let on = self.metric.name();
        let instead = self.in_place_of.map_or(String::new(), |primary| {
            format!(" (the {} could not be decided with this many samples)", primary.name())
        });
        let raced = self.models().filter(|row| row.has_numbers()).count();
        let Some(group) = self.group.as_ref().filter(|group| !group.members.is_empty()) else {
            return Some(format!("By {on}{instead}, {}", self.why_nobody_leads(raced)));
        };
        let everyone = group.members.len() == raced;
        let names = list(&group.members);
        let within = group.within.map(percent).unwrap_or_default();
        let out: Vec<&str> =
            self.models().filter(|row| !self.is_ranked(row)).map(|row| row.id.as_str()).collect();
        let (ranked, unranked) = if out.is_empty() {
            ("", String::new())
        } else {
            (
                " that can be ranked",
                format!(" Not ranked, for the reasons beside them: {}.", list(&out)),
            )
        };
        Some(match group.members.len() {
            1 if !group.beats_all => format!(
                "Only {names} is not shown to be beaten by {on}{instead}; it is not shown to beat \
                 every other model{ranked} itself.{unranked}"
            ),
            1 => format!(
                "{names} leads by {on}{instead}: every other model{ranked} is shown to be beaten by \
                 more than {}.{unranked}",
                percent(self.margin)
            ),
            _ if group.equivalent && everyone => {
                format!("All {raced} models are a dead heat by {on}{instead}: {names} (±{within}).")
            }
            _ if group.equivalent => {
                format!("{names} lead in a dead heat by {on}{instead} (±{within}).{unranked}")
            }
            _ if everyone => {
                format!("By {on}{instead}, no model is shown to lead: {names} are not separated.")
            }
            _ => {
                let beaten =
                    format!(" Each of the others{ranked} is shown to be beaten.{unranked}");
                format!(
                    "In front by {on}{instead}, and not separated from each other: {names}.{beaten}"
                )
            }
        })
    }

    /// Whether it was compared with all others, so far as it has numbers.
    fn is_ranked(&self, row: &Row) -> bool {
        let whole = matches!(row.state, State::Raced) || !row.has_numbers();
        whole && self.is_comparable(row)
    }

    /// Whether nothing of its own forbids to compare it.
    fn is_comparable(&self, row: &Row) -> bool {
        let own = &row.conditions;
        let is_tail = matches!(self.metric, Metric::P50 | Metric::P99);
        let behind = is_tail && (own.saturated || own.waits_off_the_clock);
        !behind && !own.generator_limited && !row.beyond.contains(&self.metric)
    }

    /// The leaders and the far end, both against the reference; only what is decided is said.
    fn size(&self) -> Option<String> {
        let group = self.group.as_ref()?;
        let mut parts = Vec::new();
        let leaders: Vec<&Row> = self
            .models()
            .filter(|row| group.members.contains(&row.id) && row.call() == Call::Faster)
            .collect();
        // An amount is told as the share that it is; a speed as the factor that was gained.
        let amount = is_amount(self.metric);
        let gain = |row: &&Row| if amount { ratio_of(row) } else { 1.0 / ratio_of(row) };
        let gains: Vec<f64> = leaders.iter().map(gain).collect();
        let least = gains.iter().copied().fold(f64::INFINITY, f64::min);
        let most = gains.iter().copied().fold(0.0, f64::max);
        if !gains.is_empty() {
            let who = if leaders.len() == group.members.len() {
                if leaders.len() == 1 { "It".to_owned() } else { "They".to_owned() }
            } else {
                list(&leaders.iter().map(|row| row.id.as_str()).collect::<Vec<_>>())
            };
            let (least, most) = (ratio(least), ratio(most));
            let factor = if least == most { least } else { format!("{least} to {most}") };
            let said = self.compared(&who, &factor, false);
            parts.push(format!("{who} {said}{}", together(&leaders, amount)));
        }
        let far = self.models().filter(|row| row.call() == Call::Slower);
        if let Some(row) = far.max_by(|a, b| ratio_of(a).total_cmp(&ratio_of(b))) {
            let said = self.compared("", &ratio(ratio_of(row)), true);
            parts.push(format!("{} {said}{}", row.id, together(&[row], true)));
        }
        (!parts.is_empty()).then(|| format!("{}.", parts.join("; ")))
    }

    /// "are 1.2× faster than the reference".
    fn compared(&self, who: &str, factor: &str, slower: bool) -> String {
        let plural = who == "They" || who.contains(" and ");
        let (word, verb) = words_for(self.metric, slower);
        let verb = match (verb, plural) {
            ("is", true) => "are",
            ("takes", true) => "take",
            (verb, _) => verb,
        };
        let than = if is_amount(self.metric) { "of" } else { "than" };
        format!("{verb} {factor}× {word} {than} {}", self.reference)
    }

    fn why_nobody_leads(&self, raced: usize) -> String {
        let marked = |mark: &str| {
            self.models()
                .filter_map(|row| row.verdict.as_ref())
                .any(|v| v.marks.iter().any(|m| m == mark))
        };
        let out: Vec<&str> = self
            .models()
            .filter(|row| row.has_numbers() && !self.is_comparable(row))
            .map(|row| row.id.as_str())
            .collect();
        if raced < 2 {
            "only one model has numbers: there is nothing to compare.".into()
        } else if raced < out.len() + 2 {
            format!(
                "fewer than two models can be ranked. Not ranked, for the reasons beside them: \
                 {}.",
                list(&out)
            )
        } else if marked(mark::NO_FLOOR) {
            "nothing may be said: the control, the same code twice, has no interval.".into()
        } else if marked(mark::NOT_DECIDABLE) {
            "nothing can be decided: too few samples lie beyond the quantile, or the windows are \
             too short for the queue."
                .into()
        } else if marked(mark::WEATHER) {
            "nothing can be decided: too few rounds were in fair weather.".into()
        } else if marked(mark::NEVER_ENDED) {
            "nothing can be decided: some operations never ended.".into()
        } else {
            format!(
                "nothing can be told from {}: an interval over {raced} models needs at least {}.",
                plural(self.blocks, "block"),
                min_blocks(raced - 1, 1)
            )
        }
    }

    fn differences(&self) -> Option<String> {
        let mut parts: Vec<String> = Vec::new();
        let mut apart: Vec<&Row> = self
            .models()
            .filter(|row| !matches!(row.call(), Call::Undecided | Call::DeadHeat))
            .collect();
        apart.sort_by(|a, b| ratio_of(a).total_cmp(&ratio_of(b)));
        parts.extend(apart.iter().map(|row| difference(self.metric, row)));
        let equal: Vec<&Row> = self.models().filter(|row| row.call() == Call::DeadHeat).collect();
        if !equal.is_empty() {
            let names: Vec<&str> = equal.iter().map(|row| row.id.as_str()).collect();
            let verb = if equal.len() == 1 { "is a dead heat" } else { "are dead heats" };
            let widest = equal
                .iter()
                .filter_map(|row| row.verdict.as_ref()?.lo.zip(row.verdict.as_ref()?.hi))
                .fold(0.0_f64, |widest, (lo, hi)| widest.max(hi - 1.0).max(1.0 / lo - 1.0));
            let (names, widest) = (list(&names), percent(widest));
            parts.push(format!("{names} {verb} (±{widest}{})", self.own_cost(&equal)));
        }
        (!parts.is_empty()).then(|| format!("Against {}: {}.", self.reference, parts.join("; ")))
    }

    /// Where most of an operation is not the contender's own doing, an equal whole does not make
    /// the contenders' own cost equal.
    fn own_cost(&self, equal: &[&Row]) -> String {
        let least = equal.iter().filter_map(|row| row.share).fold(1.0_f64, f64::min);
        if least >= 0.5 || least <= 0.0 {
            return String::new();
        }
        format!(
            " at this scenario: {} of an operation is the model's own, whose cost could differ by up to {}",
            percent(least),
            percent(self.margin / least)
        )
    }

    fn failed(&self) -> Option<String> {
        let said: Vec<String> = self
            .rows
            .iter()
            .filter_map(|row| match &row.state {
                State::Failed(cause) => Some(format!("{} failed ({cause})", row.id)),
                State::Partly { failed, cause } => {
                    Some(format!("{} failed in {} ({cause})", row.id, plural(*failed, "block")))
                }
                _ => None,
            })
            .collect();
        (!said.is_empty()).then(|| format!("{}.", said.join("; ")))
    }
}

/// "x is 15.8× slower [15.2, 16.3]": of a speed the factor is above 1, in the word's direction; "x
/// takes 0.81× the memory [0.80, 0.82]": of an amount it is the ratio.
fn difference(metric: Metric, row: &Row) -> String {
    let Some(verdict) = &row.verdict else { return String::new() };
    let slower = verdict.ratio >= 1.0;
    let (word, verb) = words_for(metric, slower);
    let (point, ends) = if slower || is_amount(metric) {
        (verdict.ratio, verdict.lo.zip(verdict.hi))
    } else {
        (1.0 / verdict.ratio, verdict.hi.zip(verdict.lo).map(|(hi, lo)| (1.0 / hi, 1.0 / lo)))
    };
    let text = ratio_interval(point, ends);
    let (factor, interval) = text.split_once(' ').unwrap_or((&text, ""));
    let size = match verdict.verdict {
        Call::FasterSizeUndecided | Call::SlowerSizeUndecided => ", size undecided",
        _ => "",
    };
    format!("{} {verb} {factor}× {word} {interval}{size}", row.id)
}

fn is_amount(metric: Metric) -> bool {
    matches!(metric, Metric::Memory | Metric::CpuTime)
}

fn words_for(metric: Metric, slower: bool) -> (&'static str, &'static str) {
    match (metric, slower) {
        (Metric::Memory, _) => ("the memory", "takes"),
        (Metric::CpuTime, _) => ("the CPU time", "takes"),
        (_, true) => ("slower", "is"),
        (_, false) => ("faster", "is"),
    }
}

/// " [1.34, 1.44]": the interval of them all, as ratios or as the factors that were gained.
fn together(rows: &[&Row], as_ratios: bool) -> String {
    let ends = rows.iter().filter_map(|row| {
        let (lo, hi) = row.verdict.as_ref()?.lo.zip(row.verdict.as_ref()?.hi)?;
        Some(if as_ratios { (lo, hi) } else { (1.0 / hi, 1.0 / lo) })
    });
    let hull = ends.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    hull.map_or(String::new(), |ends| {
        let text = ratio_interval(ends.0, Some(ends));
        text.split_once(' ').map_or(String::new(), |(_, interval)| format!(" {interval}"))
    })
}

fn ratio_of(row: &Row) -> f64 {
    row.verdict.as_ref().map_or(1.0, |verdict| verdict.ratio)
}

fn plural(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

#[cfg(test)]
mod tests;
