//! Writes made-up records in every format into a folder, to be looked at:
//! `cargo run -p deadheat-reports --example page -- FOLDER`.

#![expect(clippy::print_stderr, reason = "an example for people")]

use std::{env, fs, path::PathBuf, process::ExitCode};

use deadheat_reports::{Options, Styles, formats};

#[path = "../tests/support/records.rs"]
mod records;

fn main() -> ExitCode {
    let Some(folder) = env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: page FOLDER");
        return ExitCode::from(2);
    };
    let all = [
        ("ordinary", records::ordinary()),
        ("failures", records::failures()),
        ("hostile", records::hostile()),
        ("small", records::small()),
        ("empty", records::empty()),
    ];
    let options = Options { width: 140, styles: Styles::coloured(), ..Options::default() };
    for (name, record) in all {
        let folder = folder.join(name);
        fs::create_dir_all(&folder).expect("the folder can be made");
        for format in formats() {
            for file in (format.render)(&record, &options).expect("it renders") {
                fs::write(folder.join(&file.name), &file.bytes).expect("the file can be written");
            }
        }
    }
    ExitCode::SUCCESS
}
