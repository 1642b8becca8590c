//! The races that could be run: every scenario's own courses, or the loads that were asked for.

use std::collections::BTreeMap;

use deadheat_core::{
    cell::{Cell, ScenarioInfo},
    load::Load,
    race::{External, plan::race_id},
    scenario::{Params, Tier},
};

use crate::{cli::ChoiceArgs, config::Outsider, failure::Failure};

/// One scenario under one load, with everybody that there is for it.
#[derive(Clone, Debug)]
pub(crate) struct Course {
    /// The scenario.
    pub(crate) scenario: ScenarioInfo,
    /// How operations arrive.
    pub(crate) load: Load,
    /// Its parameters.
    pub(crate) params: Params,
    /// `same`, `split` or `free`.
    pub(crate) placement: String,
    /// Whether the placement stands in the id.
    pub(crate) name_placement: bool,
    /// When it is run.
    pub(crate) tier: Tier,
    /// A cell for each model, and the external programs that know the scenario.
    pub(crate) racers: Vec<Racer>,
}

/// Who could race in a course.
#[derive(Clone, Debug)]
pub(crate) enum Racer {
    /// A model of this program.
    Own(Cell),
    /// An external program.
    External(External),
}

impl Racer {
    /// The id of the model, or of the program.
    pub(crate) fn model(&self) -> &str {
        match self {
            Self::Own(cell) => cell.model.id,
            Self::External(external) => &external.id,
        }
    }
}

impl Course {
    /// The race's id.
    pub(crate) fn id(&self) -> String {
        race_id(self.scenario.id, self.load, &self.params, self.named_placement())
    }

    /// The id of a model's cell: the race's, with the model after the scenario.
    pub(crate) fn cell_id(&self, model: &str) -> String {
        race_id(
            &format!("{}/{model}", self.scenario.id),
            self.load,
            &self.params,
            self.named_placement(),
        )
    }

    /// The cells of this program's own models.
    pub(crate) fn cells(&self) -> Vec<Cell> {
        let own = |racer: &Racer| match racer {
            Racer::Own(cell) => Some(cell.clone()),
            Racer::External(_) => None,
        };
        self.racers.iter().filter_map(own).collect()
    }

    /// The external programs.
    pub(crate) fn externals(&self) -> Vec<External> {
        let external = |racer: &Racer| match racer {
            Racer::Own(_) => None,
            Racer::External(external) => Some(external.clone()),
        };
        self.racers.iter().filter_map(external).collect()
    }

    fn named_placement(&self) -> Option<&str> {
        self.name_placement.then_some(self.placement.as_str())
    }
}

/// The most telling races, which are run first: the start of a scenario's id and of its load.
const FIRST: [(&str, &str); 4] =
    [("http-server", "closed"), ("idle-tasks", ""), ("tcp-echo", ""), ("http-fanout", "")];

/// Every course of the cells' scenarios, the most telling first.
pub(crate) fn courses(
    cells: &[Cell],
    outsiders: &[Outsider],
    choice: &ChoiceArgs,
) -> Result<Vec<Course>, Failure> {
    let mut scenarios: Vec<ScenarioInfo> = Vec::new();
    for cell in cells {
        if scenarios.iter().all(|scenario| scenario.id != cell.scenario.id) {
            scenarios.push(cell.scenario.clone());
        }
    }
    let mut courses: Vec<Course> = Vec::new();
    for scenario in scenarios {
        let cells = cells.iter().filter(|cell| cell.scenario.id == scenario.id);
        let outsiders = outsiders.iter().filter(|outsider| outsider.knows(&scenario));
        let externals = outsiders.map(|outsider| Racer::External(outsider.external.clone()));
        let racers: Vec<Racer> = cells.cloned().map(Racer::Own).chain(externals).collect();
        for course in of_scenario(&scenario, &racers, choice)? {
            let id = course.id();
            if courses.iter().all(|other| other.id() != id) {
                courses.push(course);
            }
        }
    }
    if courses.is_empty() && !choice.param.is_empty() {
        let names: Vec<_> = choice.param.iter().filter_map(|pair| pair.split('=').next()).collect();
        return Err(Failure::usage(format!("no scenario has the parameter {}", names.join(", "))));
    }
    courses.sort_by_key(|course| {
        let load = course.load.to_string();
        let rank = FIRST
            .iter()
            .position(|(scenario, kind)| course.scenario.id == *scenario && load.starts_with(kind));
        rank.unwrap_or(FIRST.len())
    });
    Ok(courses)
}

fn of_scenario(
    scenario: &ScenarioInfo,
    racers: &[Racer],
    choice: &ChoiceArgs,
) -> Result<Vec<Course>, Failure> {
    let about = (scenario.describe)();
    let given: BTreeMap<&str, &str> =
        choice.param.iter().filter_map(|pair| pair.split_once('=')).collect();
    // A parameter that it does not have was meant for another scenario.
    if given.keys().any(|name| about.params.iter().all(|param| param.name != *name)) {
        return Ok(Vec::new());
    }
    let usual = about.courses.first().map_or("same", |course| course.placement);
    let mut wanted: Vec<(String, &str, &str, Tier)> = Vec::new();
    let loads = choice.loads();
    if loads.is_empty() {
        let own = about.courses.iter();
        wanted.extend(own.map(|c| (c.load.to_owned(), c.params, c.placement, c.tier)));
    } else {
        for load in &loads {
            let known = about.courses.iter().find(|course| course.load == load);
            let placement = known.map_or(usual, |course| course.placement);
            wanted.push((load.clone(), "", placement, Tier::Quick));
        }
    }
    wanted
        .into_iter()
        .map(|(load, own, placement, tier)| {
            let bad =
                |what: &dyn std::fmt::Display| Failure::usage(format!("{}: {what}", scenario.id));
            let mut params: BTreeMap<String, String> = own
                .split(',')
                .filter_map(|pair| pair.split_once('='))
                .map(|(name, value)| (name.into(), value.into()))
                .collect();
            params.extend(given.iter().map(|(name, value)| ((*name).into(), (*value).into())));
            let placement = choice.placement.map_or(placement, crate::cli::Place::id);
            Ok(Course {
                scenario: scenario.clone(),
                load: load.parse().map_err(|error| bad(&error))?,
                params: Params::resolve(&params, about.params).map_err(|error| bad(&error))?,
                placement: placement.into(),
                name_placement: placement != usual,
                tier,
                racers: racers.to_vec(),
            })
        })
        .collect()
}
