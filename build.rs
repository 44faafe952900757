//! Tells the program which commit it is built from: `QUORATE_COMMIT`, else what git says, else nothing.
//!
//! Only optimised builds ask git: an everyday build would be made anew after every commit.

use std::env;
use std::process::Command;

/// Digits of a commit's name that are shown.
const COMMIT_DIGITS: usize = 12;

fn main() {
    println!("cargo::rerun-if-env-changed=QUORATE_COMMIT");
    println!("cargo::rerun-if-changed=build.rs");
    let optimised = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let given = env::var("QUORATE_COMMIT").ok().filter(|text| !text.is_empty());
    let commit = given.or_else(|| if optimised { from_git() } else { None });
    let commit: String =
        commit.unwrap_or_default().chars().filter(char::is_ascii_alphanumeric).take(COMMIT_DIGITS).collect();
    let version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let both = if commit.is_empty() { version } else { format!("{version} ({commit})") };
    println!("cargo::rustc-env=QUORATE_BUILD_COMMIT={commit}");
    println!("cargo::rustc-env=QUORATE_BUILD_VERSION={both}");
}

/// The commit checked out here; `None` without git or outside a repository.
fn from_git() -> Option<String> {
    // Each commit and each checkout is noted at the end of this file, in a worktree as well.
    let noted = git(&["rev-parse", "--git-path", "logs/HEAD"])?;
    println!("cargo::rerun-if-changed={noted}");
    git(&["rev-parse", "HEAD"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| output.status.success() && !text.is_empty())
}
