"""Whatever a PLC shows, and however it changes between two looks, nothing outside every limit is ever sent to it."""

import asyncio
import math
import tempfile
from contextlib import closing, suppress
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import SourceUnavailableError
from gateway.ingest.event_queue import EventQueue
from gateway.line.setpoint_writes import Point, WriteProfile
from gateway.records.setpoints import WriteState
from gateway.runtime.setpoint_journal import SetpointJournal
from gateway.runtime.setpoint_plc import Plc
from gateway.runtime.setpoint_sequence import WriteSequence
from gateway.transport.opcua_types import Writable
from gateway.transport.opcua_writing import WriteRefusedError, ua
from tests.fixtures.building import NOW_NS, moment
from tests.fixtures.writes import TAG, WritingBench, intent, write, writing_line

NODES = {point: point.value for point in (Point.REQUEST, Point.ACTUAL, Point.MINIMUM, Point.MAXIMUM, Point.EXTERNAL)}
ODD = 13
TYPES = (ua.VariantType.Double, ua.VariantType.Float, ua.VariantType.Int16, ua.VariantType.Byte, ua.VariantType.String)


class RecordingPort:
    """A PLC whose every reading is drawn anew; it records what is written, and what the limits were as it was."""

    def __init__(self, draw):
        self.draw = draw
        self.sent = []
        self.limits = None

    def _mostly(self, usual, *odd):
        """What is usual, or now and then something odd."""
        return self.draw.draw(st.sampled_from(odd)) if self.draw.draw(st.integers(0, 24)) == ODD else usual

    async def read(self, nodes):
        kinds = {"minimum": (60.0, 70.0, 79.95, 90.0, None), "maximum": (95.0, 78.5, 50.0, None),
                 "external": (1.0, 0.0, 2.0, None)}  # fmt: skip
        self.limits = {name: self._mostly(*kinds.get(name, (78.0, 77.9, math.nan, None))) for name in nodes}
        return {name: value for name, value in self.limits.items() if value is not None and not math.isnan(value)}

    async def eu_range(self, *_nodes):
        self.range = self._mostly(None, (50.0, 100.0), (50.0, 78.7), (math.nan, math.nan), (0.0, 0.0))
        return self.range

    async def writable(self, _node):
        return Writable(variant_type=self._mostly(*TYPES))

    async def write(self, node, value):
        self.sent.append((node, value.Value, dict(self.limits), self.range))
        failing = self._mostly(None, WriteRefusedError("Bad"), SourceUnavailableError("gone"))
        if failing is not None:
            raise failing


MODULE = NODES | {point: point.value for point in (Point.REQUESTED, Point.APPLY, Point.FEEDBACK)}


class ModulePort(RecordingPort):
    """A process module: it shows what is requested, and comes to it once it is applied; now and then something else."""

    def __init__(self, draw):
        super().__init__(draw)
        self.wanted, self.stands_at, self.applied = 78.0, 78.0, []

    async def read(self, nodes):
        seen = await super().read(nodes)
        usual = {"requested": self.wanted, "actual": self.stands_at, "feedback": self.stands_at}
        for name, value in usual.items():
            if name in nodes:
                seen[name] = self._mostly(value, 77.0, value + 0.5)
        self.limits |= seen
        return seen

    async def write(self, node, value):
        if node == Point.APPLY.value:
            self.applied.append((self.wanted, dict(self.limits), self.range))
            self.stands_at = self.wanted
            return
        await super().write(node, value)
        self.wanted = float(value.Value)


class BenchJournal(SetpointJournal):
    """A journal whose events are committed on a bench's store."""

    def __init__(self, bench, clock):
        self.bench = bench
        super().__init__(clock=clock, store=self, inbox=EventQueue())

    async def run(self, work):
        return work(self.bench.connection)

    async def committed(self, event):
        self.bench.commit(event)


class ByHand(WriteSequence):
    """Writes on a bench's store, and does not wait."""

    def __init__(self, bench, here):
        self.ticks = 0
        super().__init__(line=here, clock=self, journal=BenchJournal(bench, self), pause=self.tick,
                         halt=lambda: None)  # fmt: skip

    def now(self):
        return moment(self.now_ns())

    def now_ns(self):
        return NOW_NS

    def monotonic(self):
        return self.ticks / 10

    async def tick(self, _plc, _seconds):
        self.ticks += 1


def test_nothing_outside_every_limit_is_sent_whatever_the_plc_shows(tmp_path):
    sent = []

    @settings(max_examples=25, deadline=None)
    @given(draw=st.data())
    def one_day(draw):
        bench = WritingBench(Path(tempfile.mkdtemp(dir=tmp_path)))
        with closing(bench.connection):
            here = bench.line = writing_line(nodes=NODES)
            bench.suggest()
            ((made, _state),) = bench.open
            port, sequence = RecordingPort(draw), ByHand(bench, here)
            plc = Plc(port, source="plc1", present=lambda _tag: None)

            async def twice():
                for _ in range(2):  # what was begun once is never sent again
                    for open_intent, state in bench.open:
                        one = here.writes.by_tag[TAG]
                        try:
                            if state is WriteState.OPEN:
                                await sequence.write(plc, open_intent, one)
                            else:
                                await sequence.resolve(plc, open_intent, one, state)
                        except SourceUnavailableError:
                            pass

            asyncio.run(twice())
            assert len(port.sent) <= 1
            sent.extend(port.sent)
            for node, value, seen, eu_range in port.sent:
                assert node == Point.REQUEST.value
                assert seen["minimum"] <= value <= seen["maximum"]
                assert eu_range is None or eu_range[0] <= value <= eu_range[1]
                assert 71.0 <= value <= 89.0
                assert seen["external"] == 1.0
                assert abs(value - seen[f"tag {TAG}"]) <= 2.0 + 1e-9
                assert abs(value - made.to_value) <= 0.05
            if bench.states() == [("written",)]:
                assert len(port.sent) == 1

    one_day()
    assert sent, "nothing was ever sent: the test shows nothing"


def test_nothing_is_applied_that_the_module_was_against_at_the_last_look(tmp_path):
    applied = []

    @settings(max_examples=30, deadline=None)
    @given(draw=st.data())
    def one_day(draw):
        bench = WritingBench(Path(tempfile.mkdtemp(dir=tmp_path)))
        with closing(bench.connection):
            here = bench.line = writing_line(nodes=MODULE, profile=WriteProfile.MTP)
            bench.suggest()
            ((made, _state),) = bench.open
            port, sequence = ModulePort(draw), ByHand(bench, here)
            plc = Plc(port, source="plc1", present=lambda _tag: None)
            with suppress(SourceUnavailableError):
                asyncio.run(sequence.write(plc, made, here.writes.by_tag[TAG]))
            applied.extend(port.applied)
            assert len(port.applied) <= len(port.sent) <= 1
            for value, seen, eu_range in port.applied:
                assert seen["minimum"] <= value <= seen["maximum"]
                assert eu_range is None or eu_range[0] <= value <= eu_range[1]
                assert 71.0 <= value <= 89.0
                assert seen["external"] == 1.0
                assert abs(seen[f"tag {TAG}"] - 78.0) <= 0.05

    one_day()
    assert applied, "nothing was ever applied: the test shows nothing"


def test_the_fixtures_intent_is_of_the_tag_that_is_written():
    assert intent().tag == write().tag
