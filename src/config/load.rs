//! Layers the sources of a node's settings: flag over environment over file over default.
//!
//! Relies on its caller for flags and environment, so that it is pure but for reading the file.

use std::path::{Path, PathBuf};

use super::settings::{SETTINGS, Setting, Settings};

/// Why the settings could not be had; every message names the flag, variable or key at fault.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file could not be read.
    #[error("cannot read the configuration file {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is no TOML.
    #[error("the configuration file {} is not TOML: {source}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: toml::de::Error,
    },
    /// The file has a key that is no setting.
    #[error("{}: unknown key `{key}`; known are: {known}", path.display())]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// Every key there is.
        known: String,
    },
    /// A value cannot be read.
    #[error("{from}: {why}")]
    Value {
        /// The flag, variable or key.
        from: String,
        /// What is wrong with it.
        why: String,
    },
}

/// Reads the settings: `file`, if any, then `env` and `flag`, each asked by name for a value.
///
/// # Errors
/// When the file cannot be read, holds an unknown key, or any value does not fit.
pub fn load(
    file: Option<&Path>,
    env: impl Fn(&str) -> Option<String>,
    flag: impl Fn(&str) -> Option<String>,
) -> Result<Settings, LoadError> {
    let mut settings = Settings::default();
    if let Some(path) = file {
        read_file(&mut settings, path)?;
    }
    for setting in SETTINGS {
        let name = setting.env();
        // An empty variable counts as unset, as scripts and container tools write it.
        if let Some(text) = env(&name).filter(|text| !text.is_empty()) {
            apply(setting, &mut settings, &text, || name)?;
        }
        if let Some(text) = flag(setting.name) {
            apply(setting, &mut settings, &text, || format!("--{}", setting.name))?;
        }
    }
    Ok(settings)
}

fn apply(
    setting: &Setting,
    settings: &mut Settings,
    text: &str,
    from: impl FnOnce() -> String,
) -> Result<(), LoadError> {
    setting.apply(settings, text).map_err(|why| LoadError::Value { from: from(), why })
}

fn read_file(settings: &mut Settings, path: &Path) -> Result<(), LoadError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| LoadError::Read { path: path.to_owned(), source })?;
    let table: toml::Table =
        text.parse().map_err(|source| LoadError::Syntax { path: path.to_owned(), source })?;
    for (key, value) in &table {
        let setting = SETTINGS.iter().find(|s| s.name == key).ok_or_else(|| unknown(path, key))?;
        let from = || format!("{} in {}", key, path.display());
        let text = as_text(value).map_err(|why| LoadError::Value { from: from(), why })?;
        apply(setting, settings, &text, from)?;
    }
    Ok(())
}

fn unknown(path: &Path, key: &str) -> LoadError {
    let known: Vec<&str> = SETTINGS.iter().map(|s| s.name).collect();
    LoadError::UnknownKey { path: path.to_owned(), key: key.to_owned(), known: known.join(", ") }
}

/// A value of the file as a flag would spell it.
fn as_text(value: &toml::Value) -> Result<String, String> {
    match value {
        toml::Value::String(text) => Ok(text.clone()),
        toml::Value::Integer(number) => Ok(number.to_string()),
        toml::Value::Array(items) => {
            let items: Result<Vec<_>, _> = items.iter().map(as_text).collect();
            Ok(items?.join(","))
        }
        other => Err(format!("a {} does not fit here", other.type_str())),
    }
}

#[cfg(test)]
mod tests;
