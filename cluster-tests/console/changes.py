"""Changes of the cluster through the page: each says its plan, and shows how it goes."""


def check_voter_leaves_and_returns(world):
    page, person = world.open(view="groups/3")
    world.nodes[2].leads(3)
    person.waits_for_row("Groups", "3", lambda cells: cells[1] == "node 3", "led by node 3")
    person.clicks("Remove voter…")
    person.chooses("Node", "3")
    person.sees("It leads the group now, so another voter will lead.")
    person.sees("A quorum is 2 of 2 voters afterwards (now 2 of 3); no voter may fail")
    person.clicks("Remove node 3")
    person.sees("✓ remove-voter")
    person.clicks("Close")
    person.waits_for_row("Groups", "3", lambda cells: cells[3] == "1, 2" and cells[1] != "node 3", "voters 1 and 2")

    person.clicks("Add voter…")
    person.sees("Node 3 becomes a learner of group 3")
    person.clicks("Add node 3")
    person.sees("✓ add-voter")
    person.clicks("Close")
    person.waits_for_row("Groups", "3", lambda cells: cells[3] == "1, 2, 3", "three voters again")
    person.clicks("Add voter…")
    person.sees("Every node is a voter already.")
    person.clicks("Close")

    person.goes_to("operations")
    cells = person.waits_for_row("Operations", "add-voter", lambda cells: "done" in cells[2], "done")
    assert cells[1] == "group 3, node 3", cells
    person.goes_to("overview")
    person.sees("The voters of group 3 are 1, 2 and 3 now")


def check_snapshot(world):
    page, person = world.open(view="groups/1")
    world.nodes[0].ask("PUT", "/v1/kv/default/snapped", {"value": 1})
    person.clicks("Take snapshot…")
    person.sees("writes its state to disk now")
    person.clicks("Take the snapshot")
    person.sees("✓ Done.")
    person.clicks("Close")
    world.nodes[0].ask("DELETE", "/v1/kv/default/snapped")


def check_refusals_are_shown(world):
    """A node whose id is unknown cannot leave; the page says what the cluster says, and that nothing was changed."""
    page, person = world.open()
    person.clicks("Remove node 3 from the cluster…")
    person.sees("is taken out of")
    person.sees("Its id is never used again")
    page.run("window.fetch = ((real) => (path, options) => real(path.replace('members/3', 'members/99'), options))(window.fetch)")
    person.clicks("Remove node 3")
    person.sees("No such node")
    person.sees("Nothing was changed. It is safe to try again.")
    person.clicks("Close")
    assert len(world.nodes[0].ask("GET", "/v1/cluster/members")[1]["members"]) == 3
