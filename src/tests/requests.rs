//! One request on its way: its id in the log of every node it comes to, and where its time went when it took long.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Client, Process, Redis, eventually};

const TRACED: &str = "--log=info,quorate::request=debug";

/// What a node logged of a request: each message, and the spans around it.
fn logged(process: &Process, id: &str) -> Vec<(String, Vec<String>)> {
    let of_it = |line: &Value| {
        line["spans"].as_array().is_some_and(|spans| spans.iter().any(|span| span["request_id"] == id))
    };
    let message = |line: &Value| line["fields"]["message"].as_str().unwrap_or_default().to_owned();
    let names = |line: &Value| {
        let spans = line["spans"].as_array().into_iter().flatten();
        spans.map(|span| span["name"].as_str().unwrap_or_default().to_owned()).collect()
    };
    process.log().iter().filter(|line| of_it(line)).map(|line| (message(line), names(line))).collect()
}

/// Waits until a node logged these, in this order, each within these spans.
async fn logs(process: &Process, id: &str, expected: &[(&str, &[&str])]) {
    let expected: Vec<(String, Vec<String>)> = expected
        .iter()
        .map(|(message, spans)| {
            ((*message).to_owned(), spans.iter().map(|name| (*name).to_owned()).collect())
        })
        .collect();
    eventually(&format!("{id}: {expected:?}"), async || (logged(process, id) == expected).then_some(()))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_found_by_its_id_on_every_node_it_comes_to() {
    let leads = Process::start_with(&[TRACED]);
    leads.ready().await;
    // It holds no group, so that it sends everything on.
    let other = leads.join(2, &[TRACED]).await;
    let client = Client::new(other.http);
    let put = async |id: &str| {
        let headers = [("x-request-id", id), ("content-type", "application/json")];
        client.send("PUT", "/v1/kv/default/secret-key", &headers, r#"{"value":"secret-value"}"#).await
    };
    // A node says what it takes once it is connected to.
    put("first").await;
    assert_eq!(put("w-1").await.status, 200);
    logs(&other, "w-1", &[("route", &["request"])]).await;
    let within: &[&str] = &["forwarded", "propose"];
    logs(&leads, "w-1", &[("batch", within), ("apply", within)]).await;

    client.send("GET", "/v1/kv/default/secret-key", &[("x-request-id", "r-1")], "").await.json(200);
    logs(&other, "r-1", &[("route", &["request"])]).await;
    logs(&leads, "r-1", &[("round", &["forwarded", "read"])]).await;

    let mut redis = Redis::connect(leads.resp).await;
    assert_eq!(redis.ask("SET b secret-value").await, "+OK");
    let id = logged_ids(&leads).into_iter().find(|id| id.starts_with("resp-")).unwrap();
    let within: &[&str] = &["request", "propose"];
    logs(&leads, &id, &[("route", &["request"]), ("batch", within), ("apply", within)]).await;
    for line in [leads.log(), other.log()].concat() {
        assert!(!line.to_string().contains("secret"), "neither keys nor values are logged: {line}");
    }
}

fn logged_ids(process: &Process) -> Vec<String> {
    let spans =
        process.log().into_iter().flat_map(|line| line["spans"].as_array().cloned().unwrap_or_default());
    spans.filter_map(|span| Some(span["request_id"].as_str()?.to_owned())).collect()
}

/// A write whose body comes so much later than its head.
async fn slow_write(process: &Process, late: Duration) {
    let mut stream = TcpStream::connect(process.http).await.unwrap();
    let head = "PUT /v1/raw/default/private HTTP/1.1\r\nHost: x\r\nX-Request-Id: s-1\r\nConnection: close\r\n\
                Expect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.read_exact(&mut [0; 25]).await.unwrap();
    tokio::time::sleep(late).await;
    stream.write_all(b"ab").await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    assert!(reply.starts_with("HTTP/1.1 20"), "{reply}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_that_took_long_is_kept_and_logged_without_its_key() {
    let process = Process::start_with(&["--slow-log=300ms"]);
    let client = process.ready().await;
    slow_write(&process, Duration::from_millis(400)).await;
    let view = client.get("/v1/slow").await.json(200);
    assert_eq!((&view["from_ms"], &view["total"]), (&json!(300), &json!(1)), "{view}");
    let slow = &view["slow"][0];
    for (name, value) in
        [("request_id", json!("s-1")), ("protocol", json!("http")), ("operation", json!("write"))]
    {
        assert_eq!(slow[name], value, "{slow}");
    }
    assert_eq!(
        (&slow["keys"], &slow["key_bytes"], &slow["group"]),
        (&json!(1), &json!(7), &json!(1)),
        "{slow}"
    );
    let took = slow["took_ms"].as_f64().unwrap();
    assert!(took >= 400.0 && slow["applied_ms"].as_f64().unwrap() < took, "{slow}");
    assert!(slow["queued_ms"].is_number() && slow.get("forwarded_ms").is_none(), "{slow}");
    let line = process.says("slow operation").await;
    assert_eq!((&line["level"], &line["fields"]["request_id"]), (&json!("WARN"), &json!("s-1")), "{line}");
    assert!(!format!("{view}{line}").contains("private"), "{view} {line}");

    let mut redis = Redis::connect(process.resp).await;
    assert_eq!(redis.ask("SLOWLOG LEN").await, ":1");
    let told = redis.ask("SLOWLOG GET 5").await;
    assert!(told.contains("[\"write\", \"1 keys, the first of 7 bytes\"], \"s-1\", \"\"]"), "{told}");
    assert_eq!(
        redis.ask("CONFIG GET slowlog-log-slower-than").await,
        "[\"slowlog-log-slower-than\", \"300000\"]"
    );
    for odd in ["SLOWLOG GET -2", "SLOWLOG GET x", "SLOWLOG LEN 1", "SLOWLOG NOSUCH"] {
        assert!(redis.ask(odd).await.starts_with("-ERR"), "{odd}");
    }
    assert_eq!(
        (redis.ask("SLOWLOG RESET").await, redis.ask("SLOWLOG LEN").await),
        ("+OK".into(), ":0".into())
    );
    assert_eq!(redis.ask("SLOWLOG GET").await, "[]");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_told_only_when_asked_for_and_nothing_is_slow_when_that_is_off() {
    let process = Process::start_with(&["--slow-log=50ms", "--log-keys=yes"]);
    let client = process.ready().await;
    slow_write(&process, Duration::from_millis(60)).await;
    let of_it = |slow: &Value| slow["request_id"] == "s-1" && slow["key"] == "private";
    let view = client.get("/v1/slow").await.json(200);
    assert!(view["slow"].as_array().unwrap().iter().any(of_it), "{view}");

    let process = Process::start_with(&["--slow-log=0"]);
    let client = process.ready().await;
    slow_write(&process, Duration::from_millis(120)).await;
    let view = client.get("/v1/slow").await.json(200);
    assert_eq!(view, json!({ "from_ms": 0, "total": 0, "slow": [] }));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_clients_ask_for_is_counted_by_protocol_operation_freshness_and_outcome() {
    let process = Process::start();
    let client = process.ready().await;
    let mut redis = Redis::connect(process.resp).await;
    client.put("/v1/kv/default/a", r#"{"value":1}"#).await.json(201);
    client
        .send("PUT", "/v1/kv/default/a", &[("if-none-match", "*")], r#"{"value":1}"#)
        .await
        .refused(412, "version-mismatch");
    client.get("/v1/kv/default/a?consistency=lease").await.json(200);
    client.get("/v1/kv/default?prefix=a").await.json(200);
    assert_eq!(redis.ask("MGET a b c").await, "[\"1\", nil, nil]");
    let reply = client.get("/metrics").await;
    let text = std::str::from_utf8(&reply.body).unwrap();
    let operation = |protocol: &str, operation: &str, consistency: &str, outcome: &str, count: u64| {
        format!(
            "quorate_operations_total{{protocol=\"{protocol}\",operation=\"{operation}\",\
             consistency=\"{consistency}\",outcome=\"{outcome}\"}} {count}"
        )
    };
    for line in [
        operation("http", "set", "linearizable", "done", 1),
        operation("http", "set", "linearizable", "rejected", 1),
        operation("http", "read", "lease", "hit", 1),
        operation("http", "scan", "linearizable", "done", 1),
        operation("resp", "read", "linearizable", "hit", 1),
        operation("resp", "read", "linearizable", "miss", 2),
        "quorate_operation_seconds_count{protocol=\"http\",kind=\"write\"} 2".to_owned(),
        "quorate_operation_seconds_count{protocol=\"resp\",kind=\"read\"} 1".to_owned(),
        "quorate_operation_seconds_count{protocol=\"resp\",kind=\"write\"} 0".to_owned(),
    ] {
        assert!(text.lines().any(|known| known == line), "{line} is not in\n{text}");
    }
}
