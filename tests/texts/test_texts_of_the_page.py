"""The texts of the console's page: every language has the same ones, with the same parameters."""

import json
import re
from importlib.resources import files

import pytest

from tests.texts.test_catalogue import LANGUAGES

TEXTS = files("gateway.console").joinpath("static", "texts")
LANGUAGES_OF_PAGE = sorted(file.name.removesuffix(".json") for file in TEXTS.iterdir() if file.name.endswith(".json"))


def texts_of_page(language):
    return json.loads(TEXTS.joinpath(f"{language}.json").read_text(encoding="utf-8"))


def parameters(text):
    return set(re.findall(r"{(\w+)}", text))


def test_the_page_speaks_every_language_of_the_plant():
    assert LANGUAGES_OF_PAGE == LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES_OF_PAGE)
def test_each_language_of_the_page_has_the_same_texts_and_parameters(language):
    english, texts = texts_of_page("en"), texts_of_page(language)
    assert texts.keys() == english.keys()
    assert {key for key, text in texts.items() if parameters(text) != parameters(english[key])} == set()
    assert {key for key, text in texts.items() if not text.strip()} == set()


def test_the_german_page_addresses_nobody():
    assert {
        key for key, text in texts_of_page("de").items() if re.search(r"\b(Sie|Ihre?[nmrs]?|[Bb]itte)\b", text)
    } == set()
