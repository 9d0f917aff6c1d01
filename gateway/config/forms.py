"""The forms of names, addresses and texts in the configuration, and the base of all its tables."""

import base64
import ipaddress
import re
import uuid
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from gateway.config.measures import ordered
from gateway.contract.lims.names import normalised
from gateway.contract.lims.qualitative import MOST_TEXTS, flattened

_LARGEST_PORT = 65535
LARGEST_UINT32 = 2**32 - 1
_NAME = r"^[A-Za-z0-9_.-]+$"
_NODE = r"^nsu=[^;]+;(i=\d+|[sgb]=.+)$"
URL = r"^opc\.tcp://([^/:\s\[\]]+|\[[0-9A-Fa-f:.]+(%[^\]\s]+)?\])(:\d{1,5})?(/.*)?$"
FORMS = {
    _NAME: "a name of letters, digits, _, . and -",
    _NODE: "a node such as nsu=urn:acme:plant;s=R1.TI101",
    URL: "an endpoint such as opc.tcp://10.0.0.5:4840 or opc.tcp://[fd00::5]:4840",
}


def endpoint(url: str) -> str:
    """Return an endpoint as it is; raises ValueError where its port is none."""
    port = re.search(r":(\d+)(/|$)", url.rsplit("]", 1)[-1].removeprefix("opc.tcp:"))
    if port is not None and not 0 < int(port[1]) <= _LARGEST_PORT:
        raise ValueError(f"{port[1]} is no port: ports are 1 to {_LARGEST_PORT}")
    return url


def host_name(host: str) -> str:
    """Return a host's name, or its address in its usual form; raises ValueError if it is neither."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    if not re.fullmatch(r"[^\s/:@\[\]]+", host) or not host.isprintable():
        raise ValueError(f"{host!r} is no host: only its name or address, such as broker.local, 10.0.0.7 or fd00::7")
    return host


def network(text: str) -> str:
    """Return an address or a network in its usual form; raises ValueError if it is neither, or all there are."""
    try:
        parsed = ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no address or network, such as 10.0.0.7 or 10.0.0.0/24: {error}") from None
    if not parsed.prefixlen:
        raise ValueError(f"{text!r} is every address: name the proxies' own")
    return str(parsed)


def client_identifier(client_id: str) -> str:
    """Return an identifier of a client as it is; raises ValueError where people cannot see all of it."""
    if client_id != client_id.strip() or not client_id.isprintable():
        raise ValueError(f"{client_id!r} begins or ends with a space, or has characters that nobody can see")
    return client_id


def _node(node: str) -> str:
    kind, _, identifier = node.split(";", 1)[1].partition("=")
    try:
        if kind == "g":
            uuid.UUID(identifier)
        if kind == "b":
            base64.b64decode(identifier, validate=True)
    except ValueError as error:
        form = "a GUID such as 09087e75-8e5e-499b-954f-f2a9603db28a" if kind == "g" else "base64"
        raise ValueError(f"{identifier!r} is not {form}") from error
    if kind == "i" and int(identifier) > LARGEST_UINT32:
        raise ValueError(f"{identifier} is too large: a numeric identifier is at most {LARGEST_UINT32}")
    return node


Limits = Annotated[tuple[float, float], AfterValidator(ordered)]
Name = Annotated[str, Field(pattern=_NAME, max_length=64)]
Foreign = Annotated[str, AfterValidator(normalised), StringConstraints(min_length=1)]  # as messages name it
Unit = Annotated[str, AfterValidator(normalised), StringConstraints(max_length=64)]
NodeText = Annotated[str, Field(pattern=_NODE), AfterValidator(_node)]


def _texts(stated: Any) -> tuple[str, ...]:
    texts = flattened(stated)
    if texts is None:
        raise ValueError(
            f'must be a list of at most {MOST_TEXTS} texts such as ["absent"], or a table of such lists by language'
        )
    return texts


Texts = Annotated[tuple[str, ...], BeforeValidator(_texts)]


class Table(BaseModel):
    """A table of the configuration: it takes no key that it does not know, and does not change."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True, defer_build=True)
