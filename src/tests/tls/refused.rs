//! Who speaks plain text, believes another authority, or shows no certificate or a wrong one, is turned away.

use quorate::tls::authority::Purpose;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{exchange, figure, http, single};
use crate::support::{Certs, Cluster, yesterday};

const ALL: &str = "quorate_tls_handshakes_failed_total";

#[tokio::test(flavor = "multi_thread")]
async fn plain_text_is_told_so_and_counted() {
    let certs = Certs::new();
    let cluster = single(&certs).await;
    let server = &cluster.servers[0];
    let reply = server.client.raw(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(reply.starts_with("HTTP/1.1 400 ") && reply.contains("this port speaks TLS"), "{reply}");
    // What a client has sent before it reads does not take the answer from it.
    let long =
        format!("PUT /v1/raw/default/a HTTP/1.1\r\nContent-Length: 400000\r\n\r\n{}", "x".repeat(400_000));
    assert!(server.client.raw(long.as_bytes()).await.contains("this port speaks TLS"));
    for resp in [server.resp, server.resp_cluster] {
        let mut plain = TcpStream::connect(resp).await.unwrap();
        plain.write_all(b"*1\r\n$4\r\nPING\r\n").await.unwrap();
        plain.shutdown().await.unwrap();
        let mut answer = String::new();
        plain.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("-ERR this port speaks TLS"), "{answer}");
    }
    for listener in ["http", "resp"] {
        let name = format!("{ALL}{{listener=\"{listener}\",reason=\"plaintext\"}}");
        assert_eq!(figure(&certs.dialer(), server.http, &name).await, 2, "{name}");
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_at_a_port_without_is_answered_in_plain_text() {
    let cluster = Cluster::single().await;
    let server = &cluster.servers[0];
    let hello = b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00\r\n\r\n";
    assert!(server.client.raw(hello).await.starts_with("HTTP/1.1 400 "));
    let certs = Certs::new();
    for to in [server.http, server.resp] {
        assert!(http(&certs.dialer(), to, "GET", "/livez", "").await.is_err());
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_believe_only_their_authority_and_the_name_they_asked_for() {
    let (certs, other) = (Certs::new(), Certs::new());
    let cluster = single(&certs).await;
    let server = &cluster.servers[0];
    let refused = http(&other.dialer(), server.http, "GET", "/livez", "").await.unwrap_err().to_string();
    assert!(refused.contains("UnknownIssuer"), "{refused}");
    let tcp = TcpStream::connect(server.http).await.unwrap();
    let refused = certs.dialer().dial(tcp, "elsewhere.example").await.unwrap_err().to_string();
    assert!(refused.contains("not valid for name"), "{refused}");
    assert!(http(&certs.dialer(), server.http, "GET", "/livez", "").await.is_ok());
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_refuse_an_expired_server() {
    let certs = Certs::new();
    certs.issue("node", Purpose::Node, yesterday());
    let cluster = single(&certs).await;
    let refused = http(&certs.dialer(), cluster.servers[0].http, "GET", "/livez", "").await.unwrap_err();
    assert!(refused.to_string().contains("expired"), "{refused}");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_must_show_a_certificate_are_served_with_a_good_one_only() {
    let (certs, other) = (Certs::new(), Certs::new());
    certs.issue("late", Purpose::Client, yesterday());
    let cluster = Cluster::single_with(|config| {
        certs.configure(config, "node");
        config.tls_client_auth = true;
    });
    let cluster = cluster.await;
    let server = &cluster.servers[0];
    let good = certs.dialer_as("client");
    assert!(http(&good, server.http, "GET", "/livez", "").await.unwrap().starts_with("HTTP/1.1 200 "));
    // Of another authority, though the client believes the server.
    let stranger = {
        let [cert, key] = ["client.pem", "client.key"].map(|name| other.file(name));
        quorate::tls::Dialer::from_files(&certs.file("ca.pem"), Some((&cert, &key))).unwrap()
    };
    let cases =
        [(certs.dialer(), "no-certificate"), (certs.dialer_as("late"), "expired"), (stranger, "untrusted")];
    for (dialer, reason) in cases {
        assert!(http(&dialer, server.http, "GET", "/livez", "").await.is_err(), "{reason}");
        assert!(exchange(&dialer, server.resp, b"PING\r\n").await.is_err(), "{reason}");
        for listener in ["http", "resp"] {
            let name = format!("{ALL}{{listener=\"{listener}\",reason=\"{reason}\"}}");
            assert_eq!(figure(&good, server.http, &name).await, 1, "{name}");
        }
    }
    cluster.stop().await;
}
