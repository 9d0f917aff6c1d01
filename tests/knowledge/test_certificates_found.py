"""Certificates are found and asked of in the state that they have; reviews that nobody has signed are missing."""

from contextlib import closing
from datetime import UTC

from gateway.copilot.answering import answered
from gateway.copilot.answers import Outcome
from gateway.copilot.ground import Asker, Ground
from gateway.knowledge.catching_up import catch_up
from gateway.knowledge.index import open_index
from gateway.knowledge.searching import Asked, Searched, search
from gateway.knowledge.sight import EVERYTHING
from gateway.records.users import Role
from gateway.store.database import read_state
from tests.fixtures.certifying import Certifying
from tests.knowledge.test_searching import USUAL


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
