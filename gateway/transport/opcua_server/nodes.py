"""Makes, writes and removes nodes; each has a name made of the names above it, and only ever can be read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from asyncua import ua

from gateway.time_units import SECOND_NS
from gateway.transport.opcua_server.hardened import ReadOnlyServer

_HAS_COMPONENT, _ORGANIZES, _HAS_PROPERTY = (
    ua.NodeId(kind) for kind in (ua.ObjectIds.HasComponent, ua.ObjectIds.Organizes, ua.ObjectIds.HasProperty)
)
OBJECTS = ua.NodeId(ua.ObjectIds.ObjectsFolder)
PLAIN_OBJECT, FOLDER = ua.ObjectIds.BaseObjectType, ua.ObjectIds.FolderType
PLAIN_VARIABLE, PROPERTY = ua.ObjectIds.BaseDataVariableType, ua.ObjectIds.PropertyType
ANALOG = 17570  # AnalogUnitRangeType (OPC 10000-8, 5.3.2.5)
_READ = ua.AccessLevel.CurrentRead.mask


@dataclass(frozen=True, slots=True)
class Value:
    """A value with its status and the instant from which it is; ``content`` None: there is none."""

    content: Any
    status: int = ua.StatusCodes.Good
    at_ns: int | None = None


class Nodes:
    """The nodes of one namespace, by their paths."""

    def __init__(self, server: ReadOnlyServer, namespace: int) -> None:
        self._server = server
        self._namespace = namespace
        self._session = server.iserver.isession
        self._below: dict[str, set[str]] = {}  # what was made below an object, by the object's path
        self._written: dict[str, Value] = {}
        self._types: dict[str, tuple[Any, bool]] = {}

    def id_of(self, path: str) -> ua.NodeId:
        """Return the id of a node."""
        return ua.NodeId(path, self._namespace)

    async def add_object(self, path: str, name: str, *, parent: str | None, kind: int = PLAIN_OBJECT) -> None:
        """Make an object below another, or below Objects."""
        attributes = ua.ObjectAttributes()
        attributes.DisplayName = ua.LocalizedText(name)
        attributes.EventNotifier = 0
        reference = _ORGANIZES if parent is None or kind == FOLDER else _HAS_COMPONENT
        await self._add(path, name, parent, reference, ua.NodeClass.Object, kind, attributes)
        self._below[path] = set()

    async def add_variable(
        self, path: str, name: str, *, parent: str, of: Any, array: bool = False, kind: int = PLAIN_VARIABLE
    ) -> None:
        """Make a variable of a type below an object or a variable; it has no value yet."""
        attributes = ua.VariableAttributes()
        attributes.DisplayName = ua.LocalizedText(name)
        attributes.Value = ua.Variant(None, ua.VariantType.Null)
        attributes.DataType = of if isinstance(of, ua.NodeId) else ua.NodeId(of.value)
        attributes.ValueRank = ua.ValueRank.OneDimension if array else ua.ValueRank.Scalar
        attributes.ArrayDimensions = [0] if array else []
        attributes.AccessLevel = attributes.UserAccessLevel = _READ
        attributes.MinimumSamplingInterval = 0
        attributes.Historizing = False
        reference = _HAS_PROPERTY if kind == PROPERTY else _HAS_COMPONENT
        await self._add(path, name, parent, reference, ua.NodeClass.Variable, kind, attributes)
        self._types[path] = of, array

    async def write(self, path: str, value: Value) -> None:
        """Give a variable its value, where that is another one than it has."""
        if self._written.get(path) == value:
            return
        of, _array = self._types[path]
        kind = ua.VariantType.ExtensionObject if isinstance(of, ua.NodeId) else of
        variant = ua.Variant(None) if value.content is None else ua.Variant(value.content, kind)
        data = ua.DataValue(
            variant,
            ua.StatusCode(value.status),
            SourceTimestamp=None if value.at_ns is None else instant(value.at_ns),
            ServerTimestamp=datetime.now(UTC),
        )
        attribute = self._server.iserver.aspace[self.id_of(path)].attributes[ua.AttributeIds.Value]
        attribute.value = data  # asyncua's own writing takes no null
        self._written[path] = value
        for handle, tell in list(attribute.datachange_callbacks.items()):
            await tell(handle, data)

    async def remove(self, path: str, *, parent: str) -> None:
        """Remove an object with all below it; who watches its values is told that they are gone first."""
        space = self._server.iserver.aspace
        for below in self._everything_below(path):
            if below in self._types:
                await self.write(below, Value(None, ua.StatusCodes.BadNodeIdUnknown))
                del self._types[below], self._written[below]
                attribute = space[self.id_of(below)].attributes[ua.AttributeIds.Value]
                for handle in list(attribute.datachange_callbacks):
                    space.delete_datachange_callback(handle)
            del space[self.id_of(below)]
            self._below.pop(below, None)
        references = space[self.id_of(parent)].references
        references[:] = [reference for reference in references if reference.NodeId != self.id_of(path)]
        self._below[parent].discard(path)

    def children(self, path: str) -> frozenset[str]:
        """Return the paths of what was made directly below an object."""
        return frozenset(self._below[path])

    def variables(self) -> Mapping[str, Value]:
        """Return what every variable has, by path."""
        return self._written

    def _everything_below(self, path: str) -> list[str]:
        return [item for child in sorted(self._below.get(path, ())) for item in self._everything_below(child)] + [path]

    async def _add(
        self,
        path: str,
        name: str,
        parent: str | None,
        reference: ua.NodeId,
        node_class: Any,
        kind: int,
        attributes: Any,
    ) -> None:
        attributes.Description = ua.LocalizedText("")
        attributes.WriteMask = attributes.UserWriteMask = 0
        item = ua.AddNodesItem()
        item.RequestedNewNodeId = self.id_of(path)
        item.BrowseName = ua.QualifiedName(name, self._namespace)
        item.NodeClass = node_class
        item.ParentNodeId = OBJECTS if parent is None else self.id_of(parent)
        item.ReferenceTypeId = reference
        item.TypeDefinition = ua.NodeId(kind)
        item.NodeAttributes = attributes
        (result,) = await self._session.add_nodes([item])
        result.StatusCode.check()
        if parent is not None:
            self._below.setdefault(parent, set()).add(path)


def instant(at_ns: int) -> datetime:
    """Return an instant as the library takes it."""
    seconds, rest = divmod(at_ns, SECOND_NS)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)
