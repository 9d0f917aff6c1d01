"""Parsers of what comes by Sparkplug and by traces: commands, the state of the primary host, trace contexts."""

from contextlib import nullcontext

from gateway.contract.sparkplug.host_state import HostState, state_message
from gateway.contract.sparkplug.payload import asks_for_rebirth
from gateway.operations.traces import parent_of
from simulator.bench.fuzz.running import Parser

_REBIRTH = bytes((0x0A, 20)) + b"Node Control/Rebirth" + bytes((0x20, 11, 0x70, 1))


def _commands() -> list[bytes]:
    """Return a request for a rebirth as a host writes it, and a command with values of other kinds."""
    value = b"\x0a\x01x\x18\x05\x20\x0a\x4a\x09\x0a\x01q\x12\x04\x08\x03\x18\x05\x69" + bytes(8)
    return [
        bytes((0x08, 1, 0x12, len(_REBIRTH))) + _REBIRTH,
        bytes((0x08, 1, 0x12, len(value))) + value + bytes((0x12, len(_REBIRTH))) + _REBIRTH,
    ]


def _state(payload: bytes) -> None:
    message = state_message(payload)
    if message is not None:
        HostState(online=True, newest=1, newest_online=1).after(message)


PARSERS: tuple[Parser, ...] = (
    Parser(
        name="sparkplug-commands",
        reached_by="who may publish to the node's NCMD",
        examples=_commands,
        make=lambda: nullcontext(asks_for_rebirth),
        refuses=(),
    ),
    Parser(
        name="sparkplug-state",
        reached_by="who may publish the host's STATE",
        examples=lambda: [b'{"online": true, "timestamp": 1752300000000}', b'{"online":false,"timestamp":1}'],
        make=lambda: nullcontext(_state),
        refuses=(),
    ),
    Parser(
        name="traceparents",
        reached_by="who may publish results",
        examples=lambda: [b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
        make=lambda: nullcontext(lambda content: parent_of(content.decode("utf-8", "replace"))),
        refuses=(),
    ),
)
