//! Every answer in the transcripts is given here too.

use super::server::Server;
use super::shown::shown;

/// Plays a transcript on an empty map: lines that begin with `> ` are commands, the lines behind them the answer.
fn play(transcript: &str) {
    let mut server = Server::new();
    let (mut calls, mut wrong) = (0, Vec::new());
    for exchange in transcript.split("> ").skip(1) {
        let lines = exchange.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>();
        let (expected, answer) = (lines[1..].join("\n") + "\n", shown(&server.call(lines[0])));
        calls += 1;
        if answer != expected {
            wrong.push(format!("{}\nRedis: {expected}here:  {answer}", lines[0]));
        }
    }
    assert!(calls > 50, "only {calls} commands");
    assert!(wrong.is_empty(), "{} of {calls} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn set_and_its_forms_answer_as_redis() {
    play(include_str!("transcripts/set.txt"));
}

#[test]
fn reading_answers_as_redis() {
    play(include_str!("transcripts/get.txt"));
}

#[test]
fn numbers_answer_as_redis() {
    play(include_str!("transcripts/numbers.txt"));
}

#[test]
fn editing_and_bits_answer_as_redis() {
    play(include_str!("transcripts/edit.txt"));
}

#[test]
fn keys_and_deadlines_answer_as_redis() {
    play(include_str!("transcripts/keys.txt"));
}
