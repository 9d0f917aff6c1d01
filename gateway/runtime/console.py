"""Builds the console: each part gets what it needs, and hears of what concerns it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import structlog

from gateway.clock import Clock
from gateway.config.credentials import credential
from gateway.console import setup_link
from gateway.console.accounts import Accounts
from gateway.console.acts import ActAnswers
from gateway.console.application import Application, Beside, cookie_name
from gateway.console.asking import AskAnswers
from gateway.console.broadcast import Broadcast
from gateway.console.bundles import Bundles
from gateway.console.certifying import CertificateAnswers
from gateway.console.changes import Changes
from gateway.console.origin import Origins
from gateway.console.people import People, TakesActs
from gateway.console.reading import Answers, ConsoleReader
from gateway.console.searching import SearchAnswers
from gateway.console.server import Console
from gateway.console.sessions import Sessions
from gateway.console.showing import Showing
from gateway.console.showing_audit import ShowingAudit
from gateway.console.shown import Shown
from gateway.console.sighted import SightGate
from gateway.console.snapshot import Snapshots
from gateway.console.static_files import StaticFiles
from gateway.console.stream import Streams
from gateway.console.terminal_tokens import TokenAnswers
from gateway.console.verifying import Verifying
from gateway.contract.console_links import SET_UP, link_of
from gateway.copilot.desk import Desk, on_no_record
from gateway.copilot.options import CopilotOptions
from gateway.copilot.tokens import TerminalTokens
from gateway.database.writer import Writer
from gateway.history.windows import TagWindow, WindowRequest
from gateway.knowledge.options import KnowledgeOptions
from gateway.line.definition import LineDefinition
from gateway.operations.health import Health
from gateway.records.line_state import TagState
from gateway.store.audit.heads import HeadSigner, load_signer
from gateway.store.database import read_state
from gateway.store.queries.readers import Reader
from gateway.store.statements import SQL
from gateway.transport.console_options import ConsoleOptions
from gateway.transport.http_entrance import Entrance

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class I3xGround:
    """What i3X is built on beside the console; ``tokens`` by client."""

    tokens: Mapping[str, str]
    tags: Callable[[], Awaitable[tuple[TagState, ...]]]
    window: Callable[[WindowRequest], Awaitable[TagWindow]]


@dataclass(frozen=True, kw_only=True)
class ConsoleGround:
    """What the console is built on; ``present``: a tag's value at this instant; ``i3x`` None: it is not served."""

    line: LineDefinition
    directory: Path
    clock: Clock
    health: Health
    writer: Writer
    reader: Reader
    changes: Changes
    present: Callable[[str], float | None]
    certificates: Mapping[str, Path]
    knowledge: KnowledgeOptions = field(default_factory=KnowledgeOptions)
    i3x: I3xGround | None = None
    copilot: CopilotOptions = field(default_factory=CopilotOptions)
    desk: Desk = field(default_factory=lambda: Desk(on_record=on_no_record))
    question_figures: Callable[[], Mapping[str, float]] = dict
    terminal_tokens: TerminalTokens | None = None


@dataclass(frozen=True, kw_only=True)
class ConsoleParts:
    """The server, and what has to hear of another version of a model."""

    server: Console
    snapshots: Snapshots


def console(options: ConsoleOptions, ground: ConsoleGround, acts: TakesActs) -> ConsoleParts:
    """Return the console; nothing runs yet."""
    directory, clock, changes = ground.directory, ground.clock, ground.changes
    quick, slow = ConsoleReader(directory, name="now"), ConsoleReader(directory, name="search")
    entrance = Entrance()
    sessions = Sessions(
        reader=quick, writer=ground.writer, clock=clock, idle_seconds=options.idle_seconds,
        longest_seconds=options.longest_seconds,
    )  # fmt: skip
    people = People(
        options=options, line=ground.line, directory=directory, sessions=sessions, reader=quick, acts=acts,
        clock=clock,
    )  # fmt: skip
    accounts = Accounts(reader=slow, sessions=sessions, acts=acts, attempts=people.attempts, clock=clock)
    snapshots = Snapshots(
        ground.line, clock=clock, health=ground.health, present=ground.present, counter=lambda: changes.counter,
        figures=lambda: {"event streams": float(streams.count), **ground.question_figures()},
        certificates=ground.certificates,
    )  # fmt: skip
    broadcast = Broadcast(changes=changes, sessions=sessions, reader=quick, snapshots=snapshots, now_ns=clock.now_ns)
    streams = Streams(broadcast=broadcast, entrance=entrance)
    shown = Shown(snapshots=snapshots, answers=Answers(counter=lambda: changes.counter))
    showing = Showing(quick=quick, slow=slow, shown=shown, figures=_figures(snapshots, ground.reader))
    verifying = Verifying(directory, ground.line.path, now_ns=clock.now_ns)
    audit = ShowingAudit(reader=slow, shown=shown, verifying=verifying)
    finding = ConsoleReader(directory, name="knowledge")
    searching = SearchAnswers(finding, shown, ground.knowledge, directory)
    asking = AskAnswers(searching, shown, knowledge=ground.knowledge, copilot=ground.copilot, desk=ground.desk)
    bundles = Bundles(slow, line=ground.line.path, signer=partial(_signer, ground))
    beside, readers = _beside(options, ground, sessions, snapshots, entrance)
    acting = ActAnswers(acts, slow, on_sign_in=people.attempts.count, on_success=people.attempts.succeeded)
    application = Application(
        sessions=sessions,
        sight_of=snapshots.sight_of,
        gate=SightGate(slow),
        answering={**people.answering(), **accounts.answering(), **showing.answering(),
                   **audit.answering(), **bundles.answering(), **searching.answering(), **asking.answering(),
                   **TokenAnswers(ground.terminal_tokens, shown, ground.writer).answering(),
                   **CertificateAnswers(slow, shown).answering(), "POST /api/acts": acting.do,
                   "GET /api/events": streams.answer},
        files=StaticFiles(),
        entrance=entrance,
        options=options,
        beside=beside,
    )  # fmt: skip
    server = Console(
        options, application, entrance=entrance, on_condition=ground.health.condition,
        before=lambda: _offer_set_up(options, directory, clock), readers=(quick, slow, finding, *readers),
        on_closing=broadcast.end,
    )  # fmt: skip
    return ConsoleParts(server=server, snapshots=snapshots)


def _beside(
    options: ConsoleOptions, ground: ConsoleGround, sessions: Sessions, snapshots: Snapshots, entrance: Entrance
) -> tuple[Mapping[str, Beside], tuple[ConsoleReader, ...]]:
    """Return (what is served beside the console, by the first part of its paths; the readers that it needs)."""
    if ground.i3x is None:
        return {}, ()
    from gateway.interfaces.i3x.answering import Answering, Sources  # noqa: PLC0415 - not needed without it
    from gateway.interfaces.i3x.entrance import I3xEntrance, SignedIn  # noqa: PLC0415 - not needed without it

    reader = ConsoleReader(ground.directory, name="i3x")
    answering = Answering(
        Sources(
            reader=reader, snapshots=snapshots, changes=ground.changes, tags=ground.i3x.tags,
            window=ground.i3x.window, now_ns=ground.clock.now_ns,
        )
    )  # fmt: skip
    people = SignedIn(sessions, cookie_name(options), snapshots.sight_of)
    served = I3xEntrance(
        answering, name=f"Labline {ground.line.path}", tokens=ground.i3x.tokens, people=people,
        origins=Origins(options.trusted_proxies), entrance=entrance, tls=options.certificate is not None,
    )  # fmt: skip
    return {"v1": served.answer}, (reader,)


def _signer(ground: ConsoleGround) -> HeadSigner:
    """Return the signer of the audit trail's heads, by which an exported record is signed, too."""
    return load_signer(
        line=ground.line.path, directory=ground.directory, credential=credential("audit_key"), make_key=False
    )


def _figures(snapshots: Snapshots, reader: Reader) -> Callable[[], Awaitable[Mapping[str, Mapping[str, float]]]]:
    async def figures() -> Mapping[str, Mapping[str, float]]:
        return {
            model.name: await reader.models.figures(
                model.name, model.bundle.identity.sha256, signed=model.bundle.corrected_by_people
            )
            for model in snapshots.line.models
        }

    return figures


def _offer_set_up(options: ConsoleOptions, directory: Path, clock: Clock) -> None:
    """Log a one-time link where there are no users yet, so that somebody can make the first one."""
    if options.demo_link_sha256 is not None:  # it makes the demo's user
        return
    connection = read_state(directory)
    try:
        if connection.execute(SQL["any_user"]).fetchone() is not None:
            return
    finally:
        connection.close()
    try:
        link = setup_link.new_link(directory, clock.now())
    except OSError as error:
        log.error("no set-up link could be made", error=str(error))  # noqa: TRY400 - the sentence says it
        return
    log.warning(
        "there are no users yet: the first administrator is made by this link, once, within 24 h",
        link=link_of(options.address, SET_UP, link),
    )
