"""redis-py against Quorate: `redis-py.py plain|cluster PORT`. What it is to do stands in `run`."""

import sys
import threading

from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.cluster import RedisCluster
from redis.exceptions import RedisError
from redis.retry import Retry

PIPELINE = 20
LAST_WRITES = 100


def connect(mode, port):
    kind = RedisCluster if mode == "cluster" else Redis
    # Tries for about ten seconds: a node is killed and started again meanwhile.
    retry = Retry(ExponentialBackoff(cap=0.5, base=0.02), 25)
    return kind(host="127.0.0.1", port=port, retry=retry, socket_timeout=5, decode_responses=True)


def look_around(client):
    """A little of everything that applications do."""
    assert client.ping()
    assert client.set("{py}a", "1", px=60_000) and client.get("{py}a") == "1"
    assert 0 < client.pttl("{py}a") <= 60_000
    assert client.get("{py}none") is None and client.incr("{py}n") >= 1
    assert not client.set("{py}a", "2", nx=True)
    assert client.mset({"{py}x": "1", "{py}y": "2"}) and client.mget("{py}x", "{py}y") == ["1", "2"]
    with client.pipeline(transaction=True) as transaction:
        assert transaction.set("{py}a", "5").incrby("{py}a", 2).execute()[1] == 7
    assert set(client.scan_iter(match="{py}*")) == {"{py}a", "{py}n", "{py}x", "{py}y"}
    assert client.delete("{py}a", "{py}n", "{py}x", "{py}y") == 4


class Writer:
    """Sets keys, each once and to a value of its own."""

    def __init__(self, client, mode):
        self.client, self.mode = client, mode
        self.number, self.troubles, self.acknowledged = 0, 0, {}

    def new(self):
        self.number += 1
        return f"py-{self.mode}-{self.number}", f"value {self.number}"

    def write(self):
        """One key by itself, then a pipeline of them."""
        self.one()
        entries = [self.new() for _ in range(PIPELINE)]
        pipeline = self.client.pipeline(transaction=False)
        for key, value in entries:
            pipeline.set(key, value)
        for (key, value), answer in zip(entries, pipeline.execute(raise_on_error=False)):
            self.note(key, value, answer)

    def one(self):
        key, value = self.new()
        self.note(key, value, self.client.set(key, value))

    def note(self, key, value, answer):
        if answer is True:
            self.acknowledged[key] = value
        else:
            self.troubles += 1

    def write_until(self, stop):
        while not stop.is_set():
            try:
                self.write()
                print("acknowledged", len(self.acknowledged), flush=True)
            except RedisError:
                self.troubles += 1

    def lost(self):
        """Acknowledged writes that are not there."""
        entries = list(self.acknowledged.items())
        pipeline = self.client.pipeline(transaction=False)
        for key, _ in entries:
            pipeline.get(key)
        return [key for (key, value), found in zip(entries, pipeline.execute()) if found != value]


def main(mode, port):
    client = connect(mode, int(port))
    look_around(client)
    writer, stop = Writer(client, mode), threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
    writer.write_until(stop)
    for _ in range(LAST_WRITES):
        writer.one()
    lost = writer.lost()
    print(f"{len(writer.acknowledged)} acknowledged, {writer.troubles} troubles, {len(lost)} lost {lost[:5]}")
    return 1 if lost else 0


sys.exit(main(*sys.argv[1:]))
