//! `report`: stored records in any format.

use std::{
    fs,
    path::{Path, PathBuf},
};

use deadheat_core::record::{self, Record};
use deadheat_reports::{Format, Options, Output, Styles, formats};

use crate::{
    cli::ReportArgs,
    failure::{Failure, exit},
    folder::RECORD,
    output,
};

/// Shows each record, or writes its files.
pub(crate) fn report(args: &ReportArgs) -> Result<u8, Failure> {
    let format = find(&args.format)?;
    let records: Vec<(PathBuf, Record)> =
        args.files.iter().map(|file| read(file)).collect::<Result<_, _>>()?;
    let styles = if output::coloured() { Styles::coloured() } else { Styles::plain() };
    let options = Options { width: output::width(), styles, ..Options::default() };
    for (path, record) in &records {
        let rendered = (format.render)(record, &options);
        let files =
            rendered.map_err(|error| Failure::error(format!("{}: {error}", path.display())))?;
        match &args.out {
            None => {
                // One thing can be printed; the main file is the one that is meant.
                let main = files.first().map_or(&[][..], |file| &file.bytes);
                output::result(&String::from_utf8_lossy(main));
            }
            Some(out) if records.len() == 1 => write(out, &files, args.force)?,
            Some(out) => write(&out.join(&record.run.id), &files, args.force)?,
        }
    }
    Ok(exit::OK)
}

fn find(id: &str) -> Result<&'static Format, Failure> {
    deadheat_reports::find(id).ok_or_else(|| {
        let known: Vec<_> = formats().iter().map(|format| format.id).collect();
        Failure::usage(format!("no format is called \"{id}\"; there are: {}", known.join(", ")))
    })
}

fn read(file: &Path) -> Result<(PathBuf, Record), Failure> {
    let path = if file.is_dir() { file.join(RECORD) } else { file.to_owned() };
    let record = record::read(&path).map_err(|error| Failure::error(error.to_string()))?;
    Ok((path, record))
}

fn write(folder: &Path, files: &[Output], force: bool) -> Result<(), Failure> {
    let paths = || files.iter().map(|file| folder.join(&file.name));
    if let (false, Some(there)) = (force, paths().find(|path| path.exists())) {
        return Err(Failure::error(format!("{} is there already (--force)", there.display())));
    }
    let failed =
        |path: &Path, error| Failure::error(format!("failed to write {}: {error}", path.display()));
    fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    for (path, file) in paths().zip(files) {
        fs::write(&path, &file.bytes).map_err(|error| failed(&path, error))?;
        output::line(path.display());
    }
    Ok(())
}
