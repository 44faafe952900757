"""Whether those who use a keyboard or a screen reader can use the page, and whether the policy holds what it says."""

import json

from looks import VIEWS

# Roles that somebody acts on; each needs a name.
ACTING = {"button", "link", "textbox", "combobox", "searchbox", "spinbutton", "checkbox"}


# What is asked of axe-core: everything where the page is light, and where it is dark what colours can change.
EVERYTHING = {"resultTypes": ["violations"],
              "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
COLOURS = {"resultTypes": ["violations"], "runOnly": ["color-contrast", "link-in-text-block"]}
THEMES = {"light": EVERYTHING, "dark": COLOURS}


def judge(world, page, where, wanted):
    """axe-core's verdict, and names of everything one acts on."""
    nodes = page.ask("Accessibility.getFullAXTree")["nodes"]
    nameless = [node["role"]["value"] for node in nodes if not node.get("ignored")
                and node.get("role", {}).get("value") in ACTING and not node.get("name", {}).get("value")]
    assert not nameless, f"{where}: without a name: {nameless}"
    if not world.axe:
        return
    apart = page.world()  # axe does what the page's policy forbids.
    if not page.run("Boolean(window.axe)", apart):
        page.run(world.axe + ";0", apart)
    found = page.run(f"axe.run(document, {json.dumps(wanted)}).then(({{ violations }}) => JSON.stringify(violations.map("
                     "({ id, nodes }) => [id, nodes.map((node) => node.html + ' ' + node.failureSummary)])))", apart)
    assert not json.loads(found), f"{where}: {found}"


def check_accessible_views(world):
    page, person = world.open()
    world.nodes[0].ask("PUT", "/v1/kv/default/seen", {"value": "x", "ttl_ms": 600000})
    person.sees("3/3")
    for theme, wanted in THEMES.items():
        page.media(prefers_color_scheme=theme)
        for view in VIEWS:
            person.goes_to(view)
            if view == "keys":
                person.clicks("Scan")
                person.sees("seen")
            judge(world, page, f"{view}, {theme}", wanted)


def check_accessible_dialogs(world):
    page, person = world.open(view="keys")
    world.nodes[0].ask("PUT", "/v1/kv/default/seen", {"value": "x", "ttl_ms": 600000})
    for theme, wanted in THEMES.items():
        page.media(prefers_color_scheme=theme)
        person.goes_to("keys")
        person.clicks("Scan")
        person.clicks("seen")
        person.sees("Media type")
        judge(world, page, f"an entry, {theme}", wanted)
        person.clicks("Delete…")
        judge(world, page, f"deleting, {theme}", wanted)
        person.clicks("Cancel")
        person.clicks("Close")
        person.goes_to("groups/1")
        person.clicks("Remove voter…")
        judge(world, page, f"removing a voter, {theme}", wanted)
        person.clicks("Cancel")
    world.nodes[0].ask("DELETE", "/v1/kv/default/seen")


def check_keyboard_alone(world):
    page, person = world.open()
    person.sees("3/3")
    page.press("Tab")
    assert person.focus() == "Skip to content", person.focus()
    page.press("Enter")
    assert page.run("document.activeElement.id") == "main"
    page.run("document.activeElement.blur()")
    person.tabs_to("Groups")
    page.press("Enter")
    page.wait("document.activeElement.id === 'h-groups'", "the heading to have the focus")
    world.nodes[0].leads(1)
    person.waits_for_row("Groups", "1", lambda cells: cells[1] == "node 1", "led by node 1")
    person.tabs_to("Group 1")
    page.press("Enter")
    person.tabs_to("Transfer leader…")
    outline = page.run("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none", "the focus is to be seen"
    page.press("Enter")
    page.wait("document.activeElement.tagName === 'SELECT'", "the choice to have the focus")
    reached = set()
    for _ in range(8):
        page.press("Tab")
        reached.add(page.run("!document.activeElement || document.activeElement === document.body"
                             " || document.activeElement.closest('dialog') !== null"))
    assert reached == {True}, "the focus left the dialog"
    page.press("Escape")
    page.wait("!document.querySelector('dialog')", "the dialog to close")
    assert person.focus() == "Transfer leader…", person.focus()
    page.press("Enter")
    person.tabs_to("Let node 2 lead")
    page.press("Enter")
    person.sees("✓ Done.")
    assert person.focus() == "Close"
    page.press("Enter")
    person.waits_for_row("Groups", "1", lambda cells: cells[1] == "node 2", "led by node 2")
    page.wait("document.getElementById('announcer').textContent.includes('Node 2 leads group 1 now')", "to hear of it")


def check_policy_holds(world):
    """Also shows that the other checks would see a page that breaks its policy."""
    page, person = world.open()
    person.sees("3/3")
    for words in ("document.body.insertAdjacentHTML('beforeend', '<b>x</b>')", "document.body.setAttribute('onclick', '1')"):
        try:
            page.run(words)
        except RuntimeError as refused:
            assert "Trusted" in str(refused), refused
        else:
            raise AssertionError(f"text was taken for code: {words}")
    page.run("(() => { const image = document.createElement('img'); image.src = 'https://example.org/x.png';"
             " document.body.append(image); })()")
    page.run("fetch('http://example.org/').catch(() => 0)")
    text = " ".join(page.faults)
    for directive in ("require-trusted-types-for", "img-src", "connect-src"):
        assert directive in text, f"{directive} was not reported: {page.faults}"
    page.faults.clear()
