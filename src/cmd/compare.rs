//! `compare`: two records side by side.

use deadheat_core::record::Record;
use deadheat_reports::compare;

use crate::{
    cli::CompareArgs,
    cmd::report,
    failure::{Failure, exit},
    folder, output,
};

/// Shows what may be concluded from two records. It is no gate: whatever it shows, it ends with 0.
pub(crate) fn compare(args: &CompareArgs) -> Result<u8, Failure> {
    let (_, base) = report::read(&args.base)?;
    let (_, new) = report::read(&args.new)?;
    output::result(&compare::text(&compare::compare(&base, &new, args.all_metrics)));
    Ok(exit::OK)
}

/// The record that was kept under a name; the command line makes no sense where there is none.
pub(crate) fn baseline(name: &str) -> Result<Record, Failure> {
    let path = folder::baseline(name);
    if !path.exists() {
        let none = format!("no baseline is called \"{name}\" (--save-baseline {name} keeps one)");
        return Err(Failure::usage(none));
    }
    Ok(report::read(&path)?.1)
}
