"""Keys through the page: set, look at, change, delete, in every notation, and with names that would like to be code."""

import base64

HOSTILE = ['<img src=x onerror=window.owned=1>', '"><script>window.owned=1</script>', "javascript:window.owned=1",
           "a/../b//c?d#e%41", "{{7*7}}${7*7}", "\u202ereversed"]


def create(person, key, value, seconds=""):
    person.clicks("New key…")
    person.fills("Key", key)
    person.fills("Value", value)
    if seconds:
        person.fills("Expires after", seconds)
    person.clicks("Create")


def scan(person, prefix):
    person.goes_to("keys")
    person.fills("Key or prefix", prefix)
    person.clicks("Scan")


def check_key_life(world):
    page, person = world.open(view="keys")
    world.nodes[1].ask("DELETE", "/v1/kv/default/life%3A1")
    scan(person, "life:")
    person.sees("0 keys, all there are.")
    create(person, "life:1", '{"a":1}', "90")
    cells = person.waits_for_row("Keys", "life:1", lambda cells: cells[4].endswith(" s"), "counting seconds")
    first = cells[3]
    person.waits_for_row("Keys", "life:1", lambda now: now[4] != cells[4], "counting down")
    status, entry = world.nodes[1].ask("GET", "/v1/kv/default/life%3A1")
    assert (status, entry["value"]) == (200, '{"a":1}') and 80_000 < entry["expires_in_ms"] <= 90_000, entry

    person.clicks("life:1")
    assert person.reads("Value") == '{"a":1}'
    person.chooses("Notation", "json")
    person.fills("Value", '{"big":12345678901234567890}')
    person.fills("Expires after", "")
    person.clicks("Save")
    page.wait("document.querySelector('dialog dd').textContent !== " + repr(first), "another version")
    assert person.reads("Value") == '{"big":12345678901234567890}', "digits are lost"
    cells = person.waits_for_row("Keys", "life:1", lambda cells: cells[4] == "never", "never expiring")
    person.clicks("Close")
    assert person.focus() == "life:1", "the focus comes back to the row"
    assert cells[2] == '{"big":12345678901234567890}' and int(cells[3]) > int(first), cells
    assert "12345678901234567890" in world.nodes[2].ask("GET", "/v1/raw/default/life%3A1")[1].__str__()

    person.clicks("life:1")
    person.clicks("Delete…")
    person.sees("Delete this key?")
    person.clicks("Delete the key")
    person.sees("0 keys, all there are.")
    assert person.focus() == "Keys", "the row is gone; the focus stays in the view"
    assert world.nodes[1].ask("GET", "/v1/kv/default/life%3A1")[0] == 404
    person.fills("Key or prefix", "life:1")
    person.clicks("Open this key")
    person.sees("No such key")
    world.nodes[1].ask("PUT", "/v1/kv/default/life%3A1", {"value": "back"})
    person.clicks("Try again")
    assert person.reads("Value") == "back"
    world.nodes[1].ask("DELETE", "/v1/kv/default/life%3A1")


def check_key_conflicts(world):
    page, person = world.open(view="keys")
    world.nodes[1].ask("PUT", "/v1/kv/default/busy", {"value": "old"})
    scan(person, "busy")
    person.clicks("busy")
    assert person.reads("Value") == "old"
    world.nodes[1].ask("PUT", "/v1/kv/default/busy", {"value": "theirs"})
    person.fills("Value", "mine")
    person.clicks("Save")
    person.sees("The condition did not hold")
    person.sees("Nothing was changed.")
    assert world.nodes[1].ask("GET", "/v1/kv/default/busy")[1]["value"] == "theirs"
    person.clicks("Read again")
    page.wait("document.querySelector('dialog textarea').value === 'theirs'")
    person.clicks("Close")
    create(person, "busy", "again")
    person.sees("The condition did not hold")
    person.fills("Value", "mine")
    person.fills("Expires after", "0")
    person.clicks("Create")
    person.sees("a whole number from 1")
    person.clicks("Cancel")
    assert world.nodes[1].ask("DELETE", "/v1/kv/default/busy")[1]["deleted"]


def check_bytes(world):
    page, person = world.open(view="keys")
    raw = bytes(range(256))
    world.nodes[0].ask("PUT", "/v1/kv/default/bin%2F%ff%00", {"value_b64": base64.b64encode(raw).decode()})
    scan(person, "bin/")
    person.clicks("base64:YmluL/8A")
    assert base64.b64decode(person.reads("Value")) == raw
    person.chooses("Notation", "text")
    person.sees("These bytes are no UTF-8 text")
    person.chooses("Notation", "hex")
    assert bytes.fromhex(person.reads("Value")) == raw
    person.fills("Value", "00 ff 80")
    person.clicks("Save")
    page.wait("document.querySelector('dialog dl').innerText.includes('3 B')", "three bytes")
    assert world.nodes[1].ask("GET", "/v1/raw/default/bin%2F%ff%00")[1] == b"\x00\xff\x80"
    world.nodes[0].ask("DELETE", "/v1/kv/default/bin%2F%ff%00")


def check_line_ends(world):
    """A text area would make other bytes of these; only what is edited may change."""
    page, person = world.open(view="keys")
    world.nodes[0].ask("PUT", "/v1/kv/default/dos", {"value": "a\r\nb"})
    scan(person, "dos")
    person.clicks("dos")
    assert base64.b64decode(person.reads("Value")) == b"a\r\nb"
    person.fills("Expires after", "600")
    person.clicks("Save")
    page.wait("!document.querySelector('dialog dl').innerText.includes('never')", "a time to live")
    status, entry = world.nodes[1].ask("GET", "/v1/kv/default/dos")
    assert (status, entry["value"]) == (200, "a\r\nb") and entry["expires_in_ms"] > 500_000, entry
    world.nodes[0].ask("DELETE", "/v1/kv/default/dos")


def check_pages_of_keys(world):
    page, person = world.open(view="keys")

    def each(op, **more):
        operations = [{"op": op, "key": f"many:{number}", **more} for number in range(120)]
        assert world.nodes[0].ask("POST", "/v1/batch", {"operations": operations})[0] == 200
    each("set", value=1)
    scan(person, "many:")
    for wanted in ("50 keys so far", "100 keys so far"):
        person.sees(wanted)
        person.clicks("Next 50 keys")
    person.sees("120 keys, all there are.")
    shown = page.run("new Set([...document.querySelectorAll('.key-name')].map((node) => node.textContent)).size")
    assert shown == 120, shown
    each("delete")


def check_hostile_names(world):
    """The zone of every node is hostile too; see `run`."""
    page, person = world.open()
    person.sees('"><img/src=x/onerror=document.title="owned">')
    for key in HOSTILE:
        person.goes_to("keys")
        create(person, f"evil:{key}", key)
        page.wait("!document.querySelector('dialog')", f"{key!r} to be created")
    scan(person, "evil:")
    person.sees(f"{len(HOSTILE)} keys, all there are.")
    for key in HOSTILE:
        person.clicks(f"evil:{key}")
        page.wait("Boolean(document.querySelector('dialog textarea'))", f"the entry {key!r}")
        person.clicks("Delete…")
        person.clicks("Delete the key")
        page.wait("!document.querySelector('dialog')", "the dialogs to close")
    person.sees("0 keys, all there are.")
    assert page.run("window.owned === undefined && !document.title.includes('owned')")
    assert page.run("document.querySelectorAll('main img, main script, dialog script').length") == 0


def check_dots(world):
    """Browsers take these keys for steps of a path; the page says so instead of asking for something else."""
    page, person = world.open(view="keys")
    world.nodes[0].ask("POST", "/v1/batch", {"operations": [{"op": "set", "key": "..", "value": "up"}]})
    scan(person, "..")
    person.clicks("..")
    person.sees("No browser can address the keys")
    person.clicks("Close")
    world.nodes[0].ask("POST", "/v1/batch", {"operations": [{"op": "delete", "key": ".."}]})
