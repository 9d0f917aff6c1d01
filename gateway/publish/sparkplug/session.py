"""What one connection of the edge node has said: sequence number, births, the values that the host knows. No I/O."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gateway.contract.sparkplug.metrics import (
    BD_SEQ,
    DISPOSITION,
    GUIDANCE,
    HOLD,
    OF_NODE,
    REBIRTH,
    Catalogue,
    Metric,
    Quality,
    Reading,
    Value,
)
from gateway.contract.sparkplug.payload import (
    birth_payload,
    data_payload,
    device_death_payload,
    node_death_payload,
)
from gateway.contract.sparkplug.topics import EdgeNode

_NUMBERS = 256
_WHOLE = frozenset({DISPOSITION, HOLD, GUIDANCE})  # subjects whose values are told together


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """A report as it was read from the store, with what its quality is now. ``seq``: its number there."""

    seq: int
    device: str
    subject: str
    at_ms: int
    values: dict[str, Value]
    stale: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """A message to publish."""

    topic: str
    payload: bytes


@dataclass(kw_only=True, slots=True)
class Session:
    """One connection. ``born``: by node and device, up to which report its birth has told of everything.

    ``datatypes``: whether data have their datatypes, too.
    """

    node: EdgeNode
    catalogue: Catalogue
    bd_seq: int
    largest_bytes: int
    datatypes: bool = False
    born: dict[str, int] = field(default_factory=dict)
    _next_seq: int = 0
    _known: dict[tuple[str, str], tuple[Value, Quality | None]] = field(default_factory=dict)

    def node_birth(self, newest: Iterable[Told], *, upto: int, at_ms: int) -> Sent:
        """Return the node's birth, with which everything begins again; the devices' must follow."""
        self._next_seq = 0
        self.born = {OF_NODE: upto}
        self._known = {}
        return self._birth("NBIRTH", OF_NODE, newest, at_ms=at_ms)

    def device_birth(self, device: str, newest: Iterable[Told], *, upto: int, at_ms: int) -> Sent:
        """Return a device's birth."""
        self.born[device] = upto
        return self._birth("DBIRTH", device, newest, at_ms=at_ms)

    def device_death(self, device: str, *, at_ms: int) -> Sent:
        """Return a device's death; its reports wait from now on."""
        del self.born[device]
        topic = self.node.topic("DDEATH", device)
        return Sent(topic=topic, payload=device_death_payload(seq=self._seq(), at_ms=at_ms))

    def node_death(self, *, at_ms: int) -> Sent:
        """Return the node's death: what the broker has as the will, too."""
        return Sent(topic=self.node.topic("NDEATH"), payload=node_death_payload(self.bd_seq, at_ms=at_ms))

    def data(self, reports: Sequence[Told], *, at_ms: int) -> list[Sent]:
        """Return the messages of reports: what is new of live ones, all of those that waited for the birth."""
        sent: list[Sent] = []
        for device, upto in self.born.items():
            readings: list[Reading] = []
            for report in (report for report in reports if report.device == device):
                historical = report.seq <= upto
                readings += self._readings(report) if historical else self._changed(report)
            sent += self._data(device, readings, at_ms=at_ms)
        return sent

    def qualities(self, newest: Iterable[Told], *, at_ms: int) -> list[Sent]:
        """Return the messages of values whose quality has changed since they were told: they have gone stale."""
        sent: list[Sent] = []
        reports = [report for report in newest if report.device in self.born]
        for device in self.born:
            readings = [
                Reading(metric=reading.metric, value=reading.value, at_ms=at_ms, quality=reading.quality)
                for report in reports
                if report.device == device
                for reading in self._changed(report)
            ]
            sent += self._data(device, readings, at_ms=at_ms)
        return sent

    # ---

    def _seq(self) -> int:
        seq = self._next_seq
        self._next_seq = (seq + 1) % _NUMBERS
        return seq

    def _birth(self, kind: str, device: str, newest: Iterable[Told], *, at_ms: int) -> Sent:
        metrics = self.catalogue.by_device[device]
        readings = {name: self._without_report(metric, at_ms) for name, metric in metrics.items()}
        for report in newest:
            if report.device == device:
                told = (_reading(metric, report) for metric in self.catalogue.of_subject(device, report.subject))
                readings |= {reading.metric.name: reading for reading in told}
        for reading in readings.values():
            self._known[device, reading.metric.name] = _content(reading)
        ordered = sorted(readings.values(), key=lambda reading: reading.at_ms)
        return Sent(
            topic=self.node.topic(kind, device),
            payload=birth_payload(ordered, seq=self._seq(), at_ms=at_ms),
        )

    def _without_report(self, metric: Metric, at_ms: int) -> Reading:
        value: Value = {BD_SEQ: self.bd_seq, REBIRTH: False}.get(metric.name)
        return Reading(metric=metric, value=value, at_ms=at_ms, quality=Quality.BAD if metric.has_quality else None)

    def _readings(self, report: Told) -> list[Reading]:
        """Return a report's values as ones that are not present any more."""
        return [
            _reading(metric, report, historical=True)
            for metric in self.catalogue.of_subject(report.device, report.subject)
        ]

    def _changed(self, report: Told) -> list[Reading]:
        """Return a report's values that differ from what the host knows, which it then knows.

        Of what is said of a lot or a guidance everything goes together: another lot is another word, though it is the
        same one.
        """
        metrics = self.catalogue.of_subject(report.device, report.subject)
        readings = [_reading(metric, report) for metric in metrics]
        changed = [reading for reading in readings if self._known.get(_key(report, reading)) != _content(reading)]
        for reading in changed:
            self._known[_key(report, reading)] = _content(reading)
        return readings if changed and report.subject in _WHOLE else changed

    def _data(self, device: str, readings: list[Reading], *, at_ms: int) -> list[Sent]:
        """Return the messages of readings, as many as the broker's largest packet makes of them."""
        if not readings:
            return []
        kind, before = "DDATA" if device else "NDATA", self._next_seq
        topic = self.node.topic(kind, device)
        payload = data_payload(readings, seq=self._seq(), at_ms=at_ms, datatypes=self.datatypes)
        message = Sent(topic=topic, payload=payload)
        if len(message.payload) + len(topic) <= self.largest_bytes or len(readings) == 1:
            return [message]
        self._next_seq = before
        middle = len(readings) // 2
        return [
            *self._data(device, readings[:middle], at_ms=at_ms),
            *self._data(device, readings[middle:], at_ms=at_ms),
        ]


def _key(report: Told, reading: Reading) -> tuple[str, str]:
    return report.device, reading.metric.name


def _content(reading: Reading) -> tuple[Value, Quality | None]:
    return reading.value, reading.quality


def _reading(metric: Metric, report: Told, *, historical: bool = False) -> Reading:
    value, quality = report.values.get(metric.name), None
    if metric.has_quality:
        quality = Quality.BAD if value is None else Quality.STALE if report.stale and not historical else Quality.GOOD
    return Reading(metric=metric, value=value, at_ms=report.at_ms, quality=quality, historical=historical)
