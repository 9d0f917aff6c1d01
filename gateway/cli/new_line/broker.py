"""Listening to the laboratory for the first time: the broker's address, and what comes on the topic."""

import asyncio
import re
import ssl
from dataclasses import dataclass
from pathlib import Path

from gateway.cli.new_line.laboratory import Laboratory, heard, understood_best, why_refused
from gateway.cli.output import show_lines, show_table
from gateway.errors import LablineError, NotConnectedError
from gateway.transport.mqtt_failures import cause_of
from gateway.transport.mqtt_options import BrokerAddress

_ADDRESS = re.compile(r"(?:(?P<scheme>mqtts?)://)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s/:@]+)(?::(?P<port>\d{1,5}))?/?")
_WITH_TLS, _WITHOUT_TLS = 8883, 1883
_NOTHING = Laboratory(mapping="canonical", messages=[])


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """A broker as a person names it."""

    host: str
    port: int
    tls: bool


def named(text: str) -> Named:
    """Return the broker of a text such as broker.local, mqtt://host or host:1883; raises LablineError."""
    match = _ADDRESS.fullmatch(text.strip())
    if match is None:
        raise LablineError(
            f"{text!r} is no broker", hint="such as broker.local, mqtts://broker.local:8883 or host:1883"
        )
    stated = None if match["port"] is None else int(match["port"])
    tls = match["scheme"] != "mqtt" and stated != _WITHOUT_TLS
    return Named(host=match["host"].strip("[]"), port=stated or (_WITH_TLS if tls else _WITHOUT_TLS), tls=tls)


def address(broker: Named, *, username: str | None, password: str | None, ca_certificate: Path | None) -> BrokerAddress:
    """Return how the broker is entered; raises LablineError where the authority's certificate cannot be used."""
    context = None
    if broker.tls:
        try:
            context = ssl.create_default_context(cafile=ca_certificate)
        except OSError as error:
            raise LablineError(f"{ca_certificate} cannot be used: {error}", hint="name a PEM file: --ca") from error
    return BrokerAddress(host=broker.host, port=broker.port, username=username, password=password, tls=context)


def listened(broker: BrokerAddress, topic: str, *, seconds: float) -> Laboratory:
    """Return what came on the laboratory's topic; nothing where the broker cannot be entered, which is said."""
    if seconds <= 0:
        return _NOTHING
    show_lines(f"listening on {topic} for {seconds:g} s")
    try:
        came, refused = asyncio.run(heard(broker, topic, seconds=seconds))
    except (OSError, NotConnectedError) as error:
        show_lines(f"warning: {broker.host}:{broker.port} cannot be entered: {cause_of(error, broker)}")
        return _NOTHING
    if refused:
        show_lines(f"warning: the broker refuses the subscription of {topic}: give this user the right")
    return understood_best(came, refused_topic=refused)


def show(laboratory: Laboratory, analytes: dict[str, str]) -> None:
    """Print what came and how it is understood."""
    if not laboratory.messages:
        show_lines("no message came: labline lims try MAPPING FILE shows how one is understood")
        return
    rows = [
        (result.get("sample_id", "-"), result.get("test_id", "-"), analytes.get(str(result["test_id"]), "-"),
         str(result.get("value", "-")), str(result.get("unit", "-")), result.get("material_lot_id", "-"),
         result.get("material_definition_id", "-"))
        for result in laboratory.understood[:20]
    ]  # fmt: skip
    columns = ("sample", "test", "our name", "value", "unit", "lot", "product")
    count = len(laboratory.messages)
    show_table(f"{count} messages, understood by mapping {laboratory.mapping}", columns, rows)
    for why, times in why_refused(laboratory):
        show_lines(f"  {times} not understood: {why}")
