"""Every code of a reason has one sentence, filled by named parameters, and integrators find both in one place."""

from enum import StrEnum
from pathlib import Path
from string import Formatter

import pytest

from gateway.lab.conformity_reasons import ConformityReason

PAGE = (Path(__file__).parents[2] / "docs" / "payloads.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("codes", [ConformityReason])
def test_the_page_of_payloads_has_every_code_with_its_sentence(codes: type[StrEnum]):
    assert [code.name for code in codes if f"| `{code.name}` | {code.value} |" not in PAGE] == []


@pytest.mark.parametrize("codes", [ConformityReason])
def test_a_sentence_takes_named_parameters_only_and_says_a_whole_sentence(codes: type[StrEnum]):
    for code in codes:
        names = [name for _text, name, _form, _conversion in Formatter().parse(code.value) if name is not None]
        assert all(name.isidentifier() for name in names), code
        assert code.value.endswith((".", "{action}")), code


@pytest.mark.parametrize("codes", [ConformityReason])
def test_no_two_codes_say_the_same(codes: type[StrEnum]):
    assert len({code.value for code in codes}) == len(codes) == len(codes.__members__)
