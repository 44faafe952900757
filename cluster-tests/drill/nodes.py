"""Three nodes with TLS and tokens, as README.md and docs/tokens.md say, and the command line to ask them."""

import os
import random
import socket
import ssl
import subprocess
import urllib.error
import urllib.request

from waits import PATIENCE, Failure, until

NODES = (1, 2, 3)
# Below the ports that the kernel gives to outgoing connections.
PORTS = range(12000, 30000)
# The node that has a disk of its own, so that this can be full, and that disk's size; `doctor` wants a free GiB.
SMALL_DISK, SMALL_DISK_SIZE = 3, "4g"
# Small enough that disk and memory are filled in seconds; with as much log as this a snapshot is due.
BOUNDS = ["--log-segment", "4MiB", "--snapshot-log", "1MiB", "--memory-max", "64MiB"]


def free_port():
    """A port of 127.0.0.1 that nobody listens on."""
    while True:
        port = random.choice(PORTS)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port


class Node:
    """One node: its folder, its ports and, while it runs, its process."""

    def __init__(self, cluster, number):
        self.cluster, self.number, self.process = cluster, number, None
        self.folder = cluster.folder / f"node-{number}"
        self.tls, self.data, self.log = self.folder / "tls", self.folder / "data", self.folder / "log"
        self.http, self.peer, self.resp = free_port(), free_port(), free_port()
        self.instance, self.url = f"127.0.0.1:{self.http}", f"https://127.0.0.1:{self.http}"

    def start(self):
        """Starts it; `ready` tells when it serves."""
        peers = ",".join(f"127.0.0.1:{node.peer}" for node in self.cluster.nodes)
        command = [
            self.cluster.program, "serve", "--id", self.number, "--data-dir", self.data, "--http", self.instance,
            "--peer", f"127.0.0.1:{self.peer}", "--resp", f"127.0.0.1:{self.resp}", "--resp-cluster", "none",
            "--seeds", peers, "--bootstrap-expect", len(NODES), "--auth", "yes",
            "--tls-cert", self.tls / f"node-{self.number}.pem", "--tls-key", self.tls / f"node-{self.number}.key",
            "--tls-ca", self.cluster.authority, "--root-token-file", self.cluster.root_token, *BOUNDS,
        ]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def kill(self):
        """kill -9."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def ready(self):
        """Whether it serves."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=2, context=self.cluster.trust) as answer:
                return answer.status == 200
        except urllib.error.HTTPError:
            return False

    def logged(self):
        """All that it logged."""
        return self.log.read_text(errors="replace")


class Cluster:
    """The three nodes, their authority and their tokens."""

    def __init__(self, program, folder, ending):
        self.program, self.folder = program, folder
        self.root_token, self.authority = folder / "root-token", folder / "certs" / "ca.pem"
        self.nodes = [Node(self, number) for number in NODES]
        self._make_secrets()
        for node in self.nodes:
            node.folder.mkdir()
            node.data.mkdir()
            if node.number == SMALL_DISK:
                mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK_SIZE}", "tmpfs", str(node.data)]
                subprocess.run(mount, check=True)
                ending.callback(subprocess.run, ["umount", "--lazy", str(node.data)])
            self.deliver(node, folder / "certs")
            ending.callback(node.kill)
            node.start()
        self.await_ready()
        self.tokens = {name: self._make_token(name, *rules) for name, rules in (
            ("app", ["read,write on default"]), ("prometheus", ["metrics"]), ("ops", ["admin", "read,write on *"]))}
        self.token = self.tokens["ops"]

    def _make_secrets(self):
        subprocess.run([self.program, "tls", "init", self.folder / "certs", "--nodes", str(len(NODES))], check=True,
                       stdout=subprocess.DEVNULL)
        make = 'umask 077; head -c 32 /dev/urandom | base64 > "$0"'
        subprocess.run(["sh", "-c", make, self.root_token], check=True)
        self.trust = ssl.create_default_context(cafile=self.authority)
        self.token = self.root_token

    def _make_token(self, name, *rules):
        allow = [part for rule in rules for part in ("--allow", rule)]
        path = self.folder / f"{name}-token"
        path.write_text(self.ask("token", "create", "--name", name, *allow))
        return path

    def deliver(self, node, certs):
        """Puts a node's certificate and key of the folder `certs` into their place, each at once."""
        node.tls.mkdir(exist_ok=True)
        for name in (f"node-{node.number}.key", f"node-{node.number}.pem"):
            (node.tls / "new").write_bytes((certs / name).read_bytes())
            (node.tls / "new").chmod(0o600)
            (node.tls / "new").rename(node.tls / name)

    def node(self, number):
        """The node of this id."""
        return self.nodes[number - 1]

    def await_ready(self):
        """Waits until every node serves."""
        for node in self.nodes:
            until(f"node {node.number} is ready", node.ready)

    def run(self, *arguments, at=1, token=None, within=()):
        """Runs the command line against a node, with the operators' token unless told otherwise."""
        environment = {**os.environ, "QUORATE_ENDPOINT": self.node(at).url, "QUORATE_CA_FILE": str(self.authority),
                       "QUORATE_TOKEN_FILE": str(token or self.token)}
        command = [str(part) for part in (*within, self.program, *arguments)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE)

    def ask(self, *arguments, **how):
        """What a command prints; it must succeed."""
        done = self.run(*arguments, **how)
        if done.returncode:
            raise Failure(f"quorate {' '.join(map(str, arguments))}: {done.stderr}")
        return done.stdout

    def see(self, words, *arguments, **how):
        """A command shows, sooner or later, all of these words, whatever its exit code."""
        def shown():
            done = self.run(*arguments, **how)
            return all(word in done.stdout + done.stderr for word in words)
        until(f"`quorate {' '.join(map(str, arguments))}` shows {words}", shown)
