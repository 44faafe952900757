//! Who this node is: a small file in its data folder, written before the node takes part in anything.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use raft_store::{GroupId, NodeId};
use serde::{Deserialize, Serialize};

use super::doc::Founding;
use crate::group::Floor;
use crate::random;

const FILE: &str = "node.json";
const FORMAT: u32 = 1;

/// What the file holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    format: u32,
    pub(crate) node: NodeId,
    /// Id of this disk, made when the folder was.
    pub(crate) store: String,
    /// The cluster it belongs to, once it does.
    pub(crate) cluster: Option<Membership>,
    /// Where the logs of groups that it left ended when their space was given back.
    #[serde(default)]
    pub(crate) floors: BTreeMap<GroupId, Floor>,
}

/// How the node came into its cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Membership {
    pub(crate) cluster_id: String,
    /// For founders: what they agreed on, so that founding can be completed after a crash.
    pub(crate) founding: Option<Founding>,
    /// Where the other nodes were last known to listen.
    pub(crate) peers: BTreeMap<NodeId, String>,
}

/// The identity and the folder it is kept in.
#[derive(Debug)]
pub(crate) struct IdentityFile {
    path: PathBuf,
    pub(crate) identity: Identity,
}

impl IdentityFile {
    /// The folder's identity, if it has one.
    pub(crate) fn read(data_dir: &Path) -> anyhow::Result<Option<Identity>> {
        let path = data_dir.join(FILE);
        let read = match fs::read(&path) {
            Ok(bytes) => parse(&bytes).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        };
        read.with_context(|| format!("reading {}", path.display()))
    }

    /// Reads the folder's identity, or makes one for `node`.
    pub(crate) fn open(data_dir: &Path, node: NodeId) -> anyhow::Result<Self> {
        create_durably(data_dir).with_context(|| format!("creating {}", data_dir.display()))?;
        let path = data_dir.join(FILE);
        if let Some(identity) = Self::read(data_dir)? {
            if identity.node != node {
                bail!(
                    "{} belongs to node {}, but this one was started with --id {node}",
                    data_dir.display(),
                    identity.node
                );
            }
            return Ok(Self { path, identity });
        }
        let identity =
            Identity { format: FORMAT, node, store: random_id(), cluster: None, floors: BTreeMap::new() };
        let file = Self { path, identity };
        file.save(&file.identity)?;
        Ok(file)
    }

    /// Binds the disk to a cluster, or updates what it knows of it; durable when it returns.
    pub(crate) fn set_cluster(&mut self, mut membership: Membership) -> anyhow::Result<()> {
        if let Some(known) = &self.identity.cluster {
            ensure!(
                known.cluster_id == membership.cluster_id,
                "this node belongs to cluster {}, not {}",
                known.cluster_id,
                membership.cluster_id
            );
            // What the founders agreed on is never forgotten.
            membership.founding = membership.founding.or_else(|| known.founding.clone());
        }
        // First on disk: what this node says of itself must not be more than what it will find after a restart.
        let identity = Identity { cluster: Some(membership), ..self.identity.clone() };
        self.save(&identity)?;
        self.identity = identity;
        Ok(())
    }

    /// Notes where the log of a group ends that is about to be cleared; durable when it returns.
    pub(crate) fn set_floor(&mut self, group: GroupId, floor: Floor) -> anyhow::Result<()> {
        let mut identity = self.identity.clone();
        identity.floors.insert(group, floor);
        self.save(&identity)?;
        self.identity = identity;
        Ok(())
    }

    fn save(&self, identity: &Identity) -> anyhow::Result<()> {
        self.write_aside(identity).with_context(|| format!("writing {}", self.path.display()))
    }

    /// Writes a new file beside the old one and renames it over: either the old or the new one survives.
    fn write_aside(&self, identity: &Identity) -> anyhow::Result<()> {
        let new = self.path.with_extension("new");
        let mut file = File::create(&new)?;
        file.write_all(&serde_json::to_vec_pretty(identity)?)?;
        file.sync_all()?;
        fs::rename(&new, &self.path)?;
        let folder = self.path.parent().context("the identity file stands in a folder")?;
        File::open(folder)?.sync_all()?;
        Ok(())
    }
}

/// Creates `dir` and what is absent above it. Its name is made durable even if it exists: the process that made
/// it may have died before it did so, and a folder lost with the power is a node that has forgotten its votes.
fn create_durably(dir: &Path) -> std::io::Result<()> {
    let dir = std::path::absolute(dir)?;
    let absent = dir.ancestors().take_while(|path| !path.exists()).count();
    fs::create_dir_all(&dir)?;
    dir.ancestors().skip(1).take(absent.max(1)).try_for_each(|parent| File::open(parent)?.sync_all())
}

fn parse(bytes: &[u8]) -> anyhow::Result<Identity> {
    let identity: Identity = serde_json::from_slice(bytes)?;
    ensure!(identity.format == FORMAT, "format {} is not known to this program", identity.format);
    Ok(identity)
}

/// 128 random bits in hexadecimal.
pub(crate) fn random_id() -> String {
    format!("{:032x}", random::bits128())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn membership(cluster_id: &str) -> Membership {
        Membership { cluster_id: cluster_id.into(), founding: None, peers: BTreeMap::new() }
    }

    #[test]
    fn an_identity_is_kept_and_belongs_to_one_node_and_one_cluster() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = IdentityFile::open(folder.path(), 3).unwrap();
        first.set_cluster(membership("a")).unwrap();
        let mut again = IdentityFile::open(folder.path(), 3).unwrap();
        assert_eq!(again.identity, first.identity);
        assert!(again.set_cluster(membership("b")).is_err());
        assert!(IdentityFile::open(folder.path(), 4).is_err());
    }

    #[test]
    fn what_could_not_be_written_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = IdentityFile::open(folder.path(), 3).unwrap();
        let in_the_way = folder.path().join("node.new");
        fs::create_dir(&in_the_way).unwrap();
        assert!(file.set_cluster(membership("a")).is_err());
        assert_eq!(file.identity.cluster, None, "it is not on disk");
        fs::remove_dir(&in_the_way).unwrap();
        file.set_cluster(membership("b")).unwrap();
        assert_eq!(IdentityFile::read(folder.path()).unwrap(), Some(file.identity));
    }

    #[test]
    fn a_damaged_identity_is_an_error_and_not_a_fresh_start() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), b"{").unwrap();
        assert!(IdentityFile::open(folder.path(), 1).is_err());
    }
}
