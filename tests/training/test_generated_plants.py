"""The generated plants have the properties that they are made for."""

import numpy as np
import pytest

from tests.fixtures import generated_plants as plants

ALL = [
    plants.continuous, plants.answers_to_changes, plants.heavy_tailed, plants.uneven_errors, plants.grades,
    plants.batches, plants.constant_is_best, plants.drifting, plants.errs_outside, plants.moved_setpoint,
]  # fmt: skip


@pytest.mark.parametrize("make", ALL)
def test_the_same_seed_gives_the_same_plant_and_a_file_with_a_column_for_all_it_has(make, tmp_path):
    plant = make()
    assert plant.csv() == make().csv()
    assert plant.csv() != make(seed=99).csv()
    head, *lines = plant.csv().splitlines()
    assert head == ",".join([*plant.tags, *plant.texts, "y"])
    assert len(lines) == len(plant.y) == len(plant.explained)
    assert plant.write(tmp_path).read_text().count("[[inputs]]") == len(plant.tags)


def explained_share(y, *columns):
    design = np.column_stack([np.ones(len(y)), *columns])
    fitted = design @ np.linalg.lstsq(design, y, rcond=None)[0]
    return 1 - np.var(y - fitted) / np.var(y)


def test_changes_explain_what_levels_do_not():
    plant = plants.answers_to_changes()
    level, y = plant.tags["LI1"][6:], plant.y[6:]
    assert explained_share(y, level) < 0.1
    assert explained_share(y, level - plant.tags["LI1"][:-6]) > 0.6


def test_the_batch_as_a_whole_explains_what_its_last_instant_does_not():
    plant = plants.batches()
    ends = np.flatnonzero(np.isfinite(plant.y))
    names, phases = np.array(plant.texts["batch"]), np.array(plant.texts["phase"])
    heated = np.array([np.sum((names == names[end]) & (phases == "heat")) for end in ends])
    hot = np.array([np.sum((names == names[end]) & (plant.tags["TI1"] > 80)) for end in ends])
    red = np.array([plant.texts["product"][end] == "red" for end in ends])
    assert explained_share(plant.y[ends], *(column[ends] for column in plant.tags.values())) < 0.2
    assert explained_share(plant.y[ends], heated, hot, red) > 0.95


def test_the_grade_explains_what_the_tags_do_not():
    plant = plants.grades()
    of_grade = [np.array(plant.texts["grade"]) == name for name in "AB"]
    assert explained_share(plant.y, *plant.tags.values()) < 0.3
    assert explained_share(plant.y, *plant.tags.values(), *of_grade) > 0.95


def test_one_peak_stands_far_off_the_others_and_errors_have_heavy_tails():
    plant = plants.heavy_tailed()
    errors = plant.y - plant.explained
    usual = np.median(np.abs(errors))
    assert np.mean(errors**4) / np.mean(errors**2) ** 2 > 6
    assert np.abs(errors[len(errors) // 2]) > 10 * usual
