//! What every command that speaks to a cluster shares: the global flags, a client, an output.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::client::{Client, TlsFlags};
use super::endpoint::{self, ENDPOINT_DEFAULT};
use super::fail::Failure;
use super::output::{Format, Output};
use super::token;
use crate::config::units;

/// How long a data command may take unless told otherwise.
const DATA_TIMEOUT_DEFAULT: Duration = Duration::from_secs(5);
/// How long a change of the cluster is waited for unless told otherwise.
const CHANGE_TIMEOUT_DEFAULT: Duration = Duration::from_secs(30);

/// Flags of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Of every command")]
pub(super) struct Global {
    /// HTTP address of a node; give several and the next is tried when one is down [default: http://127.0.0.1:7070]
    #[arg(
        long = "endpoint",
        value_name = "URL",
        global = true,
        env = "QUORATE_ENDPOINT",
        value_delimiter = ',',
        value_parser = endpoint::parse
    )]
    pub(super) endpoints: Vec<String>,
    /// File with the token to show; QUORATE_TOKEN may hold the token itself
    #[arg(long, value_name = "FILE", global = true, env = "QUORATE_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// How long to wait, such as 500ms or 30s [default: 5s; 30s for changes of the cluster]
    #[arg(long, value_name = "TIME", global = true, value_parser = positive_duration)]
    timeout: Option<Duration>,
    /// How fresh a read must be
    #[arg(long, global = true, value_enum, default_value_t)]
    consistency: Consistency,
    /// How to print results
    #[arg(long, global = true, value_enum, default_value_t)]
    pub(super) output: Format,
    #[command(flatten)]
    tls: TlsFlags,
}

/// How fresh a read must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Consistency {
    /// Sees every write acknowledged before it began
    #[default]
    Linearizable,
    /// The same, by the leader's lease while it holds
    Lease,
    /// Whatever the asked node has
    Local,
}

fn positive_duration(text: &str) -> Result<Duration, String> {
    let time = units::duration(text)?;
    if time.is_zero() { Err("it must be above zero".into()) } else { Ok(time) }
}

/// One command's way to the cluster and back to the user.
#[derive(Debug)]
pub(super) struct Session {
    /// Sends requests.
    pub(super) client: Client,
    /// stdout.
    pub(super) output: Output,
    /// How long a change of the cluster is waited for.
    pub(super) change_timeout: Duration,
    consistency: Consistency,
}

impl Session {
    /// A session with these flags; nothing is connected yet.
    ///
    /// # Errors
    /// A file of TLS cannot be used, or the file of the token cannot be read, or holds none.
    pub(super) fn new(global: Global) -> Result<Self, Failure> {
        let token = token::shown(global.token_file.as_deref(), std::env::var_os(token::VARIABLE))?;
        let mut endpoints = global.endpoints;
        if endpoints.is_empty() {
            endpoints.push(ENDPOINT_DEFAULT.to_owned());
        }
        let timeout = global.timeout.unwrap_or(DATA_TIMEOUT_DEFAULT);
        let client = Client::new(endpoints, timeout, global.tls.dialer()?);
        Ok(Self {
            client: client.with_token(token),
            output: Output::new(global.output),
            change_timeout: global.timeout.unwrap_or(CHANGE_TIMEOUT_DEFAULT),
            consistency: global.consistency,
        })
    }

    /// The query that asks for the user's consistency.
    pub(super) fn consistency_query(&self) -> &'static str {
        match self.consistency {
            Consistency::Linearizable => "consistency=linearizable",
            Consistency::Lease => "consistency=lease",
            Consistency::Local => "consistency=local",
        }
    }
}
