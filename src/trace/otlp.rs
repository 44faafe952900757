//! The spans of requests as parts of traces that OpenTelemetry knows: a request goes on with the trace its client began,
//! and the node it is sent on to with the one it has here.

use std::collections::BTreeMap;

use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The name of the one field of W3C Trace Context that is passed on.
const TRACEPARENT: &str = "traceparent";

/// Where the propagator finds and leaves what it passes on.
#[derive(Default)]
struct Fields(BTreeMap<String, String>);

impl Extractor for Fields {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}

impl Injector for Fields {
    fn set(&mut self, key: &str, value: String) {
        self.0.insert(key.to_owned(), value);
    }
}

/// Makes a new span a part of the trace that `traceparent` names.
pub(super) fn adopt(span: &Span, traceparent: &str) {
    let fields = Fields(BTreeMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]));
    // A span that is not exported belongs to no trace.
    let _ = span.set_parent(TraceContextPropagator::new().extract(&fields));
}

/// What names this span to another node; `None`: it is not exported.
pub(super) fn traceparent_of(span: &Span) -> Option<String> {
    let mut fields = Fields::default();
    TraceContextPropagator::new().inject_context(&span.context(), &mut fields);
    fields.0.remove(TRACEPARENT)
}
