//! `/v1/tokens`.

use serde_json::json;

use super::cluster::admin;
use crate::error::ErrorKind::{Conflict, InvalidValue, OperationRunning, UnknownToken};
use crate::http::openapi::document::Document;
use crate::http::openapi::problems::BODY;
use crate::http::tokens::{TokenBody, TokenCreated, TokenDeleted, Tokens};
use crate::views::TokenView;

const TAG: &str = "tokens";

/// Describes them.
pub(super) fn add(document: &mut Document) {
    let (all, one) = (document.schema::<Tokens>(), document.schema::<TokenView>());
    let list = admin(TAG, "listTokens", "List the tokens, without their secrets")
        .gives(200, "The tokens", &[], all)
        .link(200, "showToken", json!({ "id": "$response.body#/tokens/0/id" }));
    let (body, created) = (document.schema::<TokenBody>(), document.schema::<TokenCreated<'static>>());
    let create = admin(TAG, "createToken", "Make a token")
        .text("The answer is the only one that ever shows it.")
        .takes(body, json!({ "name": "app", "allow": ["read,write on default prefix user:"] }))
        .gives(201, "It is made", &[], created)
        .link(201, "showToken", json!({ "id": "$response.body#/id" }))
        .fails(BODY)
        .fails(&[InvalidValue, Conflict, OperationRunning]);
    document.add("get", "/v1/tokens", list);
    document.add("post", "/v1/tokens", create);
    let show =
        admin(TAG, "showToken", "Show a token").gives(200, "The token", &[], one).fails(&[UnknownToken]);
    let deleted = document.schema::<TokenDeleted>();
    let delete = admin(TAG, "deleteToken", "Delete a token; who shows it is refused from then on")
        .gives(200, "It is deleted", &[], deleted)
        .fails(&[UnknownToken, OperationRunning]);
    document.add("get", "/v1/tokens/{id}", show);
    document.add("delete", "/v1/tokens/{id}", delete);
}
