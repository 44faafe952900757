"""What clients ask for."""

from clients import Client, Load, encode
from drills import Broken, drill
from waits import Failure, until

KEYS = 100
PAUSE = 0.05


@drill("QuorateHitRateLow")
def other_spelling(cluster, prometheus):
    """A new release of the clients spells its keys in another way."""
    writer = Client(cluster, 1)
    writer.send([encode("SET", f"user:{number}", number) for number in range(KEYS)])
    writer.close()
    asked = ["User:", 1]

    def reads(turn):
        prefix, times = asked
        return [encode("GET", f"{prefix}{(turn + one) % KEYS}") for one in range(times)]

    with Load(cluster, reads, clients=3, pause=PAUSE):
        yield Broken("reads of keys in another spelling")
        if "user:1" not in cluster.ask("scan", "--prefix", "user:") or "User:" in cluster.ask("scan", "--prefix", "User:"):
            raise Failure("scan does not show what is there")
        asked[:] = "user:", 20
        yield {"QuorateHitRateLow": "`scan --prefix` shows the right spelling; clients put right"}


@drill("QuorateErrors")
def wrong_command(cluster, prometheus):
    """A client counts on a key that holds a text."""
    client = Client(cluster, 1)
    client.send([encode("SET", "text", "no number")])
    client.close()
    with Load(cluster, lambda turn: [encode("INCR", "text")] * 10, clients=3, pause=PAUSE):
        yield Broken("`INCR` of a text")
        failing = 'sum by (command) (increase(quorate_resp_commands_total{outcome="error"}[1m]))'

        def named():
            return max(prometheus.query(failing), key=lambda series: series[1])[0]["command"] == "incr"
        until("the query of the runbook names the command", named)
    yield {"QuorateErrors": "its query names the command; client ended"}
