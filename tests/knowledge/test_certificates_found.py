"""Certificates are found and asked of in the state that they have; reviews that nobody has signed are missing."""

from contextlib import closing
from datetime import UTC

from gateway.console.views.certificates import lines_of_lot
from gateway.copilot.answering import answered
from gateway.copilot.answers import Outcome
from gateway.copilot.ground import Asker, Ground
from gateway.knowledge.catching_up import catch_up
from gateway.knowledge.index import open_index
from gateway.knowledge.searching import Asked, Searched, search
from gateway.records.certificate_acts import DraftCertificate
from gateway.records.lot_decisions import Verdict
from gateway.records.sight import EVERYTHING
from gateway.records.users import Role
from gateway.store.database import read_state
from gateway.store.queries.seen import Seen
from tests.fixtures.certifying import ACME, Certifying
from tests.fixtures.deciding import DRUMS, LOT, by
from tests.knowledge.test_searching import USUAL


def test_a_certificate_of_a_part_is_none_of_its_lot(tmp_path):
    bench = Certifying(tmp_path)
    bench.requirements()
    with closing(bench.connection), closing(read_state(tmp_path)) as state, open_index(tmp_path) as index:
        where = Searched(index=index, state=state, procedures=(), synonyms=USUAL, zone=UTC)

        def ask(question):
            ground = Ground(
                state=state, line=bench.line, now_ns=bench.now_ns, language="en", synonyms=USUAL, searched=where,
                asker=Asker(name="anna", known=True, sight=EVERYTHING),
            )  # fmt: skip
            return answered(ground, question, roles=frozenset(Role))

        bench.made()
        bench.requirements(ACME)
        bench.divide()
        bench.decide_part(Verdict.RELEASE)
        bench.act(DraftCertificate(material_lot_id=LOT, customer="ACME", part=DRUMS), credential=by("anna"))
        of_lot, of_part = ask(f'certificate of lot "{LOT}"'), ask(f'certificate of lot "{LOT}/{DRUMS}"')
        catch_up(state, index)
        titles = [item.document.title for item in search(where, Asked(text="Acme kind:certificate")).findings]
        assert [line.part for line in lines_of_lot(state, LOT, seen=Seen(state, EVERYTHING))] == [DRUMS]
    assert "No certificate is on record for lot LOT/1." in of_lot.text
    assert f"Parts of it have certificates of their own: {DRUMS}." in of_lot.text
    assert f"The certificate of lot {LOT}/{DRUMS} for Acme Ltd is a draft" in of_part.text
    assert f"This is said of part {DRUMS} of lot {LOT} alone" in of_part.text
    assert [f"{LOT}/{DRUMS}" in title for title in titles] == [True]


def test_a_certificate_is_found_and_asked_of_as_draft_and_as_signed(tmp_path):
    bench = Certifying(tmp_path)
    with closing(bench.connection), closing(read_state(tmp_path)) as state, open_index(tmp_path) as index:
        where = Searched(index=index, state=state, procedures=(), synonyms=USUAL, zone=UTC)

        def seen(question):
            catch_up(state, index)
            (finding,) = search(where, Asked(text="Acme kind:certificate")).findings
            ground = Ground(
                state=state, line=bench.line, now_ns=bench.now_ns, language="en", synonyms=USUAL, searched=where,
                asker=Asker(name="anna", known=True, sight=EVERYTHING),
            )  # fmt: skip
            answer = answered(ground, question, roles=frozenset(Role))
            return finding.document, answer

        bench.released()
        document, answer = seen("Is the certificate of lot LOT/1 signed?")
        assert (document.fields["state"], answer.intent) == (("draft",), "certificate_of_lot")
        assert "nobody has signed it" in answer.text
        bench.sign()
        document, answer = seen("Ist das Zertifikat der Charge LOT/1 unterschrieben?")
        assert (document.fields["state"], document.fields["person"]) == (("signed",), ("Anna Q.",))
        assert "ist unterschrieben" in answer.text
        assert document.link.startswith("#/certificates/")
        assert seen("Was the record of lot LOT/1 reviewed?")[1].outcome is Outcome.NOTHING_ON_RECORD
