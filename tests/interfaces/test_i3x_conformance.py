"""What i3X 1.0 demands of a server that is read, check by check, under the ids of CESMII's conformance suite.

The suite itself is JavaScript in CESMII's repository; ``make i3x-suite`` runs a copy of it against the same server.
"""

import gzip
import json
import re

import pytest

from tests.fixtures.i3x import CLIENT, i3x_served

NOBODY = "labline-tests-no-such-element"
UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
JSON_TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


@pytest.fixture(scope="module")
def i3x(tmp_path_factory):
    with i3x_served(tmp_path_factory.mktemp("store")) as served:
        yield served


def conforms(schema, value):
    """Whether a value conforms to a JSON Schema of the kind that our types use."""
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = not kinds or any(
        (kind == "number" and number) or (kind == "integer" and number and value == int(value))
        or (kind in JSON_TYPES and isinstance(value, JSON_TYPES[kind]))
        for kind in kinds
    )  # fmt: skip
    if not fits or ("enum" in schema and value not in schema["enum"]):
        return False
    if isinstance(value, dict):
        properties, others = schema.get("properties", {}), schema.get("additionalProperties", True)
        if not set(schema.get("required", [])) <= value.keys():
            return False
        if any(not conforms(properties[key], item) for key, item in value.items() if key in properties):
            return False
        strange = [item for key, item in value.items() if key not in properties]
        return not strange or (
            others is True or (isinstance(others, dict) and all(conforms(others, i) for i in strange))
        )
    if isinstance(value, list):
        return all(conforms(schema.get("items", {}), item) for item in value)
    return True


def is_vqt(vqt):
    assert vqt["quality"] in {"Good", "GoodNoData", "Bad", "Uncertain"}
    assert UTC.fullmatch(vqt["timestamp"])
    assert (vqt["value"] is None) == (vqt["quality"] in {"Bad", "GoodNoData"})


def bulk(i3x, path, names, *, key="elementId", **more):
    """Ask for many; check envelope, order and size; return the results."""
    field = {"elementId": "elementIds", "subscriptionId": "subscriptionIds"}[key]
    status, document = i3x.post(path, {field: names, **more})
    assert status in {200, 206}, document
    results = document["results"]
    assert [item[key] for item in results] == names
    assert document["success"] is all(item["success"] for item in results)
    for item in results:
        if not item["success"]:
            assert item["responseDetail"].keys() == {"title", "status", "detail"}
            assert item["responseDetail"]["status"] == 404
    return results


def listed(i3x, path):
    status, document = i3x.get(path)
    assert (status, document["success"]) == (200, True)
    return document["result"]


# --- transport and what the server can do -----------------------------------------------------------------


def test_core_01_02_03_info_needs_no_token_and_declares_every_capability(i3x):
    status, document = i3x.get("info", token=None)
    assert (status, document["success"], document["result"]["specVersion"]) == (200, True, "1.0")
    assert document["result"]["capabilities"] == {
        "query": {"history": True}, "update": {"current": False, "history": False}, "subscribe": {"stream": False},
    }  # fmt: skip


def test_core_04_answers_are_compressed_where_the_client_takes_that(i3x):
    status, headers, body = i3x.raw("GET", "namespaces", headers={"accept-encoding": "gzip"})
    assert (status, headers["content-encoding"]) == (200, "gzip")
    assert json.loads(gzip.decompress(body))["success"] is True
    assert "content-encoding" not in i3x.raw("GET", "namespaces", headers={"accept-encoding": "gzip;q=0"})[1]


def test_core_06_all_else_needs_a_token(i3x):
    for method, path in (("GET", "namespaces"), ("GET", "objects"), ("POST", "objects/value"), ("GET", "nothing")):
        status, document = i3x.ask(method, path, {} if method == "POST" else None, token=None)
        assert (status, document["success"], document["responseDetail"]["status"]) == (401, False, 401)


# --- exploring --------------------------------------------------------------------------------------------


def test_exp_01_to_08_namespaces_and_object_types(i3x):
    uris = [namespace["uri"] for namespace in listed(i3x, "namespaces")]
    assert uris
    assert len(uris) == len(set(uris))
    types = listed(i3x, "objecttypes")
    assert all(kind["namespaceUri"] in uris and isinstance(kind["schema"], dict) for kind in types)
    assert all({"elementId", "displayName", "namespaceUri", "sourceTypeId"} <= kind.keys() for kind in types)
    assert listed(i3x, f"objecttypes?namespaceUri={types[0]['namespaceUri']}") == [
        kind for kind in types if kind["namespaceUri"] == types[0]["namespaceUri"]
    ]
    names = [kind["elementId"] for kind in types[:3]][::-1]
    assert [item["result"]["elementId"] for item in bulk(i3x, "objecttypes/query", names)] == names
    assert [item["success"] for item in bulk(i3x, "objecttypes/query", [names[0], NOBODY])] == [True, False]


def test_exp_09_to_11_relationship_types_are_symmetric(i3x):
    relations = {kind["elementId"]: kind for kind in listed(i3x, "relationshiptypes")}
    assert {"HasParent", "HasChildren", "HasComponent", "ComponentOf"} <= relations.keys()
    assert all(relations[kind["reverseOf"]]["reverseOf"] == name for name, kind in relations.items())
    assert [item["success"] for item in bulk(i3x, "relationshiptypes/query", ["HasParent", NOBODY])] == [True, False]


def test_exp_12_to_18_objects_have_types_unique_ids_and_roots(i3x):
    objects, types = listed(i3x, "objects"), {kind["elementId"] for kind in listed(i3x, "objecttypes")}
    names = [item["elementId"] for item in objects]
    assert len({*names, *types}) == len(names) + len(types)
    assert all(name == name.strip() and name.isprintable() for name in names)
    assert all(item["typeElementId"] in types and item["isExtended"] is False for item in objects)
    roots = listed(i3x, "objects?root=true")
    assert roots
    assert all(item["parentId"] is None for item in roots)
    kind = objects[-1]["typeElementId"]
    assert listed(i3x, f"objects?typeElementId={kind}") == [item for item in objects if item["typeElementId"] == kind]
    for item in listed(i3x, "objects?includeMetadata=true"):
        assert item["metadata"]["typeNamespaceUri"]
        assert item["metadata"]["sourceTypeId"] == item["typeElementId"]
    results = bulk(i3x, "objects/list", [*names[:2], NOBODY])
    assert [item["success"] for item in results] == [True, True, False]


def test_exp_19_to_22_relationships_lead_both_ways_and_to_every_parent(i3x):
    objects = {item["elementId"]: item for item in listed(i3x, "objects")}
    relations = {kind["elementId"]: kind["reverseOf"] for kind in listed(i3x, "relationshiptypes")}
    edges = {
        (item["elementId"], edge["sourceRelationship"], edge["object"]["elementId"])
        for item in bulk(i3x, "objects/related", list(objects)) for edge in item["result"]
    }  # fmt: skip
    assert all((other, relations[relation], one) in edges for one, relation, other in edges)
    for name, item in objects.items():
        assert item["parentId"] is None or (name, "HasParent", item["parentId"]) in edges
        assert item["isComposition"] is any((name, "HasComponent", other) in edges for other in objects)
    one, relation, _other = next(iter(edges))
    (filtered,) = bulk(i3x, "objects/related", [one], relationshipType=relation)
    assert {edge["sourceRelationship"] for edge in filtered["result"]} == {relation}


# --- values -----------------------------------------------------------------------------------------------


def test_qry_01_to_04_values_have_quality_and_time_and_conform_to_their_types(i3x):
    types = {kind["elementId"]: kind["schema"] for kind in listed(i3x, "objecttypes")}
    objects = {item["elementId"]: item for item in listed(i3x, "objects")}
    seen = set()
    for item in bulk(i3x, "objects/value", list(objects)):
        vqt, kind = item["result"], objects[item["elementId"]]["typeElementId"]
        is_vqt(vqt)
        assert vqt["isComposition"] is objects[item["elementId"]]["isComposition"]
        if vqt["value"] is not None:
            seen.add(kind)
            assert conforms(types[kind], vqt["value"]), (kind, vqt)
    assert seen == types.keys()
    assert [item["success"] for item in bulk(i3x, "objects/value", [next(iter(objects)), NOBODY])] == [True, False]


def test_qry_05_06_what_an_object_is_composed_of_comes_where_it_is_asked_for(i3x):
    composed = next(item["elementId"] for item in listed(i3x, "objects") if item["isComposition"])
    for depth in (0, 2, 2**62):
        (item,) = bulk(i3x, "objects/value", [composed], maxDepth=depth)
        assert item["result"]["components"]
        for vqt in item["result"]["components"].values():
            is_vqt(vqt)
    for more in ({}, {"maxDepth": 1}):
        (item,) = bulk(i3x, "objects/value", [composed], **more)
        assert "components" not in item["result"]


def test_qry_07_to_09_histories_lie_within_the_time_that_is_asked_for(i3x):
    names = [item["elementId"] for item in listed(i3x, "objects")]
    start, end = i3x.around()
    results = bulk(i3x, "objects/history", [*names, NOBODY], startTime=start, endTime=end)
    assert results[-1]["success"] is False
    points = 0
    for item in results[:-1]:
        times = [vqt["timestamp"] for vqt in item["result"]["values"]]
        assert times == sorted(times)
        for vqt in item["result"]["values"]:
            is_vqt(vqt)
            assert start <= vqt["timestamp"] <= end
            points += vqt["value"] is not None
    assert points >= 3


# --- writing: not offered ---------------------------------------------------------------------------------


def test_upd_05_nothing_can_be_written(i3x):
    for path in ("objects/value", "objects/history"):
        name = listed(i3x, "objects")[0]["elementId"]
        status, document = i3x.ask("PUT", path, {"updates": [{"elementId": name, "value": {"value": 1}}]})
        assert (status, document["success"], document["responseDetail"]["status"]) == (501, False, 501)


# --- following --------------------------------------------------------------------------------------------


def subscribed(i3x, client=CLIENT):
    status, document = i3x.post("subscriptions", {"clientId": client, "displayName": "test"})
    assert status == 200
    return {"clientId": client, "subscriptionId": document["result"]["subscriptionId"]}


def end(i3x, own):
    return bulk(i3x, "subscriptions/delete", [own["subscriptionId"]], key="subscriptionId", clientId=own["clientId"])


def test_sub_01_02_15_16_a_subscription_is_its_clients_own(i3x):
    own = subscribed(i3x)
    (item,) = bulk(i3x, "subscriptions/list", [own["subscriptionId"]], key="subscriptionId", clientId=CLIENT)
    assert item["result"]["monitoredObjects"] == []
    for path, body in (("subscriptions", {}), ("subscriptions/sync", {"subscriptionId": own["subscriptionId"]})):
        status, document = i3x.post(path, body)
        assert (status, document["success"], document["responseDetail"]["status"]) == (400, False, 400)
    status, _document = i3x.post("subscriptions/sync", {**own, "clientId": "another"})
    assert status == 404
    (item,) = bulk(i3x, "subscriptions/list", [own["subscriptionId"]], key="subscriptionId", clientId="another")
    assert item["success"] is False
    status, _document = i3x.post("subscriptions/sync", own, token=i3x.other_token)
    assert status == 404
    end(i3x, own)


def test_sub_03_to_08_13_changes_come_until_they_are_acknowledged(i3x):
    own, names = subscribed(i3x), [item["elementId"] for item in listed(i3x, "objects")][:3]
    assert all(item["success"] for item in bulk(i3x, "subscriptions/register", names, **own))
    assert all(item["success"] for item in bulk(i3x, "subscriptions/register", names[:1], **own))
    assert [item["success"] for item in bulk(i3x, "subscriptions/register", [names[0], NOBODY], **own)] == [True, False]

    def synced(**more):
        status, document = i3x.post("subscriptions/sync", {**own, **more})
        assert (status, document["success"]) == (200, True)
        return document["result"]

    (first,) = synced()
    assert first["sequenceNumber"] == 1
    assert {update["elementId"] for update in first["updates"]} == set(names)
    for update in first["updates"]:
        is_vqt(update)
    assert synced() == [first]
    assert synced(lastSequenceNumber="x") == [first]
    assert synced(lastSequenceNumber=1) == []
    i3x.move()
    tag = next(item["elementId"] for item in listed(i3x, "objects") if item["displayName"] == "temperature")
    bulk(i3x, "subscriptions/register", [tag], **own)
    again = synced()
    assert [batch["sequenceNumber"] for batch in again] == [2]
    assert synced(lastSequenceNumber=-1) == []
    results = bulk(i3x, "subscriptions/unregister", [names[0], NOBODY], **own)
    assert [item["success"] for item in results] == [True, False]
    end(i3x, own)


def test_sub_10_to_12_what_has_ended_is_not_there_and_streams_are_not_offered(i3x):
    own = subscribed(i3x)
    status, document = i3x.post("subscriptions/stream", own)
    assert (status, document["responseDetail"]["status"]) == (501, 501)
    assert [item["success"] for item in end(i3x, own)] == [True]
    status, document = i3x.post("subscriptions/sync", own)
    assert (status, document["success"], document["responseDetail"]["status"]) == (404, False, 404)
    assert [item["success"] for item in end(i3x, own)] == [False]
