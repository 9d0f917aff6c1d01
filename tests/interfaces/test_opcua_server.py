"""The gateway's own OPC UA server, read over real sockets: what it shows, to whom, and that nothing can be changed."""

import asyncio
import struct
from contextlib import suppress

import pytest
from asyncua import Client, ua
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256

from gateway.store.database import open_state
from gateway.time_units import SECOND_NS
from gateway.transport.opcua_rejected import OWN_SERVER, rejected_in
from gateway.transport.opcua_server.wire import Limits, namespace_of
from tests.fixtures.opcua_served import PASSWORD, SECURE, make_identity, opcua_served, users

LIMITS = Limits(connections=12, sessions=6, subscriptions_of_session=2, items_of_session=50, nodes_of_request=40,
                activation_seconds=2.0)  # fmt: skip


@pytest.fixture(scope="module")
def identities(tmp_path_factory):
    """The server, an application that is trusted, one that is not, and a user with a certificate."""
    folder = tmp_path_factory.mktemp("identities")
    return {name: make_identity(folder, name) for name in ("labline", "scada", "stranger", "person")}


@pytest.fixture(scope="module")
def served(tmp_path_factory, identities):
    """One server for all of these tests: secured, and open on a second endpoint for who signs in."""
    directory = tmp_path_factory.mktemp("store")
    for folder, name in (("clients", "scada"), ("people", "person")):
        (directory / folder).mkdir()
        (directory / folder / f"{name}.der").write_bytes(identities[name].der)
    own = identities["labline"]
    with opcua_served(
        directory, securities=("None", SECURE), certificate=str(own.certificate), private_key=own.key.read_text(),
        application_uri=own.uri, users=users(), clients=str(directory / "clients"),
        user_certificates=str(directory / "people"), limits=LIMITS,
    ) as at_work:  # fmt: skip
        assert at_work.conditions == {"OPCUA_SERVER_UNAVAILABLE": False}
        yield at_work


def client(served, *, user="scada", password=PASSWORD):
    made = Client(served.url, timeout=60)
    if user is not None:
        made.set_user(user)
        made.set_password(password)
    return made


async def secured(served, identity, server, **signing_in):
    made = client(served, **signing_in)
    made.application_uri = identity.uri
    await made.set_security(SecurityPolicyBasic256Sha256, str(identity.certificate), str(identity.key),
                            server_certificate=str(server.certificate))  # fmt: skip
    return made


async def node(connected, served, path):
    namespace = await connected.get_namespace_index(namespace_of(served.line.path))
    return connected.get_node(ua.NodeId(f"{served.line.path.rsplit('/', 1)[-1]}/{path}", namespace))


async def data(connected, served, path):
    return await (await node(connected, served, path)).read_data_value(raise_on_bad_status=False)


async def until(connected, served, path, wanted):
    """Return a variable's data once they are as wanted."""
    async with asyncio.timeout(60):
        while True:
            seen = await data(connected, served, path)
            if wanted(seen):
                return seen
            await asyncio.sleep(0.1)


def is_good(seen):
    return seen.StatusCode.is_good()


def of_status(status):
    return lambda seen: seen.StatusCode.value == status


PREDICTED = "Predictions/R1.viscosity"


async def test_predictions_have_value_interval_unit_range_limits_source_time_and_model(served):
    async with client(served) as connected:
        value = await until(connected, served, f"{PREDICTED}/SensorValue", is_good)
        low = await data(connected, served, f"{PREDICTED}/IntervalLow")
        high = await data(connected, served, f"{PREDICTED}/IntervalHigh")
        assert low.Value.Value < value.Value.Value < high.Value.Value
        assert low.SourceTimestamp == value.SourceTimestamp
        assert abs(value.SourceTimestamp.timestamp() - served.clock.wall_ns / SECOND_NS) < 3600
        unit = (await data(connected, served, f"{PREDICTED}/SensorValue/EngineeringUnits")).Value.Value
        assert (unit.DisplayName.Text, unit.UnitId) == ("mPa.s", int.from_bytes(b"C24", "big"))
        valid = (await data(connected, served, f"{PREDICTED}/SensorValue/EURange")).Value.Value
        assert (valid.Low, valid.High) == (0.0, 300.0)
        assert (await data(connected, served, f"{PREDICTED}/Trust")).Value.Value == "good"
        assert (await data(connected, served, f"{PREDICTED}/ModelVersion")).Value.Value == "1.0.0"
        assert (await data(connected, served, f"{PREDICTED}/ProbabilityOutOfSpecification")).Value.Value is None
        kind = await (await node(connected, served, f"{PREDICTED}/SensorValue")).read_type_definition()
        assert kind == ua.NodeId(17570)


async def test_dispositions_and_guidance_say_what_is_recommended_why_and_what_to_do_in_both_languages(served):
    async with client(served) as connected:
        await until(connected, served, "Dispositions/BAD/Recommendation", lambda seen: seen.Value.Value == "hold")
        reasons = (await data(connected, served, "Dispositions/BAD/ReasonTexts")).Value.Value
        assert reasons
        assert reasons[0].Locale == "en"
        assert "110" in reasons[0].Text
        names = (await data(connected, served, "Dispositions/Newest")).Value.Value
        assert {"BAD", "L/1", "L/2", "L/3"} <= set(names)
        assert is_good(await data(connected, served, "Dispositions/L%2F1/Recommendation"))
        ids = (await data(connected, served, "Guidance/Open")).Value.Value
        for guidance in ids:
            if (await data(connected, served, f"Guidance/{guidance}/Kind")).Value.Value == "hold":
                action = (await data(connected, served, f"Guidance/{guidance}/Action")).Value.Value
                said = {text.Locale: text.Text for text in action}
                assert said["en"] == "Keep lot BAD back."
                assert said["de"] != said["en"]
                assert "BAD" in said["de"]
                assert (await data(connected, served, f"Guidance/{guidance}/Priority")).Value.Value == 900
                break
        else:
            raise AssertionError(ids)


async def test_a_prediction_that_is_too_old_a_model_in_shadow_and_a_changed_row_are_bad_and_without_a_value(served):
    path = f"{PREDICTED}/SensorValue"
    async with client(served) as connected:
        await until(connected, served, path, is_good)
        served.clock.wall_ns += 4 * 3600 * SECOND_NS
        served.changed()
        stale = await until(connected, served, path, lambda seen: not is_good(seen))
        assert (stale.StatusCode.value, stale.Value.Value) == (ua.StatusCodes.BadNoData, None)
        served.clock.wall_ns -= 4 * 3600 * SECOND_NS
        served.health.latches = frozenset({"MODEL_DRIFT_VISCOSITY_VISCOSITY"})
        served.changed()
        shadow = await until(
            connected, served, path, lambda seen: seen.StatusCode.value == ua.StatusCodes.BadOutOfService
        )
        assert shadow.Value.Value is None
        assert (await data(connected, served, f"{PREDICTED}/Stage")).Value.Value == "shadow"
        served.health.latches = frozenset()
        connection = open_state(served.directory)
        kept = connection.execute("SELECT hash FROM prediction").fetchall()
        connection.execute("UPDATE prediction SET hash = 'x'")
        served.changed()
        damaged = await until(connected, served, path, of_status(ua.StatusCodes.BadDataLost))
        assert damaged.Value.Value is None
        assert len(kept) == 1
        connection.execute("UPDATE prediction SET hash = ?", kept[0])
        connection.close()
        served.changed()
        await until(connected, served, path, is_good)


async def test_nothing_can_be_written_called_added_or_registered(served, identities):
    async with client(served) as connected:
        value = await node(connected, served, f"{PREDICTED}/SensorValue")
        recommendation = await node(connected, served, "Dispositions/BAD/Recommendation")
        for attempt in (
            value.write_value(1.0),
            recommendation.write_value("release"),
            connected.nodes.namespace_array.write_value(["urn:mine"]),
            connected.nodes.server.call_method("0:GetMonitoredItems", 1),
            recommendation.add_variable(ua.NodeId("mine", 2), "mine", 1.0),
            recommendation.delete(),
            value.read_raw_history(),
        ):
            with pytest.raises(ua.UaError):
                await attempt
        assert await recommendation.read_value() == "hold"
        with pytest.raises(ua.UaError):
            await connected.uaclient.register_server(ua.RegisteredServer())
        assert await (await node(connected, served, f"{PREDICTED}/SensorValue")).get_user_access_level() == {
            ua.AccessLevel.CurrentRead
        }


async def test_who_has_not_signed_in_reads_nothing(served, identities):
    own = identities["labline"]
    for made in (
        client(served, user=None),
        client(served, password="wrong"),
        client(served, user="nobody"),
        client(served, password=""),
        await secured(served, identities["scada"], own, password="wrong"),
    ):
        with pytest.raises(ua.UaError):
            await made.connect()
    async with await secured(served, identities["scada"], own) as connected:
        assert is_good(await until(connected, served, f"{PREDICTED}/SensorValue", is_good))
    person = await secured(served, identities["scada"], own, user=None)
    await person.load_client_certificate(str(identities["person"].certificate))
    await person.load_private_key(str(identities["person"].key))
    async with person as connected:
        assert await (await node(connected, served, f"{PREDICTED}/Stage")).read_value() == "advise"


async def test_an_application_that_is_not_trusted_is_refused_and_its_certificate_kept(served, identities):
    stranger = await secured(served, identities["stranger"], identities["labline"])
    with pytest.raises(ua.UaError):
        await stranger.connect()
    kept = rejected_in(served.directory / "rejected", OWN_SERVER)
    assert [item.file.read_bytes() for item in kept] == [identities["stranger"].der]


async def test_a_session_cannot_be_taken_over_and_subscriptions_of_others_are_not_there(served):
    async with client(served) as victim, client(served) as other:
        own = await victim.create_subscription(500, Heard())
        for attempt in (
            other.uaclient.delete_subscriptions([own.subscription_id]),
            other.uaclient.transfer_subscriptions(ua.TransferSubscriptionsParameters([own.subscription_id], True)),
        ):
            with pytest.raises(ua.UaError):
                await attempt
        token = victim.uaclient.session.authentication_token
        assert len(token.Identifier) == 32  # a secret, no number that could be guessed
        thief = client(served)
        await thief.connect_socket()
        try:
            await thief.send_hello()
            await thief.open_secure_channel()
            thief.uaclient.session.restore_authentication_token(token)  # even if it were known
            with pytest.raises(ua.UaError):
                await thief.activate_session(username="scada", password="wrong")
            with pytest.raises(ua.UaError):
                await thief.uaclient.read_attributes([own_node(served)], ua.AttributeIds.Value)
        finally:
            thief.disconnect_socket()
        assert await (await node(victim, served, f"{PREDICTED}/Stage")).read_value() == "advise"


def own_node(served):
    return ua.NodeId(f"{served.line.path.rsplit('/', 1)[-1]}/{PREDICTED}/Stage", 2)


class Heard:
    """Takes what a subscription sends."""

    def __init__(self):
        self.values = []

    def datachange_notification(self, _node, value, _data):
        self.values.append(value)


async def test_a_client_that_asks_for_too_much_is_refused_and_others_are_served_on(served):
    async with client(served) as good, client(served) as greedy:
        first = await greedy.create_subscription(0.001, Heard())
        await greedy.create_subscription(500, Heard())
        with pytest.raises(ua.UaError):
            await greedy.create_subscription(500, Heard())
        stage = await node(greedy, served, f"{PREDICTED}/Stage")
        with pytest.raises(ua.UaError):
            await first.subscribe_data_change([stage] * 60)
        with pytest.raises(ua.UaError):
            await greedy.uaclient.read_attributes([stage.nodeid] * 100, ua.AttributeIds.Value)
        sessions = [client(served) for _ in range(8)]
        opened = []
        for made in sessions:
            try:
                await made.connect()
                opened.append(made)
            except (ua.UaError, OSError, TimeoutError):
                break
        assert len(opened) < 8
        for made in opened:
            await made.disconnect()
        assert await (await node(good, served, f"{PREDICTED}/Stage")).read_value() == "advise"


HELLO = struct.Struct("<3scIIIIIIi")


async def test_bytes_that_are_no_requests_end_their_connection_only(served):
    async def ends(sent):
        reader, writer = await asyncio.open_connection("127.0.0.1", served.options.port)
        writer.write(sent)
        with suppress(OSError):  # it may be ended at once
            await writer.drain()
            async with asyncio.timeout(60):
                while await reader.read(65536):
                    pass
        writer.close()

    hello = HELLO.pack(b"HEL", b"F", 32, 0, 65535, 65535, 0, 0, -1)
    await asyncio.gather(
        ends(b"\xff" * 5000),
        ends(b"HELF" + struct.pack("<I", 2**31) + b"x" * 300_000),
        ends(b"OPNF" + struct.pack("<I", 60) + b"\x00" * 52),
        ends(hello + b"MSGF" + struct.pack("<I", 4000) + b"\x00" * 3992),
        ends(hello),  # and says nothing more
    )
    async with client(served) as connected:
        assert await (await node(connected, served, f"{PREDICTED}/Stage")).read_value() == "advise"
