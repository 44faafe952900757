"""What the page does while nodes die and come back, and where a token is wanted. It is never loaded again meanwhile."""

import guard

MARK = "window.marked = true"
TOKEN = "qrt_test_secret"


def check_leader_dies(world):
    page, person = world.open()
    victim = world.nodes[1]
    victim.leads(2)
    person.waits_for_row("Nodes", "2", lambda cells: "2" in cells[4].split(", "), "leading group 2")
    page.run(MARK)
    victim.kill()
    person.waits_for_row("Nodes", "2", lambda cells: "down" in cells[1], "down")
    person.sees("1 not answering")
    person.sees("▲ 1 node down")
    page.wait("document.querySelector('.history').textContent.includes('Node 2 does not answer.')", "it in the history")
    person.goes_to("groups")
    cells = person.waits_for_row("Groups", "2", lambda cells: cells[1] in ("node 1", "node 3"), "led by another")
    person.goes_to("overview")
    page.wait(f"document.querySelector('.history').textContent.includes('{cells[1].capitalize()} leads group 2 now')",
              "the new leader in the history")
    victim.revive()
    person.waits_for_row("Nodes", "2", lambda cells: "active" in cells[1], "active again")
    person.sees("all answer")
    assert page.run("window.marked"), "the page was loaded again"


def check_serving_node_dies(world):
    page, person = world.open()
    first, second, _ = world.nodes
    person.sees("3/3")
    page.run(MARK)
    first.kill()
    person.sees("This node (1) does not answer")
    person.sees("node 1: ▲ no answer")
    links = page.run("[...document.querySelectorAll('#banner a')].map((link) => link.href)")
    members = second.ask("GET", "/v1/cluster/members")[1]["members"]
    assert links == [f"http://{member['http']}/console" for member in members if member["id"] != 1], links
    page.wait("document.getElementById('announcer').textContent.includes('This node does not answer.')", "to hear of it")
    person.goes_to("keys")
    person.clicks("Scan")
    person.sees("The connection to the node failed")
    first.revive()
    page.wait("document.getElementById('banner').hidden", "the bar to go")
    person.clicks("Scan")
    person.sees("all there are.")
    person.goes_to("overview")
    person.sees("This node answers again.")
    assert page.run("window.marked"), "the page was loaded again"
    second_page, second_person = world.open(second.console)
    second_person.sees("node 2")


def check_token(world):
    server = guard.start(world.nodes[0].port, token=TOKEN)
    url = f"http://127.0.0.1:{server.server_port}/console"
    page, person = world.open(url)
    person.sees("This node answers only those who have a token.")
    # Nothing is asked while nobody answers: a node may count refusals.
    page.run("new Promise((wake) => setTimeout(wake, 4000))")
    assert server.refused <= 8, f"{server.refused} requests without a token"
    person.fills("Bearer token", "wrong")
    person.clicks("Use this token")
    person.sees("The node refused that token.")
    person.fills("Bearer token", TOKEN)
    person.clicks("Use this token")
    person.sees("3/3")
    page.wait("document.getElementById('banner').hidden", "the bar to go")
    page.go(url)
    person.sees("3/3")
    kept = page.run("JSON.stringify([location.href, document.cookie, Object.values(localStorage)])")
    assert TOKEN not in kept and TOKEN not in page.run("document.documentElement.outerHTML"), kept
    person.clicks("Token…")
    person.clicks("Forget it")
    person.sees("This node answers only those who have a token.")
    person.clicks("Cancel")
    person.clicks("Enter a token")
    server.shutdown()
