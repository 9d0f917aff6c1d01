"""The description of the console is that of its shapes, and every example is one."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.console.examples import EXAMPLES
from gateway.console.openapi import text
from gateway.console.routes import ROUTES
from gateway.console.views.parts import Refusal

FILE = Path(__file__).parents[2] / "docs" / "schema" / "console.openapi.json"
ANSWERS = {route.answer.__name__: route.answer for route in ROUTES if route.answer is not None} | {"Refusal": Refusal}


def test_the_description_that_stands_in_the_documentation_is_that_of_the_routes():
    """``make schemas`` writes it anew."""
    assert FILE.read_text(encoding="utf-8") == text()


def test_every_answer_has_an_example():
    assert ANSWERS.keys() == EXAMPLES.keys()


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_every_example_is_of_its_shape_and_leaves_no_field_out(name):
    assert ANSWERS[name].model_validate(EXAMPLES[name]).model_dump(mode="json") == EXAMPLES[name]


@pytest.mark.parametrize("route", [route for route in ROUTES if route.asked is not None], ids=lambda route: route.name)
def test_what_is_not_known_in_a_request_is_refused(route):
    with pytest.raises(ValidationError):
        route.asked.model_validate({"something": "else"})
