"""A made-up language without letters: a letter in a text is of the plant's own data, or has bypassed the catalogue."""

import json
import re
from contextlib import closing
from string import Formatter

import pytest

from gateway.advice.documents import html, markdown
from gateway.lab.deviations import Deviation
from gateway.lab.release import basis
from gateway.records.timers import Timer
from gateway.store.codec import decode
from gateway.texts import catalogue
from gateway.time_units import seconds_to_ns
from tests.decisions.test_deviations import Plant
from tests.fixtures.laboratory import CONFIGURATION, Laboratory
from tests.fixtures.store_bench import Bench, viscosity

_LETTER = "¤"
_TEXTS = {"title", "text", "reason", "document", "limits", "subject"}  # fields of messages that people read
_NOT_TEXTS = {"parameters", "instructions"}  # for machines; the plant's own procedures
_WORD = re.compile(r"[A-Za-z]{2,}(?:[_-][A-Za-z]+)*")
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|S-\w+-[0-9a-f]{6}")
OWN = frozenset(
    {
        *("FG", "Viscosity", "viscosity", "colour", "Salmonella", "mPa", "degC", "min", "UTC", "oos-viscosity"),
        *("LOT", "LOT-ODD", "LOT-X", "LOT-Y", "MONOMER-A", "RM-A", "Acme"),
        *("temperature", "setpoint", "pressure", "flow"),
        *("brownish", "green", "purple", "maybe", "perhaps", "yesterday", "true"),  # values
        *("analyte", "lower", "sampled_at", "hidden_oos", "value"),  # fields
        "lt",  # of &lt;
    }
)


MORE = """
[[specification]]
product = "FG-100"
analyte = "colour"
accepts = ["green"]
rejects = ["purple"]
version = "1"

[[specification]]
product = "FG-100"
analyte = "ph"
client = "other"
lower = 6.5
upper = 7.5
version = "1"

[sampling]
enabled = true
"""


def masked(entry):
    """Return a text whose own letters are gone, and whose parameters are there."""
    if isinstance(entry, dict):
        return {form: masked(template) for form, template in entry.items()}
    if isinstance(entry, list):
        return [masked(template) for template in entry]
    parts = []
    for words, name, form, _conversion in Formatter().parse(entry):
        bare = re.sub(r"[^\W\d_]", _LETTER, words).replace("{", "{{").replace("}", "}}")
        parts.append(bare if name is None else f"{bare}{{{name}{f':{form}' if form else ''}}}")
    return "".join(parts)


@pytest.fixture(autouse=True)
def language_without_letters(monkeypatch):
    kept = {"convention", "title_abbreviation"}
    english = catalogue.catalogue("en")
    texts = {key: entry if key[0] in kept else masked(entry) for key, entry in english.items()}
    monkeypatch.setattr(catalogue, "_texts", texts)
    basis._judged.cache_clear()  # by the name of the language, which stays
    yield
    basis._judged.cache_clear()


def texts_in(part, *, of_text=False):
    """Yield all that people read in a message."""
    if isinstance(part, dict):
        for name, value in part.items():
            if name not in _NOT_TEXTS:
                yield from texts_in(value, of_text=name in _TEXTS)
    elif isinstance(part, list):
        for item in part:
            yield from texts_in(item, of_text=of_text)
    elif isinstance(part, str) and of_text:
        yield part


def messages_of(connection):
    rows = connection.execute("SELECT payload FROM outbox ORDER BY seq").fetchall()
    return [json.loads(payload) for (payload,) in rows if payload]


def words_of(text):
    return _WORD.findall(_ID.sub(" ", text))


def foreign_words(texts):
    return {word: text for text in texts for word in words_of(text) if word not in OWN}


def kinds(messages):
    return {message["schema"].removeprefix("labline.").removesuffix("/1") for message in messages}


def test_laboratory_results_of_all_kinds_speak_by_the_catalogue(tmp_path):
    with closing(Laboratory(tmp_path, configuration=CONFIGURATION + MORE)) as laboratory:
        laboratory.mes("order_started", job_order_id="WO-1", material_definition_id="FG-100", equipment_id="R1")
        laboratory.mes("lot_started", material_lot_id="LOT-1", job_order_id="WO-1", equipment_id="R1")
        for value in ("110.25", "90", "<200", "maybe", "97.5"):
            laboratory.result("Viscosity", value, lot="LOT-1")
        for value in ("purple", "brownish", "green"):
            laboratory.result("colour", value, lot="LOT-1")
        laboratory.result("Salmonella", "12", lot="LOT-1")
        laboratory.result("Viscosity", "99", lot="LOT-1", sample_id="S-7", result_version=1)
        laboratory.result("Viscosity", "98", lot="LOT-1", sample_id="S-7", result_version=1)
        laboratory.result("Viscosity", "120", lot="LOT-1", sample_id="S-8", result_version=1)
        laboratory.result("Viscosity", "101", lot="LOT-1", sample_id="S-8", result_version=2)
        laboratory.result("Viscosity", "101", lot="LOT-1", sample_id="S-9", status="rejected")
        laboratory.result("Viscosity", "101", lot="LOT-1", sample_id="S-10", retest_of="S-8")
        laboratory.result("Viscosity", "101", lot="LOT-1", sample_id="S-11", sampled_at="yesterday")
        laboratory.result("Viscosity", "101", lot="LOT-1", sample_id="S-12", hidden_oos="true")
        laboratory.result("Viscosity", "101", lot=None, sample_id="S-13")
        laboratory.result("Viscosity", "101", lot="LOT 1", sample_id="S-14")
        laboratory.result("Viscosity", "101", lot="LOT-X", sample_id="S-15")
        laboratory.result("Viscosity", "101", lot="LOT-Y", sample_id="S-15", replicate=2)
        laboratory.specification(product="FG-100", analyte="viscosity", version="9", lower="perhaps", upper=105)
        laboratory.specification(product="FG-100", version="9", upper=105)
        laboratory.send("lims/results/qc", b"\xff")
        laboratory.mes("lot_ended", material_lot_id="LOT-1", job_order_id="WO-1", equipment_id="R1")
        laboratory.wait(3600)
        messages = messages_of(laboratory.connection)
    codes = {reason["code"] for message in messages for reason in message.get("reasons", ())}
    assert {"disposition", "guidance", "deviation", "dead-letter", "sample-request"} <= kinds(messages)
    assert len(codes) > 12, sorted(codes)
    assert foreign_words(texts_in(messages)) == {}


def test_predictions_moves_and_answers_speak_by_the_catalogue(tmp_path):
    bench = Bench(tmp_path)
    with closing(bench.connection):
        bench.order()
        for temperature, setpoint in ((76.0, 76.0), (80.0, 80.0), (300.0, 78.0), (78.0, 78.0)):
            bench.now_ns += seconds_to_ns(120)
            bench.model_due(temperature, setpoint=setpoint)
            for guidance in bench.sent("guidance")[-2:]:
                for act in ("acknowledge", "approve", "reject"):
                    bench.answer(guidance["id"], act, response_id=f"{guidance['id']}-{act}")
        bench.answer("none", "acknowledge")
        bench.result(viscosity(112.5))
        bench.now_ns += seconds_to_ns(3600)
        bench.timer(Timer.EXPIRE_GUIDANCE)
        bench.timer(Timer.REFRESH_BOARD)
        messages = messages_of(bench.connection)
    assert {"guidance", "board", "outcome", "prediction", "disposition"} <= kinds(messages)
    assert {message["kind"] for message in messages if "kind" in message} >= {"warning", "setpoint", "hold"}
    assert foreign_words(texts_in(messages)) == {}


def test_documents_of_deviations_speak_by_the_catalogue(tmp_path):
    plant = Plant(tmp_path)
    with closing(plant.connection):
        for number in range(12):
            plant.lot(f"LOT-{number}", material=f"RM-{number}")
        plant.lot("LOT-ODD", 112.5, material="RM-A", pressure=80.0)
        drafts = [decode(Deviation, body) for (body,) in plant.rows("SELECT body FROM deviation")]
        messages = messages_of(plant.connection)
    assert drafts
    pages = [re.sub(r"<style>.*?</style>|<[^>]*>", " ", html(draft), flags=re.DOTALL) for draft in drafts]
    pages += [markdown(draft) for draft in drafts]
    steps = {word for step in plant.line.procedures[0].steps for word in words_of(step)}
    steps |= {*words_of(plant.line.procedures[0].title)}
    words = {word for page in pages for word in words_of(page)}
    assert words - OWN - steps - {*plant.line.tags} == set()
    assert foreign_words(texts_in(messages)).keys() <= steps | {*plant.line.tags}
