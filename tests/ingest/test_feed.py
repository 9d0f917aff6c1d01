"""What a source's feed makes of holes while the gateway's clock is set, or its server's clock is wrong."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from gateway.deadlines import ClockReading
from gateway.history.windows import WindowRequest
from gateway.records.process import GapKind
from gateway.time_units import SECOND_NS
from gateway.transport.opcua_listener import Notification
from tests.fixtures.building import NOW_NS, sample
from tests.fixtures.opcua_feed import Listener, source_of


class Clocks:
    """Seconds since boot, and by how many the wall clock is set."""

    def __init__(self, set_by):
        self.boot, self.set_by = 0, set_by

    @property
    def wall(self):
        return self.boot + self.set_by

    def now_ns(self):
        return NOW_NS + self.wall * SECOND_NS

    def now(self):
        return ClockReading(wall_ns=self.now_ns(), latest_ns=self.now_ns(), boot_ns=self.boot * SECOND_NS, boot_id="b")

    def monotonic(self):
        return float(self.boot)


class ScriptedSession:
    """In the place of the session: renewed at once; its server's history tells one value with each slice."""

    tags = ("T",)

    def __init__(self):
        self.feed = None
        self.history_reads = []
        self.renewed = 0
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self.is_asked = asyncio.Event()
        self.subscribed = asyncio.Event()
        self.subscribed.set()

    def renew(self, _why):
        self.renewed += 1
        self.feed.on_state(False)

    async def wait_subscribed(self):
        await self.subscribed.wait()

    async def read_history(self, _tags, *, start_ns, end_ns):
        self.history_reads.append(((start_ns - NOW_NS) // SECOND_NS, (end_ns - NOW_NS) // SECOND_NS))
        self.is_asked.set()
        await self.goes_on.wait()
        return {"T": [sample("T", 55.0, at=self.history_reads[-1][0])]}


class Plant:
    """One feed, told by hand."""

    def __init__(self, *, set_by=0):
        self.clock = Clocks(set_by)
        self.listener = Listener(source_of("opc.tcp://127.0.0.1:1", "T"), clock=self.clock)
        (self.feed,) = self.listener.feeds
        self.session = self.feed._session = self.feed._backfill._session = ScriptedSession()
        self.session.feed = self.feed

    def tell_until_its_clock_is_known(self, value, **changes):
        for _ in range(3):
            self.tell(value, **changes)

    def tell(self, value, *, server_ahead=0, lost=False):
        at = self.clock.wall + server_ahead
        self.feed.on_notification(
            Notification(samples=(sample("T", value, at=at),), server_ns=NOW_NS + at * SECOND_NS, lost=lost)
        )

    def lose_the_connection(self):
        self.feed.on_state(False)

    @asynccontextmanager
    async def filling(self):
        task = asyncio.create_task(self.feed.fill())
        yield
        await settled()
        task.cancel()
        await asyncio.wait({task})

    def gaps(self, kind):
        gaps_of_kind = [gap for gap in self.listener.gaps() if gap.kind is kind]
        return [((gap.from_ns - NOW_NS) // SECOND_NS, (gap.until_ns - NOW_NS) // SECOND_NS) for gap in gaps_of_kind]

    def statuses(self, seconds):
        now_ns = self.clock.now_ns()
        request = WindowRequest(tag="T", start_ns=now_ns - seconds * SECOND_NS, end_ns=now_ns)
        return set(self.listener.rings.window(request).statuses.tolist())


async def settled():
    for _ in range(50):
        await asyncio.sleep(0)


@pytest.mark.parametrize("step", [3, -3, 3600, -3600])
async def test_an_outage_during_which_the_clock_was_set_is_filled_and_on_record(step):
    plant = Plant()
    plant.clock.boot = 10
    plant.tell(1.0)
    plant.lose_the_connection()
    plant.clock.boot, plant.clock.set_by = 7210, step
    plant.tell(2.0)  # the server is back, and the gateway sees that its clock was set
    plant.clock.boot += 1
    plant.tell_until_its_clock_is_known(2.0)
    async with plant.filling():
        pass
    begin = min(10, 10 + step)  # by the clock of then, or by that of now: whichever says more
    assert plant.gaps(GapKind.DISCONNECTED) == [(begin, plant.clock.wall)]
    assert (plant.session.history_reads[0][0], plant.session.history_reads[-1][1]) == (begin, plant.clock.wall)


async def test_a_clock_that_is_set_while_the_source_is_there_makes_no_outage():
    plant = Plant()
    plant.tell(1.0)
    plant.clock.boot, plant.clock.set_by = 60, -3600
    plant.tell(2.0)
    plant.clock.boot += 1
    plant.tell(2.0)
    assert plant.feed._backfill.holes[-1].from_ns == plant.clock.now_ns() - SECOND_NS


async def test_a_hole_that_is_being_filled_when_the_clock_is_set_back_puts_nothing_into_the_future():
    plant = Plant(set_by=3600)
    plant.clock.boot = 10
    plant.tell(1.0)
    plant.lose_the_connection()
    plant.clock.boot = 2000
    plant.tell_until_its_clock_is_known(2.0)
    plant.session.goes_on.clear()
    async with plant.filling():
        await plant.session.is_asked.wait()
        plant.clock.set_by = 0
        plant.tell(3.0)
        plant.clock.boot += 1
        plant.tell(3.0)
        plant.session.goes_on.set()
        await settled()
        for _ in range(60):
            plant.clock.boot += 1
            plant.tell(4.0)
    assert plant.statuses(50) == {0}
    as_it_stood, filled = plant.gaps(GapKind.DISCONNECTED)
    assert as_it_stood == (3610, 5600)
    assert filled == (10, 2001)  # the same outage, by the clock that is right


async def test_the_history_of_a_server_whose_clock_is_wrong_fills_nothing():
    plant = Plant()
    plant.tell(1.0, server_ahead=3600)
    plant.lose_the_connection()
    plant.clock.boot = 600
    plant.tell_until_its_clock_is_known(2.0, server_ahead=3600)
    async with plant.filling():
        pass
    assert plant.listener.conditions["CLOCK_SKEW_PLC1"]
    assert plant.session.history_reads == []
    assert plant.gaps(GapKind.DISCONNECTED) == [(0, 600)]


async def test_a_hole_that_is_pushed_out_while_it_is_filled_is_on_record_once():
    plant = Plant()
    plant.tell(1.0)
    plant.session.goes_on.clear()
    async with plant.filling():
        for _ in range(20):
            plant.clock.boot += 1
            plant.tell(1.0, lost=True)
            await settled()
        plant.session.goes_on.set()
    gaps = plant.gaps(GapKind.SEQUENCE)
    assert len(gaps) == len(set(gaps)) == 20


async def test_values_that_are_lost_for_good_are_wanted_again_but_not_all_the_time():
    plant = Plant()
    plant.tell(1.0)
    for _ in range(120):
        plant.clock.boot += 1
        plant.tell(1.0, lost=True)
    assert plant.session.renewed == 2


async def test_a_hole_that_is_gone_once_the_session_is_back_ends_nothing():
    plant = Plant(set_by=3600)
    plant.tell(1.0)
    plant.lose_the_connection()
    plant.clock.boot = 600
    plant.session.subscribed.clear()
    plant.tell_until_its_clock_is_known(2.0)
    filling = asyncio.create_task(plant.feed.fill())
    await settled()
    plant.clock.set_by = 0
    plant.tell(3.0)
    plant.session.subscribed.set()
    await settled()
    assert not filling.done()
    plant.clock.boot += 1
    plant.tell_until_its_clock_is_known(3.0)
    await settled()
    filling.cancel()
    await asyncio.wait({filling})
    assert plant.gaps(GapKind.DISCONNECTED) == [(3600, 4200), (0, 601)]


async def test_a_server_that_comes_back_with_a_wrong_clock_fills_nothing():
    plant = Plant()
    for _ in range(11):
        plant.clock.boot += 1
        plant.tell(1.0)
    plant.lose_the_connection()
    plant.clock.boot = 600
    async with plant.filling():
        plant.tell_until_its_clock_is_known(2.0, server_ahead=-3600)
    assert plant.session.history_reads == []
    assert plant.gaps(GapKind.DISCONNECTED) == [(11, 600)]
