//! What a node logs, at its most talkative, of the secrets and values that pass through it: nothing.

use std::process::Output;

use crate::support::{Redis, Served};

const GUESS: &str = "qrt_0000000000000001_guessguessguessguessguessguessguessguessguess0";
const VALUE: &str = "the-value-nobody-may-read-in-a-log";

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_secret_is_logged() {
    let node = Served::start("trace").await;

    // The command line makes a token, and does what it can with its own.
    let token = text(&node.cli(&["token", "create", "--name", "app", "--allow", "read,write on default"]));
    assert!(token.starts_with("qrt_"), "{token}");
    assert!(text(&node.cli(&["token", "list"])).contains("read,write on default"));
    for command in [&["status"][..], &["doctor"], &["member", "list"]] {
        node.cli(command);
    }
    let refused = node.stranger_cli(&["status"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("next: the same command with --token-file"));

    // Both protocols, with right and wrong tokens.
    let body = format!("{{\"value\":\"{VALUE}\"}}");
    for (token, status) in [(token.as_str(), 201), (Served::ROOT, 200), (GUESS, 401)] {
        assert_eq!(node.call(Some(token), "PUT", "/v1/kv/default/a", &body).await.status, status);
    }
    let mut redis = Redis::connect(node.resp).await;
    redis.ask(&format!("AUTH {GUESS}")).await;
    redis.ask(&format!("AHTU {token}")).await;
    assert_eq!(redis.ask(&format!("AUTH {token}")).await, "+OK");
    for command in
        [format!("SET b {VALUE}"), "GET b".into(), "MULTI".into(), format!("APPEND b {VALUE}"), "EXEC".into()]
    {
        redis.ask(&command).await;
    }
    node.cli(&["group", "snapshot", "1"]);
    node.cli(&["token", "delete", "app", "--yes"]);

    let log = node.log();
    assert!(log.contains("\"DEBUG\"") && log.lines().count() > 1000, "it was talkative");
    let secret = token.rsplit('_').next().unwrap();
    let escaped = VALUE.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", ");
    for (what, text) in [
        ("root token", Served::ROOT),
        ("token", secret),
        ("guess", GUESS),
        ("value", VALUE),
        ("value's bytes", &escaped),
    ] {
        let line = log.lines().find(|line| line.contains(text));
        assert!(line.is_none(), "the {what} is in the log: {}", line.unwrap_or_default());
    }
}
