"""A gateway as commands find it: its process loop and its control socket on a store, in a thread of this process."""

import asyncio
import threading
from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace

from gateway.clock import SystemClock
from gateway.contract.acts import LONGEST_LINE_BYTES, answer_line
from gateway.database.writer import Writer
from gateway.ingest.event_queue import EventQueue
from gateway.records.acts import refused
from gateway.runtime.control_socket import Acts
from gateway.runtime.model_versions import Versions
from gateway.runtime.process_loop import Processor
from gateway.store.database import locked, open_state
from gateway.store.queries.readers import Reader
from gateway.transport.unix_lines import LineServer

_READY_SECONDS = 20.0


class Acting:
    """What runs; ``done``: what has happened besides, in its order."""

    def __init__(self, directory, line, *, define, clock, folder):
        self._directory = directory
        self._line = line
        self._define = define
        self._clock = clock
        self._folder = folder or directory
        self._ready = threading.Event()
        self._loop = None
        self._stopping = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="acting", daemon=True)
        self.processor = None
        self.done = []

    def start(self):
        self._thread.start()
        assert self._ready.wait(_READY_SECONDS)

    def stop(self):
        self.call(self._stopping.set)
        self._thread.join(_READY_SECONDS)
        assert not self._thread.is_alive()

    def call(self, function, *arguments):
        """Have something done on its loop."""
        self._loop.call_soon_threadsafe(function, *arguments)

    async def _run(self):
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        inbox, told = EventQueue(), self.done.append
        with locked(self._directory):
            writer = Writer(partial(open_state, self._directory), name="store")
            async with writer, Reader(self._directory) as reader:
                self.processor = Processor(
                    inbox=inbox, line=self._line, windows=_none, writer=writer, on_progress=lambda: None,
                    on_committed=lambda messages: told(("committed", messages)),
                    on_store=lambda _why: None, on_alarm=lambda code: told(("alarm", code)),
                )  # fmt: skip
                taking = SimpleNamespace(take_line=lambda line: told(("line", line)))
                versions = Versions(self._line, define=self._define, reader=reader, inbox=inbox, clock=self._clock,
                                    parts=(self.processor, taking))  # fmt: skip
                acts = Acts(inbox=inbox, clock=self._clock, versions=versions, on_change=lambda: told("status"),
                            on_retries=lambda: told("retries"))  # fmt: skip
                server = LineServer(
                    self._folder, named_in=self._directory, longest_bytes=LONGEST_LINE_BYTES, answer=acts.answer,
                    too_long=answer_line(refused("too long", hint="")), closing_seconds=1.0,
                    on_condition=lambda _code, stands: told("deaf") if stands else self._ready.set(),
                )  # fmt: skip
                tasks = [asyncio.create_task(part.run()) for part in (self.processor, server)]
                await self._stopping.wait()
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)


async def _none(_requests):
    return {}


@contextmanager
def acting(directory, line, *, define=None, clock=None, folder=None):
    """Run it until the block ends."""
    running = Acting(directory, line, define=define or (lambda _versions: line), clock=clock or SystemClock(),
                     folder=folder)  # fmt: skip
    running.start()
    try:
        yield running
    finally:
        running.stop()
