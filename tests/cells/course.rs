//! A cell in rehearsal.

use deadheat::core::{
    cell::Cell,
    load::Load,
    protocol::Prepare,
    rehearsal::Rehearsal,
    resource,
    scenario::{Params, Setup, connections},
};

/// Sessions of a rehearsal, where the scenario does not want fewer.
const SESSIONS: usize = 4;

/// Parameters that make a scenario small.
fn small(scenario: &str) -> &'static str {
    match scenario {
        "http-fanout" => "think=1ms",
        "gather" => "unit=1ms,delays=4+1",
        "sha256" => "bytes=64",
        _ => "",
    }
}

/// A cell in rehearsal: its parameters, and what its children are prepared with.
pub(crate) struct Course {
    pub(crate) cells: &'static [Cell],
    pub(crate) cell: &'static Cell,
    params: Params,
    pub(crate) load: Load,
    pub(crate) prepare: Prepare,
}

impl Course {
    pub(crate) fn new(cells: &'static [Cell], cell: &'static Cell, load: &str) -> Self {
        Self::with(cells, cell, load, small(cell.scenario.id))
    }

    pub(crate) fn with(
        cells: &'static [Cell],
        cell: &'static Cell,
        load: &str,
        params: &str,
    ) -> Self {
        let description = (cell.scenario.describe)();
        let params = Params::parse(params, description.params).unwrap();
        let setup = Setup { params: &params, load: load.parse().unwrap(), peers: &[] };
        let sessions = connections(description.sessions, &setup).min(SESSIONS);
        let prepare = Prepare {
            scenario: cell.scenario.id.into(),
            model: cell.model.id.into(),
            params: params.changed().clone(),
            load: load.into(),
            sessions,
            ops_per_sample: params.number("ops").unwrap_or(1),
            ..Prepare::default()
        };
        Self { cells, cell, params, load: load.parse().unwrap(), prepare }
    }

    pub(crate) fn setup(&self) -> Setup<'_> {
        Setup { params: &self.params, load: self.load, peers: &self.prepare.peers }
    }

    /// Whether the model can do it: its own view, and room for what has to be in progress at once.
    pub(crate) fn fits(&self) -> bool {
        let demand = (self.cell.scenario.demand)(&self.setup());
        let places = self.cell.model.places(resource::workers());
        (self.cell.scenario.fits)(&self.cell.model, &self.setup()).is_ok()
            && places.is_none_or(|places| demand.rendezvous <= places as u64)
    }

    /// Starts the peers of a client scenario, or the generator of a service.
    pub(crate) fn peers(&mut self) -> Vec<Rehearsal> {
        let count = (self.cell.scenario.peers)(&self.setup()).len();
        let start = |index| {
            let prepare = Prepare { peer: Some(index), ..self.prepare.clone() };
            Rehearsal::start(self.cells, prepare).unwrap()
        };
        let peers: Vec<_> = (0..count).map(start).collect();
        self.prepare.peers.extend(peers.iter().filter_map(|peer| peer.ready.addr));
        peers
    }

    pub(crate) fn name(&self) -> String {
        format!("{:?} {}", self.cell, self.load)
    }
}
