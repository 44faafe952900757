"""What the manifests must hold to be let near a cluster, and that each rule is able to fail.

Usage: policy.py MANIFEST [MANIFEST…]        (needs PyYAML)

A rule is a name, a test, and a way to break it; the way is taken on a copy, where the test must say no.
"""

import copy
import sys

import yaml

LABEL = "app.kubernetes.io/name"


class Manifests:
    """All objects of the files."""

    def __init__(self, objects):
        self.objects = objects

    def kind(self, kind):
        return [one for one in self.objects if one["kind"] == kind]

    @property
    def set(self):
        return self.kind("StatefulSet")[0]

    @property
    def pod(self):
        return self.set["spec"]["template"]["spec"]

    @property
    def containers(self):
        return self.pod["containers"] + self.pod.get("initContainers", [])

    @property
    def labels(self):
        return self.set["spec"]["template"]["metadata"]["labels"]


def every(test):
    """A rule about every container."""
    return lambda all_: all(test(one) for one in all_.containers)


def secured(name, value):
    return every(lambda one: one.get("securityContext", {}).get(name) == value)


def pinned(image):
    """A tag other than latest, or a digest."""
    return "@sha256:" in image or (":" in image.split("/")[-1] and not image.endswith(":latest"))


def budget(all_):
    """Nodes are taken away one at a time: three voters stand the loss of one."""
    return any(one["spec"].get("maxUnavailable") == 1 for one in all_.kind("PodDisruptionBudget"))


def headless(all_):
    """The service that names the pods exists, has no address, and answers before the pods are ready."""
    name = all_.set["spec"]["serviceName"]
    found = [one for one in all_.kind("Service") if one["metadata"]["name"] == name]
    return any(one["spec"].get("clusterIP") == "None" and one["spec"]["publishNotReadyAddresses"] for one in found)


def guarded(all_):
    """Some policy selects the pods and lets nobody in but those it names."""
    policies = [one["spec"] for one in all_.kind("NetworkPolicy")]
    selected = [one for one in policies if one["podSelector"].get("matchLabels", {}).items() <= all_.labels.items()]
    return any("Ingress" in one["policyTypes"] and all(rule.get("from") for rule in one["ingress"]) for one in selected)


def selected(all_):
    """Every selector there is finds the pods."""
    selectors = [one["spec"]["selector"] for one in all_.kind("Service")]
    selectors += [one["spec"]["selector"]["matchLabels"] for one in all_.kind("PodDisruptionBudget") + [all_.set]]
    return all(one and one.items() <= all_.labels.items() for one in selectors)


def apart(all_):
    """No two nodes on one machine, and spread over zones."""
    affinity = all_.pod.get("affinity", {}).get("podAntiAffinity", {})
    never = [one["topologyKey"] for one in affinity.get("requiredDuringSchedulingIgnoredDuringExecution", [])]
    zones = [one["topologyKey"] for one in all_.pod.get("topologySpreadConstraints", [])]
    return "kubernetes.io/hostname" in never and "topology.kubernetes.io/zone" in zones


def probed(one):
    """Alive and ready are different questions: a restart brings no quorum back."""
    path = lambda name: one.get(name, {}).get("httpGet", {}).get("path")
    return (path("livenessProbe"), path("startupProbe"), path("readinessProbe")) == ("/livez", "/livez", "/readyz")


def sized(one):
    """Requests for both, a bound on memory; none on the processor, for a throttled leader misses heartbeats."""
    resources = one.get("resources", {})
    requests, limits = resources.get("requests", {}), resources.get("limits", {})
    return {"cpu", "memory"} <= requests.keys() and limits.keys() == {"memory"} and limits["memory"] == requests["memory"]


def remove(place, *names):
    """Breaks a rule by taking a field away."""

    def broken(all_):
        found = place(all_)
        for name in names[:-1]:
            found = found[name]
        del found[names[-1]]

    return broken


def without(kind):
    """Breaks a rule by taking all objects of a kind away."""
    return lambda all_: all_.objects.__setitem__(slice(None), [one for one in all_.objects if one["kind"] != kind])


pod, first = (lambda all_: all_.pod), (lambda all_: all_.containers[0])
RULES = [
    ("no root", lambda a: a.pod["securityContext"].get("runAsNonRoot") and a.pod["securityContext"]["runAsUser"] > 0,
     remove(pod, "securityContext", "runAsNonRoot")),
    ("seccomp", lambda a: a.pod["securityContext"].get("seccompProfile") == {"type": "RuntimeDefault"},
     remove(pod, "securityContext", "seccompProfile")),
    ("no token of the cluster", lambda a: a.pod.get("automountServiceAccountToken") is False,
     remove(pod, "automountServiceAccountToken")),
    ("nothing of the machine", lambda a: not any(a.pod.get(one) for one in ("hostNetwork", "hostPID", "hostIPC")),
     lambda a: a.pod.update(hostNetwork=True)),
    ("read-only root", secured("readOnlyRootFilesystem", True), remove(first, "securityContext", "readOnlyRootFilesystem")),
    ("no more rights", secured("allowPrivilegeEscalation", False), remove(first, "securityContext", "allowPrivilegeEscalation")),
    ("no capabilities", secured("capabilities", {"drop": ["ALL"]}), remove(first, "securityContext", "capabilities")),
    ("pinned image", every(lambda one: pinned(one["image"])), lambda a: a.containers[0].update(image="quorate:latest")),
    ("probes", every(probed), remove(first, "readinessProbe")),
    ("requests and limits", every(sized), remove(first, "resources", "limits")),
    ("apart", apart, remove(pod, "affinity")),
    ("budget", budget, without("PodDisruptionBudget")),
    ("headless service", headless, lambda a: a.kind("Service")[0]["spec"].pop("clusterIP")),
    ("network policy", guarded, without("NetworkPolicy")),
    ("selectors", selected, lambda a: a.labels.update({LABEL: "other"})),
    ("volumes stay", lambda a: set(a.set["spec"]["persistentVolumeClaimRetentionPolicy"].values()) == {"Retain"},
     lambda a: a.set["spec"]["persistentVolumeClaimRetentionPolicy"].update(whenScaled="Delete")),
]


def main(paths):
    objects = [one for path in paths for one in yaml.safe_load_all(open(path, encoding="utf-8")) if one]
    failed = []
    for name, test, break_ in RULES:
        broken = Manifests(copy.deepcopy(objects))
        break_(broken)
        if test(broken):
            failed.append(f"{name}: the rule cannot fail")
        if not test(Manifests(objects)):
            failed.append(f"{name}: not held{'. ' + test.__doc__ if test.__doc__ else ''}")
    print("\n".join(failed) if failed else f"{len(RULES)} rules hold, and each can fail")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
