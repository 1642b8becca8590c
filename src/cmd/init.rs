//! `init`: a bench target that races the user's own code.

use std::{fs, path::Path};

use crate::{
    cli::InitArgs,
    failure::{Failure, exit},
    output,
};

/// What is written.
const RACE: &str = include_str!("init/starter.rs");

/// Writes benches/race.rs, and says what belongs into Cargo.toml.
pub(crate) fn init(args: &InitArgs) -> Result<u8, Failure> {
    let manifest = args.folder.join("Cargo.toml");
    let text = fs::read_to_string(&manifest).map_err(|error| {
        Failure::error(format!("failed to read {}: {error}", manifest.display()))
    })?;
    let target = args.folder.join("benches/race.rs");
    if target.exists() {
        return Err(Failure::error(format!("{} is there already", target.display())));
    }
    write(&target).map_err(|error| {
        Failure::error(format!("failed to write {}: {error}", target.display()))
    })?;
    output::line(target.display());
    let missing = lines(&text, &args.folder);
    if !missing.is_empty() {
        output::line(format_args!("\nadd to {}:\n\n{missing}", manifest.display()));
    }
    output::line("then: cargo bench --bench race -- --quick");
    Ok(exit::OK)
}

fn write(target: &Path) -> std::io::Result<()> {
    fs::create_dir_all(target.parent().unwrap_or(target))?;
    // Should it have appeared meanwhile, it is not written over.
    let mut file = fs::File::create_new(target)?;
    std::io::Write::write_all(&mut file, RACE.as_bytes())
}

/// The lines that the manifest lacks.
fn lines(manifest: &str, folder: &Path) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let has = |name: &str| {
        manifest.lines().any(|line| line.split('=').next().map(str::trim) == Some(name))
    };
    let mut lines = String::new();
    if !has("deadheat") {
        lines.push_str("[dev-dependencies]\ndeadheat = \"");
        lines.push_str(version);
        lines.push_str("\"\n\n");
    }
    let named = manifest.lines().any(|line| line.replace(' ', "") == "name=\"race\"");
    if !named {
        lines += "[[bench]]\nname = \"race\"\nharness = false\n\n";
        // Else cargo bench hands the race's flags to libtest as well. Only a library can be told so
        // without being named.
        let library = folder.join("src/lib.rs").exists();
        lines += if library { "[lib]\nbench = false\n\n" } else { "" };
    }
    lines
}
