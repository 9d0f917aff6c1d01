"""Makes the documents of signed certificates, and mails them to their customers: never before the signature.

What was signed and has no document is made in a process of its own (``transport/paper.py``), one at a time; what has
one and an address is mailed. Both are events, so that record, audit line and message come together. Directly before a
mail is sent the store is asked whether the certificate is still in force.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import structlog

from gateway.advice.certificate_mail import file_name, mail_of
from gateway.advice.certificate_message import paper_of
from gateway.clock import Clock
from gateway.config.notify import certificate_mail
from gateway.contract.identity import identity_of
from gateway.database.writer import Writer
from gateway.errors import StoreUnavailableError
from gateway.events import CertificateMailed, CertificatePrinted
from gateway.ingest.event_queue import EventQueue, Urgency
from gateway.latches import has_forgotten
from gateway.line.definition import LineDefinition
from gateway.records.certificates import CertificateOnRecord, CertificateState
from gateway.runtime.dependencies import Dependencies, Loop, Stores
from gateway.store.queries.certificates import Document, certificate_version, document_of
from gateway.store.queries.readers import Reader
from gateway.time_units import SECOND_NS
from gateway.transport.attempts import Attempts, NotTakenNowError
from gateway.transport.notices import Attachment, MailServer, Notice, NoticeRefusedError, send_mail
from gateway.transport.paper import Form, printed

log = structlog.get_logger()

LOOK_SECONDS = 2.0
PAUSES_SECONDS = (1.0, 5.0, 30.0, 60.0, 300.0)
_GIVEN_UP_NS = 24 * 3600 * SECOND_NS
_OLDEST_NS = 3 * 24 * 3600 * SECOND_NS  # of a document that is still mailed after an outage
_AT_ONCE = 20
_MOST_WAITING = 1_000  # mails that are tried again; what comes beyond them stays in the store
MAIL_UNAVAILABLE = "CERTIFICATE_MAIL_UNAVAILABLE"


class CertificatePrinter:
    """Makes the documents of what was signed, until cancelled."""

    def __init__(
        self, line: LineDefinition, *, reader: Reader, writer: Writer, inbox: EventQueue, clock: Clock,
    ) -> None:  # fmt: skip
        self._line = line
        self._reader = reader
        self._writer = writer
        self._inbox = inbox
        self._clock = clock
        self._place = 0

    def take_line(self, line: LineDefinition) -> None:
        """Go on by this definition; what could not be made by another template is tried again."""
        self._line, self._place = line, 0

    async def run(self) -> None:
        """Make what comes."""
        while True:
            try:
                await self.catch_up()
            except StoreUnavailableError as error:
                log.debug("certificates wait for the store", error=str(error))
            await asyncio.sleep(LOOK_SECONDS)

    async def catch_up(self) -> None:
        """Make the documents of everything that was signed, unless it may have been withdrawn since."""
        if has_forgotten(await self._reader.alarms.latches()):
            return
        while due := await self._reader.certificates.to_print(after=self._place, most=_AT_ONCE):
            for place, certificate_id, version in due:
                await self._print(certificate_id, version)
                self._place = max(self._place, place)

    async def _print(self, certificate_id: str, version: int) -> None:
        known = await self._writer.run(lambda store: certificate_version(store, certificate_id, version))
        if known is None or not known.holds or known.state is not CertificateState.SIGNED:
            return
        made, problem = await asyncio.to_thread(printed, paper_of(known, self._line))
        if problem:
            log.warning("a certificate has no PDF", certificate=certificate_id, version=version, why=problem)
        at = self._clock.now()
        await _committed(self._inbox, CertificatePrinted(
            event_id=identity_of("certificate-printed", certificate_id, version, at.wall_ns),
            at=at, certificate_id=certificate_id, version=version,
            media_type=Form.HTML if made is None else made.form.value,
            content=b"" if made is None else made.content, problem=problem,
        ))  # fmt: skip


@dataclass(slots=True)
class _Turn:
    """A mail that is still to be sent, and when it is tried next, on a clock that never steps."""

    since_ns: int
    due_ns: int
    attempts: int = 0

    def later(self, now_ns: int) -> None:
        """Wait for longer after each attempt."""
        pause_seconds = PAUSES_SECONDS[min(self.attempts, len(PAUSES_SECONDS) - 1)]
        self.due_ns, self.attempts = now_ns + round(pause_seconds * SECOND_NS), self.attempts + 1


class CertificateMailer:
    """Mails what has a document to its customers, until cancelled; one that must wait keeps no other waiting."""

    def __init__(
        self, server: MailServer, *, reader: Reader, writer: Writer, inbox: EventQueue, clock: Clock,
        on_condition: Callable[[str, bool], None],
    ) -> None:  # fmt: skip
        """``server``: its recipients are not the customers."""
        self._server = server
        self._reader = reader
        self._writer = writer
        self._inbox = inbox
        self._clock = clock
        self._on_condition = on_condition
        self._attempts = Attempts("certificate-mail")
        self._place = 0
        self._turns: dict[tuple[str, int], _Turn] = {}

    async def run(self) -> None:
        """Mail what comes."""
        while True:
            try:
                await self.catch_up()
            except StoreUnavailableError as error:
                log.debug("certificates wait for the store", error=str(error))
            await asyncio.sleep(LOOK_SECONDS)

    async def catch_up(self) -> None:
        """Try once to mail everything whose turn it is, in the order in which the documents were made.

        A store that was put back from a backup may know of certificates that were withdrawn since: they wait.
        """
        if has_forgotten(await self._reader.alarms.latches()):
            return
        await self._take_new()
        for key, turn in tuple(self._turns.items()):
            now_ns = self._clock.now().boot_ns
            if turn.due_ns <= now_ns and await self._is_over(*key, given_up=now_ns - turn.since_ns > _GIVEN_UP_NS):
                del self._turns[key]
            elif turn.due_ns <= now_ns:
                turn.later(now_ns)
        self._on_condition(MAIL_UNAVAILABLE, any(turn.attempts > 1 for turn in self._turns.values()))

    async def _take_new(self) -> None:
        since_ns, now_ns = self._clock.now_ns() - _OLDEST_NS, self._clock.now().boot_ns
        for place, certificate_id, version in await self._reader.certificates.to_mail(
            after=self._place, since_ns=since_ns, most=min(_AT_ONCE, _MOST_WAITING - len(self._turns))
        ):
            self._turns[certificate_id, version] = _Turn(since_ns=now_ns, due_ns=now_ns)
            self._place = place

    async def _is_over(self, certificate_id: str, version: int, *, given_up: bool) -> bool:
        """Try to mail one; return whether it was taken, refused or given up, or is no longer in force."""
        known, document = await self._writer.run(
            lambda store: (certificate_version(store, certificate_id, version),
                           document_of(store, certificate_id, version))
        )  # fmt: skip
        if known is None or document is None or not _may_be_sent(known, document):
            return True
        to, problem = known.drafted.content.email, ""
        try:
            await self._attempts.run(partial(send_mail, _mail(known, document), replace(self._server, to=to)))
        except NotTakenNowError as error:
            if not given_up:
                return False
            problem = f"given up after a day: {error}"
        except NoticeRefusedError as error:
            problem = str(error)
        await self._noted(certificate_id, version, to, problem=problem)
        return True

    async def _noted(self, certificate_id: str, version: int, to: tuple[str, ...], *, problem: str) -> None:
        at = self._clock.now()
        await _committed(self._inbox, CertificateMailed(
            event_id=identity_of("certificate-mailed", certificate_id, version), at=at, to=to,
            certificate_id=certificate_id, version=version, problem=problem,
        ))  # fmt: skip


def _may_be_sent(known: CertificateOnRecord, document: Document) -> bool:
    """Return whether a certificate goes to its customer: it is signed, whole and in force, and has an address."""
    in_force = known.holds and known.state is CertificateState.SIGNED
    return in_force and document.holds and bool(document.content and known.drafted.content.email)


def _mail(known: CertificateOnRecord, document: Document) -> Notice:
    subject, lines = mail_of(known, sha256=document.sha256)
    drafted = known.drafted
    ending = "pdf" if document.media_type == Form.PDF else "html"
    attachment = Attachment(name=file_name(known, ending), media_type=document.media_type, content=document.content)
    return Notice(
        notice_id=identity_of("certificate-mail", drafted.certificate_id, drafted.version),
        subject=subject,
        lines=lines,
        document={},
        attachments=(attachment,),
    )


def certificate_loops(ground: Dependencies, stores: Stores) -> dict[str, Loop]:
    """Return the loops that make the documents of signed certificates and mail them, by name."""
    parts: dict[str, Loop] = {
        "certificate-printer": CertificatePrinter(
            ground.line, reader=stores.reader, writer=stores.writer, inbox=ground.inbox, clock=ground.clock
        )
    }
    server = certificate_mail(ground.settings)
    if server is not None:
        parts["certificate-mailer"] = CertificateMailer(
            server,
            reader=stores.reader,
            writer=stores.writer,
            inbox=ground.inbox,
            clock=ground.clock,
            on_condition=ground.health.condition,
        )
    return parts


async def _committed(inbox: EventQueue, event: CertificatePrinted | CertificateMailed) -> None:
    """Return once an event is committed."""
    committed = asyncio.Event()
    inbox.put(event, Urgency.LATER, committed.set)
    await committed.wait()
