"""What a drill is, and how one is carried out.

A drill is a generator over a cluster and its Prometheus. It breaks something, and yields `Broken`; when the alerts fire
it is gone on with, follows the runbook's sections, and yields what it did for each alert; when they have cleared it ends.
"""

import dataclasses
import time

from waits import Failure, until

DRILLS = []
# Longest an alert may take, s of real time, which the scale divides; and what the nodes take whatever the scale.
ALERT_MAX, SLACK = 2400, 60


@dataclasses.dataclass
class Drill:
    """A function and the alerts it brings about."""

    alerts: tuple
    function: object


@dataclasses.dataclass
class Broken:
    """What was done, and the labels that the alerts must have where these are known."""

    how: str
    labels: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Row:
    """What became of one alert; seconds."""

    alert: str
    broken: str
    fired: float
    step: str
    cleared: float


def drill(*alerts):
    """Registers the function that follows."""
    def register(function):
        DRILLS.append(Drill(alerts, function))
        return function
    return register


def perform(one, alerts, cluster, prometheus, scale):
    """Carries a drill out; yields a row for each of these alerts of it."""
    patience = ALERT_MAX / scale + SLACK
    for alert in alerts:
        until(f"{alert} is quiet before its drill", lambda: prometheus.quiet(alert), patience)
    steps = one.function(cluster, prometheus)
    try:
        began = time.monotonic()
        broken = next(steps)
        fired = _times(began, alerts, patience, "fires",
                       lambda alert: prometheus.firing(alert, **broken.labels.get(alert, {})))
        followed = next(steps)
        cleared = _times(time.monotonic(), alerts, patience, "clears", lambda alert: not prometheus.firing(alert))
        if next(steps, None) is not None:
            raise Failure("a drill goes on after its end")
    finally:
        steps.close()
    for alert in alerts:
        yield Row(alert, broken.how, fired[alert], followed[alert], cleared[alert])


def _times(began, alerts, patience, what, holds):
    """Waits for all alerts; the seconds since `began` at which it first held of each."""
    times = {}

    def look():
        for alert in alerts:
            if alert not in times and holds(alert):
                times[alert] = time.monotonic() - began
        return len(times) == len(alerts)

    try:
        until("", look, patience)
    except Failure:
        missing = ", ".join(alert for alert in alerts if alert not in times)
        raise Failure(f"waited {patience:.0f} s in vain that this {what}: {missing}") from None
    return times
