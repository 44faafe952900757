//! Layers the sources of a node's settings: flag over environment over file over default.
//!
//! Relies on its caller for flags and environment, so that it is pure but for reading the file.

use std::fmt;
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

/// Where a setting's value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody gave one.
    Default,
    /// A key of the file.
    File(PathBuf),
    /// An environment variable, by name.
    Environment(String),
    /// A flag, by name.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => f.write_str(&path.display().to_string()),
            Self::Environment(name) => f.write_str(name),
            Self::Flag(name) => write!(f, "--{name}"),
        }
    }
}

/// The text one setting was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Its name.
    pub name: &'static str,
    /// As it was written; `None`: it has no default, and none was given.
    pub text: Option<String>,
    /// By whom.
    pub origin: Origin,
}

impl Given {
    fn default_of(setting: &'static Setting) -> Self {
        let text = setting.default.map(ToOwned::to_owned);
        Self { name: setting.name, text, origin: Origin::Default }
    }
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
    load_with_origins(file, env, flag).map(|(settings, _)| settings)
}

/// The same, and what each setting was read from, in the order of [`SETTINGS`].
///
/// # Errors
/// As [`load`].
pub fn load_with_origins(
    file: Option<&Path>,
    env: impl Fn(&str) -> Option<String>,
    flag: impl Fn(&str) -> Option<String>,
) -> Result<(Settings, Vec<Given>), LoadError> {
    let mut settings = Settings::default();
    let mut all: Vec<Given> = SETTINGS.iter().map(Given::default_of).collect();
    if let Some(path) = file {
        read_file(&mut settings, &mut all, path)?;
    }
    for (setting, given) in SETTINGS.iter().zip(&mut all) {
        let name = setting.env();
        // An empty variable counts as unset, as scripts and container tools write it.
        if let Some(text) = env(&name).filter(|text| !text.is_empty()) {
            apply(setting, &mut settings, &text, || name.clone())?;
            (given.text, given.origin) = (Some(text), Origin::Environment(name));
        }
        if let Some(text) = flag(setting.name) {
            apply(setting, &mut settings, &text, || format!("--{}", setting.name))?;
            (given.text, given.origin) = (Some(text), Origin::Flag(setting.name));
        }
    }
    Ok((settings, all))
}

fn apply(
    setting: &Setting,
    settings: &mut Settings,
    text: &str,
    from: impl FnOnce() -> String,
) -> Result<(), LoadError> {
    setting.apply(settings, text).map_err(|why| LoadError::Value { from: from(), why })
}

fn read_file(settings: &mut Settings, all: &mut [Given], path: &Path) -> Result<(), LoadError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| LoadError::Read { path: path.to_owned(), source })?;
    let table: toml::Table =
        text.parse().map_err(|source| LoadError::Syntax { path: path.to_owned(), source })?;
    for (key, value) in &table {
        let known = SETTINGS.iter().zip(&mut *all).find(|(setting, _)| setting.name == key);
        let (setting, given) = known.ok_or_else(|| unknown(path, key))?;
        let from = || format!("{} in {}", key, path.display());
        let text = as_text(value).map_err(|why| LoadError::Value { from: from(), why })?;
        apply(setting, settings, &text, from)?;
        (given.text, given.origin) = (Some(text), Origin::File(path.to_owned()));
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
