//! A fresh node and the seeds it asks to be let in.

use std::sync::Arc;

use bytes::Bytes;

use super::super::Node;
use super::super::peer::{self, Probed, Told};
use super::fakes::{Alone, anywhere};
use super::three::until;
use crate::config::Config;
use crate::error::{Error, ErrorKind};
use crate::transport::{Answer, From, Handler, Net, Service, Transport, TransportConfig};

/// A node that has left its cluster and does not know: it says it is a member, and can let nobody in.
struct Left;

impl Handler for Left {
    fn handle(&self, _from: From, service: Service, _body: Bytes, answer: Answer) {
        let late: Told = Err(Error::not_applied(ErrorKind::NotReady, "no quorum"));
        match service {
            peer::PROBE => answer.send(peer::json(&Probed::Member)),
            peer::JOIN => answer.send(peer::json(&late)),
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seed_that_can_let_nobody_in_does_not_keep_a_node_from_the_others() {
    let (listen, net, pulse) = (anywhere(), Net::Tcp, crate::limits::pulse(50));
    let left = Transport::bind(TransportConfig { node: 9, listen, net, pulse }).await.unwrap();
    left.serve(Arc::new(Left));
    let alone = Alone::start().await;
    let dir = tempfile::tempdir().unwrap();
    let member = alone.inner().transport.local_addr();
    let config = Config {
        id: 2,
        data_dir: dir.path().to_owned(),
        peer: anywhere(),
        seeds: vec![left.local_addr().to_string(), member.to_string()],
        log_segment: 1 << 20,
        ..Config::default()
    };
    let node = Node::start(config, anywhere()).await.unwrap();
    until("the other seed lets it in", || node.inner.cluster_id().is_some()).await;
    assert_eq!(node.inner.cluster_id(), alone.inner().cluster_id());
    node.shutdown().await;
}
