"""Clients of the Redis protocol over TLS, which ask for the same again and again while a drill needs them."""

import itertools
import socket
import threading
import time

from nodes import NODES

TIMEOUT = 30
# Pause before a client connects again whose node is gone, s.
RETRY = 0.2
END = b"+PONG\r\n"


def encode(*words):
    """A command as it is sent."""
    words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


class Client:
    """One connection."""

    def __init__(self, cluster, node):
        plain = socket.create_connection(("127.0.0.1", cluster.node(node).resp), timeout=TIMEOUT)
        self.stream = cluster.trust.wrap_socket(plain, server_hostname="localhost")
        token = cluster.tokens["app"].read_text().strip()
        if not self.send([encode("AUTH", "app", token)]).startswith(b"+OK"):
            raise OSError("the token is not taken")

    def send(self, commands):
        """Sends all commands at once and returns all that is answered to them."""
        self.stream.sendall(b"".join(commands) + encode("PING"))
        answers = bytearray()
        while not answers.endswith(END):
            some = self.stream.recv(1 << 18)
            if not some:
                raise OSError("the node ended the connection")
            answers += some
        return bytes(answers.removesuffix(END))

    def close(self):
        """Ends it."""
        self.stream.close()


class Load:
    """While it is entered, clients spread over the nodes send `batch(turn)`, then wait for `pause` seconds."""

    def __init__(self, cluster, batch, *, clients, pause=0.0):
        self.cluster, self.batch, self.pause = cluster, batch, pause
        self.over = threading.Event()
        nodes = itertools.islice(itertools.cycle(NODES), clients)
        self.threads = [threading.Thread(target=self._run, args=(node,), daemon=True) for node in nodes]

    def _run(self, node):
        client = None
        for turn in itertools.count():
            if self.over.is_set():
                break
            try:
                client = client or Client(self.cluster, node)
                client.send(self.batch(turn))
            except OSError:
                client = None
                time.sleep(RETRY)
            self.over.wait(self.pause)
        if client:
            client.close()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()
