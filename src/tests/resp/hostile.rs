//! Requests that are malformed, huge or half-sent, and commands that ask for more than their length shows.

use quorate::limits::{RESP_ARGUMENTS_MAX, RESP_QUEUED_COMMANDS_MAX, RESP_SERVER_WORDS_MAX};

use crate::support::{Cluster, Redis, request};

#[tokio::test(flavor = "multi_thread")]
async fn a_command_may_break_off_at_any_byte() {
    let cluster = Cluster::single().await;
    let addr = cluster.servers[0].resp;
    let whole = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nvalue\r\n";
    for end in 0..whole.len() {
        let mut half = Redis::connect(addr).await;
        half.send(&whole[..end]).await;
    }
    assert_eq!(Redis::connect(addr).await.ask("EXISTS k").await, ":0");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn announcements_that_are_not_kept_hold_up_nobody() {
    let cluster = Cluster::single_with(|config| config.value_max = 1000).await;
    let addr = cluster.servers[0].resp;
    let mut silent = Vec::new();
    for announced in [&b"*1048576\r\n"[..], b"*2\r\n$3\r\nGET\r\n$1000000\r\n", b"*1\r\n$4"] {
        let mut redis = Redis::connect(addr).await;
        redis.send(announced).await;
        silent.push(redis);
    }
    for (bytes, text) in [
        (&b"*1048577\r\n"[..], "invalid multibulk length"),
        (b"*2\r\n$3\r\nGET\r\n$1049577\r\n", "invalid bulk length"),
        (b"*1\r\n$-1\r\n", "invalid bulk length"),
        (b"*1\r\n:1\r\n", "expected '$', got ':'"),
        (b"*99999999999999999999\r\n", "invalid multibulk length"),
        (b"SET k 'v\r\n", "unbalanced quotes in request"),
    ] {
        let mut redis = Redis::connect(addr).await;
        redis.send(bytes).await;
        let rest = String::from_utf8(redis.rest().await).unwrap();
        assert_eq!(rest, format!("-ERR Protocol error: {text}\r\n"));
    }
    assert_eq!(Redis::connect(addr).await.ask("PING").await, "+PONG");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_arguments_as_there_may_be_are_answered() {
    let cluster = Cluster::single().await;
    let mut redis = Redis::connect(cluster.servers[0].resp).await;
    let mut bytes = format!("*{RESP_ARGUMENTS_MAX}\r\n$3\r\nDEL\r\n").into_bytes();
    bytes.extend(b"$0\r\n\r\n".repeat(RESP_ARGUMENTS_MAX - 1));
    redis.send(&bytes).await;
    assert!(redis.answer().await.starts_with("-ERR "), "a key has at least one byte");
    assert_eq!(redis.ask("PING").await, "+PONG");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_too_large_is_refused_and_forgotten() {
    let cluster = Cluster::single().await;
    let mut redis = Redis::connect(cluster.servers[0].resp).await;
    let refused = "-ERR too many commands are queued in this transaction";
    let all = [request("MULTI"), request("SET a 1").repeat(RESP_QUEUED_COMMANDS_MAX + 1), request("EXEC")];
    redis.send(&all.concat()).await;
    assert_eq!(redis.answer().await, "+OK");
    for number in 0..RESP_QUEUED_COMMANDS_MAX {
        assert_eq!(redis.answer().await, "+QUEUED", "command {number}");
    }
    assert_eq!(redis.answer().await, refused);
    let aborted = "-EXECABORT Transaction discarded because of previous errors.";
    assert_eq!(redis.answer().await, aborted);
    // Few bytes that take much: every argument is counted.
    redis.ask("MULTI").await;
    let many =
        [format!("*{}\r\n$3\r\nDEL\r\n", 1 << 17).into_bytes(), b"$0\r\n\r\n".repeat((1 << 17) - 1)].concat();
    let mut answers = Vec::new();
    for _ in 0..9 {
        redis.send(&many).await;
        answers.push(redis.answer().await);
    }
    assert_eq!((answers[0].as_str(), answers[8].as_str()), ("+QUEUED", "+QUEUED"), "{answers:?}");
    assert!(answers.iter().any(|answer| answer == refused), "{answers:?}");
    assert_eq!(redis.ask("EXEC").await, aborted);
    assert_eq!(redis.ask("EXISTS a").await, ":0");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_transaction_tells_of_the_server_has_a_bound() {
    let cluster = Cluster::single().await;
    let mut redis = Redis::connect(cluster.servers[0].resp).await;
    let count = 5000;
    let all = [request("MULTI"), request("COMMAND DOCS").repeat(count), request("SET a 1"), request("EXEC")];
    redis.send(&all.concat()).await;
    for _ in 0..count + 2 {
        redis.answer().await;
    }
    let told = redis.answer().await;
    assert!(told.ends_with("-ERR not carried out: the answers of this transaction are too long, +OK]"));
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_about_the_server_take_a_bounded_number_of_words() {
    let cluster = Cluster::single().await;
    let mut redis = Redis::connect(cluster.servers[0].resp).await;
    for command in ["COMMAND INFO", "COMMAND DOCS", "CONFIG GET", "CLIENT LIST ID"] {
        let words = 1 + command.split(' ').count();
        let asked = format!("{command}{}", " 1".repeat(RESP_SERVER_WORDS_MAX - words + 1));
        assert!(!redis.ask(&asked).await.starts_with('-'), "{command}");
        let name = command.split(' ').next().unwrap().to_lowercase();
        let refused = format!("-ERR too many arguments for '{name}' command");
        assert_eq!(redis.ask(&format!("{asked} 1")).await, refused);
    }
    let long = "n".repeat(257);
    for command in ["CLIENT SETNAME", "HELLO 2 SETNAME", "CLIENT SETINFO LIB-NAME"] {
        let refused = redis.ask(&format!("{command} {long}")).await;
        assert_eq!(refused, "-ERR names are at most 256 bytes long", "{command}");
    }
    cluster.stop().await;
}
