"""Certificates that are about to expire."""

import shutil

from drills import Broken, drill
from waits import until

# Within the bound of one alert, and of both.
SOON, AT_ONCE = 10, 1
TAKEN_UP = "took up a new certificate"


def replace(cluster, node, days, folder):
    """Gives a node a certificate of so many days, made by the authority in a folder; waits until its log says that it is used."""
    before = node.logged().count(TAKEN_UP)
    cluster.ask("tls", "renew", folder, f"node-{node.number}", "--days", days)
    cluster.deliver(node, folder)
    until("the log says that the certificate is used", lambda: node.logged().count(TAKEN_UP) > before)


@drill("QuorateCertificateExpiring", "QuorateCertificateAlmostExpired")
def certificates_expire(cluster, prometheus):
    """One node's holds for ten days, another's for one."""
    authority, soon, at_once = cluster.folder / "certs", cluster.node(1), cluster.node(2)
    old = shutil.copytree(authority, cluster.folder / "old-certs")
    replace(cluster, soon, SOON, old)
    replace(cluster, at_once, AT_ONCE, old)
    processes = [node.process.pid for node in cluster.nodes]
    yield Broken("certificates of 10 days and of 1 day", {
        "QuorateCertificateExpiring": {"instance": soon.instance},
        "QuorateCertificateAlmostExpired": {"instance": at_once.instance}})
    cluster.see(["node 1", "node 2"], "doctor")
    cluster.see(["not after"], "tls", "show", soon.tls / "node-1.pem")
    for node in (soon, at_once):
        replace(cluster, node, 365, authority)
    assert processes == [node.process.pid for node in cluster.nodes]
    yield {
        "QuorateCertificateExpiring": "`doctor`, `tls show`; `tls renew`, `mv`; no restart",
        "QuorateCertificateAlmostExpired": "the same",
    }
