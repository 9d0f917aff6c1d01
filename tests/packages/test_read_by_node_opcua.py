"""The gateway's own OPC UA server, read by node-opcua on a channel that is signed and encrypted."""

from gateway.transport.opcua_server.wire import namespace_of
from tests.fixtures.node import node
from tests.fixtures.opcua_served import PASSWORD, SECURE, make_identity, opcua_served, users


def test_node_opcua_reads_predictions_dispositions_and_guidance_and_cannot_write(tmp_path):
    own = make_identity(tmp_path / "own", "labline")
    with opcua_served(
        tmp_path, securities=(SECURE,), certificate=str(own.certificate), private_key=own.key.read_text(),
        application_uri=own.uri, users=users(),
    ) as served:  # fmt: skip
        name = served.line.path.rsplit("/", 1)[-1]
        seen = node("read_labline.js", served.url, name, namespace_of(served.line.path), "scada", PASSWORD,
                    tmp_path / "pki")  # fmt: skip
    assert seen["names"] == ["R1.viscosity"]
    assert (seen["value"]["status"], seen["notified"]["status"]) == ("Good", "Good")
    assert seen["notified"]["value"] == seen["value"]["value"] > seen["low"]["value"]
    assert seen["value"]["at"] == seen["low"]["at"]
    assert (seen["range"]["low"], seen["range"]["high"]) == (0, 300)
    assert (seen["unit"]["displayName"]["text"], seen["unit"]["unitId"]) == ("mPa.s", int.from_bytes(b"C24", "big"))
    assert (seen["probability"]["value"], seen["probability"]["status"]) == (None, "BadNotSupported")
    assert (seen["lot"]["value"], seen["lot"]["status"]) == ("hold", "Good")
    assert {text["locale"] for text in seen["action"]} == {"de", "en"}
    assert "BadUserAccessDenied" in seen["written"]
