"""Disks whose syncs take long: strace holds back the one call by which a node's log syncs."""

import contextlib
import pathlib
import re
import subprocess

from clients import Load, encode
from drills import Broken, drill
from waits import PATIENCE, Failure, until

# How much longer a sync takes, µs.
SLOW, VERY_SLOW = 150_000, 400_000
# The thread of a node that writes and syncs its log.
THREAD = "wal"
# Clients, and writes of each at once: more than two entries take (`PROPOSALS_IN_FLIGHT_MAX`, `PACKED_COMMANDS_MAX`).
BURST_CLIENTS, BURST_WRITES = 60, 1000


def delay(microseconds):
    """The words of strace that slow a sync."""
    return ["strace", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync,fsync",
            "-e", f"inject=fdatasync,fsync:delay_exit={microseconds}"]


@contextlib.contextmanager
def slow_syncs(nodes, microseconds):
    """Syncs of these nodes' logs take so much longer, until it is left."""
    tracers = []
    try:
        for node in nodes:
            tasks = pathlib.Path(f"/proc/{node.process.pid}/task").iterdir()
            thread = next(task for task in tasks if (task / "comm").read_text().strip() == THREAD)
            tracers.append((thread, subprocess.Popen([*delay(microseconds), "-p", thread.name])))
        for thread, _ in tracers:
            until("strace is attached", lambda: "TracerPid:\t0" not in (thread / "status").read_text())
        yield
    finally:
        for _, tracer in tracers:
            tracer.terminate()
        for _, tracer in tracers:
            tracer.wait(PATIENCE)


@drill("QuorateSlowFsync", "QuorateSlowOnAverage", "QuorateSlowP95", "QuorateSlowP99")
def slow_disks(cluster, prometheus):
    """All disks are slow, and so is every write."""
    with Load(cluster, lambda turn: [encode("SET", f"slow:{turn % 10}", turn)], clients=6, pause=0.05):
        with slow_syncs(cluster.nodes, SLOW):
            yield Broken(f"`fdatasync` takes {SLOW // 1000} ms more (strace), a write a time")
            timed = cluster.run("doctor", "--data-dir", cluster.node(1).data, within=[*delay(SLOW), "-f"])
            if not re.search(r"PROBLEM +\w+ .*sync", timed.stdout):
                raise Failure(f"doctor finds syncs quick:\n{timed.stdout}{timed.stderr}")
            until("a leadership moves", lambda: cluster.run("group", "transfer", 1, 2).returncode == 0)
        yield {
            "QuorateSlowFsync": "`doctor --data-dir` times syncs; `group transfer`; disk mended",
            "QuorateSlowOnAverage": "all nodes, all writes: see QuorateSlowFsync",
            "QuorateSlowP95": "see QuorateSlowOnAverage",
            "QuorateSlowP99": "see QuorateSlowP95",
        }


@drill("QuorateReplicationQueueLong")
def burst(cluster, prometheus):
    """More writes at once than slow disks take."""
    def writes(turn):
        return [encode("SET", f"{{one-group}}:{number}", turn) for number in range(BURST_WRITES)]

    with slow_syncs(cluster.nodes, VERY_SLOW), Load(cluster, writes, clients=BURST_CLIENTS):
        yield Broken(f"{BURST_CLIENTS} clients, {BURST_WRITES} writes at once each, slow disks", {
            "QuorateReplicationQueueLong": {"queue": "commands to propose"}})
        cause = "histogram_quantile(0.99, sum by (instance, le) (rate(quorate_log_sync_seconds_bucket[1m])))"
        if not any(seconds > 0.1 for _, seconds in prometheus.query(cause)):
            raise Failure("the panel of syncs does not show the cause")
    yield {"QuorateReplicationQueueLong": "`queue` of the alert, panel of syncs; disk mended, clients ended"}
