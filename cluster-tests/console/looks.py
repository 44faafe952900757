"""What the page shows of a healthy cluster, in every look it has."""

import pathlib
import time

VIEWS = ["overview", "groups", "groups/1", "slots", "keys", "operations"]
# How long figures are gathered for a picture.
SCREENSHOT_SECONDS = 110
MODULES = (pathlib.Path(__file__).parent / "modules.js").read_text()


# How long charts may take to show traffic, s.
CHARTS_WITHIN_S = 30


def check_modules(world):
    page, _ = world.open()
    page.run(f"(async () => {{\n{MODULES}\n}})()")


def check_topology(world):
    page, person = world.open()
    person.sees("3/3")
    person.sees("all have a leader")
    person.sees("16,384")
    person.sees("node 1: ✓ healthy")
    members = world.nodes[0].ask("GET", "/v1/cluster/members")[1]["members"]
    addresses = {member["id"]: member["http"] for member in members}
    for node in world.nodes:
        cells = person.waits_for_row("Nodes", str(node.number), lambda cells: "active" in cells[1], "active")
        assert cells[2] == addresses[node.number] and cells[5] == "voter of 4", cells
    led = [cell for node in world.nodes for cell in person.row("Nodes", str(node.number))[4].split(", ")]
    assert sorted(led) == ["0", "1", "2", "3"], led
    person.goes_to("groups")
    cells = person.waits_for_row("Groups", "2", lambda cells: cells[3] == "1, 2, 3", "three voters")
    assert "node" in cells[1] and cells[2].isdigit() and cells[8].startswith("20"), cells
    person.goes_to("groups/2")
    for node in world.nodes:
        person.waits_for_row("Replicas", f"node {node.number}", lambda cells: "answers" in cells[2], "healthy")


def check_slots(world):
    page, person = world.open(view="slots")
    page.wait("document.querySelectorAll('.slot-map rect').length > 3")
    person.clicks("The same as a table")
    page.wait("document.querySelectorAll('#view-slots tbody tr').length > 3")
    drawn = "[...document.querySelectorAll('.slot-map rect:not(.other)')].reduce((sum, slot) => sum + slot.width.baseVal.value, 0)"
    listed = ("[...document.querySelectorAll('#view-slots tbody tr')]"
              ".reduce((sum, row) => sum + Number(row.cells[2].textContent.replace(',', '')), 0)")
    assert (page.run(drawn), page.run(listed)) == (16384, 16384)
    page.run("document.querySelector('.chip').click()")
    chosen = page.run(drawn)
    assert 0 < chosen < 16384 and page.run(listed) == chosen, chosen
    assert page.run("Boolean(document.querySelector('.slot.other'))"), "the others are still to be seen"
    assert page.run("document.querySelector('.chip').getAttribute('aria-pressed')") == "true"


def check_charts(world):
    page, person = world.open()
    node = world.nodes[0]
    node.ask("PUT", "/v1/kv/default/charted", {"value": 1})

    def drawn():
        node.ask("GET", "/v1/kv/default/charted")
        figures = page.run("[...document.querySelectorAll('.chart output')].map((node) => node.textContent)")
        return figures[0] != "0/s" and "–" not in (figures[0], figures[2], figures[3], figures[4])
    # The page takes two readings, some seconds apart, before it can say how fast anything is.
    ends_at = time.monotonic() + CHARTS_WITHIN_S
    while not drawn():
        assert time.monotonic() < ends_at, "the charts show no traffic"
        time.sleep(0.05)
    page.wait("document.querySelector('.chart .line').getAttribute('d').includes('L')", "a line")
    node.ask("DELETE", "/v1/kv/default/charted")


def check_narrow_and_zoomed(world):
    page, person = world.open()
    person.sees("3/3")
    # 320 CSS pixels, and 1,280 at 200 % zoom.
    for width, scale in [(320, 1), (640, 2)]:
        page.size(width, 800, scale)
        for view in VIEWS:
            person.goes_to(view)
            found = page.run("document.documentElement.scrollWidth")
            assert found <= width, f"{view} is {found} wide at {width}"


def check_themes(world):
    page, person = world.open()
    colour = "getComputedStyle(document.body).backgroundColor"
    page.media(prefers_color_scheme="light")
    light = page.run(colour)
    page.media(prefers_color_scheme="dark")
    dark = page.run(colour)
    assert light != dark, light
    person.clicks("Theme: System")
    person.sees("Theme: Light")
    assert page.run(colour) == light
    page.go(world.nodes[0].console)
    person.sees("Theme: Light")
    assert page.run(colour) == light, "the theme is kept"
    person.clicks("Theme: Light")
    page.media(prefers_color_scheme="light")
    assert page.run(colour) == dark
    person.clicks("Theme: Dark")
    moves = "getComputedStyle(document.querySelector('.bar > span')).transitionDuration"
    assert page.run(moves) != "0s"
    page.media(prefers_reduced_motion="reduce")
    assert page.run(moves) == "0s", "nothing moves for those who want that"


def screenshots(world):
    """Pictures for the docs: name and PNG."""
    page, person = world.open()
    page.size(1200, 860)
    node = world.nodes[0]
    operations = [{"op": "set", "key": f"user:{number}", "value": {"name": "Ann", "visits": number}, "ttl_ms": 3_600_000}
                  for number in range(40)]
    began = time.monotonic()
    while (passed := time.monotonic() - began) < SCREENSHOT_SECONDS:
        if int(passed) % 15 < 5:
            node.ask("POST", "/v1/batch", {"operations": operations})
        for number in range(20):
            node.ask("GET", f"/v1/kv/default/user:{number * 7 % (40 + int(passed) % 13)}")
    page.media(prefers_color_scheme="light")
    person.sees("3/3")
    yield "console-light.png", page.screenshot()
    page.media(prefers_color_scheme="dark")
    person.goes_to("groups/1")
    person.clicks("Transfer leader…")
    person.sees("Plan")
    yield "console-dark.png", page.screenshot()
