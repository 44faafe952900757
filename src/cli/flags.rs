//! The flags of `serve`, made from the one list of settings.

use clap::error::Error;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};

use crate::config::settings::{SETTINGS, Setting};

/// How settings that are on or off show their values.
const YES_NO: &str = "yes|no";

/// What was given on the command line, by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Flags(Vec<(&'static str, String)>);

impl Flags {
    /// The text of a flag, if it was given.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(given, _)| *given == name).map(|(_, text)| text.clone())
    }
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        for setting in SETTINGS {
            if let Some(text) = matches.get_one::<String>(setting.name) {
                self.0.retain(|(name, _)| *name != setting.name);
                self.0.push((setting.name, text.clone()));
            }
        }
        Ok(())
    }
}

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        SETTINGS.iter().fold(command, |command, setting| command.arg(flag(setting)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn flag(setting: &'static Setting) -> Arg {
    let default = setting.default.map(|text| format!(" [default: {text}]")).unwrap_or_default();
    let help = format!("{}{default} [env: {}]", setting.help, setting.env());
    let arg = Arg::new(setting.name).long(setting.name).value_name(setting.value).help(help);
    // The bare flag says yes.
    let arg = if setting.value == YES_NO { arg.num_args(0..=1).default_missing_value("yes") } else { arg };
    if setting.name == "seeds" { arg.visible_alias("join") } else { arg }
}
