//! `/v1/kv/{ns}/{key}` and `/v1/raw/{ns}/{key}`: the two views of an entry.

use serde_json::{Value, json};

use crate::error::ErrorKind::{InvalidValue, MediaType, Miss, NotANumber, TooLarge, TooStale};
use crate::http::openapi::call::Call;
use crate::http::openapi::document::Document;
use crate::http::openapi::headers::{
    AGE, CACHE_CONTROL as CACHED, CACHE_STATUS, CONSISTENCY as CONSISTENT, ETAG, GROUP, Header, LOCATION,
    NOSNIFF, STALENESS, TIME,
};
use crate::http::openapi::parameters::{
    CACHE_CONTROL, CONSISTENCY, IF_ABSENT, IF_MATCH, IF_NONE_MATCH, MAX_STALENESS, ROUTE, TIMEOUT, TTL,
};
use crate::http::openapi::problems::{BODY, CHANGE, FAULTS, KEY};
use crate::http::openapi::schemas::reference;

const TAG: &str = "entries";
const KV: &str = "/v1/kv/{ns}/{key}";
const RAW: &str = "/v1/raw/{ns}/{key}";
/// What every answer of a group has.
const ANSWERED: &[&Header] = &[&GROUP, &TIME, &CONSISTENT];
const WRITTEN: &[&Header] = &[&GROUP, &TIME, &CONSISTENT, &ETAG];
const FOUND: &[&Header] = &[&GROUP, &TIME, &CONSISTENT, &STALENESS, &ETAG, &CACHE_STATUS];
const FOUND_RAW: &[&Header] =
    &[&GROUP, &TIME, &CONSISTENT, &STALENESS, &ETAG, &CACHE_STATUS, &CACHED, &AGE, &NOSNIFF];

/// Describes them.
pub(super) fn add(document: &mut Document) {
    let get = read("getEntry", "Read an entry").gives(200, "The entry", FOUND, reference("Entry"));
    document.add("head", KV, get.clone().head("headEntry", "Read an entry's headers"));
    document.add("get", KV, get);
    document.add(
        "put",
        KV,
        linked(set("setEntry", "Set an entry").takes(reference("SetBody"), set_example())),
    );
    document.add("patch", KV, patch());
    document.add("delete", KV, delete("deleteEntry"));
    let get = read("getBytes", "Read an entry as bytes with their content type");
    let get = get.answers(200, "The bytes", FOUND_RAW, json!({ "*/*": {} }));
    document.add("head", RAW, get.clone().head("headBytes", "Read the headers of an entry's bytes"));
    document.add("get", RAW, get);
    document.add("put", RAW, put_raw());
    document.add("delete", RAW, delete("deleteBytes"));
}

fn one(id: &'static str, summary: &'static str) -> Call {
    Call::new(TAG, id, summary)
        .with(&[&TIMEOUT, &ROUTE])
        .answers(
            307,
            "Another node leads the key's group (X-Quorate-Route: redirect)",
            &[&LOCATION],
            Value::Null,
        )
        .fails(FAULTS)
        .fails(KEY)
}

fn read(id: &'static str, summary: &'static str) -> Call {
    one(id, summary)
        .with(&[&CONSISTENCY, &MAX_STALENESS, &IF_NONE_MATCH])
        .answers(304, "The client has this version", FOUND, Value::Null)
        .fails(&[Miss, TooStale])
}

fn change(id: &'static str, summary: &'static str) -> Call {
    one(id, summary).with(&[&IF_MATCH]).fails(CHANGE)
}

fn set(id: &'static str, summary: &'static str) -> Call {
    change(id, summary)
        .with(&[&IF_ABSENT])
        .gives(201, "It was absent", WRITTEN, reference("Written"))
        .gives(200, "It was replaced", WRITTEN, reference("Written"))
        .fails(BODY)
        .fails(&[InvalidValue])
}

fn set_example() -> Value {
    json!({ "value": { "name": "Ann" }, "ttl_ms": 30_000 })
}

/// After a set the same key can be read, changed and deleted.
fn linked(set: Call) -> Call {
    let same = json!({ "ns": "$request.path.ns", "key": "$request.path.key" });
    let link = |set: Call, to| set.link(201, to, same.clone()).link(200, to, same.clone());
    ["getEntry", "headEntry", "patchEntry", "deleteEntry", "getBytes"].into_iter().fold(set, link)
}

fn patch() -> Call {
    change("patchEntry", "Change an entry: incr, append, touch, persist")
        .takes(reference("PatchBody"), json!({ "op": "incr", "by": 5, "init": 0 }))
        .gives(200, "It was changed", WRITTEN, reference("Written"))
        .fails(BODY)
        .fails(&[Miss, InvalidValue, NotANumber])
}

fn delete(id: &'static str) -> Call {
    change(id, "Delete an entry; an absent one is no error").gives(
        200,
        "It is not there",
        ANSWERED,
        reference("Deleted"),
    )
}

fn put_raw() -> Call {
    let bytes = json!({ "schema": { "type": "string", "format": "binary" } });
    set("setBytes", "Set an entry to bytes with their content type")
        .with(&[&TTL, &CACHE_CONTROL])
        .may_take(json!({ "application/octet-stream": bytes }))
        .text("The body may have any Content-Type, which is kept; it has no Content-Encoding. Without a body: no bytes.")
        .fails(&[MediaType, TooLarge])
}
