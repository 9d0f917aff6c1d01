"""The texts of the console's page in the languages of a plant; tests/console compares them with each other."""

import json
import re
from importlib.resources import files

from tests.texts.test_catalogue import LANGUAGES

TEXTS = files("gateway.console").joinpath("static", "texts")
LANGUAGES_OF_PAGE = sorted(file.name.removesuffix(".json") for file in TEXTS.iterdir() if file.name.endswith(".json"))


def texts_of_page(language):
    return json.loads(TEXTS.joinpath(f"{language}.json").read_text(encoding="utf-8"))


def test_the_page_speaks_every_language_of_the_plant():
    assert LANGUAGES_OF_PAGE == LANGUAGES


def test_the_german_page_addresses_nobody():
    assert {
        key for key, text in texts_of_page("de").items() if re.search(r"\b(Sie|Ihre?[nmrs]?|[Bb]itte)\b", text)
    } == set()
