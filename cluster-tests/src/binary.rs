//! Where the `quorate` program is: beside the test program. Built first, once, so that tests never run an old one.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, anyhow, bail, ensure};

/// The `quorate` program of the profile these tests are built in. `QUORATE_BIN` names another.
pub fn quorate() -> anyhow::Result<PathBuf> {
    static BINARY: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let found = BINARY.get_or_init(|| locate().map_err(|error| format!("{error:#}")));
    found.clone().map_err(|error| anyhow!(error))
}

/// What that program says its version is.
pub fn version() -> anyhow::Result<String> {
    let output = Command::new(quorate()?).arg("version").output().context("run quorate version")?;
    ensure!(output.status.success(), "quorate version: {}", output.status);
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn locate() -> anyhow::Result<PathBuf> {
    if let Some(named) = std::env::var_os("QUORATE_BIN") {
        return Ok(named.into());
    }
    let test = std::env::current_exe().context("find the test program")?;
    let folder = profile_folder(&test).context("the test program is not in a target folder")?;
    build(folder)?;
    let binary = folder.join(format!("quorate{}", std::env::consts::EXE_SUFFIX));
    ensure!(binary.is_file(), "cargo build left no {}", binary.display());
    Ok(binary)
}

/// `target/debug` of `target/debug/deps/cluster-0123`.
fn profile_folder(test: &Path) -> Option<&Path> {
    let folder = test.parent()?;
    if folder.file_name()? == "deps" { folder.parent() } else { Some(folder) }
}

/// Cargo does nothing when the program is up to date. The whole workspace is named so that features are those
/// of `cargo test --workspace`, and nothing is compiled twice.
fn build(folder: &Path) -> anyhow::Result<()> {
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(other) => other,
    };
    let target = folder.parent().context("the profile's folder has no parent")?;
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--quiet", "--workspace", "--bin", "quorate", "--profile", profile])
        .arg("--target-dir")
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .context("run cargo build")?;
    if !output.status.success() {
        bail!("cargo build --bin quorate: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}
