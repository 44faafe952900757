//! What becomes of a proposal's error on its way to the client.

use raft_store::codec::DecodeError;

use super::*;
use crate::error::{ErrorKind, Outcome};
use crate::group::ProposeError;

fn error_of(error: ProposeError, deadline: Instant) -> Error {
    match declined(7, deadline, error) {
        Declined::Error(error) => error,
        other => panic!("this is no error for a client: {other:?}"),
    }
}

/// Only what was certainly not proposed may be tried elsewhere or be called not applied.
#[test]
fn a_proposal_ends_as_what_is_certain_of_it() {
    let now = Instant::now();
    let later = now + Duration::from_secs(60);
    assert_eq!(declined(7, later, ProposeError::NotLeader(Some(2))), Declined::NotLeader(Some(2)));
    let full = error_of(ProposeError::QueueFull, later);
    assert_eq!((full.kind, full.outcome), (ErrorKind::QueueFull, Some(Outcome::NotApplied)));
    let malformed = error_of(ProposeError::Malformed(DecodeError::Invalid("key")), later);
    assert_eq!((malformed.kind, malformed.outcome), (ErrorKind::BadRequest, Some(Outcome::NotApplied)));
    for (deadline, kind) in [(later, ErrorKind::NoLeader), (now, ErrorKind::Timeout)] {
        let unknown = error_of(ProposeError::Unknown("gone".into()), deadline);
        assert_eq!((unknown.kind, unknown.outcome, unknown.group), (kind, Some(Outcome::Unknown), Some(7)));
    }
}

#[test]
fn only_a_node_that_does_not_lead_sends_a_request_elsewhere() {
    assert!(matches!(attempt_of(Ok(1)), Attempt::Ended(Ok(1))));
    assert!(matches!(attempt_of::<u8>(Err(Declined::NotLeader(Some(3)))), Attempt::Elsewhere(Some(3))));
    let unknown = Error::unknown(ErrorKind::NoLeader, "gone");
    let attempt = attempt_of::<u8>(Err(Declined::Error(unknown.clone())));
    assert!(matches!(attempt, Attempt::Ended(Err(error)) if error == unknown));
}

#[tokio::test(start_paused = true)]
async fn another_node_is_told_how_long_it_has() {
    assert_eq!(millis_until(Instant::now() + Duration::from_millis(250)), 250);
    assert_eq!(millis_until(Instant::now()), 0);
}
