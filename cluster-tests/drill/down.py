"""Nodes that are gone, and leaderships that do not stay."""

import subprocess
import time

from drills import Broken, drill
from waits import Failure, until

# How long the nodes trust the tokens they know without a quorum (`TOKENS_UNCONFIRMED_MAX`), and a little, s.
TOKENS_TRUSTED = 65
# Lines a second that a node may log while others are down: what happened is still to be found among them.
LOGGED_MAX = 30
TRANSFERS = 6
WATCHED = 3


@drill("QuorateNodeDown", "QuorateOneLossFromNoQuorum", "QuorateReplicationSlow")
def one_node_down(cluster, prometheus):
    """One of three is killed and started again."""
    lost = cluster.node(2)
    lost.kill()
    yield Broken("`kill -9` of a node", {
        "QuorateNodeDown": {"instance": lost.instance}, "QuorateReplicationSlow": {"peer": str(lost.number)}})
    cluster.see([f"{lost.number}     {lost.instance}  -     down"], "status")
    cluster.see([f"node {lost.number} ({lost.instance}) does not answer"], "doctor")
    cluster.see(["2 of 3 voters answer; one more loss stops it", f"bring back the nodes [{lost.number}]"], "doctor")
    lost.start()
    cluster.await_ready()
    yield {
        "QuorateNodeDown": "`status` says `down`; started",
        "QuorateOneLossFromNoQuorum": "`doctor` names group and voter; started",
        "QuorateReplicationSlow": "the `peer` of the alert is down; started",
    }
    until("doctor finds nothing", lambda: cluster.run("doctor").returncode == 0)


@drill("QuorateGroupWithoutLeader")
def two_nodes_down(cluster, prometheus):
    """Two of three are killed; the alert must outlast the time for which tokens are trusted."""
    left, *lost = cluster.nodes
    for node in lost:
        node.kill()
    began, logged = time.monotonic(), left.logged().count("\n")
    yield Broken("`kill -9` of two nodes")
    cluster.see(["1      -"], "group", "show", 1, token=cluster.root_token)
    cluster.see([f"{node.instance}  -     down" for node in lost], "status", token=cluster.root_token)
    time.sleep(max(0.0, began + TOKENS_TRUSTED - time.monotonic()))
    if not prometheus.firing("QuorateGroupWithoutLeader"):
        raise Failure("it does not fire any more although no group has a leader")
    lines = (left.logged().count("\n") - logged) / (time.monotonic() - began)
    if lines > LOGGED_MAX:
        raise Failure(f"the node that is left logs {lines:.0f} lines a second")
    for node in lost:
        node.start()
    cluster.await_ready()
    yield {"QuorateGroupWithoutLeader": "`group show`, `status`: a majority is `down`; both started"}


@drill("QuorateLeaderFlapping")
def leader_to_and_fro(cluster, prometheus):
    """A leadership that moves again and again."""
    def moved(target):
        return cluster.run("group", "transfer", 1, target).returncode == 0
    for turn in range(TRANSFERS):
        until("a leadership moves", lambda: moved(1 + turn % 2))
    yield Broken(f"{TRANSFERS} times `group transfer`", {"QuorateLeaderFlapping": {"group": "1"}})
    try:
        cluster.run("status", "--watch", within=["timeout", str(WATCHED)])
    except subprocess.TimeoutExpired as error:
        raise Failure("`status --watch` does not end with SIGTERM") from error
    yield {"QuorateLeaderFlapping": "`status --watch` shows a term that stays; waited"}
