"""``labline certificate``: what is on record, what is missing, and the document as it was issued."""

from contextlib import closing
from types import SimpleNamespace

import pytest

from gateway.records.lot_decisions import Verdict
from tests.fixtures.certifying import Certifying
from tests.fixtures.commands import labline
from tests.fixtures.deciding import LOT

SITE = '[site]\nenterprise = "acme"\nsite = "lyon"\narea = "polymers"\nline = "line-1"\n'
BROKER = '[mqtt]\nhost = "127.0.0.1"\nport = 9\ntls = false\nclient_id = "bare"\n'


@pytest.fixture
def plant(tmp_path):
    """A lot with a complete draft; ``bench`` may do more before commands look."""
    (tmp_path / "store").mkdir()
    config = tmp_path / "labline.toml"
    config.write_text(f'{SITE}{BROKER}[store]\ndirectory = "store"\n')
    bench = Certifying(tmp_path / "store")
    with closing(bench.connection):
        bench.made()
        yield SimpleNamespace(bench=bench, config=config, folder=tmp_path)


def run(plant, *words):
    return labline("certificate", *words, "--config", plant.config)


def test_the_list_and_one_of_them_name_what_is_missing(plant):
    listed = run(plant, "list", "--search", "wo-1", "--json").document["certificates"]
    assert [(row["lot"], row["state"], len(row["gaps"])) for row in listed] == [(LOT, "draft", 1)]
    assert run(plant, "list", "--search", "elsewhere", "--json").document == {"certificates": []}
    shown = run(plant, "show", LOT)
    assert "missing: Nobody has released it with a signature." in shown.output
    assert run(plant, "show", listed[0]["number"].lower(), "--json").document["lot"] == LOT
    unknown = run(plant, "show", "NOTHING")
    assert (unknown.code, "labline certificate list" in unknown.error) == (2, True)


def test_what_was_issued_is_exported_as_it_was_and_a_draft_says_that_it_is_not_valid(plant):
    draft = run(plant, "export", LOT, "--html", "--to", plant.folder)
    assert draft.code == 0, draft.error
    assert "DRAFT - NOT VALID" in next(plant.folder.glob("certificate_*.html")).read_text(encoding="utf-8")
    plant.bench.decide(Verdict.RELEASE)
    plant.bench.follow_up()
    plant.bench.sign()
    plant.bench.printed(content=b"%PDF-1.7 as issued")
    assert run(plant, "export", LOT, "--to", plant.folder).code == 0
    assert next(plant.folder.glob("certificate_*.pdf")).read_bytes() == b"%PDF-1.7 as issued"
    shown = run(plant, "show", LOT)
    assert "signed by Anna Q." in shown.output
    assert "document as issued: application/pdf" in shown.output


def test_who_has_no_password_at_hand_signs_nothing(plant, monkeypatch):
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    refused = run(plant, "sign", LOT, "--person", "anna", "--json")
    assert (refused.code, "password" in refused.error) == (2, True)
    missing = run(plant, "withdraw", LOT, "--reason", " ")
    assert (missing.code, "--reason is blank" in missing.error) == (2, True)
