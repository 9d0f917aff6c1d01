"""A PLC's OPC UA server with blocks for written setpoints, one for each profile of ``[tags.X.write]``.

The blocks are the twin of ``deploy/plc/setpoint.st`` (``setpoint_block.py``). The server can be told to fail as PLCs
do, and to stand still between two of its scans.
"""

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Self

from asyncua import Server, ua
from asyncua.common.callback import CallbackType

from simulator.setpoint_block import SetpointBlock
from simulator.setpoint_feedback import SetpointFeedback

NAMESPACE = "urn:labline:plc"
SCAN_SECONDS = 0.02
_AS_THEY_ARE = (ua.VariantType.Float, ua.VariantType.Double, ua.VariantType.Boolean)  # the others are whole
PROFILES = ("request", "mtp", "method")


class Fault(StrEnum):
    """How the PLC or its server fails."""

    REFUSES = "refuses"  # the server does not write
    CLAMPS = "clamps"  # the PLC takes less than was asked for, and says nothing
    LATE = "late"  # the PLC takes it over only after a while
    IGNORES = "ignores"  # the PLC takes nothing over
    DROPS = "drops"  # the connection is lost directly after the write
    TAKEN_OVER = "taken_over"  # the operator moves the setpoint directly before the write


class PlcTwin:
    """Serves a block for each profile; an async context manager.

    ``writes``: every (node, value) that a client wrote, in its order; heartbeats are counted apart.
    """

    def __init__(self, *, port: int, setpoint: float = 78.0, limits: tuple[float, float] = (60.0, 95.0),
                 eu_range: tuple[float, float] | None = (50.0, 100.0),
                 kinds: Mapping[str, ua.VariantType] = {}) -> None:  # fmt: skip
        """``kinds``: of the setpoints, by profile, Double else; ``eu_range``: of their variables, None for none."""
        self.url = f"opc.tcp://127.0.0.1:{port}/plc"
        self._begin = (setpoint, limits)
        self.scans = asyncio.Event()  # cleared: the PLC stands still between two scans, as its server goes on
        self.blocks: dict[str, SetpointBlock] = {}
        self.begin_again()
        self._eu_range = eu_range
        self._kinds = {profile: kinds.get(profile, ua.VariantType.Double) for profile in PROFILES}
        self._scanned = 0
        self._server = Server()
        self._nodes: dict[str, ua.NodeId] = {}
        self._names: dict[ua.NodeId, str] = {}
        self._scanning: asyncio.Task[None] | None = None

    def begin_again(self) -> None:
        """Let everything stand as at the start: blocks, feedback, faults and what was counted; clients stay."""
        setpoint, (lower, upper) = self._begin
        for profile in PROFILES:
            self.blocks[profile] = SetpointBlock(
                setpoint=setpoint, minimum=lower, maximum=upper, has_apply=profile == "mtp"
            )
        self.feedback = SetpointFeedback(setpoint)
        self.fault: Fault | None = None
        self.writes: list[tuple[str, Any]] = []
        self.types: list[ua.VariantType] = []  # in which they were written
        self.beats = 0
        self.scans.set()
        self.before_write: Callable[[], None] = lambda: None
        self.on_write: Callable[[], None] = lambda: None
        self.on_apply: Callable[[], None] = lambda: None
        self._late_until = self._clamp_at = math.inf

    def node(self, name: str) -> str:
        """Return a node's name as the configuration wants it."""
        return f"nsu={NAMESPACE};s={name}"

    async def __aenter__(self) -> Self:
        self._server.iserver.disabled_clock = True
        await self._server.init()
        self._server.set_endpoint(self.url)
        self._server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        index = await self._server.register_namespace(NAMESPACE)
        await self._variable(index, "Beat", 0, ua.VariantType.Int16, writable=True)
        await self._variable(index, "Stop", 0.0, ua.VariantType.Double, writable=False)
        for profile, block in self.blocks.items():
            await self._block(index, profile, block)
        self._server.iserver.callback_service.addListener(CallbackType.PreWrite, self._before)
        self._server.iserver.callback_service.addListener(CallbackType.PostWrite, self._after)
        await self._server.start()
        self._scanning = asyncio.create_task(self._scans(), name="plc-scan")
        return self

    async def __aexit__(self, *_exception: object) -> None:
        if self._scanning is not None:
            self._scanning.cancel()
            await asyncio.gather(self._scanning, return_exceptions=True)
        await self._server.stop()

    async def _block(self, index: int, profile: str, block: SetpointBlock) -> None:
        plain, kind = profile == "request", self._kinds[profile]
        await self._variable(index, f"{profile}.SP", block.setpoint, kind, writable=False)
        if profile != "method":
            await self._variable(index, f"{profile}.Request", block.setpoint, kind, writable=True)
        await self._variable(index, f"{profile}.Min", block.minimum, kind, writable=False)
        await self._variable(index, f"{profile}.Max", block.maximum, kind, writable=False)
        await self._variable(index, f"{profile}.External", False, ua.VariantType.Boolean, writable=False)
        if profile == "mtp":
            await self._variable(index, "mtp.VReq", block.setpoint, kind, writable=False)
            await self._variable(index, "mtp.VFbk", self.feedback.shown, kind, writable=False)
            await self._variable(index, "mtp.Apply", False, ua.VariantType.Boolean, writable=True)
        if profile == "method":
            await self._method(index)
        if self._eu_range is not None:
            for name in (f"{profile}.SP", *((f"{profile}.Request",) if plain else ())):
                low, high = self._eu_range
                parent = self._server.get_node(self._nodes[name])
                await parent.add_property(0, "EURange", ua.Range(Low=low, High=high))

    async def _variable(self, index: int, name: str, value: Any, kind: ua.VariantType, *, writable: bool) -> None:
        variable = await self._server.nodes.objects.add_variable(ua.NodeId(name, index), name, value, kind)
        if writable:
            await variable.set_writable()
        self._nodes[name], self._names[variable.nodeid] = variable.nodeid, name

    async def _method(self, index: int) -> None:
        async def set_setpoint(_parent: ua.NodeId, value: ua.Variant, _intent: ua.Variant) -> list[ua.Variant]:
            """Take a requested setpoint as the PLC's method does; raises where a fault has it refuse."""
            self.writes.append(("method.Set", value.Value))
            self.types.append(value.VariantType)
            self._hit_by_fault()
            if self.fault is Fault.REFUSES:
                raise ua.UaStatusCodeError(ua.StatusCodes.BadInvalidState)
            self.blocks["method"].request = value.Value
            self._drop_if_told()
            return []

        arguments = [
            ua.Argument(Name="value", DataType=ua.NodeId(self._kinds["method"].value), ValueRank=-1),
            ua.Argument(Name="id", DataType=ua.NodeId(ua.ObjectIds.String), ValueRank=-1),
        ]
        parent = await self._server.nodes.objects.add_object(ua.NodeId("method", index), "method")
        await parent.add_method(ua.NodeId("method.Set", index), "Set", set_setpoint, arguments, [])

    # --- what clients do

    async def _before(self, event: Any, _service: object) -> None:
        if not event.is_external:
            return
        for item in event.request_params.NodesToWrite:
            name = self._names.get(item.NodeId, "")
            if name == "Beat":
                self.beats += 1
                continue
            if name.endswith(".Request"):
                self._hit_by_fault()
            self.writes.append((name, item.Value.Value.Value))
            self.types.append(item.Value.Value.VariantType)
            if self.fault is Fault.REFUSES:
                item.NodeId = ua.NodeId("no such node")

    async def _after(self, event: Any, _service: object) -> None:
        if not event.is_external:
            return
        for item in event.request_params.NodesToWrite:
            name = self._names.get(item.NodeId, "")
            if name.endswith(".Request"):
                self.blocks[name.split(".", 1)[0]].request = float(item.Value.Value.Value)
                self._drop_if_told()
            elif name == "mtp.Apply":
                self.blocks["mtp"].apply = True
                self.on_apply()
            elif name == "Beat":
                for block in self.blocks.values():
                    block.beat = int(item.Value.Value.Value)

    def _hit_by_fault(self) -> None:
        self.before_write()
        self._late_until = time.monotonic() + 0.4
        self._clamp_at = min(block.setpoint for block in self.blocks.values()) + 0.5
        for block in self.blocks.values():
            if self.fault is Fault.TAKEN_OVER:
                block.operator_allows = False
                block.setpoint -= 0.7

    def _drop_if_told(self) -> None:
        self.on_write()
        if self.fault is Fault.DROPS:
            self.fault = None
            self.drop_connections()

    def drop_connections(self) -> None:
        """Cut every connection without a word."""
        for connection in list(self._server.bserver.clients):
            connection.transport.abort()

    # --- what the PLC does

    async def _scans(self) -> None:
        while True:
            await self.scans.wait()
            now = time.monotonic()
            for profile, block in self.blocks.items():
                block.takes = self._taken()
                block.scan(now)
                await self._show(profile, block)
            self.feedback.scan(self.blocks["mtp"].setpoint, now)
            await self.show("mtp.VFbk", self.feedback.shown, good=not self.feedback.unreadable)
            self._scanned += 1
            await asyncio.sleep(SCAN_SECONDS)

    def _taken(self) -> Callable[[float], float | None]:
        if self.fault is Fault.IGNORES or (self.fault is Fault.LATE and time.monotonic() < self._late_until):
            return lambda _value: None
        if self.fault is Fault.CLAMPS:
            return lambda value: min(value, self._clamp_at)
        return lambda value: value

    async def _show(self, profile: str, block: SetpointBlock) -> None:
        await self.show(f"{profile}.SP", block.setpoint)
        await self.show(f"{profile}.Min", block.minimum)
        await self.show(f"{profile}.Max", block.maximum)
        await self.show(f"{profile}.External", block.external)
        if profile == "mtp":
            await self.show("mtp.VReq", block.requested)
        if profile != "method" and not block.external:
            await self.show(f"{profile}.Request", block.request)

    async def shown(self) -> None:
        """Wait until every variable shows what the blocks have now: a whole scan later."""
        scanned = self._scanned
        while self._scanned < scanned + 2:
            await asyncio.sleep(SCAN_SECONDS)

    async def show_nothing(self, name: str) -> None:
        """Let a variable have no value yet."""
        data = ua.DataValue(None, ua.StatusCode(ua.StatusCodes.BadWaitingForInitialData))
        await self._server.write_attribute_value(self._nodes[name], data)

    async def show(self, name: str, value: float | bool, *, good: bool = True) -> None:  # noqa: FBT001 - of the PLC
        """Let a variable have a value, of good quality or of bad."""
        of_profile = self._kinds.get(name.split(".", 1)[0], ua.VariantType.Double)
        kind = ua.VariantType.Boolean if isinstance(value, bool) else of_profile
        if kind not in _AS_THEY_ARE:
            value = round(value)
        quality = ua.StatusCodes.Good if good else ua.StatusCodes.BadSensorFailure
        data = ua.DataValue(ua.Variant(value, kind), ua.StatusCode(quality))
        await self._server.write_attribute_value(self._nodes[name], data)
