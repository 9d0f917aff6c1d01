"""What a server offers to somebody who configures it: its security, and its variables with units and ranges.

Units and ranges are those that the server states itself, by the properties EngineeringUnits and EURange of OPC 10000-8.
What one node spoils costs that node's row only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from asyncua import ua

from gateway.records.process import Quality, quality_of
from gateway.transport.opcua_browse import ServerCertificate, certificates_of_endpoints, variables_below_objects
from gateway.transport.opcua_connection import connected, endpoints_of
from gateway.transport.opcua_nodes import namespaces_of, node_text
from gateway.transport.opcua_reading import operation_limits, read_values
from gateway.transport.opcua_source import OpcUaSource
from gateway.transport.opcua_units import unit_of
from gateway.transport.opcua_values import NUMERIC, status_text

MOST_VARIABLES = 20_000
_UNIT, _RANGE, _HISTORY = "EngineeringUnits", "EURange", "HA Configuration"
_PROPERTIES = frozenset(
    {_UNIT, _RANGE, "InstrumentRange", "Definition", "ValuePrecision", "EnumStrings", "EnumValues", "TrueState",
     "FalseState", "ViewTime", _HISTORY, "Title", "AxisScaleType"}
)  # fmt: skip
_LONGEST_VALUE = 40
# preferred first: the newest policy, signed and encrypted
_PREFERRED = ("Aes256Sha256RsaPss", "Basic256Sha256", "Aes128Sha256RsaOaep")
_NAMES = {"Aes256_Sha256_RsaPss": "Aes256Sha256RsaPss", "Aes128_Sha256_RsaOaep": "Aes128Sha256RsaOaep"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Offered:
    """How a server can be entered; ``securities``: as the configuration names them, the best first."""

    securities: tuple[str, ...]
    certificates: tuple[ServerCertificate, ...]
    anonymous: bool
    user_name: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundVariable:
    """A variable that can be a tag, with what its server says of it."""

    path: str
    node: str
    data_type: str
    value: str
    unit: str | None
    limits: tuple[float, float] | None
    writable: bool
    has_history: bool

    @property
    def name(self) -> str:
        """Return the last part of its path."""
        return self.path.rsplit("/", 1)[-1]

    @property
    def folder(self) -> str:
        """Return what it stands in."""
        return self.path.rsplit("/", 2)[-2] if self.path.count("/") > 1 else ""


async def offered_by(url: str) -> Offered:
    """Return how a server can be entered, asked without protection; raises SourceUnavailableError."""
    endpoints = await endpoints_of(url)
    securities = {_security_of(endpoint) for endpoint in endpoints}
    tokens = {token.TokenType for endpoint in endpoints for token in endpoint.UserIdentityTokens or ()}
    return Offered(
        securities=tuple(sorted((name for name in securities if name is not None), key=_preference)),
        certificates=tuple(certificates_of_endpoints(endpoints)),
        anonymous=not tokens or ua.UserTokenType.Anonymous in tokens,
        user_name=ua.UserTokenType.UserName in tokens,
    )


def _security_of(endpoint: ua.EndpointDescription) -> str | None:
    """Return the security of an endpoint as the configuration names it, None for one that we do not speak."""
    policy = str(endpoint.SecurityPolicyUri).rsplit("#", 1)[-1]
    if policy == "None":
        return "None"
    policy = _NAMES.get(policy, policy)
    mode = "SignAndEncrypt" if endpoint.SecurityMode == ua.MessageSecurityMode.SignAndEncrypt else "Sign"
    return f"{policy}/{mode}" if policy in _PREFERRED else None


def _preference(security: str) -> tuple[int, int]:
    policy, _, mode = security.partition("/")
    rank = _PREFERRED.index(policy) if policy in _PREFERRED else len(_PREFERRED)
    return (0 if mode == "SignAndEncrypt" else 1, rank)


async def variables_of(source: OpcUaSource) -> tuple[list[FoundVariable], list[str]]:
    """Return (the variables that can be tags, what could not be looked into); raises SourceUnavailableError."""
    async with connected(source) as client:
        namespaces = await namespaces_of(client)
        at_once = (await operation_limits(client)).read
        every, problems, complete = await variables_below_objects(client)
        if not complete or len(every) > MOST_VARIABLES:
            problems.append(f"the server has more than {MOST_VARIABLES} variables: only the first are listed")
            every = every[:MOST_VARIABLES]
        nodes = [node for _path, node in every]
        values = await read_values(client, nodes, at_once=at_once)
        rights = await read_values(client, nodes, at_once=at_once, attribute=ua.AttributeIds.UserAccessLevel)
    by_path = {path: value for (path, _node), value in zip(every, values, strict=True)}
    paths = set(by_path)
    return [
        _found(path, node, by_path, right, namespaces)
        for (path, node), right in zip(every, rights, strict=True)
        if not _is_of_the_standard(path, node) and not _is_property(path, paths) and _is_number(by_path[path])
    ], problems


def _is_of_the_standard(path: str, node: ua.NodeId) -> bool:
    """Return whether a variable is OPC UA's own, or says how a server keeps a history (OPC 10000-11, 5.2.3)."""
    return node.NamespaceIndex == 0 or _HISTORY in path.split("/")


def _is_property(path: str, paths: set[str]) -> bool:
    """Return whether a variable only describes the one that it stands in."""
    parent, _, name = path.rpartition("/")
    return name in _PROPERTIES or (parent in paths and name.startswith("Input") and name.endswith("Arguments"))


def _is_number(value: ua.DataValue) -> bool:
    """Return whether a variable holds one number, or may: one that is bad for now has no type."""
    variant = value.Value
    if variant is None or variant.VariantType is ua.VariantType.Null:
        return value.StatusCode is not None and quality_of(value.StatusCode.value) is Quality.BAD
    return variant.VariantType in NUMERIC and not isinstance(variant.Value, list)


def _found(
    path: str, node: ua.NodeId, by_path: Mapping[str, ua.DataValue], right: ua.DataValue,
    namespaces: Sequence[str | None],
) -> FoundVariable:  # fmt: skip
    value = by_path[path]
    variant, status = value.Value, value.StatusCode.value if value.StatusCode is not None else 0
    allowed = right.Value.Value if right.Value is not None and isinstance(right.Value.Value, int) else 0
    known = variant is not None and variant.Value is not None
    return FoundVariable(
        path=path,
        node=node_text(node, namespaces) or "",
        data_type=variant.VariantType.name if variant is not None and known else "-",
        value=str(variant.Value)[:_LONGEST_VALUE] if variant is not None and known else status_text(status),
        unit=_unit(by_path.get(f"{path}/{_UNIT}")),
        limits=_range(by_path.get(f"{path}/{_RANGE}")),
        writable=bool(allowed & ua.AccessLevel.CurrentWrite.mask),
        has_history=bool(allowed & ua.AccessLevel.HistoryRead.mask),
    )


def _unit(value: ua.DataValue | None) -> str | None:
    """Return the unit that EngineeringUnits states, by its code where we know it, else as it is displayed."""
    information = None if value is None or value.Value is None else value.Value.Value
    if not isinstance(information, ua.EUInformation):
        return None
    shown = information.DisplayName.Text if information.DisplayName is not None else None
    return unit_of(information.UnitId) or (shown or "").strip()[:64] or None


def _range(value: ua.DataValue | None) -> tuple[float, float] | None:
    """Return the range that EURange states; None where it is none, as 0 to 0 is."""
    stated = None if value is None or value.Value is None else value.Value.Value
    if not isinstance(stated, ua.Range):
        return None
    low, high = float(stated.Low), float(stated.High)
    return (low, high) if low < high and abs(low) < 1e30 and abs(high) < 1e30 else None  # noqa: PLR2004 - no limit
