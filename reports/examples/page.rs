//! Writes records in every format into a folder, to be looked at: made-up ones, or the given files.
//! `cargo run -p deadheat-reports --example page -- FOLDER [RECORD]…`.

#![expect(clippy::print_stderr, reason = "an example for people")]

use std::{env, fs, path::PathBuf, process::ExitCode};

use deadheat_core::record::{Record, read};
use deadheat_reports::{Options, Styles, formats};

#[path = "../tests/support/records.rs"]
mod records;

fn main() -> ExitCode {
    let mut args = env::args_os().skip(1).map(PathBuf::from);
    let Some(folder) = args.next() else {
        eprintln!("usage: page FOLDER [RECORD]…");
        return ExitCode::from(2);
    };
    let given: Vec<(String, Record)> = args
        .map(|path| {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            (name, read(&path).expect("it is a record"))
        })
        .collect();
    let all = if given.is_empty() { made_up() } else { given };
    let options = Options { width: 140, styles: Styles::coloured(), ..Options::default() };
    for (name, record) in all {
        let folder = folder.join(&name);
        fs::create_dir_all(&folder).expect("the folder can be made");
        for format in formats() {
            let files = match (format.render)(&record, &options) {
                Ok(files) => files,
                Err(error) => {
                    eprintln!("{name} as {}: {error}", format.id);
                    continue;
                }
            };
            for file in files {
                fs::write(folder.join(&file.name), &file.bytes).expect("the file can be written");
            }
        }
    }
    ExitCode::SUCCESS
}

fn made_up() -> Vec<(String, Record)> {
    let all = [
        ("ordinary", records::ordinary()),
        ("failures", records::failures()),
        ("hostile", records::hostile()),
        ("small", records::small()),
        ("loads", records::loads()),
        ("empty", records::empty()),
    ];
    all.map(|(name, record)| (name.to_owned(), record)).into()
}
