"""People outside the plant are told of alarms: over real SMTP and HTTP, in order, once, and beside deciding."""

import asyncio
import datetime as dt
import email
import email.policy
import ipaddress
import json
import ssl
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from zoneinfo import ZoneInfo

import pytest
import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.database.writer import Writer
from gateway.events import TimerDue
from gateway.publish import notifying
from gateway.publish.notice_texts import Target, comes_in_quiet_hours, is_news, notice_of
from gateway.publish.notifying import Notifier
from gateway.records.alarms import Alarm, AlarmChange, AlarmChanged, AlarmEvent
from gateway.records.guidance import Severity
from gateway.store.queries.readers import Reader
from gateway.store.transaction.records.alarms import alarm_changed
from gateway.time_units import SECOND_NS
from gateway.transport.attempts import NotTakenNowError
from gateway.transport.notices import (
    Address,
    MailServer,
    NoticeKind,
    NoticeRefusedError,
    post,
    send_mail,
)
from tests.fixtures.building import NOW_NS, moment, new_state
from tests.fixtures.mail_server import mail_server, web_hook

EVENT = AlarmEvent(
    seq=1, at_ns=NOW_NS, alarm_id="warning/R1/m/ph", change=AlarmChange.RAISED, title="ph <near> its limit\r\nBcc: x",
    severity=Severity.CRITICAL, position="operator", person="", reason="", guidance_id="g-1",
)  # fmt: skip


def target(send=lambda _notice: None, **how):
    usual = {"name": "shift", "severities": frozenset(Severity), "positions": frozenset(), "ended": True,
             "quiet": None, "zone": ZoneInfo("Europe/Paris"), "line": "acme/lyon/p/line-1", "send": send}  # fmt: skip
    return Target(**(usual | how))


def server(box, **how):
    usual = {"host": "127.0.0.1", "port": box.port, "security": "none", "sender": "labline@acme.example",
             "to": ("shift@acme.example",)}  # fmt: skip
    return MailServer(**(usual | how))


async def mailed(box, event=EVENT, **how):
    await asyncio.to_thread(send_mail, notice_of(event, target()), server(box, **how))


# --- one attempt ------------------------------------------------------------------------------------------------


async def test_a_mail_says_what_is_wrong_since_when_and_nothing_in_it_becomes_a_header():
    async with mail_server() as box:
        await mailed(box)
    message = email.message_from_string(box.mails[0], policy=email.policy.default)
    assert message["Subject"] == "[acme/lyon/p/line-1] critical: ph <near> its limit Bcc: x"
    assert (message["To"], message["Bcc"]) == ("shift@acme.example", None)
    assert "ph <near> its limit" in message.get_content()
    assert "CET" in message.get_content()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """A server's context, and a client's that trusts it."""
    folder, key = tmp_path_factory.mktemp("certificates"), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    file = folder / "server.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    of_server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    of_server.load_cert_chain(file)
    trusting = ssl.create_default_context(cadata=certificate.public_bytes(serialization.Encoding.PEM).decode())
    return of_server, trusting


async def test_mail_goes_encrypted_and_signed_in_and_not_to_a_server_that_is_not_trusted(certificates):
    of_server, trusting = certificates
    async with mail_server(tls=of_server, password="pw-1") as box:
        await mailed(box, security="starttls", user="labline", password="pw-1", trust=trusting)
        assert (box.encrypted, box.signed_in) == ([True], ["labline"])
        with pytest.raises(NotTakenNowError, match="SSL"):
            await mailed(box, security="starttls", user="labline", password="pw-1")
        with pytest.raises(NotTakenNowError, match="535") as wrong:
            await mailed(box, security="starttls", user="labline", password="pw-2", trust=trusting)
        assert "pw-2" not in str(wrong.value)
    assert len(box.mails) == 1


async def test_a_server_that_cannot_encrypt_gets_no_password():
    async with mail_server(password="pw-1") as box:
        with pytest.raises(NotTakenNowError):
            await mailed(box, security="starttls", user="labline", password="pw-1")
    assert (box.signed_in, box.mails) == ([], [])


@pytest.mark.parametrize(
    ("answer", "error"), [("550 no such user", NoticeRefusedError), ("451 later", NotTakenNowError)]
)
async def test_what_a_mail_server_answers_decides_whether_it_is_tried_again(answer, error):
    async with mail_server(answers={"RCPT": [answer]}) as box:
        with pytest.raises(error):
            await mailed(box)


async def test_a_mail_that_one_of_several_refuses_is_not_sent_to_the_others_again():
    async with mail_server(answers={"RCPT": ["250 good", "550 no such user"]}) as box:
        with pytest.raises(NoticeRefusedError, match="1 of 2"):
            await mailed(box, to=("shift@acme.example", "gone@acme.example"))
    assert len(box.mails) == 1


@pytest.mark.parametrize("kind", [NoticeKind.WEBHOOK, NoticeKind.TEAMS, NoticeKind.SLACK])
async def test_each_kind_of_webhook_has_its_own_form(kind):
    async with web_hook() as (url, posted):
        await asyncio.to_thread(post, notice_of(EVENT, target()), Address(url=url, kind=kind))
    head, body = posted[0]
    assert head.startswith("POST /hook/secret-path HTTP/1.1")
    document = json.loads(body)
    if kind is NoticeKind.WEBHOOK:
        assert document["schema"] == "labline.notice/1"
        assert (document["alarm"], document["active"], document["severity"]) == ("warning/R1/m/ph", True, "critical")
    elif kind is NoticeKind.TEAMS:
        card = document["attachments"][0]["content"]
        assert (card["type"], card["body"][0]["weight"]) == ("AdaptiveCard", "Bolder")
    else:
        assert "ph &lt;near&gt; its limit" in document["text"]


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, NoticeRefusedError), (404, NotTakenNowError), (302, NotTakenNowError), (429, NotTakenNowError),
     (503, NotTakenNowError)],
)  # fmt: skip
async def test_what_a_webhook_answers_decides_and_no_error_has_its_address(status, error):
    async with web_hook([status]) as (url, _posted):
        with pytest.raises(error) as failed:
            await asyncio.to_thread(post, notice_of(EVENT, target()), Address(url=url, kind=NoticeKind.SLACK))
    assert "secret-path" not in f"{failed.value!s}{failed.value.__cause__!r}{Address(url=url, kind=NoticeKind.SLACK)!r}"


# --- what is news -----------------------------------------------------------------------------------------------


def test_who_is_told_of_what_follows_from_severity_position_quiet_hours_and_age():
    warning = replace(EVENT, severity=Severity.WARNING)

    def told(event, now_ns=NOW_NS, **how):
        return is_news(event, target(**how), now_ns=now_ns)

    night = (dt.time(0, 0), dt.time(23, 59, 59))
    assert told(warning)
    assert not told(warning, severities=frozenset({Severity.CRITICAL}))
    assert not told(warning, quiet=night)
    assert told(EVENT, quiet=night)
    assert not told(warning, positions=frozenset({"quality"}))
    assert told(replace(warning, change=AlarmChange.RETURNED))
    assert not told(replace(warning, change=AlarmChange.RETURNED), ended=False)
    assert not told(replace(warning, change=AlarmChange.ACKNOWLEDGED))
    assert not told(warning, now_ns=NOW_NS + 2 * 86_400 * SECOND_NS)


@pytest.mark.parametrize(("hours", "quiet"), [((22, 6), True), ((6, 22), False), ((8, 10), False), ((3, 5), False)])
def test_quiet_hours_may_go_over_midnight(hours, quiet):
    at_ns = int(dt.datetime(2027, 1, 15, 23, 30, tzinfo=ZoneInfo("Europe/Paris")).timestamp()) * SECOND_NS
    event = replace(EVENT, severity=Severity.WARNING, at_ns=at_ns)
    between = tuple(dt.time(hour) for hour in hours)
    assert is_news(event, target(quiet=between), now_ns=at_ns) is not quiet
    assert comes_in_quiet_hours(event, target(quiet=between), now_ns=at_ns) is quiet


# --- the loop ----------------------------------------------------------------------------------------------------


class Clock:
    def __init__(self, at_ns=NOW_NS):
        self.at_ns = at_ns

    def now_ns(self):
        return self.at_ns


class Stage:
    """A store in which alarms happen, and a notifier that works from it."""

    def __init__(self, writer, reader, conditions):
        self.writer, self.reader, self.conditions = writer, reader, conditions

    def notifier(self, send, name="shift", clock=None, **how):
        return Notifier(target(send, name=name, **how), reader=self.reader, writer=self.writer, clock=clock or Clock(),
                        on_condition=lambda code, stands: self.conditions.append((code, stands)))  # fmt: skip

    async def happens(self, change, alarm_id="gateway/STORE_FULL_SOON", *, fails=False, at_ns=NOW_NS,
                      severity=Severity.WARNING):  # fmt: skip
        alarm = Alarm(alarm_id=alarm_id, title=alarm_id, severity=severity, position="engineer",
                      active=change is AlarmChange.RAISED, acknowledged=False)  # fmt: skip
        event = TimerDue(event_id="e", at=moment(at_ns), timer=None)

        def write(connection):
            alarm_changed(connection, event, AlarmChanged(alarm=alarm, change=change))
            if fails:
                raise RuntimeError("the cause is not committed")

        await self.writer.run(write)

    async def rows(self, query):
        return await self.writer.run(lambda connection: [tuple(row) for row in connection.execute(query)])


@asynccontextmanager
async def on_stage(directory):
    async with Writer(lambda: new_state(directory), name="store") as writer, Reader(directory) as reader:
        yield Stage(writer, reader, [])


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(notifying, "PAUSES_SECONDS", (0.0,))


async def test_a_new_target_is_told_what_happens_from_now_on_in_order_once_and_that_it_ends(tmp_path):
    told = []
    async with on_stage(tmp_path) as stage:
        await stage.happens(AlarmChange.RAISED)
        notifier = stage.notifier(told.append)
        await notifier.catch_up()
        await stage.happens(AlarmChange.RAISED, "gateway/CLOCK_SKEW_PLC1")
        await stage.happens(AlarmChange.RETURNED, "gateway/CLOCK_SKEW_PLC1")
        with pytest.raises(RuntimeError):
            await stage.happens(AlarmChange.RAISED, fails=True)
        await notifier.catch_up()
        await notifier.catch_up()
        again = stage.notifier(told.append)  # after a restart
        await again.catch_up()
    assert [(notice.document["alarm"], notice.document["active"]) for notice in told] == [
        ("gateway/CLOCK_SKEW_PLC1", True), ("gateway/CLOCK_SKEW_PLC1", False)
    ]  # fmt: skip
    assert "Set the clocks" in " ".join(told[0].lines)
    assert len({notice.notice_id for notice in told}) == 2


async def test_what_is_not_taken_is_tried_again_in_its_order_and_an_alarm_says_so(tmp_path):
    told, failures = [], [NotTakenNowError("answered 503"), NotTakenNowError("answered 503")]

    def send(notice):
        if failures:
            raise failures.pop()
        told.append(notice)

    async with on_stage(tmp_path) as stage:
        notifier = stage.notifier(send)
        await notifier.catch_up()
        for alarm_id in ("gateway/CLOCK_SKEW_PLC1", "gateway/STORE_FULL_SOON"):
            await stage.happens(AlarmChange.RAISED, alarm_id)
        await notifier.catch_up()
        assert [notice.document["alarm"] for notice in told] == ["gateway/CLOCK_SKEW_PLC1", "gateway/STORE_FULL_SOON"]
        assert ("NOTIFY_UNAVAILABLE_SHIFT", True) in stage.conditions
        assert stage.conditions[-1] == ("NOTIFY_UNAVAILABLE_SHIFT", False)


async def test_what_is_refused_for_good_is_parked_and_does_not_stop_the_next(tmp_path):
    told = []

    def send(notice):
        if "CLOCK" in notice.subject + notice.document["alarm"]:
            raise NoticeRefusedError("answered 400")
        told.append(notice)

    with structlog.testing.capture_logs() as logged:
        async with on_stage(tmp_path) as stage:
            notifier = stage.notifier(send)
            await notifier.catch_up()
            for alarm_id in ("gateway/CLOCK_SKEW_PLC1", "gateway/STORE_FULL_SOON"):
                await stage.happens(AlarmChange.RAISED, alarm_id)
            await notifier.catch_up()
            assert await stage.rows("SELECT target, why FROM notify_parked") == [("shift", "answered 400")]
    assert [notice.document["alarm"] for notice in told] == ["gateway/STORE_FULL_SOON"]
    assert [line["event"] for line in logged] == ["a notice is refused"]


async def test_a_target_that_hangs_delays_neither_the_store_nor_another_target(tmp_path, monkeypatch):
    monkeypatch.setattr("gateway.transport.attempts.LONGEST_ATTEMPT_SECONDS", 0.05)
    told, released = [], asyncio.Event()
    loop = asyncio.get_running_loop()

    def hang(_notice):
        asyncio.run_coroutine_threadsafe(released.wait(), loop).result(60)

    async with on_stage(tmp_path) as stage:
        slow, quick = stage.notifier(hang, "slow"), stage.notifier(told.append, "quick")
        await asyncio.gather(slow.catch_up(), quick.catch_up())
        await stage.happens(AlarmChange.RAISED)
        hanging = asyncio.create_task(slow.catch_up())
        await asyncio.wait_for(quick.catch_up(), 30)
        assert len(told) == 1
        released.set()
        await asyncio.wait_for(hanging, 30)


async def test_a_mail_goes_all_the_way_from_the_store_to_the_server(tmp_path):
    async with mail_server() as box, on_stage(tmp_path) as stage:
        notifier = stage.notifier(partial(send_mail, server=server(box)))
        await notifier.catch_up()
        await stage.happens(AlarmChange.RAISED)
        await notifier.catch_up()
        assert len(box.mails) == 1


# --- quiet hours ---------------------------------------------------------------------------------------------------

NIGHT = (dt.time(22), dt.time(6))


def at_night(hour, minute=0, second=0):
    """Return an instant of one night of the plant."""
    day = 15 if hour >= 12 else 16
    return int(dt.datetime(2027, 1, day, hour, minute, second, tzinfo=ZoneInfo("Europe/Paris")).timestamp()) * SECOND_NS


async def test_what_came_in_quiet_hours_is_told_at_their_end_in_one_notice_after_a_restart_too(tmp_path):
    told, clock = [], Clock(at_night(23))
    async with on_stage(tmp_path) as stage:
        await stage.notifier(told.append, clock=clock, quiet=NIGHT).catch_up()
        for minute in (1, 3):
            await stage.happens(AlarmChange.RAISED, "gateway/CLOCK_SKEW_PLC1", at_ns=at_night(23, minute))
            await stage.happens(AlarmChange.RETURNED, "gateway/CLOCK_SKEW_PLC1", at_ns=at_night(23, minute + 1))
        await stage.happens(AlarmChange.RAISED, at_ns=at_night(2))
        await stage.happens(AlarmChange.RAISED, "gateway/STORE_DAMAGED", at_ns=at_night(3), severity=Severity.CRITICAL)
        await stage.notifier(told.append, clock=clock, quiet=NIGHT).catch_up()
        assert [notice.document["alarm"] for notice in told] == ["gateway/STORE_DAMAGED"]
    async with on_stage(tmp_path) as stage:  # the gateway starts again
        clock.at_ns = at_night(5, 59, 59)
        notifier = stage.notifier(told.append, clock=clock, quiet=NIGHT)
        await notifier.catch_up()
        assert len(told) == 1
        clock.at_ns = at_night(6)
        await notifier.catch_up()
        await stage.notifier(told.append, clock=clock, quiet=NIGHT).catch_up()
        assert await stage.rows("SELECT count(*) FROM notify_put_off") == [(0,)]
    _, summary = told
    assert summary.subject == "[acme/lyon/p/line-1] quiet hours: 2 alarms, 1 of them stand"
    assert [(alarm["alarm"], alarm["active"], alarm["times"]) for alarm in summary.document["alarms"]] == [
        ("gateway/STORE_FULL_SOON", True, 1), ("gateway/CLOCK_SKEW_PLC1", False, 2)
    ]  # fmt: skip
    assert (
        summary.lines[1] == "- warning since 2027-01-16 02:00:00 CET: gateway/STORE_FULL_SOON (gateway/STORE_FULL_SOON)"
    )
    assert summary.lines[2].startswith("- over since 2027-01-15 23:04:00 CET")
    assert summary.lines[2].endswith("It came 2 times.")


async def test_what_is_read_only_after_the_quiet_hours_is_told_in_the_same_way(tmp_path):
    told, clock = [], Clock(at_night(7))
    async with on_stage(tmp_path) as stage:
        notifier = stage.notifier(told.append, clock=clock, quiet=NIGHT)
        await notifier.catch_up()
        for code in ("gateway/CLOCK_SKEW_PLC1", "gateway/STORE_FULL_SOON"):
            await stage.happens(AlarmChange.RAISED, code, at_ns=at_night(4))
        await stage.happens(AlarmChange.RAISED, "gateway/ITEMS_SILENT_PLC1", at_ns=at_night(6, 30))
        await notifier.catch_up()
    ((single,), (summary,)) = ([told[0]], told[1:])
    assert single.document["alarm"] == "gateway/ITEMS_SILENT_PLC1"
    assert len(summary.document["alarms"]) == 2


async def test_a_summary_that_is_not_taken_is_tried_again_with_the_same_id_and_nothing_of_it_is_lost(tmp_path):
    attempts, clock = [], Clock(at_night(23))

    def send(notice):
        attempts.append(notice)
        if len(attempts) < 3:
            raise NotTakenNowError("answered 503")

    async with on_stage(tmp_path) as stage:
        notifier = stage.notifier(send, clock=clock, quiet=NIGHT)
        await notifier.catch_up()
        await stage.happens(AlarmChange.RAISED, at_ns=at_night(23))
        await notifier.catch_up()
        clock.at_ns = at_night(8)
        await notifier.catch_up()
    assert len(attempts) == 3
    assert len({notice.notice_id for notice in attempts}) == 1


async def test_who_is_not_told_of_ends_learns_from_the_summary_only_what_began(tmp_path):
    told, clock = [], Clock(at_night(23))
    async with on_stage(tmp_path) as stage:
        notifier = stage.notifier(told.append, clock=clock, quiet=NIGHT, ended=False)
        await notifier.catch_up()
        await stage.happens(AlarmChange.RETURNED, at_ns=at_night(23))
        await notifier.catch_up()
        clock.at_ns = at_night(8)
        await notifier.catch_up()
        assert await stage.rows("SELECT count(*) FROM notify_put_off") == [(0,)]
    assert told == []
