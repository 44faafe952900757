//! What was measured, for people and for programs: [`summary`] is what all forms show.

mod html;
pub(crate) mod json;
mod plot;
pub(crate) mod summary;
mod text;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Context;

use self::summary::Report;
use crate::load::Measured;
use crate::load::arguments::LoadArguments;

/// Prints the table, and writes the files that were asked for.
pub(crate) fn write(load: &LoadArguments, measured: &[Measured]) -> anyhow::Result<()> {
    let report = Report::new(load, measured)?;
    let to_stdout = load.json.as_deref() == Some(Path::new("-"));
    if !to_stdout {
        std::io::stdout().lock().write_all(text::table(&report).as_bytes())?;
    }
    if let Some(path) = &load.html {
        create(path, |out| html::write(&report, out))?;
    }
    match &load.json {
        Some(_) if to_stdout => json::write(&report, &mut std::io::stdout().lock()),
        Some(path) => create(path, |out| json::write(&report, out)),
        None => Ok(()),
    }
}

/// Writes a file.
fn create(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let written = || {
        let mut out = BufWriter::new(File::create(path)?);
        write(&mut out)?;
        Ok(out.flush()?)
    };
    let written: anyhow::Result<()> = written();
    written.with_context(|| format!("write {}", path.display()))
}
