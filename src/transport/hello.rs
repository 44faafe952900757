//! The first frames of a connection: who is there, and whether the two may speak. Pure.
//!
//! ```text
//! hello    magic [8] | version u16 | lane u8 | node u64 | cluster u128 | expected u64
//! welcome  node u64 | cluster u128 [| features u8]
//! ```
//! What a welcome ends with beyond that is not looked at, and one that ends earlier comes from a node of no features: so
//! nodes of both kinds speak to each other.
//!
//! Cluster 0 is "not a member yet", expected 0 is "whoever listens there". Magic and version come first and are
//! judged first, so that later versions may change what follows.

use bytes::{Buf, BufMut, Bytes, BytesMut, TryGetError};
use raft_store::NodeId;

use super::Lane;

const MAGIC: [u8; 8] = *b"quorate\0";
/// Version of everything between peers; nodes with different ones refuse each other.
pub(super) const PROTOCOL_VERSION: u16 = 3;

/// Why two nodes do not speak.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Mismatch {
    #[error("not a Quorate peer")]
    Magic,
    #[error("protocol version {theirs}, this node speaks {PROTOCOL_VERSION}")]
    Version { theirs: u16 },
    #[error("cluster {theirs:032x}, this node belongs to {ours:032x}")]
    Cluster { theirs: u128, ours: u128 },
    #[error("this is node {is}, not node {expected}")]
    Node { is: NodeId, expected: NodeId },
    #[error("malformed hello")]
    Malformed,
}

impl From<TryGetError> for Mismatch {
    fn from(_: TryGetError) -> Self {
        Self::Malformed
    }
}

/// Refuses two nodes that belong to different clusters; one without a cluster may speak to any.
pub(super) fn same_cluster(ours: u128, theirs: u128) -> Result<(), Mismatch> {
    if ours != 0 && theirs != 0 && ours != theirs {
        return Err(Mismatch::Cluster { theirs, ours });
    }
    Ok(())
}

/// What the dialling end says first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hello {
    pub(super) lane: Lane,
    pub(super) node: NodeId,
    pub(super) cluster: u128,
    pub(super) expected: NodeId,
}

impl Hello {
    /// As the body of its frame.
    pub(super) fn to_bytes(self) -> Bytes {
        let mut out = BytesMut::new();
        out.put_slice(&MAGIC);
        out.put_u16_le(PROTOCOL_VERSION);
        out.put_u8(self.lane as u8);
        out.put_u64_le(self.node);
        out.put_u128_le(self.cluster);
        out.put_u64_le(self.expected);
        out.freeze()
    }

    /// From the body of its frame.
    pub(super) fn from_bytes(mut body: Bytes) -> Result<Self, Mismatch> {
        let mut magic = [0; MAGIC.len()];
        body.try_copy_to_slice(&mut magic)?;
        if magic != MAGIC {
            return Err(Mismatch::Magic);
        }
        let theirs = body.try_get_u16_le()?;
        if theirs != PROTOCOL_VERSION {
            return Err(Mismatch::Version { theirs });
        }
        let lane = match body.try_get_u8()? {
            0 => Lane::Control,
            1 => Lane::Bulk,
            _ => return Err(Mismatch::Malformed),
        };
        let (node, cluster) = (body.try_get_u64_le()?, body.try_get_u128_le()?);
        Ok(Self { lane, node, cluster, expected: body.try_get_u64_le()? })
    }

    /// Whether the accepting node may speak to the one that said this.
    pub(super) fn accept(&self, node: NodeId, cluster: u128) -> Result<(), Mismatch> {
        if self.expected != 0 && self.expected != node {
            return Err(Mismatch::Node { is: node, expected: self.expected });
        }
        same_cluster(cluster, self.cluster)
    }
}

/// What the accepting end answers when it agrees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Welcome {
    pub(super) node: NodeId,
    pub(super) cluster: u128,
    /// What it takes beyond what every node of this version does.
    pub(super) features: u8,
}

impl Welcome {
    /// As the body of its frame.
    pub(super) fn to_bytes(self) -> Bytes {
        let mut out = BytesMut::new();
        out.put_u64_le(self.node);
        out.put_u128_le(self.cluster);
        out.put_u8(self.features);
        out.freeze()
    }

    /// From the body of its frame.
    pub(super) fn from_bytes(mut body: Bytes) -> Result<Self, Mismatch> {
        let (node, cluster) = (body.try_get_u64_le()?, body.try_get_u128_le()?);
        Ok(Self { node, cluster, features: body.try_get_u8().unwrap_or(0) })
    }

    /// Whether the node that dialled found whom it looked for.
    pub(super) fn accept(&self, hello: &Hello, cluster: u128) -> Result<(), Mismatch> {
        if hello.expected != 0 && hello.expected != self.node {
            return Err(Mismatch::Node { is: self.node, expected: hello.expected });
        }
        same_cluster(cluster, self.cluster)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELLO: Hello = Hello { lane: Lane::Bulk, node: 3, cluster: 77, expected: 1 };

    #[test]
    fn both_survive_the_wire_and_no_part_of_them_does() {
        assert_eq!(Hello::from_bytes(HELLO.to_bytes()), Ok(HELLO));
        let welcome = Welcome { node: 1, cluster: u128::MAX, features: 5 };
        assert_eq!(Welcome::from_bytes(welcome.to_bytes()), Ok(welcome));
        let older = welcome.to_bytes().slice(..24);
        assert_eq!(Welcome::from_bytes(older), Ok(Welcome { features: 0, ..welcome }));
        for cut in 0..HELLO.to_bytes().len() {
            assert_eq!(Hello::from_bytes(HELLO.to_bytes().slice(..cut)), Err(Mismatch::Malformed));
        }
    }

    #[test]
    fn magic_and_version_are_judged_first() {
        let mut wire = HELLO.to_bytes().to_vec();
        wire[8] = 9;
        wire.truncate(10);
        assert_eq!(Hello::from_bytes(wire.clone().into()), Err(Mismatch::Version { theirs: 9 }));
        wire[0] = b'Q';
        assert_eq!(Hello::from_bytes(wire.into()), Err(Mismatch::Magic));
    }

    #[test]
    fn clusters_must_be_the_same_once_both_have_one() {
        assert!(HELLO.accept(1, 77).is_ok() && HELLO.accept(1, 0).is_ok());
        assert_eq!(HELLO.accept(1, 78), Err(Mismatch::Cluster { theirs: 77, ours: 78 }));
        assert!(Hello { cluster: 0, ..HELLO }.accept(1, 78).is_ok());
        assert!(Welcome { node: 1, cluster: 78, features: 0 }.accept(&HELLO, 77).is_err());
    }

    #[test]
    fn the_node_must_be_the_one_expected_if_any() {
        assert_eq!(HELLO.accept(2, 77), Err(Mismatch::Node { is: 2, expected: 1 }));
        assert!(Hello { expected: 0, ..HELLO }.accept(2, 77).is_ok());
        assert!(Welcome { node: 2, cluster: 77, features: 0 }.accept(&HELLO, 77).is_err());
    }
}
