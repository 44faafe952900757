//! Many entries at once: scans, batches, transactions.

use serde_json::{Value, json};

use crate::error::ErrorKind::{BadKey, CrossGroup, DiskFull, InvalidValue, QuotaExceeded, UnknownNamespace};
use crate::http::openapi::call::Call;
use crate::http::openapi::document::Document;
use crate::http::openapi::headers::{CONSISTENCY as CONSISTENT, GROUP, STALENESS, TIME};
use crate::http::openapi::parameters::{CONSISTENCY, CURSOR, LIMIT, MAX_STALENESS, PREFIX, TIMEOUT, VALUES};
use crate::http::openapi::problems::{BODY, FAULTS};
use crate::http::openapi::schemas::reference;

const TAG: &str = "entries";

/// Describes them.
pub(super) fn add(document: &mut Document) {
    document.add("get", "/v1/kv/{ns}", scan());
    document.add("post", "/v1/batch", batch());
    document.add("post", "/v1/txn", txn());
}

fn scan() -> Call {
    Call::new(TAG, "scan", "List a namespace's keys, page by page")
        .text("A key that is there from the first page to the last is in exactly one of them.")
        .with(&[&PREFIX, &LIMIT, &CURSOR, &VALUES, &CONSISTENCY, &TIMEOUT])
        .gives(200, "A page", &[&CONSISTENT, &STALENESS], reference("Page"))
        .link(200, "scan", json!({ "ns": "$request.path.ns", "query.cursor": "$response.body#/cursor" }))
        .fails(FAULTS)
        .fails(&[UnknownNamespace])
}

fn batch() -> Call {
    let results = json!({ "type": "array", "items": reference("Result") });
    let schema = json!({ "type": "object", "required": ["results"], "properties": { "results": results } });
    Call::new(TAG, "batch", "Carry out independent operations on any keys, in order")
        .text("Each has its own status; one that fails hinders no other. At most 1,000.")
        .with(&[&TIMEOUT, &CONSISTENCY, &MAX_STALENESS])
        .takes(reference("BatchBody"), batch_example())
        .gives(200, "One result for each operation", &[], schema)
        .fails(FAULTS)
        .fails(BODY)
}

fn batch_example() -> Value {
    json!({ "operations": [
        { "op": "set", "key": "user:42", "value": "Ann", "ttl_ms": 30_000 },
        { "op": "incr", "key": "visits", "by": 1, "init": 0 },
        { "op": "get", "key": "user:42" },
    ] })
}

fn txn() -> Call {
    Call::new(TAG, "txn", "Compare keys of one group, then carry out one list of operations or the other")
        .text("All in one atomic step. The keys share a hash tag, as in `{user:42}:name`.")
        .with(&[&TIMEOUT])
        .takes(reference("TxnBody"), txn_example())
        .gives(
            200,
            "Which list was taken, and its results",
            &[&GROUP, &TIME, &CONSISTENT],
            reference("TxnResults"),
        )
        .fails(FAULTS)
        .fails(BODY)
        .fails(&[BadKey, UnknownNamespace, CrossGroup, InvalidValue, QuotaExceeded, DiskFull])
}

fn txn_example() -> Value {
    json!({
        "compare": [{ "key": "{user:42}:lock", "present": false }],
        "then": [{ "op": "set", "key": "{user:42}:lock", "value": "me", "ttl_ms": 10_000 }],
        "else": [{ "op": "get", "key": "{user:42}:lock" }],
    })
}
