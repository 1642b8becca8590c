//! `report`: stored records in any format.

use std::path::{Path, PathBuf};

use deadheat_core::record::{self, Record, Warning};
use deadheat_reports::{Error, Format, Options, Output, Styles, damage, file_name, formats};

use crate::{
    cli::ReportArgs,
    failure::{Failure, exit},
    files,
    folder::{self, RECORD},
    output,
};

/// Shows each record, or writes its files.
pub(crate) fn report(args: &ReportArgs) -> Result<u8, Failure> {
    let format = find(&args.format)?;
    let records: Vec<(PathBuf, Record)> =
        args.files.iter().map(|file| read(file)).collect::<Result<_, _>>()?;
    let options = options();
    let names = folders(&records);
    for ((path, record), name) in records.iter().zip(names) {
        let rendered = (format.render)(record, &options);
        let files = rendered.map_err(|error| unshown(&error, &format!("{}: ", path.display())))?;
        let Some((folder, over)) = place(args, name, records.len()) else {
            print(&files);
            continue;
        };
        let paths = files::write(&folder, &files, over)?;
        for path in &paths {
            output::line(path.display());
        }
        if let (true, Some(page)) = (args.open, paths.first()) {
            open(page)?;
        }
    }
    Ok(exit::OK)
}

/// A record as a run prints it at its end: all that this format makes of it. Who reads it knows the
/// warnings in `told` already.
pub(crate) fn shown(id: &str, record: &Record, told: &[Warning]) -> Result<String, Failure> {
    let format = find(id)?;
    let rendered = (format.render)(record, &Options { told: told.to_vec(), ..options() });
    let files = rendered.map_err(|error| unshown(&error, ""))?;
    Ok(files.iter().map(|file| String::from_utf8_lossy(&file.bytes)).collect())
}

/// Why a format can't show a record. One that has no place for what is in it was the wrong one to
/// ask for.
fn unshown(error: &Error, whose: &str) -> Failure {
    let text = format!("{whose}{error}");
    let was_wrong = matches!(error, Error::OnlyCapacities(_));
    if was_wrong { Failure::usage(text) } else { Failure::error(text) }
}

/// How this side shows texts.
fn options() -> Options {
    let styles = if output::coloured() { Styles::coloured() } else { Styles::plain() };
    Options { width: output::width(), styles, ..Options::default() }
}

/// A folder's name for each record: its run's, with a number where two are of one run.
fn folders(records: &[(PathBuf, Record)]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (_, record) in records {
        let own = file_name(&record.run.id);
        let mut name = own.clone();
        let mut number = 1;
        while names.contains(&name) {
            number += 1;
            name = format!("{own}.{number}");
        }
        names.push(name);
    }
    names
}

/// Where the files go, and whether over what is there. Files that are only to be looked at lie with
/// the runs, and are written anew.
fn place(args: &ReportArgs, name: String, of: usize) -> Option<(PathBuf, bool)> {
    match &args.out {
        Some(out) if of == 1 => Some((out.clone(), args.force)),
        Some(out) => Some((out.join(name), args.force)),
        None => args.open.then(|| (folder::shown().join(name), true)),
    }
}

/// One thing can be printed; the main file is the one that is meant.
fn print(files: &[Output]) {
    if let Some(main) = files.first() {
        output::result(&String::from_utf8_lossy(&main.bytes));
    }
    if let [main, rest @ ..] = files
        && !rest.is_empty()
    {
        let more =
            format!("{} and {} more files: --out DIR writes them all", main.name, rest.len());
        output::note(more);
    }
}

fn open(page: &Path) -> Result<(), Failure> {
    open::that(page)
        .map_err(|error| Failure::error(format!("failed to open {}: {error}", page.display())))
}

fn find(id: &str) -> Result<&'static Format, Failure> {
    deadheat_reports::find(id).ok_or_else(|| {
        let known: Vec<_> = formats().iter().map(|format| format.id).collect();
        Failure::usage(format!("no format is called \"{id}\"; there are: {}", known.join(", ")))
    })
}

/// A record that can be shown: of this schema, and with histograms that decode.
pub(crate) fn read(file: &Path) -> Result<(PathBuf, Record), Failure> {
    let path = if file.is_dir() { file.join(RECORD) } else { file.to_owned() };
    let record = record::read(&path).map_err(|error| Failure::error(error.to_string()))?;
    match damage(&record) {
        Some(damage) => Err(Failure::error(format!("{} is damaged: {damage}", path.display()))),
        None => Ok((path, record)),
    }
}
