//! A store in this process that speaks the API, right or wrong on purpose: the workload and the checker are
//! tried on it together.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{IF_MATCH, IF_NONE_MATCH};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Mutex;

/// What the store does wrong, now and then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing.
    None,
    /// Acknowledges a write it does not carry out.
    LoseWrite,
    /// Answers a read with the value before.
    StaleRead,
    /// Says `not_applied` of a write it carries out.
    FailButApply,
    /// Closes the connection after carrying out a write: nothing wrong, but the client cannot know.
    HangUp,
}

/// Each this many operations the fault strikes.
const FAULT_INTERVAL: u64 = 50;

#[derive(Debug)]
struct Store {
    fault: Fault,
    operations: u64,
    version: u64,
    entries: HashMap<String, Entry>,
}

#[derive(Debug, Clone, Default)]
struct Entry {
    now: Option<(Value, u64)>,
    before: Option<(Value, u64)>,
}

type Reply = Response<Full<Bytes>>;

/// Serves a store with a fault; where.
pub(super) async fn serve(fault: Fault) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let store = Arc::new(Mutex::new(Store { fault, operations: 0, version: 0, entries: HashMap::new() }));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let store = store.clone();
            let service = service_fn(move |request| answer(store.clone(), request));
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

async fn answer(store: Arc<Mutex<Store>>, request: Request<Incoming>) -> Result<Reply, String> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
    let value = serde_json::from_slice::<Value>(&body).unwrap_or_default()["value"].take();
    let header =
        |name| head.headers.get(name).and_then(|v| v.to_str().ok()).map(|v| v.trim_matches('"').to_owned());
    let condition = header(IF_NONE_MATCH).or(header(IF_MATCH));
    let mut store = store.lock().await;
    store.operations += 1;
    let key = head.uri.path().to_owned();
    match head.method {
        Method::GET => Ok(store.get(&key)),
        Method::DELETE => store.write(key, None, None),
        _ => store.write(key, Some(value), condition),
    }
}

impl Store {
    fn strikes(&self, fault: Fault) -> bool {
        self.fault == fault && self.operations.is_multiple_of(FAULT_INTERVAL)
    }

    fn get(&self, key: &str) -> Reply {
        let entry = self.entries.get(key).cloned().unwrap_or_default();
        let seen = if self.strikes(Fault::StaleRead) { entry.before } else { entry.now };
        match seen {
            Some((value, version)) => reply(200, Some(version), &json!({"value": value, "version": version})),
            None => reply(404, None, &json!({"type": "/problems/miss"})),
        }
    }

    fn write(
        &mut self,
        key: String,
        value: Option<Value>,
        condition: Option<String>,
    ) -> Result<Reply, String> {
        let entry = self.entries.entry(key.clone()).or_default().clone();
        let current = entry.now.as_ref().map(|(_, version)| *version);
        let holds = condition.is_none_or(|c| match c.as_str() {
            "*" => current.is_none(),
            version => current.is_some_and(|current| current.to_string() == version),
        });
        if !holds {
            let problem = json!({"type": "/problems/version-mismatch", "outcome": "not_applied"});
            return Ok(reply(412, current, &problem));
        }
        self.version += 1;
        let version = self.version;
        let ok = match value {
            Some(_) => json!({"version": version, "created": current.is_none()}),
            None => json!({"version": version, "deleted": current.is_some()}),
        };
        if !self.strikes(Fault::LoseWrite) {
            let now = value.map(|value| (value, version));
            self.entries.insert(key, Entry { now, before: entry.now });
        }
        if self.strikes(Fault::HangUp) {
            return Err("hung up".into());
        }
        if self.strikes(Fault::FailButApply) {
            return Ok(reply(503, None, &json!({"type": "/problems/no-leader", "outcome": "not_applied"})));
        }
        Ok(reply(200, Some(version), &ok))
    }
}

fn reply(status: u16, version: Option<u64>, body: &Value) -> Reply {
    let mut builder = Response::builder().status(status);
    if let Some(version) = version {
        builder = builder.header("etag", format!("\"{version}\""));
    }
    builder.body(Full::new(body.to_string().into())).unwrap()
}
