"""Fields of a specification that nothing reads: what could change by what lots are judged is never overlooked."""

from contextlib import closing

import pytest

from tests.fixtures.laboratory import CONFIGURATION, Laboratory

STATED = {"product": "FG-200", "analyte": "viscosity", "version": "1", "lower": 95, "unit": "mPa.s"}
COUNTS = [
    {"Upper": 105}, {"USL": 105}, {"max": 105}, {"upper_limit": "105"}, {"spec_max": "105,0"}, {"Obergrenze": 105},
    {"acceptance": "95 - 105"}, {"limits": {"high": 105}}, {"status": "draft"}, {"state": "in review"},
    {"approved": False}, {"obsolete": True}, {"deleted": True}, {"valid_until": "2026-01-31"},
    {"effectiveDate": "2026-09-01"},    {"expires": "2026-01-31"}, {"Withdrawn": True}, {"Rejects": ["gel"]},
]  # fmt: skip
HARMLESS = [
    {"status": "approved"}, {"status": "effective"}, {"state": "active"}, {"revision": "B"}, {"supersedes": "0"},
    {"approved": True}, {"approved_by": "QA"}, {"method": "ISO 2555"}, {"id": "S-1"}, {"source": "mdm"},
    {"description": "see SOP 12"}, {"issued_at": "2026-01-01T00:00:00Z"}, {"valid_until": None}, {"Upper": ""},
]  # fmt: skip


def _released(plant):
    plant.result("Viscosity", 120.0, product="FG-200")
    plant.wait()
    return plant.recommended("L")


@pytest.fixture
def plant(tmp_path):
    with closing(Laboratory(tmp_path)) as made:
        yield made


@pytest.mark.parametrize("more", COUNTS, ids=lambda more: next(iter(more)))
def test_laboratory_18_a_specification_with_a_field_that_nothing_reads_releases_nothing(plant, more):
    plant.specification(**STATED, **more)
    assert _released(plant) == "review"


@pytest.mark.parametrize("more", HARMLESS, ids=lambda more: next(iter(more)))
def test_laboratory_18_what_changes_nothing_of_a_specification_is_no_reason_to_refuse_it(plant, more):
    plant.specification(**{**STATED, **more})
    assert _released(plant) == "release"


def test_laboratory_18_master_data_may_name_fields_that_do_not_matter(tmp_path):
    configuration = CONFIGURATION.replace("[master_data]", '[master_data]\nignore = ["Upper"]')
    with closing(Laboratory(tmp_path, configuration=configuration)) as plant:
        plant.specification(**STATED, Upper=105)
        assert _released(plant) == "release"


@pytest.mark.parametrize("status", ["rejected", "retracted", "cancelled"])
def test_laboratory_11_a_failure_that_was_withdrawn_and_replaced_is_for_a_person(plant, status):
    plant.result("pH", 7.0)
    plant.result("Viscosity", 120, sample_id="S-1", result_version=1, status=status)
    plant.result("Viscosity", 100, sample_id="S-1", result_version=2)
    assert plant.recommended("L") == "review"


@pytest.mark.parametrize("status", ["rejected", "retracted"])
def test_laboratory_11_what_was_withdrawn_and_was_inside_is_no_failure(plant, status):
    plant.result("pH", 7.0)
    plant.result("Viscosity", 101, sample_id="S-1", result_version=1, status=status)
    plant.result("Viscosity", 100, sample_id="S-1", result_version=2)
    assert plant.recommended("L") == "release"
