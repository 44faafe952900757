//! Certificates change while servers run.

use std::net::SocketAddr;
use std::path::Path;

use quorate::tls::Dialer;
use quorate::tls::authority::Purpose;
use rustix::process::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{dial, figure, single};
use crate::support::{Certs, Process, eventually, today, yesterday};

/// The certificate a server shows.
async fn shown(dialer: &Dialer, to: SocketAddr) -> Vec<u8> {
    let stream = dial(dialer, to).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

async fn ping(stream: &mut super::Stream) {
    stream.write_all(b"PING\r\n").await.unwrap();
    stream.flush().await.unwrap();
    let mut answer = [0; 7];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"+PONG\r\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn new_handshakes_use_the_new_certificate_and_connections_stay() {
    let certs = Certs::new();
    let cluster = single(&certs).await;
    let (server, dialer) = (&cluster.servers[0], certs.dialer());
    let mut standing = dial(&dialer, server.resp).await.unwrap();
    ping(&mut standing).await;
    let before = shown(&dialer, server.http).await;
    server.security.reload();
    assert_eq!(shown(&dialer, server.http).await, before, "nothing changed");
    certs.issue("node", Purpose::Node, today());
    server.security.reload();
    for listener in [server.http, server.resp, server.resp_cluster] {
        assert_ne!(shown(&dialer, listener).await, before);
    }
    ping(&mut standing).await;
    for certificate in ["client", "peer"] {
        let name = format!("quorate_tls_reloads_total{{certificate=\"{certificate}\",outcome=\"used\"}}");
        assert_eq!(figure(&dialer, server.http, &name).await, 1, "{name}");
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_cannot_be_used_change_nothing_and_count_once() {
    let certs = Certs::new();
    let cluster = single(&certs).await;
    let (server, dialer) = (&cluster.servers[0], certs.dialer());
    let before = shown(&dialer, server.http).await;
    let refused = "quorate_tls_reloads_total{certificate=\"client\",outcome=\"refused\"}";
    let spoil: [&dyn Fn(); 4] = [
        &|| std::fs::write(certs.file("node.pem"), "nonsense").unwrap(),
        &|| {
            // The key of another certificate.
            certs.issue("node", Purpose::Node, today());
            std::fs::copy(certs.file("client.key"), certs.file("node.key")).map(drop).unwrap();
        },
        &|| certs.issue("node", Purpose::Node, yesterday()),
        &|| std::fs::remove_file(certs.file("node.key")).unwrap(),
    ];
    for (so_far, spoil) in (1..).zip(spoil) {
        spoil();
        server.security.reload();
        server.security.reload();
        assert_eq!(shown(&dialer, server.http).await, before);
        assert_eq!(figure(&dialer, server.http, refused).await, so_far);
    }
    certs.issue("node", Purpose::Node, today());
    server.security.reload();
    assert_ne!(shown(&dialer, server.http).await, before);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_authority_decides_about_new_peers_and_clients() {
    let (certs, next) = (Certs::new(), Certs::new());
    let cluster = crate::support::Cluster::single_with(|config| {
        certs.configure(config, "node");
        config.tls_client_auth = true;
    });
    let cluster = cluster.await;
    let server = &cluster.servers[0];
    let [cert, key] = ["client.pem", "client.key"].map(|name| next.file(name));
    let newcomer = Dialer::from_files(&certs.file("ca.pem"), Some((&cert, &key))).unwrap();
    let served = async |dialer: &Dialer| {
        super::http(dialer, server.http, "GET", "/livez", "").await.is_ok_and(|reply| reply.contains(" 200 "))
    };
    assert!(!served(&newcomer).await);
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    let both = read(&certs.file("ca.pem")) + &read(&next.file("ca.pem"));
    std::fs::write(certs.file("ca.pem"), both).unwrap();
    server.security.reload();
    assert!(served(&newcomer).await && served(&certs.dialer_as("client")).await);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_has_a_process_look_at_its_files() {
    let certs = Certs::new();
    let flags = [("--tls-cert", "node.pem"), ("--tls-key", "node.key"), ("--tls-ca", "ca.pem")];
    let arguments: Vec<String> = flags
        .into_iter()
        .flat_map(|(flag, name)| [flag.to_owned(), certs.file(name).display().to_string()])
        .collect();
    let process = Process::start_with(&arguments);
    let dialer = certs.dialer();
    let before = shown(&dialer, process.resp).await;
    certs.issue("node", Purpose::Node, today());
    process.signal(Signal::HUP);
    let changed = async || (shown(&dialer, process.resp).await != before).then_some(());
    eventually("the new certificate is shown", changed).await;
}
