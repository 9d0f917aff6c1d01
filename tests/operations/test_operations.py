import asyncio
import socket

from gateway.operations.health import Health
from gateway.operations.systemd import Notifier, Progress
from gateway.store.queries.readers import Depths
from tests.fixtures.building import NOW_NS, line


def test_notifications_reach_the_socket_of_systemd(tmp_path):
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(path))
        Notifier({"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "30000000"}).notify(READY="1", STATUS="running")
        assert systemd.recv(100) == b"READY=1\nSTATUS=running"


def test_without_systemd_nothing_is_said_and_nothing_fails(tmp_path):
    Notifier({}).notify(READY="1")
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")}).notify(READY="1")
    assert Notifier({}).watchdog_seconds is None
    assert Notifier({"WATCHDOG_USEC": "5000000"}).watchdog_seconds == 5.0


def test_a_listener_that_takes_nothing_does_not_hold_the_gateway_up(tmp_path):
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(str(path))
        for _ in range(5000):  # more than any queue of datagrams holds
            Notifier({"NOTIFY_SOCKET": str(path)}).notify(WATCHDOG="1")


def test_a_loop_that_does_not_get_on_is_named():
    progress = Progress({"process": -1.0, "drain": 100.0})
    assert progress.stalled() == ("process",)


async def test_status_tells_what_is_not_as_it_should_be():
    told = asyncio.Event()
    health = Health(line=line(), on_change=told.set)
    health.source("plc1", connected=False)
    health.store("disk full")
    health.alarm("PUBLISH_REFUSED")
    assert told.is_set()
    status = health.status(at_ns=NOW_NS, depths=Depths(), models={})
    assert status.degraded == ["PUBLISH_REFUSED", "STORE_UNAVAILABLE", "SOURCE_PLC1_DISCONNECTED"]
    assert status.sources == {"plc1": "disconnected"}
    assert status.stage == {"viscosity": "advise"}
    health.store(None)
    health.source("plc1", connected=True)
    assert health.degraded() == ("PUBLISH_REFUSED",)
