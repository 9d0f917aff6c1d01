"""An archive that another key has signed is not taken out of the trail, whoever asks."""

from types import SimpleNamespace

from gateway.decisions.acts import on_archive_audit
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import ArchiveAudit


def test_an_archive_by_a_key_that_has_signed_no_head_takes_nothing_out():
    act = ArchiveAudit(
        first_seq=1, last_seq=2, last_hash="h", file_sha256="f", file="a.zst", public_key="ab" * 32, rows={}
    )
    facts = SimpleNamespace(signing_keys=("cd" * 32,), first_seq=1, hash_of_last="h")
    decision = on_archive_audit(SimpleNamespace(act=act), facts)
    assert (decision.answer.code, decision.records) == (ActRefusal.AUDIT_KEY_UNKNOWN, ())
