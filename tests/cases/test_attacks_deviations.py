"""What people, laboratories and suppliers write into a deviation is shown, and never obeyed."""

import json
import re
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from typer.testing import CliRunner

from gateway.advice.documents import html, markdown
from gateway.advice.foreign_text import in_markdown
from gateway.cli import app
from tests.decisions.test_deviations import Plant
from tests.fixtures.store_bench import viscosity

HOSTILE = [
    "![x](http://evil.example/pixel.png)",
    "[click](https://evil.example)",
    "[ref][1] [1]: http://evil.example",
    "<img src=http://evil.example/p.png>",
    "<http://evil.example>",
    "http://evil.example/p?lot=1",
    "www.evil.example",
    "ftp://evil.example",
    "mailto:a@evil.example a@evil.example",
    "`code` **bold** _em_ ~~gone~~",
    "a | b\n# heading\n- item",
    "&lt;img&gt; &#x3c;b&#x3e;",
    "\x1b]8;;http://evil.example\x07link\x1b]8;;\x07 \x1b[2J \x9b31m \u202egnp.exe",
]
# of what a reader of Markdown makes a link, a picture, HTML or an address: nothing of it stands there unescaped
ACTIVE = re.compile(r"(?<!\\)[\[\]`*~!@|]|<|(?i:[a-z]+://)|(?i:\bwww\.)|[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@pytest.fixture
def plant(tmp_path):
    found = Plant(tmp_path)
    with closing(found.connection):
        yield found


@pytest.mark.parametrize("text", HOSTILE)
def test_attacks_14_a_draft_keeps_no_link_picture_or_control_character(plant, text):
    name = re.sub(r"[|\n>*=-]", "", text)  # with them it could be several lots, and would be refused
    lot = f"LOT{name}"
    plant.context("lot_started", material_lot_id=lot, job_order_id="WO-1", equipment_id="R1")
    plant.context("material_consumed", material_lot_id=lot, consumed_lot_id=name, supplier=text,
                  consumed_definition_id=text, equipment_id="R1")  # fmt: skip
    plant.result(viscosity(110.0, sample_id=f"S {text}", material_lot_id=lot, product="FG-100", instrument_id=text))
    plant.follow()
    deviation, *_of_other_lots = plant.deviations()
    document, page = markdown(deviation), html(deviation)
    for line in document.splitlines():
        cells = re.split(r"(?<!\\)\|", line) if line.startswith("|") else [line]
        for cell in cells:
            assert not ACTIVE.search(cell), cell
    assert not re.search(r"<(?!/?(?:!doctype|html|head|meta|title|style|body|div|h[123]|p|table|tr|t[hd]|figure|"
                         r"figcaption|svg|g|rect|line|text|polyline|circle|path|ol|ul|li)\b)", page)  # fmt: skip
    assert " src=" not in re.sub(r"&lt;.*?&gt;", "", page)
    assert "default-src 'none'" in page
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", document + page)
    assert json.loads(plant.rows("SELECT payload FROM outbox WHERE topic LIKE '%/deviation/%'")[0][0])["document"] == (
        document
    )


@given(st.text(max_size=30))
def test_attacks_14_no_text_becomes_markdown(text):
    shown = in_markdown(text)
    assert not ACTIVE.search(shown)
    assert "\n" not in shown
    assert not re.match(r"\s*(#{1,6}(\s|$)|>|[-+*](\s|$)|\d{1,9}[.)](\s|$))", shown)


def kinds_of(tokens):
    for token in tokens:
        yield token.type
        yield from kinds_of(token.children or [])


SHOWN = st.one_of(
    st.text(max_size=30), st.lists(st.sampled_from([*HOSTILE, "*", "](", " ", "_", "\n", "|"])).map("".join)
)


@given(SHOWN)
def test_attacks_14_a_reader_of_markdown_sees_nothing_but_text(text):
    shown = in_markdown(text)
    document = f"- {shown}\n\n| a | b |\n|---|---|\n| {shown} | x |\n"
    kinds = list(kinds_of(MarkdownIt("commonmark").enable("table").parse(document)))
    assert set(kinds) <= {
        "inline", "text", "text_special", "paragraph_open", "paragraph_close", "bullet_list_open", "bullet_list_close",
        "list_item_open", "list_item_close", "table_open", "table_close", "thead_open", "thead_close", "tbody_open",
        "tbody_close", "tr_open", "tr_close", "th_open", "th_close", "td_open", "td_close",
    }  # fmt: skip
    assert (kinds.count("bullet_list_open"), kinds.count("tr_open"), kinds.count("td_open")) == (1, 2, 2)


@given(st.from_regex(r"[A-Za-z0-9 .,:%/+()-]{1,40}", fullmatch=True).filter(lambda text: "://" not in text))
def test_attacks_14_what_is_harmless_stays_as_it_was_written(text):
    shown = in_markdown(text).replace("\\", "")
    assert " ".join(shown.split()) == " ".join(text.split())  # white space at the ends shows nothing


def settings_of(plant):
    file = plant.directory / "labline.toml"
    file.write_text(
        '[site]\nenterprise = "acme"\nsite = "lyon"\narea = "polymers"\nline = "line-1"\n'
        f'[store]\ndirectory = "{plant.directory}"\n[mqtt]\nhost = "127.0.0.1"\nclient_id = "t"\n'
    )
    return str(file)


@pytest.mark.parametrize("lot", ["[/foo]", "[red]x", "\x1b[2Jgone", "a\x9b31m"])
def test_attacks_14_the_list_and_the_documents_show_any_lots_name(plant, lot):
    plant.lot(lot, 110.0)
    (deviation,) = plant.deviations()
    config = settings_of(plant)
    listed = CliRunner().invoke(app, ["deviation", "list", "--config", config])
    assert listed.exit_code == 0, listed.output
    assert "lot " in listed.output
    assert listed.output.count(deviation.deviation_id) == 1
    for form in ("md", "html", "json"):
        shown = CliRunner().invoke(
            app, ["deviation", "show", deviation.deviation_id, "--config", config, "--format", form]
        )
        assert shown.exit_code == 0, shown.output
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", shown.output)
    machine = json.loads(CliRunner().invoke(app, ["deviation", "list", "--config", config, "--json"]).output)
    assert [(each["lot"], each["results"], each["version"]) for each in machine["deviations"]] == [
        (deviation.result.material_lot_id, 1, 1)
    ]


def test_attacks_14_incoming_materials_with_any_suppliers_name_are_listed(plant):
    plant.result({"sample_id": "S-1", "test_id": "pH", "value": 7.0, "status": "approved", "supplier": "[/foo]\x1b[2J",
                  "product": "FG-100"})  # fmt: skip
    listed = CliRunner().invoke(app, ["lims", "materials", "--config", settings_of(plant)])
    assert listed.exit_code == 0, listed.output
    assert "[/foo]" in listed.output
    assert "\x1b" not in listed.output
