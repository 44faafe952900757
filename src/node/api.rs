//! What the adapters call: the node's public face. Every call ends by its deadline and says what became of it.

use std::sync::Arc;

use raft_store::command::Command;
use raft_store::key::{Key, NamespaceId};
use raft_store::{GroupId, NodeId};
use tokio::time::Instant;

use super::peer::Ask;
use super::{
    GroupChange, Node, Read, ReadOk, Scan, ScanPage, Scope, StopError, TokenRequest, Topology, WriteOk,
};
use crate::auth::{Gate, Secret, Token};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::REQUEST_TIMEOUT_MAX;
use crate::trace::{self, Kind};
use crate::views::{ClusterView, GroupView, MemberSpec, NodeView, Operation, ReadyView};

impl Node {
    /// Says from now on that the node is not ready: it is about to stop.
    pub fn drain(&self) {
        self.inner.drain();
    }

    /// Hands leaderships over, stops every group, flushes the log. No request is served afterwards.
    pub async fn shutdown(&self) {
        if let Err(error) = self.shutdown_by(Instant::now() + 2 * REQUEST_TIMEOUT_MAX).await {
            tracing::error!(%error, "the node did not stop in good order");
        }
    }

    /// The same, but it gives up at `deadline`.
    ///
    /// # Errors
    /// What was left then.
    pub async fn shutdown_by(&self, deadline: Instant) -> std::result::Result<(), StopError> {
        self.inner.stop_by(deadline).await
    }

    /// Waits until the node cannot go on (a failing disk, a refused join); why.
    pub async fn failed(&self) -> String {
        let mut failure = self.inner.failure.subscribe();
        let failed = failure.wait_for(Option::is_some).await;
        failed.ok().and_then(|why| why.clone()).unwrap_or_default()
    }

    /// Why it cannot go on, if it cannot.
    pub fn failure(&self) -> Option<String> {
        self.inner.failure.borrow().clone()
    }

    /// This node's id.
    pub fn id(&self) -> NodeId {
        self.inner.id
    }

    /// Its configuration.
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// How its HTTP API is spoken to: `http` or `https`.
    pub fn http_scheme(&self) -> &'static str {
        if self.inner.security.clients().is_some() { "https" } else { "http" }
    }

    /// The number of a namespace; `unknown-namespace` or, outside a cluster, `not-ready`.
    pub fn namespace(&self, name: &str) -> Result<NamespaceId> {
        let doc = self.inner.member_doc()?;
        doc.namespaces.get(name).copied().ok_or_else(|| {
            Error::not_applied(ErrorKind::UnknownNamespace, format!("no namespace {name:?} in this cluster"))
        })
    }

    /// The group of a key by this node's slot table.
    pub fn group_of(&self, key: &Key) -> Result<GroupId> {
        self.inner.group_of(key)
    }

    /// HTTP address of the leader of a key's group, for redirects; `None`: no leader is known.
    pub fn leader_of(&self, key: &Key) -> Option<(NodeId, String)> {
        let group = self.inner.group_of(key).ok()?;
        let own = self.inner.host.get(group).and_then(|replica| replica.leader());
        let leader = own.or_else(|| self.inner.known_leader(group))?;
        let member = self.inner.doc()?.nodes.get(&leader)?.http.clone();
        Some((leader, member))
    }

    /// Carries out one write, forwarding it to the leader of its key's group.
    pub async fn write(&self, command: Command, deadline: Instant) -> Result<WriteOk> {
        let written = self.write_many(vec![command], deadline).await;
        written.into_iter().next().unwrap_or_else(|| Err(Error::not_applied(ErrorKind::Internal, "no reply")))
    }

    /// Carries out many independent writes; those of one group travel together, in order.
    pub async fn write_many(&self, commands: Vec<Command>, deadline: Instant) -> Vec<Result<WriteOk>> {
        let first = commands.first().and_then(|command| command.keys().next());
        asks(Kind::Write, commands.len(), first);
        let done = self.inner.write_many(&commands, deadline).await;
        self.inner.operations.written(&commands, &done);
        done
    }

    /// Carries out one read.
    pub async fn read(&self, read: Read, deadline: Instant) -> Result<ReadOk> {
        let found = self.read_many(vec![read], deadline).await;
        found.into_iter().next().unwrap_or_else(|| Err(Error::of_read(ErrorKind::Internal, "no answer")))
    }

    /// Carries out many reads; those of one group travel together.
    pub async fn read_many(&self, reads: Vec<Read>, deadline: Instant) -> Vec<Result<ReadOk>> {
        let Some(first) = reads.first() else { return Vec::new() };
        asks(Kind::Read, reads.len(), Some(&first.key));
        let found = self.inner.read_many(&reads, deadline).await;
        self.inner.reads.count(&found);
        self.inner.operations.read(&reads, &found);
        found
    }

    /// The next page of a walk through a namespace's keys; `bad-request` for a cursor that is none.
    pub async fn scan(&self, scan: Scan, deadline: Instant) -> Result<ScanPage> {
        self.scan_prefix(scan, &[], deadline).await
    }

    /// The same, of keys that begin with `prefix` only.
    pub async fn scan_prefix(&self, scan: Scan, prefix: &[u8], deadline: Instant) -> Result<ScanPage> {
        let consistency = scan.consistency;
        asks(Kind::Scan, 0, None);
        let page = self.inner.scan(scan, prefix, deadline).await;
        self.inner.operations.scanned(consistency, page.is_err());
        page
    }

    /// How many keys of a namespace are held; expired ones count until they are removed, moments later.
    pub async fn count(&self, namespace: NamespaceId, scope: Scope, deadline: Instant) -> Result<u64> {
        asks(Kind::Scan, 0, None);
        self.inner.count(namespace, scope, deadline).await
    }

    /// Drops every key of a namespace: atomically in each group, not across groups. `Scope::Slot` is a `bad-request`;
    /// when only some groups failed, the outcome is unknown.
    pub async fn flush(&self, namespace: NamespaceId, scope: Scope, deadline: Instant) -> Result<()> {
        asks(Kind::Write, 0, None);
        self.inner.flush(namespace, scope, deadline).await
    }

    /// Any key of a namespace; `None`: there is none.
    pub async fn random_key(
        &self,
        namespace: NamespaceId,
        scope: Scope,
        deadline: Instant,
    ) -> Result<Option<Key>> {
        asks(Kind::Scan, 0, None);
        self.inner.random_key(namespace, scope, deadline).await
    }

    /// Nodes, slots and leaders as this node knows them, without asking anybody.
    pub fn topology(&self) -> Result<Topology> {
        self.inner.topology()
    }

    /// Whether this node leads a group, as far as it knows.
    pub fn leads(&self, group: GroupId) -> bool {
        self.inner.leads(group)
    }

    /// Forms a cluster of this node and the fresh nodes at these peer addresses; `false`: it is already part of one.
    pub async fn init(&self, peers: Vec<String>) -> Result<bool> {
        self.inner.init(peers).await
    }

    /// The cluster as seen from here; asks the other nodes for what only they know.
    pub async fn cluster(&self) -> Result<ClusterView> {
        self.inner.cluster_view().await
    }

    /// Every node.
    pub async fn members(&self) -> Result<Vec<NodeView>> {
        self.inner.members().await
    }

    /// Admits a node that is started with (or about to start with) this id and these addresses.
    pub async fn add_member(&self, member: MemberSpec) -> Result<NodeView> {
        self.inner.add_member(member).await
    }

    /// Takes a node out of every group, then out of the cluster.
    pub async fn remove_member(&self, node: NodeId) -> Result<Operation> {
        self.inner.remove_member(node).await
    }

    /// Every group, as its leader sees it.
    pub async fn groups(&self) -> Result<Vec<GroupView>> {
        self.inner.group_views().await
    }

    /// One group as its leader sees it, or with `local` as this node's own replica does.
    pub async fn group(&self, group: GroupId, local: bool, digest: bool) -> Result<GroupView> {
        self.inner.check_group(group).map_err(Error::without_outcome)?;
        if local {
            return Ok(self.inner.replica(group).map_err(Error::without_outcome)?.view(digest));
        }
        self.inner.group_view(group, digest).await
    }

    /// Starts a change of a group's members; the operation goes on in the background on its leader.
    pub async fn change_group(&self, group: GroupId, change: GroupChange) -> Result<Operation> {
        self.inner.change_group(group, change).await
    }

    /// Moves a group's leadership to one of its voters and waits until that voter leads.
    pub async fn transfer_leader(&self, group: GroupId, to: NodeId, deadline: Instant) -> Result<()> {
        self.inner.check_group(group)?;
        let timeout_ms = deadline.saturating_duration_since(Instant::now()).as_millis() as u64;
        self.inner.ask_leader(group, &Ask::Transfer { group, to, timeout_ms }, deadline).await
    }

    /// Takes a snapshot of a group at its leader; the last index in it.
    pub async fn snapshot(&self, group: GroupId, deadline: Instant) -> Result<Option<u64>> {
        self.inner.check_group(group)?;
        let timeout_ms = deadline.saturating_duration_since(Instant::now()).as_millis() as u64;
        let ask = Ask::Snapshot { group, timeout_ms };
        self.inner.ask_leader(group, &ask, deadline).await
    }

    /// The operations the cluster remembers, newest first.
    pub async fn operations(&self) -> Result<Vec<Operation>> {
        let (doc, _) = self.inner.read_doc().await.map_err(Error::without_outcome)?;
        Ok(doc.operations)
    }

    /// One operation.
    pub async fn operation(&self, id: &str) -> Result<Operation> {
        self.inner.operation(id).await
    }

    /// Waits until an operation ends or the deadline passes; how it stands then.
    pub async fn await_operation(&self, id: &str, deadline: Instant) -> Result<Operation> {
        self.inner.await_operation(id, deadline).await
    }

    /// The random id of its cluster, once it has entered one.
    pub fn cluster_id(&self) -> Option<String> {
        self.inner.cluster_id()
    }

    /// Bytes the maps of this node hold, as last measured.
    pub fn memory_bytes(&self) -> u64 {
        self.inner.memory_bytes()
    }

    /// Keys of clients held by this node's replicas, expired ones that are not removed yet included.
    pub fn keys_held(&self) -> u64 {
        self.inner.data_groups().map(|group| group.map().read().stats().items).sum()
    }

    /// Voters of the group of this node that has the fewest; 1 if it holds none.
    pub fn voters_min(&self) -> usize {
        self.inner.data_groups().map(|group| group.view(false).summary.voters.len()).min().unwrap_or(1)
    }

    /// Who may do what: to be asked by whatever serves clients, before it calls anything else here.
    pub fn gate(&self) -> &Arc<Gate> {
        &self.inner.gate
    }

    /// Makes a token; its secret is told here and never again.
    pub async fn create_token(&self, request: TokenRequest) -> Result<(Token, Secret)> {
        self.inner.create_token(request).await
    }

    /// Every token.
    pub async fn tokens(&self) -> Result<Vec<Token>> {
        let (book, _) = self.inner.read_tokens().await.map_err(Error::without_outcome)?;
        Ok(book.tokens().to_vec())
    }

    /// Deletes a token: this node refuses it at once, every other within `TOKENS_CONFIRM_INTERVAL` and a round trip, and
    /// one that is cut off within `TOKENS_UNCONFIRMED_MAX`.
    pub async fn delete_token(&self, id: &str) -> Result<()> {
        self.inner.delete_token(id).await
    }

    /// Shows `figures`, as Prometheus text, with the node's own metrics from now on.
    pub fn expose(&self, figures: impl Fn() -> String + Send + Sync + 'static) {
        self.inner.exposed.lock().push(Box::new(figures));
    }

    /// Whether this node can serve, and each check.
    pub fn ready(&self) -> ReadyView {
        self.inner.ready()
    }

    /// The metrics of node, groups, log and transport in Prometheus text format.
    pub fn metrics(&self) -> String {
        let exposed = self.inner.exposed.lock();
        exposed
            .iter()
            .fold(self.inner.metrics_text() + &self.inner.gate.metrics(), |text, figures| text + &figures())
    }
}

/// Notes what the present request asks for.
fn asks(kind: Kind, keys: usize, first: Option<&Key>) {
    let first = first.map(Key::user_key).unwrap_or_default();
    trace::note(|noted| noted.asks(kind, keys, first.len()));
    trace::note_key(first);
}
