//! What calls about entries take.

use serde_json::{Value, json};

use super::{
    Either, ONE_COMPARISON, ONE_KEY, ONE_VALUE, array, base64, closed, content, count, fields, integer, name,
    namespace, reference, ttl,
};

/// The schemas, by their names.
pub(super) fn all() -> [(&'static str, Value); 5] {
    [
        ("SetBody", closed(&[], fields(&[content(), lifetime()]), &[ONE_VALUE])),
        ("PatchBody", json!({ "oneOf": edits().map(|edit| edit.alone()) })),
        ("KeyOperation", key_operation()),
        (
            "BatchBody",
            closed(&["operations"], json!({ "operations": array(reference("KeyOperation")) }), &[]),
        ),
        ("TxnBody", txn()),
    ]
}

/// One `op` with the fields it takes.
struct Edit {
    op: &'static str,
    needs: &'static [&'static str],
    own: Value,
    pairs: &'static [Either],
}

impl Edit {
    const fn new(op: &'static str, own: Value) -> Self {
        Self { op, needs: &[], own, pairs: &[] }
    }

    /// As the body of a call about one key.
    fn alone(&self) -> Value {
        let op = json!({ "op": { "const": self.op } });
        closed(&[&["op"][..], self.needs].concat(), fields(&[op, self.own.clone()]), self.pairs)
    }

    /// As one operation of several, which names its key.
    fn of_key(&self) -> Value {
        let op = json!({ "op": { "const": self.op } });
        let all = fields(&[op, namespace(), name(), self.own.clone()]);
        closed(&[&["op"][..], self.needs].concat(), all, &[&[ONE_KEY], self.pairs].concat())
    }
}

fn lifetime() -> Value {
    json!({ "ttl_ms": ttl() })
}

/// The changes to an entry that stays.
fn edits() -> [Edit; 4] {
    let mut given = ttl();
    given["type"] = "integer".into();
    let suffix = json!({ "value": { "type": "string" }, "value_b64": base64("Bytes to append") });
    let sum = json!({ "by": integer("Default 1"), "init": integer("What an absent key counts as; without it: miss") });
    [
        Edit::new("incr", sum),
        Edit { pairs: &[ONE_VALUE], ..Edit::new("append", suffix) },
        Edit { needs: &["ttl_ms"], ..Edit::new("touch", json!({ "ttl_ms": given })) },
        Edit::new("persist", json!({})),
    ]
}

fn key_operation() -> Value {
    let version = json!({ "if_version": count("The version the key must have") });
    let absent =
        json!({ "if_absent": { "type": "boolean", "description": "Create only; excludes if_version" } });
    let set = fields(&[content(), lifetime(), version.clone(), absent]);
    let mut set = Edit { pairs: &[ONE_VALUE], ..Edit::new("set", set) }.of_key();
    set["not"] = json!({ "required": ["if_version", "if_absent"] });
    let mut all = vec![Edit::new("get", json!({})).of_key(), set];
    for edit in edits().into_iter().chain([Edit::new("delete", json!({}))]) {
        let own = fields(&[edit.own.clone(), version.clone()]);
        all.push(Edit { own, ..edit }.of_key());
    }
    json!({ "description": "One operation on one key.", "oneOf": all })
}

fn txn() -> Value {
    let compared = json!({
        "version": count("The version the key must have"),
        "present": { "type": "boolean", "description": "Whether the key must be there" },
    });
    let comparison = closed(&[], fields(&[namespace(), name(), compared]), &[ONE_KEY, ONE_COMPARISON]);
    let operations = array(reference("KeyOperation"));
    let mut txn =
        closed(&[], json!({ "compare": array(comparison), "then": operations, "else": operations }), &[]);
    // Its keys say which group it is for.
    let named = |list: &str| json!({ "required": [list], "properties": { list: { "minItems": 1 } } });
    txn["anyOf"] = ["compare", "then", "else"].map(named).into_iter().collect();
    txn
}
