"""A real Prometheus with the real alert rules, all of whose times are divided by a scale."""

import json
import pathlib
import re
import subprocess
import urllib.parse
import urllib.request

from nodes import free_port
from waits import until

RULES = pathlib.Path(__file__).resolve().parents[2] / "deploy/prometheus/alerts.yml"
# As in deploy/prometheus/prometheus.yml, ms; and the shortest that nodes beside it on one machine can bear.
SCRAPE_MS, SCRAPE_MS_MIN = 5000, 500
UNITS_MS = {"s": 1000, "m": 60_000, "h": 3_600_000}


def alert_names():
    """Every alert of the rules."""
    return re.findall(r"^ *- alert: (\w+)$", RULES.read_text(), re.MULTILINE)


def scaled(rules, scale):
    """The rules with each `for:` and each window `[…]` divided; bounds and names stay."""
    def divide(found):
        milliseconds = int(found["count"]) * UNITS_MS[found["unit"]] // scale
        return f"{found['before']}{milliseconds}ms"
    return re.sub(r"(?P<before>\bfor: |\[)(?P<count>\d+)(?P<unit>[smh])\b", divide, rules)


class Prometheus:
    """The process and its answers."""

    def __init__(self, cluster, scale, ending):
        folder = cluster.folder / "prometheus"
        folder.mkdir()
        (folder / "alerts.yml").write_text(scaled(RULES.read_text(), scale))
        every = f"{max(SCRAPE_MS // scale, SCRAPE_MS_MIN)}ms"
        targets = json.dumps([node.instance for node in cluster.nodes])
        (folder / "prometheus.yml").write_text(f"""\
global: {{scrape_interval: {every}, scrape_timeout: {every}, evaluation_interval: {every}}}
rule_files: [alerts.yml]
scrape_configs:
  - job_name: quorate
    scheme: https
    tls_config: {{ca_file: "{cluster.authority}"}}
    authorization: {{credentials_file: "{cluster.tokens["prometheus"]}"}}
    static_configs: [{{targets: {targets}}}]
""")
        subprocess.run(["promtool", "check", "config", folder / "prometheus.yml"], check=True, stdout=subprocess.DEVNULL)
        self.url = f"http://127.0.0.1:{free_port()}"
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                 f"--web.listen-address={self.url.removeprefix('http://')}"], stdout=log, stderr=log)
        ending.callback(process.wait)
        ending.callback(process.terminate)
        until("Prometheus scrapes all nodes", lambda: len(self.query('up{job="quorate"} == 1')) == len(cluster.nodes))

    def _get(self, path, **parameters):
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]

    def query(self, expression):
        """Labels and value of each series an expression has now."""
        result = self._get("query", query=expression)["result"]
        return [(series["metric"], float(series["value"][1])) for series in result]

    def firing(self, alert, **labels):
        """Whether the alert fires with all of these labels."""
        wanted = {"alertname": alert, **labels}.items()
        return any(one["state"] == "firing" and wanted <= one["labels"].items() for one in self._get("alerts")["alerts"])

    def quiet(self, alert):
        """Whether the alert neither fires nor is about to."""
        return all(one["labels"]["alertname"] != alert for one in self._get("alerts")["alerts"])
