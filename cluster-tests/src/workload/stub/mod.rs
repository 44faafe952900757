//! A store in this process that speaks the API, right or wrong on purpose: the workloads and the checker are
//! tried on it together.

mod store;

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{HeaderMap, IF_MATCH, IF_NONE_MATCH};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Mutex;

use self::store::Store;

/// What the store does wrong, now and then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing.
    None,
    /// Acknowledges a write it does not carry out.
    LoseWrite,
    /// Answers a read with the value before.
    StaleRead,
    /// Answers a local read with the value before, and calls it fresh.
    StaleLocal,
    /// Says `not_applied` of a write it carries out.
    FailButApply,
    /// Says `not_applied` of a write and carries it out a moment later.
    FailThenApply,
    /// Closes the connection after carrying out a write: nothing wrong, but the client cannot know.
    HangUp,
    /// Adds twice, and tells the sum of once.
    DoubleIncr,
    /// Acknowledges an append it does not carry out.
    LoseAppend,
    /// Carries an append out twice.
    DoubleAppend,
    /// Lets a key expire at half its time.
    ExpireEarly,
    /// Shows a key past its deadline.
    ExpireLate,
    /// Gives a lock to a second holder.
    TwoHolders,
    /// Reports a batch done of which one write was not.
    PartialBatch,
    /// Hands out a huge value with one byte wrong.
    Damage,
}

type Reply = Response<Full<Bytes>>;

/// Serves a store with a fault; where.
pub(super) async fn serve(fault: Fault) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let store = Arc::new(Mutex::new(Store::new(fault)));
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
    let mut body = serde_json::from_slice::<Value>(&body).unwrap_or_default();
    let is_local = head.uri.query().is_some_and(|query| query.contains("local"));
    let mut store = store.lock().await;
    if head.uri.path() == "/v1/batch" {
        let operations = body["operations"].take();
        let results = store.batch(operations.as_array().unwrap(), is_local)?;
        return Ok(reply(200, &json!({ "results": results })));
    }
    let op = match head.method {
        Method::GET => "get",
        Method::DELETE => "delete",
        Method::PUT => "set",
        _ => "",
    };
    if body.is_null() {
        body = json!({});
    }
    if !op.is_empty() {
        body["op"] = op.into();
    }
    body["key"] = head.uri.path().rsplit('/').next().unwrap().into();
    condition(&head.headers, &mut body);
    let result = store.one(&body, is_local)?;
    Ok(reply(result["status"].as_u64().unwrap() as u16, &result))
}

/// Says the headers' condition as a batch would.
fn condition(headers: &HeaderMap, item: &mut Value) {
    if headers.contains_key(IF_NONE_MATCH) {
        item["if_absent"] = true.into();
    }
    match headers.get(IF_MATCH).map(|tag| tag.to_str().unwrap().trim_matches('"')) {
        Some("*") => item["if_present"] = true.into(),
        Some(version) => item["if_version"] = version.parse::<u64>().unwrap().into(),
        None => {}
    }
}

fn reply(status: u16, body: &Value) -> Reply {
    let mut builder = Response::builder().status(status);
    if let Some(version) = body["version"].as_u64() {
        builder = builder.header("etag", format!("\"{version}\""));
    }
    builder.body(Full::new(body.to_string().into())).unwrap()
}
