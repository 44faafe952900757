"""What is generated, made fit: for what OpenAPI cannot say, and so that the cluster under test lives on."""

import schemathesis

# The nodes of the cluster under test, and an id that none has.
NODES, NOBODY = {1, 2, 3}, 4_000_000_000
REMOVALS = {
    "/v1/cluster/members/{node}",
    "/v1/cluster/groups/{group}/voters/{node}",
    "/v1/cluster/groups/{group}/learners/{node}",
}


@schemathesis.hook
def before_call(context, case, kwargs):
    together(case)
    spare(case)
    textual(case)
    case.body = whole(case.body)


def together(case):
    """Parameters that exclude or need each other, which OpenAPI cannot say; the server's own tests look at them."""
    query, headers = case.query or {}, case.headers or {}
    if query.get("consistency") != "local":
        query.pop("max_staleness", None)
    if "If-Match" in headers:
        headers.pop("If-None-Match", None)


def textual(case):
    """Headers are text, also those whose value is taken from an earlier answer."""
    for name, value in list((case.headers or {}).items()):
        if not isinstance(value, (str, bytes)):
            case.headers[name] = str(value)


def spare(case):
    """No node of the cluster under test is taken out of it: members.sh does that, once, and puts it back."""
    path = case.operation.path
    if case.method == "DELETE" and path in REMOVALS and as_number(case.path_parameters.get("node")) in NODES:
        case.path_parameters["node"] = NOBODY
    # Nodes that do not exist would count as members that are down.
    if case.method == "POST" and path == "/v1/cluster/members" and isinstance(case.body, dict):
        if as_number(case.body.get("id")) not in NODES | {None, 0}:
            case.body["id"] = 1


def whole(value):
    """Integers without a fraction: to JSON Schema 4.0 is one as well, but ids and versions do not survive floats."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [whole(item) for item in value]
    if isinstance(value, dict):
        return {name: item if name == "value" else whole(item) for name, item in value.items()}
    return value


def as_number(value):
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None
