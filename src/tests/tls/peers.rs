//! Clusters whose nodes show each other certificates.

use quorate::tls::authority::Purpose;

use super::{figure, http};
use crate::support::{Certs, Cluster, Server, eventually, fresh_config, yesterday};

#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_with_certificates_are_a_cluster() {
    let certs = Certs::new();
    let cluster = Cluster::of_with(3, |config| certs.configure(config, "node")).await;
    let dialer = certs.dialer();
    for (at, server) in cluster.servers.iter().enumerate() {
        let body = format!(r#"{{"value":"from {at}"}}"#);
        let put =
            http(&dialer, server.http, "PUT", &format!("/v1/kv/default/key-{at}"), &body).await.unwrap();
        assert!(put.starts_with("HTTP/1.1 201 "), "{put}");
    }
    for server in &cluster.servers {
        for at in 0..3 {
            let got =
                http(&dialer, server.http, "GET", &format!("/v1/kv/default/key-{at}"), "").await.unwrap();
            assert!(got.contains(&format!("from {at}")), "{got}");
        }
        for name in ["peer", "dial"] {
            let name = format!("quorate_tls_handshakes_total{{listener=\"{name}\"}}");
            assert!(figure(&dialer, server.http, &name).await >= 2, "{name}");
        }
    }
    let members = cluster.servers[0].node.members().await.unwrap();
    assert!(members.iter().all(|node| node.certificate_expires_ms.is_some()), "{members:?}");
    cluster.stop().await;
}

/// A node that may not be let in, by what the cluster's node counts; it never becomes a member.
async fn stays_out(certs: &Certs, joins_as: impl Fn(&mut quorate::config::Config), reason: &str) {
    let cluster = Cluster::single_with(|config| certs.configure(config, "node")).await;
    let first = &cluster.servers[0];
    let mut config = fresh_config(2);
    config.seeds = vec![first.node.members().await.unwrap()[0].peer.clone()];
    joins_as(&mut config);
    let stranger = Server::start(config).await.unwrap();
    let name = format!("quorate_tls_handshakes_failed_total{{listener=\"peer\",reason=\"{reason}\"}}");
    let dialer = certs.dialer();
    eventually(&name, async || (figure(&dialer, first.http, &name).await >= 2).then_some(())).await;
    assert_eq!(first.node.members().await.unwrap().len(), 1);
    assert!(!stranger.node.ready().ready);
    stranger.stop().await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_of_another_authority_stays_out() {
    let (certs, other) = (Certs::new(), Certs::new());
    // It believes the cluster's authority, so that it is the cluster that refuses.
    let joins = |config: &mut quorate::config::Config| {
        other.configure(config, "node");
        config.tls_ca = Some(certs.file("ca.pem"));
    };
    stays_out(&certs, joins, "untrusted").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_node_stays_out() {
    let certs = Certs::new();
    certs.issue("late", Purpose::Node, yesterday());
    stays_out(&certs, |config| certs.configure(config, "late"), "expired").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_a_clients_certificate_is_no_node() {
    let certs = Certs::new();
    stays_out(&certs, |config| certs.configure(config, "client"), "unfit").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_certificate_stays_out() {
    stays_out(&Certs::new(), |_| {}, "plaintext").await;
}
