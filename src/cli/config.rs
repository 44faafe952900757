//! `quorate config`: the settings a node would run with, checked and shown without starting it.
//!
//! What is checked is what `serve` checks: both read their settings through [`Sources`].

use std::path::PathBuf;

use serde_json::json;

use super::fail::Failure;
use super::flags::Flags;
use super::output::{Format, Output};
use super::table::Table;
use crate::config::check::problems;
use crate::config::load::{Given, load_with_origins};
use crate::config::settings::Settings;
use crate::tls::Security;

/// Where the settings of a node come from, besides the environment.
#[derive(Debug, clap::Args)]
pub(super) struct Sources {
    /// Configuration file, TOML: each flag below is a key of it
    #[arg(long, value_name = "FILE", env = "QUORATE_CONFIG")]
    config: Option<PathBuf>,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Check file, environment and flags as `serve` would; exit code 2 when a node could not run with them
    Validate(Sources),
    /// Show every setting, its value and where that came from; `--output raw` writes a configuration file
    Dump(Sources),
}

impl Sources {
    /// The settings, and what each was read from.
    ///
    /// # Errors
    /// Exit code 2 when a node could not run with them.
    pub(super) fn settings(&self) -> Result<(Settings, Vec<Given>), Failure> {
        let (settings, given) = self.read()?;
        match problems(&settings.node).as_slice() {
            [] => Ok((settings, given)),
            found => Err(wrong(found.join("; "))),
        }
    }

    fn read(&self) -> Result<(Settings, Vec<Given>), Failure> {
        let env = |name: &str| std::env::var(name).ok();
        load_with_origins(self.config.as_deref(), env, |name| self.flags.get(name))
            .map_err(|error| wrong(error.to_string()))
    }
}

/// The certificates that settings name.
///
/// # Errors
/// Exit code 2 when they cannot be used.
pub(super) fn security(settings: &Settings) -> Result<Security, Failure> {
    Security::load(&settings.node).map_err(|error| {
        Failure::usage("The files of TLS cannot be used", error.to_string())
            .hint("quorate tls show FILE   (what is in a certificate)")
    })
}

fn wrong(detail: String) -> Failure {
    Failure::usage("The configuration cannot work", detail).hint("quorate serve --help")
}

/// Runs one of them.
pub(super) fn run(command: &Command, mut output: Output) -> Result<(), Failure> {
    let text = match command {
        Command::Validate(sources) => {
            let (settings, _) = sources.settings()?;
            security(&settings)?;
            valid(output.format, settings.node.id)
        }
        // What does not fit together is shown all the same: that is when one wants to see it.
        Command::Dump(sources) => dump(output.format, &sources.read()?.1),
    };
    Ok(output.line(&text)?)
}

fn valid(format: Format, id: u64) -> String {
    match format {
        Format::Table => format!("OK  node {id} can start with these settings"),
        Format::Raw => "OK".to_owned(),
        Format::Json => json!({ "valid": true, "id": id }).to_string(),
    }
}

fn dump(format: Format, all: &[Given]) -> String {
    match format {
        Format::Json => {
            let row = |g: &Given| json!({ "name": g.name, "value": g.text, "from": g.origin.to_string() });
            json!({ "settings": all.iter().map(row).collect::<Vec<_>>() }).to_string()
        }
        Format::Raw => all.iter().filter_map(as_toml).collect(),
        Format::Table => {
            let mut table = Table::new(&["SETTING", "VALUE", "FROM"]);
            for given in all {
                let value = given.text.clone().unwrap_or_default();
                table.row(vec![given.name.to_owned(), value, given.origin.to_string()]);
            }
            table.render()
        }
    }
}

/// A line of a configuration file, which takes every value as text.
fn as_toml(given: &Given) -> Option<String> {
    let value = toml::Value::String(given.text.clone()?);
    Some(format!("{} = {value}\n", given.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load::Origin;
    use crate::config::settings::SETTINGS;

    fn some() -> Vec<Given> {
        let flag = Given { name: "id", text: Some("3".into()), origin: Origin::Flag("id") };
        let file =
            Given { name: "zone", text: Some("a \"b\"".into()), origin: Origin::File("q.toml".into()) };
        let nothing = Given { name: "advertise-http", text: None, origin: Origin::Default };
        vec![flag, file, nothing]
    }

    #[test]
    fn a_dump_in_every_format() {
        let table = "\
SETTING         VALUE  FROM
id              3      --id
zone            a \"b\"  q.toml
advertise-http  -      default
";
        assert_eq!(dump(Format::Table, &some()), table);
        let json = r#"{"settings":[{"from":"--id","name":"id","value":"3"},{"from":"q.toml","name":"zone","value":"a \"b\""},{"from":"default","name":"advertise-http","value":null}]}"#;
        assert_eq!(dump(Format::Json, &some()), json);
    }

    #[test]
    fn what_is_dumped_raw_is_a_file_with_the_same_settings() {
        let flag = |name: &str| match name {
            "id" => Some("7".to_owned()),
            "seeds" => Some("a:1,b:2".to_owned()),
            "memory-max" => Some("1GiB".to_owned()),
            _ => None,
        };
        let (settings, given) = load_with_origins(None, |_| None, flag).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), dump(Format::Raw, &given)).unwrap();
        let (again, from_file) = load_with_origins(Some(file.path()), |_| None, |_| None).unwrap();
        assert_eq!(again, settings);
        assert_eq!(from_file.len(), SETTINGS.len());
        let id = from_file.iter().find(|given| given.name == "id").unwrap();
        assert_eq!(id.origin, Origin::File(file.path().to_owned()));
    }
}
