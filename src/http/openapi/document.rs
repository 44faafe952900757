//! The description while it grows: paths, and the parts they refer to, each written once.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::call::Call;
use super::{headers, parameters, paths, problems, schemas};
use crate::error::ErrorKind;
use crate::version::VERSION;

/// What the API is, for readers of the description.
const ABOUT: &str = "A strongly consistent, Raft-replicated, sharded cache.\n\n\
    Any node answers any request: it forwards to the leader of the key's group. Every failed write says its `outcome`: \
    `not_applied` (it never happened and never will) or `unknown` (it may have happened, or may still happen, once). \
    HEAD is served wherever GET is. Unknown query parameters and unknown fields are refused. Keys are percent-encoded, \
    may contain `/` and are never normalised.";

/// The description while it grows.
#[derive(Debug, Default)]
pub(super) struct Document {
    paths: BTreeMap<&'static str, Map<String, Value>>,
    schemas: BTreeMap<String, Value>,
    responses: BTreeMap<String, Value>,
    examples: BTreeMap<String, Value>,
}

impl Document {
    /// Adds what one method of one path does. Path parameters are taken from the path.
    ///
    /// # Panics
    /// When this method of the path is described already.
    pub(super) fn add(&mut self, method: &str, path: &'static str, call: Call) {
        let described = call.describe(self, path);
        let known = self.paths.entry(path).or_default().insert(method.to_owned(), described);
        assert!(known.is_none(), "{method} {path} is described twice");
    }

    /// A reference to the schema of a type, which is added with all it refers to.
    pub(super) fn schema<T: ToSchema>(&mut self) -> Value {
        let mut all = vec![(T::name().into_owned(), T::schema())];
        T::schemas(&mut all);
        for (name, schema) in all {
            let schema = serde_json::to_value(schema).expect("a schema is JSON");
            self.schemas.entry(name).or_insert(schema);
        }
        schemas::reference(&T::name())
    }

    /// A reference to the response with the problems of one status, which is added.
    pub(super) fn problems(&mut self, status: u16, kinds: &[ErrorKind]) -> Value {
        let (name, response) = problems::response(status, kinds);
        let reference = json!({ "$ref": format!("#/components/responses/{name}") });
        self.responses.entry(name).or_insert(response);
        reference
    }

    /// Adds examples of these problems.
    pub(super) fn exemplify(&mut self, kinds: &[ErrorKind]) {
        self.examples.extend(kinds.iter().map(|kind| problems::example(*kind)));
    }

    /// The whole description.
    pub(super) fn finish(mut self) -> Value {
        self.schema::<crate::http::problem::Problem<'static>>();
        for (name, schema) in schemas::written() {
            self.schemas.insert(name.to_owned(), schema);
        }
        json!({
            "openapi": "3.1.0",
            "info": {
                "title": "Quorate",
                "version": VERSION,
                "description": ABOUT,
                "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
            },
            "servers": [{ "url": "/" }],
            // Without authentication switched on no token is needed.
            "security": [{}, { "bearerAuth": [] }],
            "tags": tags(),
            "paths": self.paths,
            "components": {
                "schemas": self.schemas,
                "responses": self.responses,
                "parameters": parameters::all(),
                "headers": headers::all(),
                "examples": self.examples,
                "securitySchemes": { "bearerAuth": { "type": "http", "scheme": "bearer" } },
            },
        })
    }
}

fn tags() -> Value {
    let tags = paths::TAGS.iter().map(|(name, text)| json!({ "name": name, "description": text }));
    tags.collect()
}
