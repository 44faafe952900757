//! Peers that show each other certificates.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::super::frame::{Frame, Kind};
use super::super::tuning::Tuning;
use super::super::{CallError, Lane, Net, Transport};
use super::harness::*;
use crate::clock::wall_ms;
use crate::config::Config;
use crate::tls::authority::{Authority, Purpose, Validity};
use crate::tls::{Dialer, Security};

/// An authority, and what it signed, in a folder.
struct Signed {
    dir: TempDir,
    authority: Authority,
}

impl Signed {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        // Two authorities of one name would be told apart by their signatures only.
        let authority = Authority::new(&dir.path().display().to_string(), for_hours(24)).unwrap();
        std::fs::write(dir.path().join("ca"), authority.certificate()).unwrap();
        Self { dir, authority }
    }

    /// A network of those who show a certificate like this, and believe this authority.
    fn net(&self, purpose: Purpose, hours: i64) -> Net {
        let hosts = ["127.0.0.1".to_owned()];
        let issued = self.authority.issue("n", &hosts, purpose, for_hours(hours)).unwrap();
        let [cert, key, ca] = ["cert", "key", "ca"].map(|name| self.dir.path().join(name));
        std::fs::write(&cert, issued.certificate).unwrap();
        std::fs::write(&key, issued.key).unwrap();
        let (tls_cert, tls_key, tls_ca) = (Some(cert), Some(key), Some(ca));
        let config = Config { tls_cert, tls_key, tls_ca, ..Config::default() };
        Net::Tls(Security::load(&config).unwrap().peers().unwrap())
    }

    fn node(&self) -> Net {
        self.net(Purpose::Node, 24)
    }

    fn ca(&self) -> std::path::PathBuf {
        self.dir.path().join("ca")
    }
}

/// From two days ago until so many hours from now.
fn for_hours(hours: i64) -> Validity {
    let now_s = wall_ms() / 1000;
    Validity { not_before_s: now_s - 2 * 86_400, not_after_s: now_s.saturating_add_signed(hours * 3600) }
}

/// Node 1 with the one network, which knows node 2 with the other.
async fn pair_on(one: Net, two: Net) -> (Transport, Transport) {
    // Beats would push out what a session holds back by mistake.
    let tuning = Tuning { beat: 10 * LONG, ..Tuning::default() };
    let one = start_on(one, 1, any_port(), tuning, echo()).await;
    let two = start_on(two, 2, any_port(), tuning, echo()).await;
    introduce(&one, 2, &two);
    (one, two)
}

#[track_caller]
fn not_sent(result: Result<Bytes, CallError>) -> String {
    match result {
        Err(CallError::NotSent(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn calls_of_every_size_are_answered_on_both_lanes() {
    let signed = Signed::new();
    let (one, _two) = pair_on(signed.node(), signed.node()).await;
    for lane in [Lane::Control, Lane::Bulk] {
        for size in [0, 1, 16 << 10, (64 << 10) + 1, 20 << 20] {
            let body = Bytes::from(vec![7; size]);
            let answer = one.call(2, lane, 0, body.clone(), LONG).await.unwrap();
            assert!(answer == body, "{lane:?} {size}");
        }
    }
    assert_eq!(one.stats().connects, 2);
}

#[tokio::test]
async fn a_wrong_cluster_is_refused_inside_tls() {
    let signed = Signed::new();
    let (one, two) = pair_on(signed.node(), signed.node()).await;
    one.set_cluster(7);
    two.set_cluster(8);
    let refused = call(&one, 2, "x").await;
    assert!(
        matches!(&refused, Err(CallError::Refused(why)) if why.contains("the peer says: cluster")),
        "{refused:?}"
    );
}

#[tokio::test]
async fn of_two_authorities_neither_end_believes_the_other() {
    let (ours, theirs) = (Signed::new(), Signed::new());
    let (one, two) = pair_on(ours.node(), theirs.node()).await;
    assert!(not_sent(call(&one, 2, "x").await).contains("UnknownIssuer"));
    assert_eq!(two.stats().frames_in, 0);
}

#[tokio::test]
async fn expired_nodes_neither_dial_nor_are_dialled() {
    let signed = Signed::new();
    let (good, late) = (signed.node(), signed.net(Purpose::Node, -1));
    let (one, _two) = pair_on(good.clone(), late.clone()).await;
    assert!(not_sent(call(&one, 2, "x").await).contains("expired"));
    let (one, two) = pair_on(late, good).await;
    not_sent(call(&one, 2, "x").await);
    assert_eq!(two.stats().frames_in, 0);
}

#[tokio::test]
async fn a_clients_certificate_does_not_make_a_node() {
    let signed = Signed::new();
    let (one, two) = pair_on(signed.net(Purpose::Client, 24), signed.node()).await;
    not_sent(call(&one, 2, "x").await);
    assert_eq!(two.stats().frames_in, 0);
    // Nor does one that is dialled.
    let (one, _two) = pair_on(signed.node(), signed.net(Purpose::Client, 24)).await;
    not_sent(call(&one, 2, "x").await);
}

#[tokio::test]
async fn who_shows_no_certificate_gets_no_answer() {
    let signed = Signed::new();
    let two = start_on(signed.node(), 2, any_port(), Tuning::default(), echo()).await;
    let tcp = TcpStream::connect(two.local_addr()).await.unwrap();
    let dialled = Dialer::from_files(Path::new(&signed.ca()), None).unwrap().dial(tcp, "127.0.0.1").await;
    // In TLS 1.3 a client is done before it hears that its certificate was missed.
    if let Ok(mut stream) = dialled {
        let _ = stream.write_all(&Frame::control(Kind::Hello, HELLO.to_bytes()).to_bytes()).await;
        let mut answer = Vec::new();
        assert!(stream.read_to_end(&mut answer).await.is_err() && answer.is_empty(), "{answer:?}");
    }
    until(|| two.stats().inbound == 0).await;
    assert_eq!(two.stats().frames_in, 0);
}

#[tokio::test]
async fn a_peer_in_plain_text_is_told() {
    let (one, two) = pair_on(Net::Tcp, Signed::new().node()).await;
    let refused = call(&one, 2, "x").await;
    assert!(matches!(&refused, Err(CallError::Refused(why)) if why.contains("speak TLS")), "{refused:?}");
    assert_eq!(two.stats().frames_in, 0);
}

#[tokio::test]
async fn a_peer_with_tls_sends_nothing_to_one_without() {
    let (one, two) = pair_on(Signed::new().node(), Net::Tcp).await;
    not_sent(call(&one, 2, "x").await);
    assert_eq!(two.stats().frames_in, 0);
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_cut() {
    let signed = Signed::new();
    let tuning = Tuning { hello: Duration::from_millis(50), ..Tuning::default() };
    let two = start_on(signed.node(), 2, any_port(), tuning, echo()).await;
    for begun in [&b""[..], b"\x16\x03\x01"] {
        let mut tcp = TcpStream::connect(two.local_addr()).await.unwrap();
        tcp.write_all(begun).await.unwrap();
        let closed = tokio::time::timeout(LONG, tcp.read(&mut [0; 64])).await;
        assert!(matches!(closed, Ok(Ok(0) | Err(_))), "{closed:?}");
    }
    // Nor does a node that dials wait for ever.
    let silent = TcpListener::bind(any_port()).await.unwrap();
    let tuning = Tuning { dial: Duration::from_millis(50), ..Tuning::default() };
    let one = start_on(signed.node(), 1, any_port(), tuning, echo()).await;
    one.set_peer(2, &silent.local_addr().unwrap().to_string());
    assert!(not_sent(call(&one, 2, "x").await).contains("no connection in time"));
}
