"""Documents of certificates: the same data give the same bytes, and what is in them is shown, never obeyed."""

import base64
import shutil
import subprocess
from dataclasses import replace

import pytest

from gateway.advice.certificate_paper import page
from gateway.contract.certificates import number_of
from gateway.transport import paper_worker
from gateway.transport.paper import Form, PaperError, PaperProblem, example, make

ATTACK = '<img src="file:///etc/passwd"><script>x()</script>\u202e{{ 7*7 }}'


def test_a_page_is_the_same_each_time_in_either_language():
    english, german = example(), replace(example(), data={**example().data, "language": "de"})
    assert page(english) == page(english)
    assert "Certificate of analysis" in page(english)
    assert "101.3" in page(english)
    assert "Analysenzertifikat" in page(german)
    assert "101,3" in page(german)


def test_what_was_signed_in_the_plants_language_is_printed_in_the_customers_and_nothing_else_is_translated():
    data = {**example().data, "language": "de"}
    number = number_of(data["certificate_id"], data["version"])
    signed = {**example().signature, "meaning": f"decision: certificate of analysis {number} is issued"}
    assert f"Entscheidung: Analysenzertifikat {number} ist ausgestellt" in page(
        replace(example(), data=data, signature=signed)
    )
    assert "as it was signed" in page(
        replace(example(), data=data, signature={**signed, "meaning": "as it was signed"})
    )


def test_a_draft_and_what_is_no_longer_valid_say_so():
    for state, mark in (("draft", "DRAFT - NOT VALID"), ("withdrawn", "WITHDRAWN"), ("questioned", "DO NOT USE")):
        assert mark in page(replace(example(), state=state))
    signed = page(example())
    assert "NOT VALID" not in signed
    assert "Q. Person" in signed
    assert "not signed" in page(replace(example(), signature=None, state="draft"))


def test_whatever_people_wrote_is_shown_and_never_obeyed():
    known = example()
    data = {**known.data, "material_lot_id": ATTACK, "reason": ATTACK,
            "components": [{"material_lot_id": ATTACK, "material_definition_id": ATTACK, "supplier": ATTACK}],
            "gaps": [{"code": "X", "parameters": {}, "text": ATTACK}]}  # fmt: skip
    made = page(replace(known, data=data))
    assert "<script" not in made
    assert "<img" not in made
    assert "\u202e" not in made
    assert "{{ 7*7 }}" in made


def test_a_document_is_made_in_a_process_of_its_own():
    assert make(example(), Form.HTML).content.decode() == page(example())


def test_a_template_that_never_ends_is_stopped(monkeypatch):
    monkeypatch.setattr("gateway.transport.paper._LONGEST_SECONDS", 3.0)
    endless = "{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}{% endfor %}"
    with pytest.raises(PaperError) as caught:
        make(replace(example(), template=endless), Form.HTML)
    assert caught.value.problem is PaperProblem.TOO_LONG


def test_where_pango_is_absent_the_page_is_there_and_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "weasyprint", None)
    content, problem, why = paper_worker._made(example(), "application/pdf")
    assert (content, problem) == (b"", "no_pdf")
    assert "Pango" in why
    assert paper_worker._made(example(), "text/html")[1] is None


@pytest.mark.parametrize("url", ["file:///etc/passwd", "https://example.com/x.png", "/etc/passwd", "http://127.0.0.1/"])
def test_a_document_fetches_nothing(url):
    with pytest.raises(ValueError, match="fetch nothing"):
        paper_worker._only_data(url)


def test_a_pdf_has_the_same_bytes_each_time_and_its_text_can_be_read(tmp_path):
    logo = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="file:///etc/passwd"/></svg>'
    paper = replace(example(), logo=f"data:image/svg+xml;base64,{base64.b64encode(logo).decode()}")
    made = make(paper, Form.PDF)
    assert made.content.startswith(b"%PDF-")
    assert made.sha256 == make(paper, Form.PDF).sha256
    (tmp_path / "c.pdf").write_bytes(made.content)
    reader = shutil.which("pdftotext")
    if reader is not None:  # part of what a developer's machine may lack
        text = subprocess.run([reader, "-layout", tmp_path / "c.pdf", "-"], capture_output=True, text=True, check=True)
        assert "Certificate of analysis" in text.stdout
        assert "Page 1 of 1" in text.stdout
        assert "root:" not in text.stdout
