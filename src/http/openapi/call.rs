//! One operation of the description: what it takes, what it answers, how it fails.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::document::Document;
use super::headers::{self, Header};
use super::parameters::{self, Parameter};
use super::problems;
use crate::error::ErrorKind;
use crate::http::problem;

/// What one method of one path does.
#[derive(Debug, Clone)]
pub(super) struct Call {
    tag: &'static str,
    id: &'static str,
    summary: &'static str,
    text: &'static str,
    parameters: Vec<&'static Parameter>,
    body: Option<Value>,
    responses: BTreeMap<u16, Value>,
    kinds: Vec<ErrorKind>,
    /// Whether it needs a token where these are asked for.
    guarded: bool,
}

impl Call {
    /// A call by its tag, its unique id and what it does in a few words.
    pub(super) fn new(tag: &'static str, id: &'static str, summary: &'static str) -> Self {
        let (parameters, kinds, responses) = (Vec::new(), Vec::new(), BTreeMap::new());
        Self { tag, id, summary, text: "", parameters, body: None, responses, kinds, guarded: true }
    }

    /// More about it.
    pub(super) fn text(self, text: &'static str) -> Self {
        Self { text, ..self }
    }

    /// A call that never needs a token.
    pub(super) fn open(self) -> Self {
        Self { guarded: false, ..self }
    }

    /// Parameters of its query and headers.
    pub(super) fn with(mut self, parameters: &[&'static Parameter]) -> Self {
        self.parameters.extend(parameters);
        self
    }

    /// A JSON body.
    pub(super) fn takes(self, schema: Value, example: Value) -> Self {
        let content = json!({ "application/json": { "schema": schema, "example": example } });
        self.takes_any(content)
    }

    /// A body by its media types.
    fn takes_any(self, content: Value) -> Self {
        Self { body: Some(json!({ "required": true, "content": content })), ..self }
    }

    /// A body by its media types that may be left out.
    pub(super) fn may_take(self, content: Value) -> Self {
        Self { body: Some(json!({ "content": content })), ..self }
    }

    /// A success with a JSON body.
    pub(super) fn gives(self, status: u16, text: &str, headers: &[&'static Header], schema: Value) -> Self {
        self.answers(status, text, headers, json!({ "application/json": { "schema": schema } }))
    }

    /// An answer by its media types; `null`: it has no body.
    pub(super) fn answers(
        mut self,
        status: u16,
        text: &str,
        headers: &[&'static Header],
        content: Value,
    ) -> Self {
        let mut response = json!({ "description": text, "headers": headers::references(headers) });
        if !content.is_null() {
            response["content"] = content;
        }
        self.responses.insert(status, response);
        self
    }

    /// Where a client goes on after an answer: another call by its id, and where its parameters come from.
    pub(super) fn link(mut self, status: u16, to: &str, parameters: Value) -> Self {
        if let Some(response) = self.responses.get_mut(&status) {
            response["links"][to] = json!({ "operationId": to, "parameters": parameters });
        }
        self
    }

    /// Problems it may answer.
    pub(super) fn fails(mut self, kinds: &[ErrorKind]) -> Self {
        self.kinds.extend(kinds);
        self
    }

    /// The same for `HEAD`: no answer has a body.
    pub(super) fn head(mut self, id: &'static str, summary: &'static str) -> Self {
        for response in self.responses.values_mut() {
            response.as_object_mut().map(|fields| fields.remove("content"));
        }
        for (status, kinds) in by_status(&self.all_kinds()) {
            let headers = headers::references(headers::of_problem(status));
            let text = format!("As for GET: {}", kinds.iter().map(name).collect::<Vec<_>>().join(", "));
            self.responses.insert(status, json!({ "description": text, "headers": headers }));
        }
        Self { id, summary, kinds: Vec::new(), guarded: false, ..self }
    }

    /// With those of the guard.
    fn all_kinds(&self) -> Vec<ErrorKind> {
        let guard = if self.guarded { problems::GUARD } else { &[] };
        self.kinds.iter().chain(guard).copied().collect()
    }

    /// As OpenAPI has it.
    pub(super) fn describe(&self, document: &mut Document, path: &str) -> Value {
        let mut responses: Map<String, Value> =
            self.responses.iter().map(|(status, response)| (status.to_string(), response.clone())).collect();
        let kinds = self.all_kinds();
        document.exemplify(&kinds);
        for (status, kinds) in by_status(&kinds) {
            match responses.get_mut(&status.to_string()) {
                Some(known) => known["content"][problems::MEDIA_TYPE] = problems::content(status, &kinds),
                None => drop(responses.insert(status.to_string(), document.problems(status, &kinds))),
            }
        }
        let parameters = parameters::references(path, &self.parameters);
        let mut described = json!({
            "tags": [self.tag], "operationId": self.id, "summary": self.summary,
            "parameters": parameters, "responses": responses,
        });
        if !self.text.is_empty() {
            described["description"] = self.text.into();
        }
        if let Some(body) = &self.body {
            described["requestBody"] = body.clone();
        }
        described
    }
}

fn by_status(kinds: &[ErrorKind]) -> BTreeMap<u16, Vec<ErrorKind>> {
    let mut found = BTreeMap::<u16, Vec<ErrorKind>>::new();
    for &kind in kinds {
        let same = found.entry(problem::describe(kind).0.as_u16()).or_default();
        if !same.contains(&kind) {
            same.push(kind);
        }
    }
    found
}

fn name(kind: &ErrorKind) -> &'static str {
    problem::describe(*kind).1
}
