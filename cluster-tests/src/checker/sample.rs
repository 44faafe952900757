//! Small operations to write histories by hand with, for tests. All are on key `k`.

use crate::history::{Consistency, Expect, Input, Operation, Outcome, Output, Seen};

/// An operation on key `k` from `call` to `end`.
pub(crate) fn op(call: u64, end: u64, input: Input, output: Option<Output>, outcome: Outcome) -> Operation {
    Operation {
        client: call,
        process: 1,
        node: 1,
        key: "k".into(),
        call_ns: call,
        return_ns: end,
        input,
        output,
        outcome,
        ..Operation::default()
    }
}

pub(crate) fn set_input(value: &str) -> Input {
    Input::Set { value: value.into(), ttl_ms: None }
}

pub(crate) fn set(call: u64, end: u64, value: &str, version: u64) -> Operation {
    let output = Output::Written { version: Some(version), created: None, value: None };
    op(call, end, set_input(value), Some(output), Outcome::Ok)
}

pub(crate) fn set_unknown(call: u64, value: &str) -> Operation {
    op(call, call + 1, set_input(value), None, Outcome::Unknown)
}

pub(crate) fn set_failed(call: u64, end: u64, value: &str) -> Operation {
    op(call, end, set_input(value), None, Outcome::Fail)
}

pub(crate) fn read(call: u64, end: u64, seen: Option<(&str, u64)>) -> Operation {
    let seen = seen.map(|(value, version)| Seen { value: value.into(), version: Some(version) });
    op(call, end, Input::Get(Consistency::Linearizable), Some(Output::Read(seen)), Outcome::Ok)
}

pub(crate) fn local(call: u64, end: u64, seen: Option<(&str, u64)>) -> Operation {
    Operation { input: Input::Get(Consistency::Local), ..read(call, end, seen) }
}

pub(crate) fn delete(call: u64, end: u64, deleted: bool, version: u64) -> Operation {
    let output = Output::Deleted { deleted, version: Some(version) };
    op(call, end, Input::Delete, Some(output), Outcome::Ok)
}

pub(crate) fn cas(call: u64, end: u64, expect: u64, value: &str, output: Output) -> Operation {
    let input = Input::Cas { expect: Expect::Version(expect), value: value.into(), ttl_ms: None };
    op(call, end, input, Some(output), Outcome::Ok)
}

pub(crate) fn written(version: u64) -> Output {
    Output::Written { version: Some(version), created: None, value: None }
}

pub(crate) fn incr(call: u64, end: u64, by: i64, answer: Option<(i64, u64)>) -> Operation {
    let output = |(value, version): (i64, u64)| Output::Written {
        version: Some(version),
        created: None,
        value: Some(value.to_string()),
    };
    let outcome = if answer.is_some() { Outcome::Ok } else { Outcome::Unknown };
    op(call, end, Input::Incr { by }, answer.map(output), outcome)
}

pub(crate) fn at_time(mut op: Operation, time_ms: u64) -> Operation {
    op.time_ms = Some(time_ms);
    op
}

pub(crate) fn with_ttl(mut op: Operation, ttl: u64) -> Operation {
    if let Input::Set { ttl_ms, .. } = &mut op.input {
        *ttl_ms = Some(ttl);
    }
    op
}

pub(crate) fn append(call: u64, end: u64, element: &str, outcome: Outcome) -> Operation {
    let output = Output::Written { version: None, created: None, value: None };
    let output = (outcome == Outcome::Ok).then_some(output);
    op(call, end, Input::Append { value: element.into() }, output, outcome)
}

pub(crate) fn read_value(call: u64, end: u64, value: &str) -> Operation {
    let seen = Seen { value: value.into(), version: None };
    op(call, end, Input::Get(Consistency::Linearizable), Some(Output::Read(Some(seen))), Outcome::Ok)
}
