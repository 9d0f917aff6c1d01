"""Each language as people read it: titles that fit, numbers and signs as the language writes them."""

import re
from typing import get_args

import pytest

from gateway.advice.titles import likely_title, lot_title, move_title, predicted_title, provisional_title
from gateway.config.tables import TextsTable
from gateway.lab.lot_reasons import LotReason
from gateway.lab.qualitative import judged_by_text
from gateway.lab.release.open_points import OpenPoint
from gateway.lab.specifications import judge
from gateway.records.guidance import GuidanceKind, SetpointSuggestion
from gateway.records.laboratory import Bands, Specification
from gateway.records.prediction import ModelIdentity, Prediction
from gateway.records.verdicts import Reason, Verdict
from gateway.texts import catalogue
from gateway.texts.catalogue import LONGEST_TITLE, number_in_text, text
from tests.fixtures.building import NOW_NS, result
from tests.texts.test_catalogue import LANGUAGES, forms, texts_of

VISCOSITY = Specification(product="FG-100", analyte="viscosity", lower=95.5, upper=104.5, target=100.0, unit="mPa.s")
BANDED = Specification(
    product="FG-100", analyte="viscosity", lower=95.5, upper=104.5, target=100.0, unit="mPa.s",
    bands=Bands(release=(98.5, 101.5), review=(95.5, 104.5)),
)  # fmt: skip
SIGNED_NUMBER = re.compile(r"\d\.\d")


@pytest.fixture
def speaking():
    """Speak a language for one test."""
    yield catalogue.speak
    catalogue.speak("en")


def prediction(value, *, lot="BATCH-2024-0117", probability=None):
    return Prediction(
        prediction_id="p", at_ns=NOW_NS, equipment_id="R1", analyte="viscosity", unit="mPa.s", value=value,
        model=ModelIdentity(name="m", version="1", sha256="x"), stage="advise", low=value - 1.25, high=value + 1.25,
        coverage=0.9, features=None, verdict=Verdict(), material_lot_id=lot, material_definition_id=None,
        probability=probability,
    )  # fmt: skip


def suggestion(current, proposed):
    return SetpointSuggestion(
        tag="reactor_jacket_temperature", current=current, proposed=proposed, unit="degC", validated=(60.0, 95.0),
        expected_value=100.25, expected_low=99.5, expected_high=101.0, max_step=5.0,
    )  # fmt: skip


def judged(value_text, value, specification=VISCOSITY):
    return judge(result(value_text=value_text, value=value, test_id="Viscosity", unit="mPa.s"), specification)


def titles_of_guidance():
    """Return titles of all kinds, of lots and names such as plants have."""
    high = prediction(106.25)
    yield predicted_title(high, VISCOSITY, outside=True)
    yield predicted_title(prediction(106.25, lot=None), VISCOSITY, outside=True)
    yield predicted_title(prediction(104.25), VISCOSITY, outside=False)
    yield provisional_title(high, VISCOSITY)
    yield likely_title(prediction(106.25, probability=0.875))
    yield likely_title(prediction(106.25, lot=None, probability=0.875))
    yield move_title(suggestion(72.5, 74.25))
    yield move_title(suggestion(74.25, 72.5))
    for value in (110.25, 90.25, 103.25):
        for specification in (VISCOSITY, BANDED):
            _asks, reason = judged(str(value), value, specification)
            for kind in (GuidanceKind.HOLD, GuidanceKind.REVIEW):
                yield lot_title(kind, lot="BATCH-2024-0117", sample="S-2024-00117", reason=reason)
                yield lot_title(kind, lot=None, sample="S-2024-00117", reason=reason)
    for code in (*OpenPoint, *LotReason):
        reason = Reason(code=code.value, parameters={"analyte": "viscosity"}, text="a sentence " * 9)
        yield lot_title(GuidanceKind.REVIEW, lot="BATCH-2024-0117", sample="S-1", reason=reason)


def test_every_language_can_be_configured_and_every_one_that_can_be_is_there():
    assert sorted(get_args(TextsTable.model_fields["language"].annotation)) == LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_titles_fit_with_the_names_and_numbers_of_a_plant(language, speaking):
    speaking(language)
    too_long = [title for title in titles_of_guidance() if len(title) > LONGEST_TITLE]
    assert too_long == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_title_may_shorten_stands_in_the_sentences_of_that_language(language):
    sentences = [form for (group, _code), entry in texts_of(language).items() if group == "conformity"
                 for form in forms(entry)]  # fmt: skip
    for (group, code), entry in texts_of(language).items():
        if group == "title_abbreviation":
            words, short_words = entry
            assert any(words in sentence for sentence in sentences), code
            assert len(short_words) < len(words), code


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_hold_names_its_side_and_limit_in_the_title(language, speaking):
    speaking(language)
    for value, limit in ((110.25, 104.5), (90.25, 95.5)):
        _asks, reason = judged(str(value), value)
        title = lot_title(GuidanceKind.HOLD, lot="B-0117", sample="S-1", reason=reason)
        assert number_in_text(str(limit)) in title
        assert number_in_text(str(value)) in title


def test_german_writes_a_comma_and_a_space_before_the_percent_sign(speaking):
    speaking("de")
    titles = [*titles_of_guidance()]
    assert [title for title in titles if SIGNED_NUMBER.search(title)] == []
    assert "reactor jacket temperature von 72,5 auf 74,25 °C erhöhen" in titles
    coverage = text("abstention", "LOW_COVERAGE", coverage=0.625, minimum=0.8, input="temperature")
    assert coverage == "Vom Zeitfenster von temperature sind nur 62 % bekannt; erforderlich sind 80 %."
    stale = text("abstention", "STALE", tag="T1", age_seconds=31.24, max_age_seconds=30)
    assert stale == "Der letzte Wert von T1 ist 31,2 s alt; zulässig sind höchstens 30,0 s."


@pytest.mark.parametrize("language", LANGUAGES)
def test_numbers_of_a_reason_are_the_same_in_every_language(language, speaking):
    speaking("en")
    _asks, english = judged("110.25", 110.25, BANDED)
    speaking(language)
    _asks, reason = judged("110.25", 110.25, BANDED)
    assert (reason.code, reason.parameters) == (english.code, english.parameters)


def test_names_with_points_in_them_are_no_numbers(speaking):
    speaking("de")
    assert number_in_text("4.25 mPa.s") == "4,25 mPa.s"
    assert text("lab_phrase", "OF_VERSION", limits="x", version="3.1") == "x (Version 3.1)"
    assert text("open_point", "LOT_NAME_ALIKE", lot="24.11", others="24.12").count("24.1") == 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_are_set_as_a_printer_would(language):
    for key, entry in texts_of(language).items():
        for form in forms(entry):
            bare = re.sub(r"{[^}]*}", "x", form)
            assert "  " not in bare, key
            assert " ." not in bare, key
            assert " ," not in bare, key
            assert not re.search(r"°\s|\d°", bare), key


def test_german_addresses_nobody_and_has_its_own_marks():
    for (group, code), entry in texts_of("de").items():
        for form in forms(entry):
            assert not re.search(r"\b(Sie|Ihre?[nmrs]?|bitte)\b", form), (group, code)
            assert "+-" not in form, (group, code)
            if group != "refusal":  # where values are quoted as programs write them
                assert '"' not in form, (group, code)
            without_fields = re.sub(r"{[^}]*}", "0", form)
            assert not re.search(r"\d%", without_fields), (group, code)


def test_results_in_words_are_quoted_as_the_language_quotes(speaking):
    speaking("de")
    specification = Specification(
        analyte="salmonella", lower=None, upper=None, accepts=("absent",), rejects=("present",)
    )
    judged_words = judged_by_text(result(value_text="present", value=None, test_id="Salmonella"), specification)
    assert judged_words is not None
    assert judged_words[1].text == "Salmonella „present“ ist nach der Spezifikation unzulässig."
