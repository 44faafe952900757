//! The log of a node: where it goes, how it looks, and that its filter can be changed.

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry, fmt, reload};

use crate::cli::fail::Failure;
use crate::cli::output;
use crate::config::settings::{LogFormat, Settings};
use crate::trace::level;

/// Lines of the log, in one form or the other.
type Lines = Box<dyn tracing_subscriber::Layer<Registry> + Send + Sync>;

/// Starts the log on stderr.
pub(super) fn start(settings: &Settings) -> Result<(), Failure> {
    let filter = parse(&settings.log).map_err(|error| Failure::usage("--log makes no sense", error))?;
    let (filter, handle) = reload::Layer::new(filter);
    tracing_subscriber::registry().with(lines(settings.log_format).with_filter(filter)).init();
    level::started(&settings.log, move |text| {
        let filter = parse(text)?;
        handle.reload(filter).map_err(|error| error.to_string())
    });
    Ok(())
}

fn parse(filter: &str) -> Result<EnvFilter, String> {
    EnvFilter::try_new(filter).map_err(|error| error.to_string())
}

fn lines(format: LogFormat) -> Lines {
    let colour = output::on_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let lines = fmt::layer().with_writer(std::io::stderr);
    match format {
        LogFormat::Human => lines.with_ansi(colour).boxed(),
        LogFormat::Json => lines.json().boxed(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_names_levels_and_parts() {
        assert!(parse("quorate::request=debug,info").is_ok());
        for odd in ["quorate=loud", "a=b=c", "quorate[=debug"] {
            assert!(parse(odd).is_err(), "{odd}");
        }
    }
}
