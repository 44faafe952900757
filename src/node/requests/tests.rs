//! How commands and look-ups end, and what of them goes out again.

use raft_store::key::DEFAULT_NAMESPACE;

use super::*;
use crate::error::Outcome;
use crate::group::Lookups;

fn read_within(staleness: Option<u64>) -> Read {
    let key = Key::new(DEFAULT_NAMESPACE, b"key").expect("a short key");
    Read { key, consistency: Consistency::Local, max_staleness: staleness.map(Duration::from_millis) }
}

fn looked(found: Lookup) -> Result<Looked> {
    let lookups = Lookups { time_ms: 9, version: 1, found: vec![found] };
    Ok(Looked { lookups, staleness_ms: Some(100) })
}

#[test]
fn a_command_that_met_an_outdated_table_goes_out_again_while_there_is_time() {
    let reply = || Ok((1, Reply::Rejected(Rejection::NotOwner)));
    assert_eq!(settle(1, reply(), Instant::now() + Duration::from_secs(60)), None);
    let error = settle(1, reply(), Instant::now()).expect("there is no time").unwrap_err();
    assert_eq!((error.kind, error.outcome), (ErrorKind::Moving, Some(Outcome::NotApplied)));
}

#[test]
fn any_other_end_of_a_command_is_final() {
    let later = Instant::now() + Duration::from_secs(60);
    let rejected = Reply::Rejected(Rejection::Missing);
    let expected = WriteOk { group: 1, time_ms: 5, reply: rejected.clone() };
    assert_eq!(settle(1, Ok((5, rejected)), later), Some(Ok(expected)));
    let unknown = Error::unknown(ErrorKind::Timeout, "late");
    assert_eq!(settle(1, Err(unknown.clone()), later), Some(Err(unknown)));
}

#[test]
fn a_read_that_met_an_outdated_table_goes_out_again_while_there_is_time() {
    let later = Instant::now() + Duration::from_secs(60);
    assert_eq!(found(1, &read_within(None), &looked(Lookup::NotOwner), 0, later), None);
    let ended = found(1, &read_within(None), &looked(Lookup::NotOwner), 0, Instant::now());
    let error = ended.expect("there is no time").unwrap_err();
    assert_eq!((error.kind, error.outcome), (ErrorKind::Moving, None));
}

#[test]
fn a_local_read_is_refused_past_the_staleness_allowed() {
    let later = Instant::now() + Duration::from_secs(60);
    let kind = |allowed| {
        let ended = found(1, &read_within(allowed), &looked(Lookup::Miss), 0, later);
        ended.expect("it has an answer").map(|ok| ok.staleness_ms).map_err(|error| error.kind)
    };
    assert_eq!(kind(Some(99)), Err(ErrorKind::TooStale));
    assert_eq!((kind(Some(100)), kind(None)), (Ok(Some(100)), Ok(Some(100))));
}

#[test]
fn a_replica_without_a_bound_states_none_and_keeps_within_none() {
    let later = Instant::now() + Duration::from_secs(60);
    let unconfirmed = looked(Lookup::Miss).map(|looked| Looked { staleness_ms: None, ..looked });
    let ended = |allowed| found(1, &read_within(allowed), &unconfirmed, 0, later).expect("it has an answer");
    assert_eq!(ended(None).map(|ok| ok.staleness_ms), Ok(None));
    assert_eq!(ended(Some(u64::MAX)).unwrap_err().kind, ErrorKind::TooStale);
}
