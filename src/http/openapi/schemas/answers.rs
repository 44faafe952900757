//! What calls about entries answer.

use serde_json::{Value, json};

use super::{ONE_KEY, ONE_VALUE, array, content, count, fields, left, name, namespace, object, reference};

/// The schemas, by their names.
pub(super) fn all() -> [(&'static str, Value); 7] {
    [
        ("Entry", entry()),
        ("Row", row()),
        ("Page", page()),
        ("Written", written()),
        ("Deleted", deleted()),
        ("Result", result()),
        ("TxnResults", txn_results()),
    ]
}

/// The fields every entry shows beside its names.
const DETAILS: [&str; 4] = ["version", "created_ms", "modified_ms", "expires_in_ms"];

fn details() -> Value {
    json!({
        "version": count("Grows with every change of the key, also over deletions"),
        "created_ms": count("Wall clock of its creation, ms since 1970"),
        "modified_ms": count("Wall clock of its last change, ms since 1970"),
        "expires_in_ms": left(),
    })
}

fn entry() -> Value {
    let all = fields(&[namespace(), name(), content(), details()]);
    object(&[&["ns"][..], &DETAILS].concat(), all, &[ONE_KEY, ONE_VALUE])
}

fn row() -> Value {
    let whole = object(&DETAILS, fields(&[content(), details()]), &[ONE_VALUE]);
    let bare = json!({ "not": { "required": ["version"] } });
    let mut row = object(&[], name(), &[ONE_KEY]);
    row["description"] = "A key, with its entry unless `values=false`".into();
    row["anyOf"] = json!([whole, bare]);
    row
}

fn page() -> Value {
    let cursor = json!({ "type": ["string", "null"], "description": "Where the next page begins; null: it was the last" });
    let entries = json!({ "entries": { "type": "array", "items": reference("Row") }, "cursor": cursor });
    object(&["ns", "entries", "cursor"], fields(&[namespace(), entries]), &[])
}

fn written() -> Value {
    let own = json!({
        "version": count("The key's version now"),
        "expires_in_ms": left(),
        "created": { "type": "boolean", "description": "Whether the key was absent" },
        "value": { "type": "integer", "description": "The sum, for incr" },
        "len": count("Bytes of the value, for append"),
    });
    let all = fields(&[namespace(), name(), own]);
    object(&["ns", "version", "expires_in_ms", "created"], all, &[ONE_KEY])
}

fn deleted() -> Value {
    let found = json!({ "type": "boolean", "description": "Whether there was anything to delete" });
    object(&["deleted", "version"], json!({ "deleted": found, "version": count("The group's version") }), &[])
}

/// One operation of several: what it would have answered alone, with its status; or its problem.
fn result() -> Value {
    let meta = object(
        &["status", "group", "time_ms", "consistency"],
        json!({
            "status": { "type": "integer", "enum": [200, 201] },
            "group": count("The group that owns the key"),
            "time_ms": count("Group time of the answer, ms"),
            "consistency": { "enum": ["linearizable", "lease", "local"] },
            "staleness_ms": count("How old a local read may be, ms"),
        }),
        &[],
    );
    let answers = ["Entry", "Written", "Deleted"].map(reference);
    let done = json!({ "allOf": [meta, { "anyOf": answers }] });
    json!({ "anyOf": [done, reference("Problem")] })
}

fn txn_results() -> Value {
    let own = json!({
        "succeeded": { "type": "boolean", "description": "Whether every comparison held, so that `then` was taken" },
        "group": count("The group of all its keys"),
        "time_ms": count("Group time of the answer, ms"),
        "results": array(reference("Result")),
    });
    object(&["succeeded", "group", "time_ms", "results"], own, &[])
}
