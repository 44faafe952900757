//! What a connection can choose and see.

use crate::support::{Cluster, Redis, request};

#[tokio::test(flavor = "multi_thread")]
async fn hello_chooses_the_version_and_its_shapes() {
    let cluster = Cluster::single().await;
    let mut redis = Redis::connect(cluster.servers[0].resp).await;
    assert!(redis.ask("HELLO").await.starts_with("[\"server\", \"redis\", \"version\", \"7."));
    assert_eq!(redis.ask("GET none").await, "nil");
    let greeted = redis.ask("HELLO 3 AUTH default any SETNAME me").await;
    assert!(greeted.starts_with("{\"server\" \"redis\"") && greeted.contains("\"proto\" :3"), "{greeted}");
    assert_eq!(redis.ask("CLIENT GETNAME").await, "\"me\"");
    redis.send(&request("GET none")).await;
    redis.send(&request("CONFIG GET maxclients")).await;
    assert_eq!(
        (redis.answer().await, redis.answer().await),
        ("nil".into(), "{\"maxclients\" \"10000\"}".into())
    );
    assert_eq!(redis.ask("HELLO 4").await, "-NOPROTO unsupported protocol version");
    assert!(redis.ask("HELLO 2 AUTH nobody x").await.starts_with("-WRONGPASS "));
    assert!(redis.ask("HELLO 2").await.starts_with("[\"server\""));
    assert_eq!(redis.ask("SELECT 0").await, "+OK");
    assert_eq!(redis.ask("SELECT 1").await, "-ERR DB index is out of range");
    assert!(redis.ask("AUTH secret").await.starts_with("-ERR AUTH <password> called without any password"));
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_can_be_turned_off_and_one_be_skipped() {
    let cluster = Cluster::single().await;
    let mut redis = Redis::connect(cluster.servers[0].resp).await;
    let script = ["CLIENT REPLY OFF", "SET a 1", "CLIENT REPLY SKIP", "INCR a", "CLIENT REPLY ON", "GET a"];
    redis.send(&script.map(request).concat()).await;
    assert_eq!((redis.answer().await, redis.answer().await), ("+OK".into(), "\"2\"".into()));
    redis.send(&["CLIENT REPLY SKIP", "INCR a", "INCR a"].map(request).concat()).await;
    assert_eq!(redis.answer().await, ":4");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_listed_and_can_be_ended() {
    let cluster = Cluster::single().await;
    let addr = cluster.servers[0].resp;
    let (mut one, mut two) = (Redis::connect(addr).await, Redis::connect(addr).await);
    two.ask("CLIENT SETNAME victim").await;
    two.ask("CLIENT SETINFO LIB-NAME lib").await;
    let id = two.ask("CLIENT ID").await;
    let list = one.ask("CLIENT LIST").await;
    assert!(
        list.contains("name=victim") && list.contains("lib-name=lib") && list.contains("cmd=client"),
        "{list}"
    );
    assert_eq!(one.ask(&format!("CLIENT KILL ID {}", &id[1..])).await, ":1");
    assert_eq!(two.try_answer().await, None);
    assert!(!one.ask("CLIENT LIST").await.contains("victim"));
    assert_eq!(one.ask("CLIENT KILL 1.2.3.4:5").await, "-ERR No such client");
    assert_eq!(one.ask("QUIT").await, "+OK");
    assert_eq!(one.try_answer().await, None);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn freshness_is_chosen_by_connection() {
    let cluster = Cluster::single().await;
    let mut redis = Redis::connect(cluster.servers[0].resp).await;
    redis.ask("SET a 1").await;
    assert_eq!(redis.ask("CLIENT CONSISTENCY").await, "\"linearizable\"");
    for consistency in ["lease", "local", "linearizable"] {
        assert_eq!(redis.ask(&format!("CLIENT CONSISTENCY {consistency}")).await, "+OK");
        assert_eq!(redis.ask("GET a").await, "\"1\"", "{consistency}");
    }
    assert_eq!(redis.ask("CLIENT CONSISTENCY stale").await, "-ERR it is linearizable, lease or local");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_describes_itself() {
    let cluster = Cluster::single().await;
    let mut redis = Redis::connect(cluster.servers[0].resp).await;
    redis.ask("SET a 1").await;
    let info = redis.ask("INFO").await;
    for part in
        ["redis_version:7.0.", "redis_mode:standalone", "# Quorate", "cluster_enabled:0", "db0:keys=1"]
    {
        assert!(info.contains(part), "{part} is not in {info}");
    }
    assert!(!redis.ask("INFO server").await.contains("# Keyspace"));
    let mut clustered = Redis::connect(cluster.servers[0].resp_cluster).await;
    assert!(clustered.ask("INFO").await.contains("redis_mode:cluster"));
    let get = "[[\"get\", :2, [+readonly, +fast], :1, :1, :1, [+@read], [], [], []]]";
    assert_eq!(redis.ask("COMMAND INFO get").await, get);
    assert_eq!(redis.ask("COMMAND GETKEYS MSET a 1 b 2").await, "[\"a\", \"b\"]");
    assert!(redis.ask("COMMAND DOCS set").await.contains("\"summary\""));
    assert!(redis.ask("DEBUG SLEEP 0").await.starts_with("-ERR DEBUG command not allowed"));
    assert_eq!(redis.ask("WAIT 1 0").await, ":0");
    assert_eq!(redis.ask("FUNCTION FLUSH").await, "+OK");
    assert_eq!(redis.ask("OBJECT ENCODING a").await, "\"int\"");
    cluster.stop().await;
}
