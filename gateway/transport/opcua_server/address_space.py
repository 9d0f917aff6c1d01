"""The line as nodes: its predictions, dispositions and open guidance, each value with its status and source time.

Names follow two companion specifications where they have one: ``SensorValue`` and ``RawValue`` are those of a sensor
function of LADS (OPC 30500-1, 7.5.4), ``LowLimit`` and ``HighLimit`` those of a process value of Machinery
(OPC 40001-2). Their types are not loaded, so nodes have the types of the base namespace.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from asyncua import ua

from gateway.contract.topics import encode_level
from gateway.records.line_state import LineState, LotState, OpenGuidance, OutputState, Trust
from gateway.transport.opcua_server.columns import DISPOSITION, GUIDANCE, PREDICTION, STATUS, Column
from gateway.transport.opcua_server.hardened import ReadOnlyServer
from gateway.transport.opcua_server.nodes import ANALOG, FOLDER, PLAIN_VARIABLE, PROPERTY, Nodes, Value, instant
from gateway.transport.opcua_server.wire import namespace_of
from gateway.transport.opcua_units import unit_id_of

_UNITS_NAMESPACE = "http://www.opcfoundation.org/UA/units/un/cefact"
_EU_INFORMATION, _RANGE = ua.NodeId(ua.ObjectIds.EUInformation), ua.NodeId(ua.ObjectIds.Range)
_FOLDERS = ("Predictions", "Dispositions", "Guidance")


class LineNodes:
    """The nodes of one line; ``take`` brings them to a state, ``silence`` takes all values away."""

    def __init__(self, nodes: Nodes, line: str) -> None:
        self._nodes = nodes
        self._name = line.rsplit("/", 1)[-1]
        self._root = encode_level(self._name)
        self._state: LineState | None = None

    @classmethod
    async def made(cls, server: ReadOnlyServer, line: str) -> "LineNodes":
        """Return the nodes of a line of which nothing is known yet."""
        made = cls(Nodes(server, await server.register_namespace(namespace_of(line))), line)
        root, nodes = made._root, made._nodes
        await nodes.add_object(root, made._name, parent=None)
        for folder in _FOLDERS:
            await nodes.add_object(f"{root}/{folder}", folder, parent=root, kind=FOLDER)
        for path, name, of, array in made._own_variables():
            await nodes.add_variable(path, name, parent=path.rsplit("/", 1)[0], of=of, array=array)
        await made.silence()
        return made

    def _own_variables(self) -> Iterable[tuple[str, str, Any, bool]]:
        root = self._root
        yield f"{root}/CommittedAt", "CommittedAt", ua.VariantType.DateTime, False
        yield f"{root}/Dispositions/Newest", "Newest", ua.VariantType.String, True
        yield f"{root}/Guidance/Open", "Open", ua.VariantType.String, True
        yield f"{root}/Guidance/OpenCount", "OpenCount", ua.VariantType.UInt32, False

    async def take(self, state: LineState) -> None:
        """Show a state; what is gone from it is removed."""
        root, nodes = self._root, self._nodes
        outputs = {f"{root}/Predictions/{encode_level(item.name)}": item for item in state.outputs}
        lots = {f"{root}/Dispositions/{encode_level(item.material_lot_id)}": item for item in state.lots}
        guidance = {f"{root}/Guidance/{encode_level(item.guidance_id)}": item for item in state.guidance}
        own = {path for path, *_rest in self._own_variables()}
        for folder, wanted in zip(_FOLDERS, (set(outputs), set(lots), set(guidance)), strict=True):
            for gone in nodes.children(f"{root}/{folder}") - wanted - own:
                await nodes.remove(gone, parent=f"{root}/{folder}")
        self._state = state
        for path, output in outputs.items():
            await self._show_output(path, output, state.language)
        for path, lot in lots.items():
            await self._show(path, lot.material_lot_id, DISPOSITION, lot, state.language, at_ns=_changed_ns(lot, state))
        for path, item in guidance.items():
            await self._show(path, item.guidance_id, GUIDANCE, item, state.language, at_ns=item.issued_ns)
        await self._show_own(state)

    async def age(self, now_ns: int) -> None:
        """Take the values away that no longer hold at an instant."""
        state = self._state
        if state is None:
            return
        for output in state.outputs:
            if output.holds_until_ns is not None and now_ns > output.holds_until_ns:
                path = f"{self._root}/Predictions/{encode_level(output.name)}"
                stale = replace(output, trust=Trust.STALE, numbers=None, material_lot_id=None, holds_until_ns=None)
                await self._show_output(path, stale, state.language)
        for item in state.guidance:
            path = f"{self._root}/Guidance/{encode_level(item.guidance_id)}"
            if item.expires_ns is not None and now_ns > item.expires_ns and path in self._nodes.children(
                f"{self._root}/Guidance"
            ):  # fmt: skip
                await self._nodes.remove(path, parent=f"{self._root}/Guidance")

    async def silence(self) -> None:
        """Take every value away: the gateway says nothing, so nothing is known to be so now."""
        self._state = None
        status = ua.StatusCodes.BadNoCommunication
        for path, *_rest in self._own_variables():
            await self._nodes.write(path, Value(None, status))
        for path in list(self._nodes.variables()):
            await self._nodes.write(path, Value(None, status))

    async def _show_own(self, state: LineState) -> None:
        root = self._root
        values = {
            "CommittedAt": instant(state.at_ns),
            "Dispositions/Newest": [lot.material_lot_id for lot in state.lots],
            "Guidance/Open": [item.guidance_id for item in state.guidance],
            "Guidance/OpenCount": len(state.guidance) + state.more_guidance,
        }
        for name, content in values.items():
            await self._nodes.write(f"{root}/{name}", Value(content, at_ns=state.at_ns))

    async def _show_output(self, path: str, output: OutputState, language: str) -> None:
        await self._show(
            path, output.name, PREDICTION, output, language, at_ns=output.at_ns, status=STATUS[output.trust]
        )
        for column in PREDICTION:
            if column.analog:
                await self._state_unit(f"{path}/{column.name}", output)

    async def _state_unit(self, path: str, output: OutputState) -> None:
        nodes = self._nodes
        unit, valid = f"{path}/EngineeringUnits", f"{path}/EURange"
        if unit not in nodes.variables():
            await nodes.add_variable(unit, "EngineeringUnits", parent=path, of=_EU_INFORMATION, kind=PROPERTY)
            await nodes.add_variable(valid, "EURange", parent=path, of=_RANGE, kind=PROPERTY)
        await nodes.write(unit, Value(ua.EUInformation(
            NamespaceUri=_UNITS_NAMESPACE, UnitId=unit_id_of(output.unit),
            DisplayName=ua.LocalizedText(output.unit), Description=ua.LocalizedText(output.unit),
        )))  # fmt: skip
        known = output.range is not None
        low, high = output.range or (0.0, 0.0)
        status = ua.StatusCodes.Good if known else ua.StatusCodes.BadNotSupported
        await nodes.write(valid, Value(ua.Range(Low=low, High=high) if known else None, status))

    async def _show(
        self,
        path: str,
        name: str,
        columns: Sequence[Column[Any]],
        subject: OutputState | LotState | OpenGuidance,
        language: str,
        *,
        at_ns: int | None,
        status: int = ua.StatusCodes.Good,
    ) -> None:
        """Show an object; it is made where it is not there yet."""
        nodes, parent = self._nodes, path.rsplit("/", 1)[0]
        if path not in nodes.children(parent):
            await nodes.add_object(path, name, parent=parent)
            for column in columns:
                kind = ANALOG if column.analog else PLAIN_VARIABLE
                await nodes.add_variable(
                    f"{path}/{column.name}", column.name, parent=path, of=column.kind, array=column.array, kind=kind
                )
        for column in columns:
            content, own = column.read(subject, language), ua.StatusCodes.Good
            if column.predicted:
                own = status
                if content is None and own == ua.StatusCodes.Good:
                    own = ua.StatusCodes.BadNotSupported  # the model does not say it
            bad = ua.StatusCode(own).is_bad()
            await nodes.write(f"{path}/{column.name}", Value(None if bad else content, own, at_ns))


def _changed_ns(lot: LotState, state: LineState) -> int:
    """Return from when a lot's row is: of its last disposition, else of its start."""
    return lot.at_ns or lot.started_ns or state.at_ns
