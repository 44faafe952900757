//! Calls while something is broken.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::super::frame::{Frame, Kind};
use super::super::tuning::Tuning;
use super::super::{Answer, CallError, Lane, Net, Transport, TransportConfig};
use super::harness::*;
use crate::limits::PEER_QUEUE_BYTES_MAX;

async fn listener_for(one: &Transport) -> TcpListener {
    let listener = TcpListener::bind(any_port()).await.unwrap();
    one.set_peer(2, &listener.local_addr().unwrap().to_string());
    listener
}

fn not_sent(result: &Result<Bytes, CallError>) -> bool {
    matches!(result, Err(CallError::NotSent(_)))
}

fn lost(result: &Result<Bytes, CallError>) -> bool {
    matches!(result, Err(CallError::Lost(_)))
}

#[tokio::test]
async fn a_peer_that_is_down_or_unknown_gets_nothing() {
    let one = start(1, echo()).await;
    assert!(not_sent(&call(&one, 2, "unknown").await));
    drop(listener_for(&one).await);
    assert!(not_sent(&call(&one, 2, "first").await), "the dial failed");
    assert!(not_sent(&call(&one, 2, "second").await), "at once");
    assert_eq!(one.stats().peers[0].queued_messages, 0);
    let nowhere = one.call_addr("127.0.0.1:1", 0, Bytes::new(), LONG).await;
    assert!(not_sent(&nowhere));
}

#[tokio::test]
async fn a_peer_that_never_welcomes_gets_nothing_and_holds_calls_no_longer_than_a_dial() {
    let tuning = Tuning { dial: Duration::from_millis(30), ..Tuning::default() };
    let one = start_at(1, any_port(), tuning, echo()).await;
    let _listener = listener_for(&one).await;
    let short = one.call(2, Lane::Control, 0, Bytes::new(), Duration::from_millis(1));
    let (short, long) = tokio::join!(short, call(&one, 2, "x"));
    assert!(not_sent(&short) && not_sent(&long), "{short:?} {long:?}");
}

#[tokio::test]
async fn a_call_whose_peer_dies_is_lost_at_once() {
    let one = start(1, echo()).await;
    let listener = listener_for(&one).await;
    let die = async {
        let mut raw = Raw::welcome(&listener, 2, 0).await;
        raw.read().await.unwrap();
    };
    let (result, ()) = tokio::join!(call(&one, 2, "x"), die);
    assert!(lost(&result), "{result:?}");
}

#[tokio::test]
async fn a_frame_of_which_a_part_was_written_is_lost_and_those_behind_it_are_not_sent() {
    let one = start(1, echo()).await;
    let listener = listener_for(&one).await;
    let large = Bytes::from(vec![0; 30 << 20]);
    let die = async {
        let mut raw = Raw::welcome(&listener, 2, 0).await;
        raw.stream.read_exact(&mut [0; 1000]).await.unwrap();
    };
    let first = one.call(2, Lane::Bulk, 0, large.clone(), LONG);
    let second = one.call(2, Lane::Bulk, 0, large, LONG);
    let (first, second, ()) = tokio::join!(first, second, die);
    assert!(lost(&first), "{first:?}");
    assert!(not_sent(&second), "{second:?}");
}

#[tokio::test]
async fn a_peer_that_starts_again_on_its_port_is_found_again() {
    let (one, two) = pair(echo()).await;
    call(&one, 2, "x").await.unwrap();
    two.shutdown().await;
    until(|| !one.stats().peers[0].connected).await;
    assert!(not_sent(&call(&one, 2, "y").await));
    let _two = start_at(2, two.local_addr(), Tuning::default(), echo()).await;
    until(|| one.stats().peers[0].connected).await;
    assert_eq!(call(&one, 2, "z").await.unwrap(), "z");
}

#[tokio::test]
async fn a_silent_connection_is_closed_and_a_beating_one_is_not() {
    let tuning = Tuning { beat: Duration::from_millis(10), ..Tuning::default() };
    let one = start_at(1, any_port(), tuning, echo()).await;
    let two = start_at(2, any_port(), tuning, echo()).await;
    introduce(&one, 2, &two);
    call(&one, 2, "x").await.unwrap();
    let listener = TcpListener::bind(any_port()).await.unwrap();
    one.set_peer(3, &listener.local_addr().unwrap().to_string());
    let (result, _silent) = tokio::join!(call(&one, 3, "x"), Raw::welcome(&listener, 3, 0));
    assert!(
        matches!(&result, Err(CallError::Lost(reason)) if reason.contains("nothing heard")),
        "{result:?}"
    );
    assert!(one.stats().peers[0].connected, "the other connection was idle longer and stands");
    assert_eq!(one.stats().connects, 2, "and is still the first");
}

#[tokio::test]
async fn a_peer_nobody_calls_is_dialled_no_more_until_it_is_called() {
    let tuning = Tuning { wanted_for: Duration::ZERO, ..Tuning::default() };
    let one = start_at(1, any_port(), tuning, echo()).await;
    let listener = listener_for(&one).await;
    let addr = listener.local_addr().unwrap();
    drop(listener);
    assert!(not_sent(&call(&one, 2, "x").await));
    // Resting, the link waits for the next dial again instead of failing calls at once.
    let _two = start_at(2, addr, Tuning::default(), echo()).await;
    let again = async {
        while call(&one, 2, "y").await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, again).await.unwrap();
    assert_eq!(one.stats().connects, 1);
}

#[tokio::test]
async fn a_peer_moved_or_removed_loses_its_connections() {
    let (handler, mut calls) = collect();
    let (one, two) = pair(handler).await;
    introduce(&two, 1, &one);
    call(&two, 1, "the other way").await.unwrap();
    let three = start(2, echo()).await;
    let moving = async {
        let _unanswered = calls.recv().await;
        introduce(&one, 2, &three);
    };
    let (result, ()) = tokio::join!(call(&one, 2, "x"), moving);
    assert!(result.is_err(), "{result:?}");
    assert_eq!(call(&one, 2, "y").await.unwrap(), "y");
    one.remove_peer(2);
    assert!(not_sent(&call(&one, 2, "z").await));
    until(|| one.stats().inbound == 0).await;
}

#[tokio::test]
async fn a_peer_that_takes_no_answers_is_cut_off() {
    let large = Bytes::from(vec![0; PEER_QUEUE_BYTES_MAX / 2 - 100]);
    let handler = Fun(move |_, _, _, answer: Answer| answer.send(large.clone()));
    let tuning = Tuning { beat: 2 * LONG, ..Tuning::default() };
    let two = start_at(2, any_port(), tuning, Arc::new(handler)).await;
    let (mut raw, _welcome) = Raw::hello(&two, HELLO).await;
    let call = Frame { kind: Kind::Call, service: 0, call: 1, body: Bytes::new() };
    raw.stream.write_all(&call.to_bytes().repeat(4)).await.unwrap();
    // One answer may be on its way into the socket, two fit the queue.
    until(|| two.stats().frames_in >= 3 && two.stats().inbound == 0).await;
}

#[tokio::test]
async fn connections_past_the_limit_are_closed_and_room_comes_back() {
    let tuning = Tuning { inbound_max: 1, ..Tuning::default() };
    let two = start_at(2, any_port(), tuning, echo()).await;
    let one = start(1, echo()).await;
    introduce(&one, 2, &two);
    let (first, _welcome) = Raw::hello(&two, HELLO).await;
    assert!(not_sent(&call(&one, 2, "x").await));
    drop(first);
    until(|| one.stats().peers[0].connected).await;
    assert!(call(&one, 2, "y").await.is_ok());
}

#[tokio::test]
async fn shutdown_ends_calls_and_frees_the_port_and_a_taken_port_is_named() {
    let (handler, mut calls) = collect();
    let (one, two) = pair(handler).await;
    let taken = Transport::bind(TransportConfig {
        node: 3,
        listen: two.local_addr(),
        net: Net::Tcp,
        pulse: crate::limits::pulse(50),
    })
    .await;
    assert!(taken.unwrap_err().to_string().contains(&two.local_addr().to_string()));
    let stopping = async {
        let _unanswered = calls.recv().await;
        one.shutdown().await;
    };
    let (result, ()) = tokio::join!(call(&one, 2, "x"), stopping);
    assert!(lost(&result), "{result:?}");
    introduce(&one, 2, &two);
    assert!(not_sent(&call(&one, 2, "y").await) && not_sent(&call(&one, 1, "to itself").await));
    one.shutdown().await;
    TcpListener::bind(one.local_addr()).await.unwrap();
}
