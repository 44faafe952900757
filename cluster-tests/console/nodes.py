"""The nodes that ../nodes.sh started, for a script that kills them and asks them past the page."""

import http.client
import json
import os
import pathlib
import signal
import subprocess
import time

PATIENCE = 30
LOOK_EVERY = 0.05


class Node:
    """A node by its HTTP port and its process."""

    def __init__(self, number, port, pid):
        self.number, self.port, self.pid, self.process, self.dead = number, port, pid, None, False
        self.command = pathlib.Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]

    @property
    def console(self):
        return f"http://127.0.0.1:{self.port}/console"

    def ask(self, method, path, body=None):
        """Status and JSON of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=35)
        connection.request(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if answer.getheader("Content-Type", "").endswith("json") else text

    def leads(self, group):
        """Makes it the leader of a group."""
        until(lambda: self.ask("PUT", f"/v1/cluster/groups/{group}/leader", {"node": self.number})[0] == 200)

    def kill(self):
        """kill -9."""
        os.kill(self.process.pid if self.process else self.pid, signal.SIGKILL)
        if self.process:
            self.process.wait()
            self.process = None
        self.dead = True

    def revive(self):
        """Starts it again and waits until it is ready."""
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        self.dead = False
        until(lambda: self.ask("GET", "/readyz")[0] == 200)


def until(condition):
    """Looks until it holds; a node that cannot be reached does not."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            if condition():
                return
        except (OSError, http.client.HTTPException):
            pass
        assert time.monotonic() < deadline, "a node was not ready in time"
        time.sleep(LOOK_EVERY)
