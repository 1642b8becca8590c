//! `lab`: campaigns, and the weather that they are run in.

use std::time::Duration;

use deadheat_core::{cell::Cell, clock, race::child::Processes};

use super::run;
use crate::{
    cli::{CampaignName, LabArgs},
    failure::{Failure, exit},
    lab::{
        aa::Aa,
        bursts::{self, Bursts},
        conduct,
        course::Lab,
        criterion::Criterion,
        order::Order,
        slicing::Slicing,
        slowdown::Slowdown,
    },
    matrix,
};

/// Runs the campaign that the arguments name, or what is missing of it.
pub(crate) fn lab(cells: &[Cell], args: &LabArgs) -> Result<u8, Failure> {
    if args.campaign == CampaignName::Bursts {
        return burst(args);
    }
    let cells = [cells, &matrix::hidden()].concat();
    let launcher = Processes::of_this_program().map_err(|error| {
        Failure::error(format!("failed to find this program's own file: {error}"))
    })?;
    let lab = Lab { cells: &cells, launcher, seed: args.seed, race_time: args.race_time };
    run::on_interrupt();
    match args.campaign {
        CampaignName::Aa => conduct(&Aa, lab, args),
        CampaignName::Slowdown => conduct(&Slowdown, lab, args),
        CampaignName::Order => conduct(&Order, lab, args),
        CampaignName::Slicing => conduct(&Slicing, lab, args),
        CampaignName::Criterion if args.report => conduct(&Criterion::default(), lab, args),
        CampaignName::Criterion => conduct(&Criterion::beside_this_program()?, lab, args),
        CampaignName::Bursts => Ok(exit::OK),
    }
}

/// Foreign load by itself: one of its processes, or all of them for a while.
fn burst(args: &LabArgs) -> Result<u8, Failure> {
    let failed = |error| Failure::error(format!("failed to make bursts: {error}"));
    if let (Some(cpu), Some(parent)) = (args.on, args.of) {
        bursts::burst(cpu, parent).map_err(failed)?;
        return Ok(exit::OK);
    }
    let _bursts = Bursts::start().map_err(failed)?;
    run::on_interrupt();
    let end = clock::now() + clock::nanos(args.time.unwrap_or(Duration::from_mins(1)));
    while clock::now() < end && !run::interrupted() {
        clock::sleep(Duration::from_millis(50));
    }
    Ok(exit::OK)
}
