"""Listening to the laboratory for the first time: the broker's address, and what comes on the topic."""

import asyncio
import re
import ssl
from dataclasses import dataclass
from pathlib import Path

from gateway.cli.new_line.laboratory import Laboratory, heard, understood_best, why_refused
from gateway.cli.new_line.place import Place
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Files:
    """The certificates by which a broker is entered, as they lie beside the configuration."""

    place: Place
    ca: str | None = None
    certificate: str | None = None
    key: Path | None = None


def kept_files(place: Place, *, ca: Path | None, certificate: Path | None, key: Path | None) -> Files:
    """Copy certificates and key to where the service reads them; raises LablineError where one cannot be read.

    The configuration names them by their names alone: they lie in its folder.
    """
    if (certificate is None) != (key is None):
        raise LablineError("a certificate at the broker needs its key", hint="--broker-certificate and --broker-key")
    return Files(
        place=place,
        ca=None if ca is None else place.keep("broker-ca.pem", _content(ca, "--ca")).name,
        certificate=None
        if certificate is None
        else place.keep("broker.pem", _content(certificate, "--broker-certificate")).name,
        key=None if key is None else place.keep_secret("mqtt_key.pem", _content(key, "--broker-key")),
    )


def _content(file: Path, option: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise LablineError(f"{file} cannot be used: {error.strerror}", hint=f"name a PEM file: {option}") from error


def address(broker: Named, files: Files | None = None, *, username: str | None, password: str | None) -> BrokerAddress:
    """Return how the broker is entered; raises LablineError where a certificate cannot be used."""
    context = None
    if broker.tls:
        try:
            context = _context(files)
        except OSError as error:
            raise LablineError(
                f"the certificates for {broker.host} cannot be used: {error}",
                hint="name PEM files: --ca, --broker-certificate with --broker-key",
            ) from error
    return BrokerAddress(host=broker.host, port=broker.port, username=username, password=password, tls=context)


def _context(files: Files | None) -> ssl.SSLContext:
    if files is None:
        return ssl.create_default_context()
    folder = files.place.folder
    context = ssl.create_default_context(cafile=None if files.ca is None else folder / files.ca)
    if files.certificate is not None:
        context.load_cert_chain(folder / files.certificate, files.key)
    return context


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
