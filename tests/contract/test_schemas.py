"""The published schemas are those of the models, and hold for what the gateway really sends."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from gateway.contract.publications import PUBLICATIONS
from gateway.contract.schemas import documents
from tests.decisions.test_deviations import Plant
from tests.fixtures.real_parts import missing

FOLDER = Path(__file__).parents[2] / "docs" / "schema"
CONSOLE = "console.openapi.json"  # tests/console/test_description.py
EXAMPLES = Path(__file__).parents[2].parent / "shared" / "payloads"


def test_the_schemas_that_stand_in_the_documentation_are_those_of_the_models():
    """``make schemas`` writes them anew."""
    assert {
        file.name: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.json") if file.name != CONSOLE
    } == documents()


def test_what_the_gateway_sends_is_of_its_schema(tmp_path):
    plant = Plant(tmp_path)
    with closing(plant.connection):
        plant.lot("LOT-1", 110.0)
        plant.model_due(75.0)
        rows = plant.rows("SELECT payload FROM outbox WHERE length(payload) > 0")
    seen = set()
    for (payload,) in rows:
        document = json.loads(payload)
        name = document["schema"].removeprefix("labline.").removesuffix("/1")
        model = PUBLICATIONS[name].model
        assert model.model_validate(document).model_dump(by_alias=True, mode="json") == document
        seen.add(name)
    assert {"guidance", "disposition", "deviation", "board"} <= seen


@pytest.mark.parametrize("name", ["sample-request-message", "disposition", "dead-letter"])
def test_the_examples_of_the_contract_have_no_field_that_the_schema_does_not_know(name):
    file = EXAMPLES / f"labline-{name}.json"
    if not file.exists():
        missing("the folder with the contract's examples")
    document = json.loads(file.read_text())
    model = PUBLICATIONS[document["schema"].removeprefix("labline.").removesuffix("/1")].model
    assert document.keys() <= {field.alias or field_name for field_name, field in model.model_fields.items()}
