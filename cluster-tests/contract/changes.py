"""Voters, learners and members leave and come back; every answer is as described. Usage: changes.py URL-OF-OPENAPI-JSON"""

import sys

import requests
import schemathesis

URL = sys.argv[1]
BASE = URL.removesuffix("/v1/openapi.json")
# The group, and the node that leaves it and comes back. The asked node is another.
GROUP, NODE = "/v1/cluster/groups/2", 3
# Longest a request may wait, s; the server gives up before.
PATIENCE = 60

described = schemathesis.openapi.from_url(URL)


def call(method, path, *, status, at=None, **request):
    """Sends one request, checks its answer against the description of the path `at`, and returns it."""
    response = requests.request(method, BASE + path, timeout=PATIENCE, **request)
    assert response.status_code == status, (method, path, response.status_code, response.text)
    described[at or path][method].validate_response(response)
    return response.json()


def group(call_name, method, *, status, node=None, wait=True, body=None):
    """A change of the group; with a node in the path when one is given."""
    path = f"{GROUP}/{call_name}" + (f"/{node}" if node else "")
    at = f"/v1/cluster/groups/{{group}}/{call_name}" + ("/{node}" if node else "")
    return call(method, path, at=at, status=status, json=body, params={"wait": "30s"} if wait else None)


def voters():
    view = call("GET", GROUP, at="/v1/cluster/groups/{group}", status=200)
    return sorted(view["voters"]), view["learners"]


assert voters() == ([1, 2, 3], []), voters()
group("leader", "PUT", status=200, wait=False, body={"node": 1})
group("voters", "DELETE", status=200, node=NODE)
assert voters() == ([1, 2], []), voters()
group("learners", "POST", status=200, body={"node": NODE})
assert voters() == ([1, 2], [NODE]), voters()
group("learners", "DELETE", status=200, node=NODE)
begun = group("voters", "POST", status=202, wait=False, body={"node": NODE})
call("GET", f"/v1/operations/{begun['id']}", at="/v1/operations/{id}", status=200)
while call("GET", f"/v1/operations/{begun['id']}", at="/v1/operations/{id}", status=200)["state"] == "running":
    pass
assert voters() == ([1, 2, NODE], []), voters()
group("leader", "PUT", status=200, wait=False, body={"node": NODE})
group("snapshot", "POST", status=200, wait=False)

# A member that is admitted and never starts; it leaves for good.
newcomer = {"id": 4, "http": "127.0.0.1:1", "peer": "127.0.0.1:2", "zone": "b"}
call("POST", "/v1/cluster/members", status=200, json=newcomer)
assert 4 in [node["id"] for node in call("GET", "/v1/cluster/members", status=200)["members"]]
call("DELETE", "/v1/cluster/members/4", at="/v1/cluster/members/{node}", status=200, params={"wait": "30s"})
call("POST", "/v1/cluster/members", status=409, json=newcomer)
print("voters, learners, leader, snapshot and members: changed and back, every answer as described")
