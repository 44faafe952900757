//! Schemas that no type of the program has: entries, which show their keys and values in one of two ways, and changes,
//! whose one set of fields depends on the `op`.

mod answers;
mod changes;

use raft_store::limits::{KEY_BYTES_MAX, TTL_MS_MAX};
use serde_json::{Value, json};

use crate::limits::BATCH_OPERATIONS_MAX;

/// Base64 with padding, in the one form that every byte string has.
const BASE64: &str = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$";

/// Exactly one of two fields.
type Either = [&'static str; 2];
const ONE_KEY: Either = ["key", "key_b64"];
const ONE_VALUE: Either = ["value", "value_b64"];
const ONE_COMPARISON: Either = ["version", "present"];

/// A reference to a schema by its name.
pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// The schemas written here, by their names.
pub(super) fn written() -> impl Iterator<Item = (&'static str, Value)> {
    answers::all().into_iter().chain(changes::all())
}

/// An object with these fields, and exactly one of each pair.
fn object(required: &[&str], properties: Value, pairs: &[Either]) -> Value {
    let one = |[a, b]: &Either| json!({ "oneOf": [{ "required": [a] }, { "required": [b] }] });
    let mut object = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    if !pairs.is_empty() {
        object["allOf"] = pairs.iter().map(one).collect();
    }
    object
}

/// The same for a request, where any other field is refused.
fn closed(required: &[&str], properties: Value, pairs: &[Either]) -> Value {
    let mut object = object(required, properties, pairs);
    object["additionalProperties"] = false.into();
    object
}

/// The fields of several objects in one.
fn fields(parts: &[Value]) -> Value {
    let all = parts.iter().filter_map(Value::as_object).flatten();
    Value::Object(all.map(|(name, schema)| (name.clone(), schema.clone())).collect())
}

fn array(items: Value) -> Value {
    json!({ "type": "array", "items": items, "maxItems": BATCH_OPERATIONS_MAX })
}

fn base64(text: &str) -> Value {
    json!({ "type": "string", "contentEncoding": "base64", "pattern": BASE64, "description": text })
}

fn count(text: &str) -> Value {
    json!({ "type": "integer", "format": "int64", "minimum": 0, "description": text })
}

fn integer(text: &str) -> Value {
    let (minimum, maximum) = (i64::MIN, i64::MAX);
    json!({ "type": ["integer", "null"], "minimum": minimum, "maximum": maximum, "description": text })
}

fn namespace() -> Value {
    json!({ "ns": { "type": "string", "description": "The namespace", "examples": ["default"] } })
}

fn name() -> Value {
    let key =
        json!({ "type": "string", "minLength": 1, "maxLength": KEY_BYTES_MAX, "description": "The key" });
    json!({ "key": key, "key_b64": fields(&[base64("A key that is no UTF-8"), json!({ "minLength": 4 })]) })
}

fn content() -> Value {
    json!({ "value": { "description": "Any JSON" }, "value_b64": base64("Bytes that are neither JSON nor text") })
}

fn ttl() -> Value {
    let text = "Time to live, ms; null: it never expires; left out: the namespace's default";
    json!({ "type": ["integer", "null"], "minimum": 1, "maximum": TTL_MS_MAX, "description": text })
}

fn left() -> Value {
    let text = "Time it has left, ms; null: it never expires";
    json!({ "type": ["integer", "null"], "minimum": 0, "description": text })
}
