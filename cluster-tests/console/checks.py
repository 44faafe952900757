"""Runs the checks of the console one after the other, each on a page of its own. Started by `run`."""

import argparse
import base64
import inspect
import pathlib
import sys
import time

import access
import changes
import faults
import keys
import leaving
import looks
from browser import Browser
from nodes import Node
from ui import Person

CHECKS = [check for part in (looks, access, keys, changes, faults, leaving) for name, check in inspect.getmembers(part)
          if name.startswith("check_")]

# What a person sees, for the report of a failure: the dialog, or the beginning of the view.
SHOWN = "((document.querySelector('dialog') || document.querySelector('main')).innerText || '').slice(0, 1500)"


class World:
    """What a check gets: the nodes, and pages by their side."""

    def __init__(self, browser, nodes, axe):
        self.browser, self.nodes, self.axe, self.opened = browser, nodes, axe, []

    def open(self, url=None, view="overview"):
        """A new page of the first node's console, or of another address; with the person who uses it."""
        page = self.browser.page(f"{url or self.nodes[0].console}#/{view}")
        self.opened.append(page)
        return page, Person(page)

    def faultless(self):
        """What every page is to be in the end: without errors and without anything against its policy."""
        for page in self.opened:
            page.browser.ask("Page.enable", page.session)  # What was said before has arrived with this answer.
            assert not page.faults, f"the page complains: {page.faults}"


def carry_out(check, browser, nodes, axe):
    world, began = World(browser, nodes, axe), time.monotonic()
    try:
        check(world)
        world.faultless()
    except Exception as error:  # Whatever it is, the other checks go on.
        print(f"FAILED {name_of(check)}: {type(error).__name__}: {error}")
        for page in world.opened:
            print(f"--- what the page shows\n{page.run(SHOWN)}")
        return False
    finally:
        for page in world.opened:
            page.ask("Page.close")
        for node in nodes:
            if node.dead:
                node.revive()
    print(f"ok {name_of(check)}, {time.monotonic() - began:.1f} s")
    return True


def name_of(check):
    return check.__name__.removeprefix("check_").replace("_", "-")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-l", action="store_true")
    parser.add_argument("--node", action="append", default=[])
    parser.add_argument("--axe", default="")
    parser.add_argument("--screenshots", type=pathlib.Path)
    parser.add_argument("checks", nargs="*")
    given = parser.parse_args()
    if given.l:
        print("\n".join(map(name_of, CHECKS)))
        return 0
    unknown = set(given.checks) - set(map(name_of, CHECKS))
    if unknown:
        parser.error(f"no such check: {', '.join(unknown)}")
    nodes = [Node(*map(int, node.split(":"))) for node in given.node]
    axe = pathlib.Path(given.axe).read_text() if given.axe else ""
    wanted = [check for check in CHECKS if not given.checks or name_of(check) in given.checks]
    try:
        with Browser() as browser:
            if given.screenshots:
                for name, picture in looks.screenshots(World(browser, nodes, axe)):
                    (given.screenshots / name).write_bytes(base64.b64decode(picture))
                return 0
            failed = [name_of(check) for check in wanted if not carry_out(check, browser, nodes, axe)]
    finally:
        for node in nodes:
            if node.process:
                node.kill()
    print(f"{len(wanted) - len(failed)} of {len(wanted)} checks passed" + (f"; failed: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
