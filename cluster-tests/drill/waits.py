"""Waiting for what must come."""

import subprocess
import time

# Longest a node may take to be ready, a command to be done, and whatever a drill waits for but an alert, s.
PATIENCE = 60
LOOK_EVERY = 0.1


class Failure(Exception):
    """What was to be seen was not."""


def until(what, condition, patience=PATIENCE):
    """Looks until it holds, and returns what it then is. A node that cannot be reached does not hold."""
    deadline = time.monotonic() + patience
    while True:
        try:
            if found := condition():
                return found
        except (OSError, subprocess.SubprocessError):
            pass
        if time.monotonic() > deadline:
            raise Failure(f"waited {patience:.0f} s in vain: {what}")
        time.sleep(LOOK_EVERY)
