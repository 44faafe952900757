"""A disk and a memory with too little room. The disk comes first: what the log took for full maps it gives back later."""

import os
import subprocess

from clients import Client, Load, encode
from drills import Broken, drill
from nodes import SMALL_DISK
from waits import until

VALUE_BYTES, AT_A_TIME = 64 << 10, 20
# The part of the memory that is filled: past the alert's bound, before writes are refused.
FILLED = 0.85
# Free space the ballast leaves: less than the reserve, but the log's own part of it.
LEFT_FREE = 6 << 20
# Enough new log for a snapshot of every group.
WRITTEN_BYTES = 8 << 20


@drill("QuorateSnapshotTooOld", "QuorateDiskLow")
def disk_filled(cluster, prometheus):
    """Something else fills a node's disk."""
    node = cluster.node(SMALL_DISK)
    ballast = node.data / "ballast"
    disk = os.statvfs(node.data)
    subprocess.run(["fallocate", "-l", str(disk.f_bavail * disk.f_frsize - LEFT_FREE), ballast], check=True)

    def writes(turn):
        return [encode("SET", f"log:{turn % 100}", os.urandom(VALUE_BYTES))] if turn * VALUE_BYTES < WRITTEN_BYTES else []
    try:
        with Load(cluster, writes, clients=1, pause=0.05):
            where = {"instance": node.instance}
            yield Broken("a file that leaves 6 MiB on one node's disk", {"QuorateSnapshotTooOld": where, "QuorateDiskLow": where})
        until("its log says why", lambda: "no snapshot taken" in node.logged())
        cluster.see([f"node {SMALL_DISK} refuses writes"], "doctor")
    finally:
        ballast.unlink()
    yield {
        "QuorateSnapshotTooOld": "its log says `no snapshot taken` and why; the file removed",
        "QuorateDiskLow": "`doctor` names the node; the file removed",
    }


@drill("QuorateMemoryHigh")
def memory_filled(cluster, prometheus):
    """Keys that never expire."""
    client = Client(cluster, 1)
    keys = []

    def full():
        more = [f"fill:{len(keys) + one}" for one in range(AT_A_TIME)]
        client.send([encode("SET", key, os.urandom(VALUE_BYTES)) for key in more])
        keys.extend(more)
        used = prometheus.query("min(quorate_memory_bytes / quorate_memory_max_bytes)")
        return used and used[0][1] > FILLED
    until("the memory is filled", full)
    yield Broken("large values without a time to live")
    cluster.see(["node 1 holds", "raise --memory-max, shorten times to live"], "doctor")
    client.send([encode("PEXPIRE", key, 1) for key in keys])
    client.close()
    yield {"QuorateMemoryHigh": "`doctor` says who holds how much; keys given a time to live"}
