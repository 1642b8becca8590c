//! The races that could be run: every scenario's own courses, or the loads that were asked for.

use std::collections::BTreeMap;

use deadheat_core::{
    cell::{Cell, ScenarioInfo},
    load::Load,
    race::plan::race_id,
    scenario::{Params, Tier},
};

use crate::{cli::ChoiceArgs, failure::Failure};

/// One scenario under one load, with the models that there are for it.
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
    /// A cell for each model.
    pub(crate) cells: Vec<Cell>,
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

    fn named_placement(&self) -> Option<&str> {
        self.name_placement.then_some(self.placement.as_str())
    }
}

/// The most telling races, which are run first: the start of a scenario's id and of its load.
const FIRST: [(&str, &str); 4] =
    [("http-server", "closed"), ("idle-tasks", ""), ("tcp-echo", ""), ("http-fanout", "")];

/// Every course of the cells' scenarios, the most telling first.
pub(crate) fn courses(cells: &[Cell], choice: &ChoiceArgs) -> Result<Vec<Course>, Failure> {
    let mut scenarios: Vec<ScenarioInfo> = Vec::new();
    for cell in cells {
        if scenarios.iter().all(|scenario| scenario.id != cell.scenario.id) {
            scenarios.push(cell.scenario.clone());
        }
    }
    let mut courses: Vec<Course> = Vec::new();
    for scenario in scenarios {
        let cells: Vec<_> =
            cells.iter().filter(|cell| cell.scenario.id == scenario.id).cloned().collect();
        for course in of_scenario(&scenario, &cells, choice)? {
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
    cells: &[Cell],
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
    if choice.load.is_empty() {
        let own = about.courses.iter();
        wanted.extend(own.map(|c| (c.load.to_owned(), c.params, c.placement, c.tier)));
    } else {
        for load in &choice.load {
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
                cells: cells.to_vec(),
            })
        })
        .collect()
}
