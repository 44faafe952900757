//! The contract of the HTTP API: every status of `api.md`'s table that is due, and every bad input.

mod admin;
mod bad_input;
mod batch;
mod conditions;
mod connections;
mod faults;
mod health;
mod kv;
mod limits;
mod openapi;
mod raw;
mod routing;
mod scan;
mod ttl;
mod txn;
