//! The description as a whole, by itself; against a live node it is held by the tests of the server.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use super::*;

/// Every value of a key `name`, however deep.
fn all<'a>(name: &str, value: &'a Value, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get(name));
            fields.values().for_each(|field| all(name, field, found));
        }
        Value::Array(items) => items.iter().for_each(|item| all(name, item, found)),
        _ => {}
    }
}

fn references() -> BTreeSet<&'static str> {
    let mut found = Vec::new();
    all("$ref", &DESCRIPTION, &mut found);
    found.into_iter().filter_map(Value::as_str).collect()
}

#[test]
fn every_reference_leads_somewhere() {
    for reference in references() {
        let place = reference.strip_prefix('#').unwrap();
        assert!(DESCRIPTION.pointer(place).is_some(), "{reference}");
    }
}

#[test]
fn every_component_is_used() {
    let used = references();
    let parts = ["schemas", "responses", "parameters", "headers", "examples"];
    for (part, name) in parts.iter().flat_map(|part| {
        let names = DESCRIPTION["components"][part].as_object().unwrap().keys();
        names.map(move |name| (part, name))
    }) {
        let reference = format!("#/components/{part}/{name}");
        assert!(used.contains(reference.as_str()), "{reference} is not used");
    }
}

#[test]
fn every_call_has_an_id_of_its_own_and_links_lead_to_calls() {
    let paths = DESCRIPTION["paths"].as_object().unwrap();
    let calls: Vec<_> = paths.values().filter_map(Value::as_object).flatten().collect();
    let ids: BTreeSet<_> = calls.iter().map(|(_, call)| call["operationId"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), calls.len());
    let mut links = Vec::new();
    all("links", &DESCRIPTION, &mut links);
    for link in links.into_iter().filter_map(Value::as_object).flatten().map(|(_, link)| link) {
        assert!(ids.contains(link["operationId"].as_str().unwrap()), "{link}");
    }
}

#[test]
fn a_path_that_is_not_described_cannot_be_served() {
    assert!(describes("/livez") && describes("/v1/kv/{ns}/") && describes("/v1/raw/{ns}/{*key}"));
    assert!(!describes("/v1/none") && !describes("/v1/raw/{ns}"));
}

#[test]
fn the_description_in_docs_is_this_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");
    let text = fs::read_to_string(path).unwrap();
    assert!(text == openapi(), "quorate openapi > docs/openapi.json");
}
