//! Sends the spans of requests to an OpenTelemetry collector, over HTTP with protobuf (OTLP).
//!
//! Spans are sent in the background and in batches; those that come while too many wait are dropped by the SDK, which
//! takes its bounds and its sampling from the environment (`OTEL_BSP_…`, `OTEL_TRACES_SAMPLER`). HTTP is spoken by the
//! client this program has anyway, without TLS: the collector is meant to be on this machine or in a trusted network.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use raft_store::blocking;
use tokio::runtime::Handle;
use tokio::time::timeout;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};

use super::log::Sink;
use crate::cli::fail::Failure;
use crate::limits::{OTLP_ANSWER_BYTES_MAX, OTLP_TIMEOUT};
use crate::trace::TARGET;

/// The path at a collector where traces go.
const PATH: &str = "/v1/traces";

/// What is sent to a collector, until it is stopped.
#[derive(Debug)]
pub(super) struct Exporter(SdkTracerProvider);

/// Begins to send spans to the collector at `endpoint` (`http://HOST:PORT`), by tasks of `runtime`.
pub(super) fn start(endpoint: &str, node: u64, runtime: &Handle) -> Result<(Exporter, Sink), Failure> {
    let collector =
        Collector { http: Client::builder(TokioExecutor::new()).build_http(), runtime: runtime.clone() };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(collector)
        .with_endpoint(format!("{}{PATH}", endpoint.trim_end_matches('/')))
        .with_timeout(OTLP_TIMEOUT)
        .build()
        .map_err(|error| Failure::usage("--otlp-endpoint makes no sense", error.to_string()))?;
    let instance = KeyValue::new("service.instance.id", node.to_string());
    let resource = Resource::builder().with_service_name("quorate").with_attribute(instance).build();
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("quorate"));
    let requests = Targets::new().with_target(TARGET, LevelFilter::DEBUG);
    Ok((Exporter(provider), layer.with_filter(requests).boxed()))
}

impl Exporter {
    /// Sends what is left and ends. What cannot be sent soon is lost.
    pub(super) async fn stop(self) {
        let within: Duration = OTLP_TIMEOUT;
        let stop = move || self.0.shutdown_with_timeout(within);
        match timeout(within, blocking::run(stop)).await {
            Ok(Ok(Ok(()))) => {}
            ended => tracing::warn!(?ended, "the last spans were not sent"),
        }
    }
}

/// Where spans go.
#[derive(Debug)]
struct Collector {
    http: Client<HttpConnector, Full<Bytes>>,
    /// The SDK calls from a thread of its own, where no socket can be waited for.
    runtime: Handle,
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (http, request) = (self.http.clone(), request.map(Full::new));
        let answer = async move { timeout(OTLP_TIMEOUT, answered(http, request)).await? };
        self.runtime.spawn(answer).await?
    }
}

async fn answered(
    http: Client<HttpConnector, Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Result<Response<Bytes>, HttpError> {
    let (parts, body) = http.request(request).await?.into_parts();
    let body = Limited::new(body, OTLP_ANSWER_BYTES_MAX).collect().await?.to_bytes();
    Ok(Response::from_parts(parts, body))
}
