//! The log of a node: where it goes, how it looks, and that its filter can be changed; and where its spans go.

use tokio::runtime::Handle;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry, fmt, reload};

use crate::cli::fail::Failure;
use crate::cli::output;
use crate::config::settings::{LogFormat, Settings};
use crate::trace::level;

#[cfg(feature = "otlp")]
pub(super) use super::otlp::Exporter;

/// What takes events and spans.
pub(super) type Sink = Box<dyn tracing_subscriber::Layer<Registry> + Send + Sync>;

/// Nothing is ever sent by a program without the feature.
#[cfg(not(feature = "otlp"))]
#[derive(Debug)]
pub(super) enum Exporter {}

#[cfg(not(feature = "otlp"))]
impl Exporter {
    /// There is none to stop.
    pub(super) async fn stop(self) {
        match self {}
    }
}

/// Starts the log on stderr and, if so set, begins to send spans; what does so is to be stopped at the end.
pub(super) fn start(settings: &Settings, runtime: &Handle) -> Result<Option<Exporter>, Failure> {
    let filter = parse(&settings.log).map_err(|error| Failure::usage("--log makes no sense", error))?;
    let (filter, handle) = reload::Layer::new(filter);
    let (exporter, spans) = export(settings, runtime)?.unzip();
    let lines = lines(settings.log_format).with_filter(filter).boxed();
    let sinks: Vec<Sink> = spans.into_iter().chain([lines]).collect();
    tracing_subscriber::registry().with(sinks).init();
    level::started(&settings.log, move |text| {
        let filter = parse(text)?;
        handle.reload(filter).map_err(|error| error.to_string())
    });
    Ok(exporter)
}

#[cfg(feature = "otlp")]
fn export(settings: &Settings, runtime: &Handle) -> Result<Option<(Exporter, Sink)>, Failure> {
    let started = |endpoint: &String| super::otlp::start(endpoint, settings.node.id, runtime);
    settings.otlp_endpoint.as_ref().map(started).transpose()
}

#[cfg(not(feature = "otlp"))]
fn export(settings: &Settings, _runtime: &Handle) -> Result<Option<(Exporter, Sink)>, Failure> {
    match settings.otlp_endpoint {
        None => Ok(None),
        Some(_) => Err(Failure::usage(
            "--otlp-endpoint is not in this program",
            "it was built without OpenTelemetry: cargo build --features otlp".to_owned(),
        )),
    }
}

fn parse(filter: &str) -> Result<EnvFilter, String> {
    EnvFilter::try_new(filter).map_err(|error| error.to_string())
}

fn lines(format: LogFormat) -> Sink {
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
