"""What is signed gets its document and is mailed to its customer: after the signature, and only while in force."""

import email
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from types import SimpleNamespace

import pytest

from gateway.records.certificates import CertificateState
from gateway.runtime import certificate_issuing
from gateway.runtime.certificate_issuing import CertificateMailer, CertificatePrinter
from gateway.store.queries.certificates import document_of, sent_of
from gateway.store.queries.readers import Reader
from gateway.time_units import SECOND_NS
from gateway.transport.notices import MailServer
from gateway.transport.paper import Form, Made
from tests.fixtures.building import moment
from tests.fixtures.certifying import ACME, Certifying
from tests.fixtures.mail_server import mail_server

PDF = b"%PDF-1.7 \x00\xff of a certificate"


@pytest.fixture
def bench(tmp_path):
    bench = Certifying(tmp_path)
    with closing(bench.connection):
        yield bench


@pytest.fixture
def both(tmp_path):
    """A lot of which two customers get a certificate; both are signed, ACME's first."""
    beta = replace(ACME, key="beta", customer="BETA", email=("qa@beta.example",))
    bench = Certifying(tmp_path, ACME, beta)
    with closing(bench.connection):
        bench.released()
        for version in sorted(bench.certificates(), key=lambda version: version.drafted.content.customer):
            bench.sign(version)
        yield bench


@asynccontextmanager
async def at_work(bench):
    """Yield what both loops are built from: the bench decides what they put into the queue."""

    def put(event, _urgency, committed):
        bench.commit(event)
        committed()

    async def run(work):
        return work(bench.connection)

    clock = SimpleNamespace(now=lambda: moment(bench.now_ns), now_ns=lambda: bench.now_ns)
    async with Reader(bench.directory) as reader:
        yield {"reader": reader, "writer": SimpleNamespace(run=run), "inbox": SimpleNamespace(put=put), "clock": clock}


def mailer(parts, port, conditions):
    server = MailServer(host="127.0.0.1", port=port, security="none", sender="plant@acme.example", to=("x@y.example",))
    return CertificateMailer(server, on_condition=lambda code, stands: conditions.append((code, stands)), **parts)


async def test_a_signed_certificate_is_printed_once_and_mailed_once_and_a_draft_never(bench, monkeypatch):
    papers = []
    monkeypatch.setattr(
        certificate_issuing, "printed", lambda paper: (papers.append(paper), (Made(form=Form.PDF, content=PDF), ""))[1]
    )
    bench.released()
    async with at_work(bench) as parts, mail_server() as box:
        printer, posting = CertificatePrinter(bench.line, **parts), mailer(parts, box.port, [])
        await printer.catch_up()
        await posting.catch_up()
        assert (papers, box.mails) == ([], [])
        bench.sign()
        await posting.catch_up()
        assert box.mails == []
        for _again in range(2):
            await printer.catch_up()
            await posting.catch_up()
        assert len(papers) == 1
        (mail,) = box.mails
    assert papers[0].signature["printed_name"] == "Anna Q."
    message = email.message_from_string(mail)
    assert message["To"] == "qa@acme.example"
    assert "LOT/1" in message["Subject"]
    (attached,) = [part for part in message.walk() if part.get_filename()]
    assert attached.get_filename().startswith("certificate_LOT_1_")
    assert attached.get_payload(decode=True) == PDF
    drafted = bench.newest_certificate().drafted
    assert document_of(bench.connection, drafted.certificate_id, 1).content == PDF
    assert sent_of(bench.connection, drafted.certificate_id, 1).to == ("qa@acme.example",)


async def test_a_certificate_that_was_withdrawn_before_it_was_mailed_is_not_mailed(bench):
    bench.released()
    bench.sign()
    bench.printed(content=PDF)
    bench.withdraw()
    async with at_work(bench) as parts, mail_server() as box:
        await mailer(parts, box.port, []).catch_up()
        assert box.mails == []
    assert bench.newest_certificate().state is CertificateState.WITHDRAWN


async def test_after_a_backup_was_put_back_nothing_is_issued_before_a_person_has_looked(bench, monkeypatch):
    """It may have been withdrawn since the backup."""
    monkeypatch.setattr(certificate_issuing, "printed", lambda _paper: (Made(form=Form.PDF, content=PDF), ""))
    bench.released()
    bench.sign()
    bench.connection.execute("INSERT INTO latch (code, at_ns, body) VALUES ('STORE_RESTORED', 1, '{}')")
    async with at_work(bench) as parts, mail_server() as box:
        printer, posting = CertificatePrinter(bench.line, **parts), mailer(parts, box.port, [])
        await printer.catch_up()
        assert bench.rows("SELECT count(*) FROM certificate_document") == [(0,)]
        bench.printed(content=PDF)
        await posting.catch_up()
        assert box.mails == []
        bench.connection.execute("DELETE FROM latch")
        await posting.catch_up()
        assert len(box.mails) == 1


async def test_a_mail_that_is_refused_for_good_is_noted_with_an_alarm(bench):
    bench.released()
    bench.sign()
    bench.printed(content=PDF)
    async with at_work(bench) as parts, mail_server(answers={"RCPT": ["550 no such user"]}) as box:
        posting = mailer(parts, box.port, [])
        await posting.catch_up()
        await posting.catch_up()
        assert box.mails == []
    drafted = bench.newest_certificate().drafted
    assert "refused" in sent_of(bench.connection, drafted.certificate_id, 1).problem
    assert bench.rows("SELECT count(*) FROM latch WHERE code LIKE 'CERTIFICATE_NOT_MAILED%'") == [(1,)]


async def test_a_server_that_is_away_is_tried_again(bench, monkeypatch):
    monkeypatch.setattr(certificate_issuing, "PAUSES_SECONDS", (0.0,))
    bench.released()
    bench.sign()
    bench.printed(content=PDF)
    conditions = []
    async with at_work(bench) as parts, mail_server(answers={"DATA": ["451 later", "451 later"]}) as box:
        posting = mailer(parts, box.port, conditions)
        for taken in (0, 0, 1, 1):
            await posting.catch_up()
            assert len(box.mails) == taken
    assert conditions == [("CERTIFICATE_MAIL_UNAVAILABLE", stands) for stands in (False, True, False, False)]


async def test_a_customer_whose_server_asks_to_come_back_later_keeps_no_other_waiting(both):
    documents = {version.drafted.content.customer: version for version in both.certificates()}
    for customer in ("ACME", "BETA"):
        both.printed(documents[customer])
    async with at_work(both) as parts, mail_server(answers={"RCPT": ["450 greylisted"]}) as box:
        posting = mailer(parts, box.port, [])
        await posting.catch_up()
        assert [email.message_from_string(mail)["To"] for mail in box.mails] == ["qa@beta.example"]
        await posting.catch_up()  # not before its pause is over
        assert len(box.mails) == 1
        both.now_ns += 2 * SECOND_NS
        await posting.catch_up()
    assert [email.message_from_string(mail)["To"] for mail in box.mails] == ["qa@beta.example", "qa@acme.example"]


async def test_a_document_that_could_be_made_only_later_is_mailed_after_the_others(both):
    acme, beta = sorted(both.certificates(), key=lambda version: version.drafted.content.customer)
    async with at_work(both) as parts, mail_server() as box:
        posting = mailer(parts, box.port, [])
        for version in (beta, acme):
            both.printed(version)
            await posting.catch_up()
        await posting.catch_up()
    assert [email.message_from_string(mail)["To"] for mail in box.mails] == ["qa@beta.example", "qa@acme.example"]


async def test_without_a_document_it_is_tried_again_with_the_next_configuration(bench, monkeypatch):
    outcomes = [(None, "the template fails"), (Made(form=Form.HTML, content=b"<p>"), "PDF needs Pango")]
    monkeypatch.setattr(certificate_issuing, "printed", lambda _paper: outcomes.pop(0))
    bench.released()
    bench.sign()
    drafted = bench.newest_certificate().drafted
    async with at_work(bench) as parts:
        printer = CertificatePrinter(bench.line, **parts)
        await printer.catch_up()
        assert document_of(bench.connection, drafted.certificate_id, 1) is None
        await printer.catch_up()  # not over and over
        bench.now_ns += 1
        printer.take_line(bench.line)
        await printer.catch_up()
    assert document_of(bench.connection, drafted.certificate_id, 1).media_type == "text/html"
    assert bench.sent("certificate")[-1]["problem"] == "PDF needs Pango"
