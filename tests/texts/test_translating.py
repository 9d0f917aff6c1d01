"""What is on record in one language is said in another one with the same names, numbers and units."""

import string

from hypothesis import given
from hypothesis import strategies as st

from gateway.texts.catalogue import catalogue, text_in
from gateway.texts.translating import _all_keys, _form, in_language

REASONS = {"conformity", "open_point", "abstention", "lot", "certificate_gap", "trend", "advice", "how_to_settle"}


def parameters_of(template):
    """Return a value for each field: a number where it is written as one."""
    fields = [(field, how or "") for _text, field, how, _other in string.Formatter().parse(template) if field]
    return {field: 3 if how[-1:] == "d" else 12.5 if how[-1:] in set("fge%") and how else f"X-{field} of Q"
            for field, how in fields}  # fmt: skip


def test_every_reason_of_one_language_is_said_in_the_other_as_it_would_have_been_written_in_it():
    keys = [key for key in _all_keys() if key[0] in REASONS]
    assert len(keys) > 150
    for group, code, variant in keys:
        parameters = {}
        for language in ("en", "de"):
            parameters |= parameters_of(_form(language, group, code, variant))
        chosen = {"count": 1 if variant == "one" else 3} if variant in {"one", "other"} else {"variant": variant}
        english, german = (text_in(name, group, code, **parameters | chosen) for name in ("en", "de"))
        assert in_language("de", code, parameters, english) == german, (group, code, variant)
        assert in_language("en", code, parameters, german) == english, (group, code, variant)


def test_a_sentence_says_its_own_values_and_parts_of_sentences_are_translated_too():
    english = "Viscosity 110.5 mPa·s is above the upper limit of 105 mPa·s."
    german = "Viscosity 110,5 mPa·s liegt über dem oberen Grenzwert von 105 mPa·s."
    assert in_language("de", "OUT_OF_SPECIFICATION", {"name": "Viscosity"}, english) == german
    assert in_language("en", "OUT_OF_SPECIFICATION", {"name": "Viscosity"}, german) == english
    assert in_language("de", "OUT_OF_SPECIFICATION", {}, german) == german


def test_what_no_template_says_and_a_code_that_nobody_knows_stand_as_they_are():
    assert in_language("de", "OUT_OF_SPECIFICATION", {}, "Something else.") == "Something else."
    assert in_language("de", "NO_SUCH_CODE", {}, "Lot A is on hold.") == "Lot A is on hold."


@given(st.text(max_size=60), st.sampled_from(["PARENT_IN_QUESTION", "RESULT_CONTRADICTED", "OUT_OF_SPECIFICATION"]))
def test_a_name_is_a_name_whatever_is_written_in_it(name, code):
    group = "conformity" if code == "OUT_OF_SPECIFICATION" else "open_point"
    for variant, template in catalogue("en")[group, code].items():
        parameters = parameters_of(template)
        field = next(iter(parameters))
        said = text_in("en", group, code, **parameters | {field: name}, variant=variant)
        assert name in in_language("de", code, parameters | {field: name}, said)
