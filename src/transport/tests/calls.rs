//! Calls while everything works.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use tokio::net::TcpListener;

use super::super::frame::Kind;
use super::super::{CallError, Lane, TransportStats};
use super::harness::*;
use crate::limits::{FRAME_BYTES_MAX, PEER_QUEUE_BYTES_MAX};

#[tokio::test]
async fn a_call_is_answered_on_either_lane_and_to_this_node_itself() {
    let (one, two) = pair(echo()).await;
    for (node, lane) in [(2, Lane::Control), (2, Lane::Bulk), (1, Lane::Control)] {
        let body = Bytes::from(vec![7; 300_000]);
        assert_eq!(one.call(node, lane, 0, body.clone(), LONG).await, Ok(body));
    }
    let addr = two.local_addr().to_string();
    assert_eq!(one.call_addr(&addr, 0, Bytes::from_static(b"seed"), LONG).await.unwrap(), "seed");
    assert_eq!(one.stats().connects, 3, "one for each lane and one for the address");
}

#[tokio::test]
async fn calls_on_one_lane_arrive_in_the_order_they_were_made() {
    let (handler, mut calls) = collect();
    let (one, _two) = pair(handler).await;
    let made = (0..500u32).map(|n| one.call(2, Lane::Control, 0, Bytes::from(n.to_string()), LONG));
    let answering = async {
        let mut connections = Vec::new();
        for n in 0..500 {
            let (from, body, answer) = calls.recv().await.unwrap();
            assert_eq!(body, n.to_string());
            connections.push(from.connection);
            answer.send(body);
        }
        connections.dedup();
        assert_eq!(connections.len(), 1);
    };
    let (answers, ()) = tokio::join!(join_all(made), answering);
    assert!(answers.iter().all(Result::is_ok));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_mixed_up_among_ten_thousand_calls_at_once() {
    let (one, two) = pair(echo()).await;
    let calls = (0..10_000u32).map(|n| {
        let one = one.clone();
        tokio::spawn(async move {
            let body = Bytes::from(n.to_string().repeat(n as usize % 50));
            assert_eq!(one.call(2, Lane::Control, 0, body.clone(), LONG).await, Ok(body));
        })
    });
    for call in join_all(calls).await {
        call.unwrap();
    }
    let TransportStats { frames_in, writes, .. } = two.stats();
    assert_eq!(frames_in, 10_000);
    assert!(writes < 10_000, "{writes} writes: answers are coalesced");
}

#[tokio::test]
async fn a_lane_that_answers_nothing_holds_up_no_other() {
    let (handler, mut calls) = collect();
    let (one, _two) = pair(handler).await;
    let body = Bytes::from(vec![0; 4 << 20]);
    let stuck = join_all((0..8).map(|_| one.call(2, Lane::Bulk, 0, body.clone(), LONG)));
    let answering = async {
        let mut held = Vec::new();
        while let Some((_, body, answer)) = calls.recv().await {
            if body == "heartbeat" {
                return answer.send(body);
            }
            held.push(answer);
        }
    };
    tokio::select! {
        _ = stuck => panic!("nobody answers those"),
        (answer, ()) = async { tokio::join!(call(&one, 2, "heartbeat"), answering) } => assert!(answer.is_ok()),
    }
}

#[tokio::test]
async fn a_call_without_answer_is_lost_at_once_if_dropped_and_in_time_if_not() {
    let (handler, mut calls) = collect();
    let (one, _two) = pair(handler).await;
    let (result, ()) = tokio::join!(call(&one, 2, "x"), async { drop(calls.recv().await) });
    assert!(matches!(&result, Err(CallError::Lost(reason)) if reason.contains("dropped")), "{result:?}");
    let late = one.call(2, Lane::Control, 0, Bytes::new(), Duration::from_millis(20)).await;
    assert!(matches!(late, Err(CallError::Lost(_))), "{late:?}");
    assert_eq!(one.stats().peers[0].outstanding, 0);
}

#[tokio::test]
async fn what_is_too_large_for_a_frame_is_refused_at_the_sender() {
    let huge = || Bytes::from(vec![0; FRAME_BYTES_MAX]);
    let (one, _two) = pair(std::sync::Arc::new(Fun(move |_, _, _, answer: super::super::Answer| {
        answer.send(huge());
    })))
    .await;
    let sent = one.call(2, Lane::Bulk, 0, Bytes::from(vec![0; FRAME_BYTES_MAX]), LONG).await;
    assert!(matches!(sent, Err(CallError::NotSent(_))));
    let answered = call(&one, 2, "give me too much").await;
    assert!(matches!(answered, Err(CallError::Lost(_))));
    assert_eq!(one.stats().connects, 1, "the connection stands");
}

#[tokio::test]
async fn a_full_queue_refuses_calls_and_given_up_calls_are_not_sent() {
    let listener = TcpListener::bind(any_port()).await.unwrap();
    let one = start(1, echo()).await;
    one.set_peer(2, &listener.local_addr().unwrap().to_string());
    let body = Bytes::from(vec![0; PEER_QUEUE_BYTES_MAX / 2 - 100]);
    // Nobody welcomes the connection yet, so all of it stays queued.
    let mut queued: Vec<_> =
        (0..3).map(|_| Box::pin(one.call(2, Lane::Control, 0, body.clone(), LONG))).collect();
    let third = queued.pop().unwrap();
    for call in &mut queued {
        assert!(futures_util::poll!(call).is_pending());
    }
    assert!(matches!(third.await, Err(CallError::NotSent(reason)) if reason.contains("full")));
    drop(queued);
    let (answer, _raw) = tokio::join!(call(&one, 2, "small"), async {
        let mut raw = Raw::welcome(&listener, 2, 0).await;
        let mut frame = raw.read().await.unwrap();
        assert_eq!((frame.kind, &frame.body[..]), (Kind::Call, &b"small"[..]), "the dropped ones never came");
        frame.kind = Kind::Answer;
        raw.write(frame).await;
        raw
    });
    assert!(answer.is_ok());
}

#[tokio::test]
async fn both_ends_know_when_they_last_heard_each_other() {
    let (one, two) = pair(echo()).await;
    introduce(&two, 1, &one);
    assert_eq!((one.last_heard(2), one.last_heard(9)), (None, None));
    call(&one, 2, "x").await.unwrap();
    assert!(one.last_heard(2).unwrap() < LONG && two.last_heard(1).unwrap() < LONG);
    assert_eq!(one.last_heard(1), Some(Duration::ZERO));
}
