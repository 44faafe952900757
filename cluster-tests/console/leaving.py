"""The last check: a node leaves for good."""


def check_member_leaves(world):
    page, person = world.open()
    world.nodes[2].leads(3)
    person.waits_for_row("Nodes", "3", lambda cells: "3" in cells[4].split(", "), "leading group 3")
    person.clicks("Remove node 3 from the cluster…")
    person.sees("Node 3 is taken out of the meta group (0), group 1, group 2 and group 3, one after the other.")
    person.sees("Its id is never used again")
    person.clicks("Remove node 3")
    person.sees("✓ remove-member")
    person.clicks("Close")
    person.sees("2/2")
    person.sees("all have a leader")
    page.wait("document.querySelector('.history').textContent.includes('Node 3 left the cluster.')", "it in the history")
    assert person.row("Nodes", "3") is None
    person.goes_to("operations")
    person.waits_for_row("Operations", "remove-member", lambda cells: cells[1] == "node 3" and "done" in cells[2], "done")
