"""The door by which commands reach the running gateway: a Unix socket, for the store's owner and root only."""

import os
from pathlib import Path

from gateway.contract.acts import LONGEST_LINE_BYTES, answer_line
from gateway.history.tag_history import History
from gateway.publish.status import StatusPublisher
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import refused
from gateway.runtime.control_socket import CLOSING_SECONDS, Acts
from gateway.runtime.dependencies import Dependencies
from gateway.runtime.live_values import LiveValues
from gateway.runtime.questions_on_record import AskedByCommands, QuestionsOnRecord
from gateway.transport.unix_line_server import LineServer


def command_door(ground: Dependencies, history: History, status: StatusPublisher, acts: Acts) -> LineServer:
    """Return the socket by which commands read and act; in the runtime directory where systemd has made one."""
    directory = ground.settings.store.directory
    on_record = QuestionsOnRecord(ground.inbox)
    asked = AskedByCommands(on_record, clock=ground.clock, directory=directory, acts=acts.answer)
    answering = LiveValues(
        history=history, health=ground.health, clock=ground.clock, status=status.present,
        acts=asked.answer,
    )  # fmt: skip
    runtime_directory = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    return LineServer(
        Path(runtime_directory) if runtime_directory else directory,
        named_in=directory,
        longest_bytes=LONGEST_LINE_BYTES,
        answer=answering.answer,
        too_long=answer_line(refused(ActRefusal.REQUEST_TOO_LONG, most=LONGEST_LINE_BYTES)),
        on_condition=ground.health.condition,
        closing_seconds=CLOSING_SECONDS,
    )
