//! Who may speak to whom, and strangers on the peer port.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::super::frame::{Frame, Kind};
use super::super::tuning::Tuning;
use super::super::{CallError, FEATURE_TRACED, Lane};
use super::harness::*;

fn refused(result: Result<Bytes, CallError>, why: &str) {
    assert!(matches!(&result, Err(CallError::Refused(reason)) if reason.contains(why)), "{result:?}");
}

#[tokio::test]
async fn another_cluster_is_refused_by_the_one_called() {
    let (one, two) = pair(echo()).await;
    one.set_cluster(7);
    two.set_cluster(8);
    refused(call(&one, 2, "x").await, "the peer says");
    let addr = two.local_addr().to_string();
    refused(one.call_addr(&addr, 0, Bytes::new(), LONG).await, "the peer says");
}

#[tokio::test]
async fn another_cluster_is_refused_by_the_caller() {
    let one = start(1, echo()).await;
    one.set_cluster(7);
    for (cluster, node) in [(8, 2), (7, 3)] {
        let listener = TcpListener::bind(any_port()).await.unwrap();
        one.set_peer(2, &listener.local_addr().unwrap().to_string());
        let (result, _raw) = tokio::join!(call(&one, 2, "x"), Raw::welcome(&listener, node, cluster));
        refused(result, "wrong peer");
    }
}

#[tokio::test]
async fn a_node_with_another_id_is_refused() {
    let (one, two) = pair(echo()).await;
    introduce(&one, 3, &two);
    refused(call(&one, 3, "x").await, "this is node 2, not node 3");
}

#[tokio::test]
async fn membership_follows_the_cluster_ids_also_on_a_standing_connection() {
    let (one, two) = pair(membership()).await;
    assert_eq!(call(&one, 2, "neither has one").await.unwrap(), "false");
    two.set_cluster(7);
    assert_eq!(call(&one, 2, "the caller has none").await.unwrap(), "false");
    one.set_cluster(7);
    assert_eq!(call(&one, 2, "both").await.unwrap(), "true");
    assert_eq!(one.stats().connects, 1);
}

#[tokio::test]
async fn a_cluster_that_turns_out_different_ends_a_standing_connection() {
    for callee_last in [true, false] {
        let (one, two) = pair(membership()).await;
        call(&one, 2, "x").await.unwrap();
        let (first, last) = if callee_last { (&one, &two) } else { (&two, &one) };
        first.set_cluster(7);
        call(&one, 2, "y").await.unwrap();
        last.set_cluster(8);
        assert!(call(&one, 2, "z").await.is_err());
    }
}

#[tokio::test]
async fn garbage_is_closed_at_once_without_a_word() {
    let tuning = Tuning { hello: 2 * LONG, ..Tuning::default() };
    let two = start_at(2, any_port(), tuning, echo()).await;
    let mut early_call = BytesMut::from(&Frame::control(Kind::Call, Bytes::new()).to_bytes()[..]);
    early_call.put_slice(b"more");
    for garbage in [b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", &[0; 64][..], &[255; 64], &early_call] {
        let mut raw = Raw::dial(&two).await;
        raw.stream.write_all(garbage).await.unwrap();
        // What was not read may turn the close into a reset; either way not one byte comes.
        let closed = tokio::time::timeout(LONG, raw.stream.read(&mut [0; 64])).await;
        assert!(matches!(closed, Ok(Ok(0) | Err(_))), "{closed:?}");
    }
    assert_eq!(two.stats().frames_in, 0);
}

#[tokio::test]
async fn bad_magic_and_version_are_refused_with_the_reason() {
    let two = start(2, echo()).await;
    for (byte, why) in [(0, "not a Quorate peer"), (8, "protocol version")] {
        let mut hello = HELLO.to_bytes().to_vec();
        hello[byte] ^= 0x55;
        let mut raw = Raw::dial(&two).await;
        raw.write(Frame::control(Kind::Hello, hello.into())).await;
        let answer = raw.read().await.unwrap();
        assert_eq!(answer.kind, Kind::Refuse);
        assert!(String::from_utf8_lossy(&answer.body).contains(why));
        assert_eq!(raw.read().await, None);
    }
}

#[tokio::test]
async fn a_stranger_that_says_nothing_is_closed() {
    let tuning = Tuning { hello: Duration::from_millis(20), ..Tuning::default() };
    let two = start_at(2, any_port(), tuning, echo()).await;
    let mut raw = Raw::dial(&two).await;
    raw.stream.write_all(&[43, 0]).await.unwrap();
    assert_eq!(raw.read().await, None);
}

#[tokio::test]
async fn a_frame_too_large_or_out_of_place_closes_the_connection() {
    let two = start(2, echo()).await;
    let too_large = Bytes::from_static(&[255; 14]);
    for bytes in [too_large, Frame::control(Kind::Answer, Bytes::new()).to_bytes()] {
        let (mut raw, answer) = Raw::hello(&two, HELLO).await;
        assert_eq!(answer.kind, Kind::Welcome);
        raw.stream.write_all(&bytes).await.unwrap();
        assert_eq!(raw.read().await, None);
    }
    until(|| two.stats().inbound == 0).await;
}

#[tokio::test]
async fn a_feature_is_taken_only_by_a_node_that_said_so() {
    let (one, _two) = pair(echo()).await;
    let takes = || one.takes(2, Lane::Control, FEATURE_TRACED);
    assert!(!takes(), "nothing is known before there is a connection");
    call(&one, 2, "x").await.unwrap();
    assert!(takes() && !one.takes(2, Lane::Control, 0x80) && !one.takes(2, Lane::Bulk, FEATURE_TRACED));

    let older = TcpListener::bind(any_port()).await.unwrap();
    one.set_peer(3, &older.local_addr().unwrap().to_string());
    let asking = one.clone();
    let asked = tokio::spawn(async move { call(&asking, 3, "x").await });
    let mut raw = Raw::welcome(&older, 3, 0).await;
    assert_eq!(raw.read().await.unwrap().kind, Kind::Call);
    assert!(!one.takes(3, Lane::Control, FEATURE_TRACED));
    asked.abort();
}
