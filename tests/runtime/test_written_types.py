"""A value is written in the exact type of its variable or argument, or not at all; one server with a type a profile."""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest
import pytest_asyncio
from asyncua import ua

from gateway.cli.write_probes import probe_writes
from gateway.line.setpoint_writes import Point
from gateway.runtime import setpoint_heartbeat
from gateway.transport.opcua_writing import PlcPort, WriteRefusedError
from simulator.broker import free_port
from simulator.plc import PlcTwin
from tests.fixtures.writes import TAG
from tests.fixtures.writing_gateway import WritingGateway
from tests.runtime.test_setpoint_writer import settings_of

pytestmark = pytest.mark.asyncio(loop_scope="module")
KINDS = {"request": ua.VariantType.Int16, "mtp": ua.VariantType.UInt32, "method": ua.VariantType.Float}
ENDS = ("written", "mismatch", "not_taken", "overridden", "stopped", "refused")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def twin():
    async with PlcTwin(port=free_port(), kinds=KINDS, eu_range=None) as served:
        yield served


@pytest.fixture
def plc(twin, monkeypatch):
    twin.begin_again()
    monkeypatch.setattr(setpoint_heartbeat, "_HEARD_SECONDS", 0.0)  # each test waits until the PLC listens
    return twin


@pytest.mark.parametrize("profile", KINDS)
async def test_a_whole_number_is_written_in_the_type_of_each_profile_also_without_an_eu_range(plc, tmp_path, profile):
    gateway = WritingGateway(tmp_path, plc, profile, resolution=1.0)
    async with gateway.running():
        await gateway.until_external(profile)
        intent = gateway.approve()
        assert await gateway.until(*ENDS) == "written", gateway.reason()
    assert (intent.to_value, plc.types[0]) == (round(intent.to_value), KINDS[profile])
    assert plc.writes[0][1] == intent.to_value == plc.blocks[profile].setpoint


@pytest.mark.parametrize("profile", ["request", "mtp"])
async def test_a_move_that_a_whole_number_cannot_hold_is_not_written_as_another_one(plc, tmp_path, profile):
    gateway = WritingGateway(tmp_path, plc, profile)
    async with gateway.running():
        await gateway.until_external(profile)
        intent = gateway.approve()
        assert await gateway.until(*ENDS) == "refused"
    assert intent.to_value != round(intent.to_value)
    assert (gateway.reason(), plc.writes) == ("TYPE_DOES_NOT_FIT", [])


async def test_single_precision_rounds_towards_where_the_setpoint_stands(plc, tmp_path):
    gateway = WritingGateway(tmp_path, plc, "method")
    async with gateway.running():
        await gateway.until_external("method")
        intent = gateway.approve()
        assert await gateway.until(*ENDS) == "written", gateway.reason()
    ((_name, value),) = plc.writes
    assert 78.0 < value < intent.to_value < value + 1e-5


async def test_a_request_that_shows_no_value_yet_is_written_in_its_declared_type(plc, tmp_path):
    gateway = WritingGateway(tmp_path, plc, "request", resolution=1.0)
    async with gateway.running():
        await gateway.until_external("request")
        await plc.show_nothing("request.Request")
        gateway.approve()
        assert await gateway.until(*ENDS) == "written", gateway.reason()
    assert plc.types == [ua.VariantType.Int16]


@pytest.mark.parametrize(
    ("status", "refused"),
    [("Good", False), ("GoodClamped", False), ("GoodCompletesAsynchronously", False), ("UncertainInitialValue", True),
     ("BadUserAccessDenied", True), ("BadTypeMismatch", True)],
)  # fmt: skip
async def test_what_a_server_answers_to_a_write_is_a_refusal_unless_it_is_good(status, refused):
    code = ua.StatusCode(getattr(ua.StatusCodes, status))

    async def answers(*_request):
        return [code]

    async def called(_request):
        return [SimpleNamespace(StatusCode=code)]

    client = SimpleNamespace(uaclient=SimpleNamespace(write_attributes=answers, call=called))
    port = PlcPort(client, ["http://opcfoundation.org/UA/", "urn:t"])
    for sent in (
        lambda: port.write("nsu=urn:t;s=Request", ua.Variant(1.0)),
        lambda: port.call("nsu=urn:t;s=object", "nsu=urn:t;s=Set", []),
    ):
        with pytest.raises(WriteRefusedError, match=status) if refused else nullcontext():
            await sent()


async def test_a_method_that_takes_other_arguments_is_not_called_and_check_says_so(plc, tmp_path):
    gateway = WritingGateway(tmp_path, plc, "method", resolution=1.0)
    one = gateway.line.writes.by_tag[TAG]
    for arguments, finding in ((("id", "value"), "value is String"), (("value",), "takes 2 argument(s), not 1")):
        gateway.use(arguments=arguments)
        found, _beat = await probe_writes(settings_of(plc), gateway.line)
        assert (found.ok, finding in found.found) == (False, True), found
    async with gateway.running():
        await gateway.until_external("method")
        gateway.approve()
        assert await gateway.until(*ENDS) == "refused"
    assert (gateway.reason(), plc.writes, one.arguments) == ("TYPE_DOES_NOT_FIT", [], ("value", "id"))


async def test_a_mode_that_is_a_number_is_not_taken_for_true(plc, tmp_path):
    gateway = WritingGateway(tmp_path, plc, "request", resolution=1.0)
    one = gateway.line.writes.by_tag[TAG]
    gateway.use(nodes={**one.nodes, Point.EXTERNAL: plc.node("mtp.VReq")})  # 78: a mode of some kind
    found, _beat = await probe_writes(settings_of(plc), gateway.line)
    assert (found.ok, "not true or false" in found.found) == (False, True), found
    async with gateway.running():
        await gateway.until_external("request")
        gateway.approve()
        assert await gateway.until(*ENDS) == "overridden"
    assert (gateway.reason(), plc.writes) == ("OPERATOR_MODE", [])
