//! What a node does by itself again and again, it does with pauses, however it ends.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use raft_store::NodeId;
use raft_store::simulation::Chance;

use super::super::doc::ClusterDoc;
use super::super::meta::Change;
use super::super::simulation::Role;
use super::simulated::{Cluster, Simulated};
use crate::error::Result;
use crate::limits::RECONCILE_INTERVAL;
use crate::views::MemberSpec;

/// How long tries are counted, simulated.
const WHILE: Duration = Duration::from_secs(20);
/// What a try says.
const TRIED: &[u8] = b"node added to the meta group";

/// Counts the tries to add a node, and ends the task that makes too many: it would never let time pass.
#[derive(Clone, Default)]
struct Tries(Arc<AtomicUsize>);

impl Tries {
    /// One a turn, and each node's first.
    fn max() -> usize {
        WHILE.div_duration_f64(RECONCILE_INTERVAL) as usize + NEW.len()
    }
}

impl io::Write for Tries {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if line.windows(TRIED.len()).any(|part| part == TRIED) {
            let tries = self.0.fetch_add(1, Ordering::Relaxed);
            // Once: what is dropped because of it may have something to say as well.
            assert_ne!(tries, Self::max() + 1, "too many tries");
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Nodes that are in the document and nowhere else.
const NEW: [NodeId; 3] = [4, 5, 6];

fn nowhere(id: NodeId) -> MemberSpec {
    let address = format!("10.0.0.{id}:42");
    MemberSpec {
        id,
        http: address.clone(),
        peer: address,
        zone: String::new(),
        resp: None,
        resp_cluster: None,
    }
}

fn admit_all(doc: &mut ClusterDoc) -> Result<Change<()>> {
    for id in NEW {
        doc.admit(&nowhere(id), Some(format!("disk {id}"))).expect("they are new");
    }
    Ok(Change::Write(()))
}

/// Without a quorum no change is ever committed, and while one is not, the next is refused at once.
#[test]
fn a_leader_that_cannot_add_a_node_tries_once_a_turn() {
    let tries = Tries::default();
    let writer = tries.clone();
    let counting = tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).finish();
    let _counted = tracing::subscriber::set_default(counting);

    let mut cluster = Cluster::start(7);
    let leads = |node: &Simulated| node.node.probe(0, false).is_some_and(|probe| probe.role == Role::Leader);
    let leader = cluster.nodes.iter().position(leads).expect("the cluster is ready");
    cluster.at(leader, |node| async move { node.inner.change_doc(admit_all).await }).unwrap();
    let leader = cluster.nodes.remove(leader);
    cluster.nodes.drain(..).for_each(|node| drop(node.crash(&mut Chance(7))));
    cluster.nodes.push(leader);
    cluster.drive(WHILE);
    let tries = tries.0.load(Ordering::Relaxed);
    assert!(tries > NEW.len() && tries <= Tries::max(), "{tries} tries in {WHILE:?}");
}
