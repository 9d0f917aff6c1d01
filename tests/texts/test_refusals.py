"""Every refusal of an act and of a request has a code, its text in each language, and a test that raises it."""

import ast
from pathlib import Path

import pytest

from gateway.console.refusals import RefusedError, RequestRefusal, refusal_view
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import refused, unknown
from gateway.texts import catalogue
from gateway.texts.refusals import WORDS
from tests.fixtures.refusal_paths import PATHS

ROOT = Path(__file__).parents[2]
CODES = {*ActRefusal, *RequestRefusal}
_CALLS = {"refused", "unknown", "RefusedError", "_refusal"}
_REFUSING = ("decisions", "people", "console", "runtime", "records", "store", "cli")


@pytest.fixture
def german():
    catalogue.speak("de")
    yield
    catalogue.speak("en")


def calls():
    """Yield each call in the gateway that refuses, with its place."""
    for room in _REFUSING:
        for file in sorted((ROOT / "gateway" / room).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                named = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
                if named in _CALLS:
                    yield f"{file.relative_to(ROOT)}:{node.lineno}", node


def texts_within(node):
    return [part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)]


def test_each_code_is_raised_by_a_test_of_a_real_path():
    assert set(PATHS) == {code.value for code in CODES}
    for code, test in PATHS.items():
        file, _, name = test.partition("::")
        source = (ROOT / file).read_text(encoding="utf-8")
        assert f"def {name.partition('[')[0].rpartition('::')[2]}(" in source, code


def test_no_refusal_has_a_text_of_its_own():
    seen = 0
    for place, call in calls():
        seen += 1
        said = [text for part in (*call.args, *call.keywords) for text in texts_within(part) if " " in text.strip(", ")]
        assert said == [], place
    assert seen > 100


def test_each_code_is_used_in_the_gateway():
    used = {
        part.attr
        for room in _REFUSING
        for file in (ROOT / "gateway" / room).rglob("*.py")
        for part in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(part, ast.Attribute) and getattr(part.value, "id", "") in {"ActRefusal", "RequestRefusal"}
    }
    assert used == {code.value for code in CODES}


def test_a_refusal_is_told_in_the_plants_language_and_kept_in_english(german):
    answer = refused(ActRefusal.ROLE_NOT_ENTITLED, act="settle_point", user="olga", roles=["operator"],
                     needs=["supervisor", "quality"])  # fmt: skip
    assert answer.why == "„Punkt abschließen“ ist olga nicht erlaubt (Bediener)"
    assert answer.hint == "nötig ist eine der Rollen: Schichtführer, Qualität"
    assert answer.english == "settle point is not for olga (operator)"
    assert "Speicher" in unknown(ActRefusal.STORE_SLOW).why


def test_a_request_is_refused_with_code_and_message_in_the_plants_language(german):
    error = RefusedError(400, RequestRefusal.PARAMETER_OUT_OF_RANGE, name="hours", lowest=0.1, highest=24.0)
    view = refusal_view(error)
    assert view.code == "PARAMETER_OUT_OF_RANGE"
    assert view.message == "hours muss eine Zahl von 0,1 bis 24 sein; eine dazwischen wählen"
    assert refusal_view(RefusedError(401, ActRefusal.WRONG_PASSWORD)).why == "Benutzer oder Passwort ist falsch"


@pytest.mark.parametrize("group", sorted(set(WORDS.values())))
def test_a_word_of_a_refusal_has_a_text(group):
    assert any(key[0] == group for key in catalogue.catalogue("en"))
