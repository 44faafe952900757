//! The cluster personality: who is sent where.

use std::net::SocketAddr;

use crate::support::{Cluster, Redis, eventually};

/// The node that leads the slot of `key`, by place, and any other.
async fn leader_and_other(cluster: &Cluster, key: &str) -> (usize, usize) {
    eventually("the key's leader is known everywhere", || async {
        let mut leads = Vec::new();
        for server in &cluster.servers {
            let answer = Redis::connect(server.resp_cluster).await.ask(&format!("GET {key}")).await;
            leads.push(!answer.starts_with('-'));
        }
        let leader = leads.iter().position(|leads| *leads)?;
        let other = leads.iter().position(|leads| !leads)?;
        (leads.iter().filter(|leads| **leads).count() == 1).then_some((leader, other))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_sent_to_the_leader_and_served_there() {
    let cluster = Cluster::of(3).await;
    let (leader, other) = leader_and_other(&cluster, "user").await;
    let mut redis = Redis::connect(cluster.servers[other].resp_cluster).await;
    let moved = redis.ask("SET user Ann").await;
    let leads = cluster.servers[leader].resp_cluster;
    assert_eq!(moved, format!("-MOVED 5474 {leads}"));
    let mut there = Redis::connect(moved.rsplit(' ').next().unwrap().parse::<SocketAddr>().unwrap()).await;
    assert_eq!(there.ask("SET user Ann").await, "+OK");
    // The plain port serves it anywhere.
    let mut plain = Redis::connect(cluster.servers[other].resp).await;
    assert_eq!(plain.ask("GET user").await, "\"Ann\"");
    // A replica serves connections that ask for it, reads only.
    assert_eq!(redis.ask("READONLY").await, "+OK");
    eventually("the replica has it", || async {
        let mut redis = Redis::connect(cluster.servers[other].resp_cluster).await;
        redis.ask("READONLY").await;
        (redis.ask("GET user").await == "\"Ann\"").then_some(())
    })
    .await;
    assert!(redis.ask("SET user Bob").await.starts_with("-MOVED "));
    assert_eq!(redis.ask("READWRITE").await, "+OK");
    assert!(redis.ask("GET user").await.starts_with("-MOVED "));
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_two_slots_are_refused() {
    let cluster = Cluster::single().await;
    let crossed = "-CROSSSLOT Keys in request don't hash to the same slot";
    let mut redis = Redis::connect(cluster.servers[0].resp_cluster).await;
    for command in ["MGET a b", "DEL a b", "MSET a 1 b 2", "RENAME a b", "WATCH a b"] {
        assert_eq!(redis.ask(command).await, crossed, "{command}");
    }
    assert_eq!(redis.ask("MSET {t}a 1 {t}b 2").await, "+OK");
    assert_eq!(redis.ask("MGET {t}a {t}b").await, "[\"1\", \"2\"]");
    redis.ask("MULTI").await;
    redis.ask("SET a 1").await;
    redis.ask("SET b 1").await;
    assert_eq!(redis.ask("EXEC").await, crossed);
    assert_eq!(redis.ask("EXISTS a").await, ":0");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_without_a_leader_is_said_to_be_down() {
    let mut cluster = Cluster::of(3).await;
    cluster.servers.drain(1..).for_each(crate::support::Server::kill);
    let addr = cluster.servers[0].resp_cluster;
    eventually("it is noticed that nobody leads", || async {
        let answer = Redis::connect(addr).await.ask("SET user Ann").await;
        answer.starts_with("-CLUSTERDOWN ").then_some(())
    })
    .await;
    cluster.servers.drain(..).for_each(crate::support::Server::kill);
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_and_slots_are_told_alike_by_every_node() {
    let cluster = Cluster::of(3).await;
    leader_and_other(&cluster, "user").await;
    let mut all = Vec::new();
    for server in &cluster.servers {
        let mut redis = Redis::connect(server.resp_cluster).await;
        eventually("every slot is led", || async {
            let info = Redis::connect(server.resp_cluster).await.ask("CLUSTER INFO").await;
            (info.contains("cluster_state:ok") && info.contains("cluster_slots_ok:16384")).then_some(())
        })
        .await;
        let id = redis.ask("CLUSTER MYID").await;
        assert_eq!(id.len(), 42);
        let nodes = redis.ask("CLUSTER NODES").await;
        let mine = format!("{} {}@0 myself,master", id.trim_matches('"'), server.resp_cluster);
        assert!(nodes.contains(&mine), "{nodes}");
        all.push(redis.ask("CLUSTER SLOTS").await);
        assert!(redis.ask("CLUSTER SHARDS").await.contains("\"master\""));
        assert_eq!(redis.ask("CLUSTER KEYSLOT user").await, ":5474");
        assert!(redis.ask("CLUSTER MEET a 1").await.starts_with("-ERR "));
        let mut plain = Redis::connect(server.resp).await;
        assert_eq!(plain.ask("CLUSTER INFO").await, "-ERR This instance has cluster support disabled");
    }
    assert!(all[0].contains(&cluster.servers[2].resp_cluster.port().to_string()));
    assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), 1, "{all:?}");
    cluster.stop().await;
}
