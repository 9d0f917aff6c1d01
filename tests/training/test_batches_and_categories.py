"""Recipes with batches, phases and categories: what rows are made of them, their effect, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from gateway.errors import LablineError
from gateway.inference.bundle import read_bundle
from gateway.records.production import PhaseEvent, ProductionThen
from gateway.training.bundle_files import bundle_of
from gateway.training.file_production import FileProduction
from gateway.training.recipe import read_recipe
from gateway.training.rows import file_rows
from gateway.training.train import train
from tests.fixtures.generated_plants import batches, grades

CANDIDATES = '[candidates]\nkinds = ["ridge"]\nfolds = 3\n[split]\ntrain = 0.7\n'
OUTPUT = '[output]\nanalyte = "quality"\nunit = "%"\nvalid = [-500.0, 500.0]\nrange_margin = 0.5\n'
LAST = '[[inputs]]\ntag = "TI1"\nunit = "degC"\n[[inputs]]\ntag = "PI2"\nunit = "bar"\n'
HEATING = '[[inputs]]\naggregate = "duration"\nbetween = ["phase:heat", "phase_end:heat"]\n'
HOT = '[[inputs]]\ntag = "TI1"\nunit = "degC"\naggregate = "time_above"\nlevel = 80.0\nsince = "batch_start"\n'
PRODUCT = '[[inputs]]\ncategory = "product"\n'
IN_PHASES = 'batch_column = "batch"\nphase_column = "phase"\n'


def write(folder, plant, inputs, *, data=""):
    every = f"every_rows = {plant.every_rows}\n"
    path = plant.write(folder, inputs=inputs, tables=OUTPUT + CANDIDATES)
    text = path.read_text().replace("period_seconds", f"{data}period_seconds")
    if np.isnan(plant.y).any():
        text = text.replace(every, "")
    path.write_text(text)
    return path


def rows_of(path):
    return file_rows(read_recipe(path), folder=path.parent)


def test_each_batch_is_a_row_of_how_it_went(tmp_path):
    plant = batches(40)
    rows = rows_of(write(tmp_path, plant, HEATING + HOT + PRODUCT, data=IN_PHASES))
    assert [item.name for item in rows.inputs] == [
        "duration.0.phase:heat_to_phase_end:heat", "TI1.time_above.0.level_80.since_batch_start",
        "product=blue", "product=red",
    ]  # fmt: skip
    names, phases = np.array(plant.texts["batch"]), np.array(plant.texts["phase"])
    products = np.array(plant.texts["product"])
    temperature = np.array([float(f"{value:.6g}") for value in plant.tags["TI1"]])
    assert len(rows) == 40
    for features, name in zip(rows.features, np.unique(names), strict=True):
        of_batch = names == name
        hot = 60.0 * np.sum(temperature[of_batch][:-1] > 80)
        red = float(products[of_batch][0] == "red")
        assert features.tolist() == [60.0 * np.sum(of_batch & (phases == "heat")), hot, 1 - red, red]


def reached(path):
    return train(read_recipe(path), folder=path.parent).figures["r2_by_itself"]


def test_batches_are_predicted_by_how_they_went_and_not_by_where_they_end(tmp_path):
    plant = batches(150)
    end = reached(write(tmp_path, plant, LAST, data=IN_PHASES))
    whole = reached(write(tmp_path, plant, HEATING + HOT + PRODUCT, data=IN_PHASES))
    assert whole > 0.9
    assert whole > end + 0.4


def test_grades_are_predicted_by_their_category(tmp_path):
    plant = grades()
    tags = '[[inputs]]\ntag = "TI1"\nunit = "degC"\n[[inputs]]\ntag = "FI2"\nunit = "kg/h"\nlags_rows = [2]\n'
    without = reached(write(tmp_path, plant, tags))
    with_it = reached(write(tmp_path, plant, tags + PRODUCT + 'column = "grade"\n'))
    assert with_it > 0.9
    assert with_it > without + 0.4


def test_a_bundle_lists_the_levels_and_events_and_is_read_back(tmp_path):
    path = write(tmp_path, batches(80), HEATING + HOT + PRODUCT, data=IN_PHASES)
    trained = train(read_recipe(path), folder=tmp_path)
    bundle = read_bundle(bundle_of(trained, recipe_name=path.name), where="here")
    assert bundle.inputs == trained.inputs
    assert bundle.inputs[2].category.levels == ("blue", "red")


def test_a_rare_level_is_left_out_and_counted(tmp_path):
    plant = grades()
    names = ["D" if 100 <= at < 107 else name for at, name in enumerate(plant.texts["grade"])]
    path = write(tmp_path, replace(plant, texts={"grade": names}), PRODUCT + 'column = "grade"\n')
    rows = rows_of(path)
    assert [item.category.value for item in rows.inputs] == ["A", "B", "C"]
    assert rows.odd["left out: rows of product D, with fewer than 10 samples before the test"] == 7
    assert len(rows) == len(plant.y) - 7


def test_levels_are_learned_before_the_test_alone(tmp_path):
    plant = grades()
    names = ["D" if at > 1000 else name for at, name in enumerate(plant.texts["grade"])]
    rows = rows_of(write(tmp_path, replace(plant, texts={"grade": names}), PRODUCT + 'column = "grade"\n'))
    assert [item.category.value for item in rows.inputs] == ["A", "B", "C"]


def test_a_category_of_a_tag_has_its_states_as_levels(tmp_path):
    plant = grades()
    state = np.array([{"A": 1.0, "B": 2.0, "C": 5.0}[name] for name in plant.texts["grade"]])
    plant = replace(plant, tags={**plant.tags, "mode": state})
    rows = rows_of(write(tmp_path, plant, '[[inputs]]\ncategory = "mode"\ntag = "mode"\nlags_rows = [0, 2]\n'))
    assert [item.name for item in rows.inputs] == [f"{of}={level}" for of in ("mode", "mode.2") for level in "125"]
    assert rows.features[5].tolist() == [1, 0, 0, 1, 0, 0]


@pytest.mark.parametrize(
    ("inputs", "data", "message"),
    [
        (HEATING, "", "name the file's batch_column"),
        (HEATING, 'batch_column = "batch"\n', "name the file's phase_column"),
        (HOT, 'phase_column = "phase"\n', "phase_column needs batch_column"),
        (HEATING.replace("phase:heat", "heating"), IN_PHASES, "heating is no event of a batch"),
        (HEATING + 'tag = "TI1"\n', IN_PHASES, "a duration is of no tag"),
        ('[[inputs]]\naggregate = "duration"\n', IN_PHASES, "give since or between"),
        (HOT.replace("level = 80.0\n", ""), IN_PHASES, "level belongs to"),
        (HOT + "window_rows = 4\n", IN_PHASES, "leave window_rows out"),
        (HOT + 'between = ["batch_start", "phase:heat"]\n', IN_PHASES, "give one of them"),
        ('[[inputs]]\nunit = "x"\n', "", "tag is missing"),
        ('[[inputs]]\ntag = "TI1"\n', "", "unit is missing"),
        (PRODUCT + 'tag = "TI1"\n', "", "the product is of no tag"),
        (PRODUCT + "lags_rows = [1]\n", "", "of the predicted instant"),
        (PRODUCT + 'transform = "log"\n', "", "leave aggregate, windows and formulas out"),
        (PRODUCT + 'column = "nowhere"\n', "", "has no column nowhere"),
        (PRODUCT + 'column = "batch"\n', "", "category product has 0 level"),
        (HOT + "longest_seconds = 1e9\n", IN_PHASES, "longest_seconds"),
    ],
)
def test_what_is_wrong_with_batches_and_categories_is_said(tmp_path, inputs, data, message):
    path = write(tmp_path, batches(12), inputs, data=data)
    with pytest.raises(LablineError, match=message):
        rows_of(path)


def test_a_batch_longer_than_the_longest_is_no_row(tmp_path):
    path = write(tmp_path, batches(40), HOT + "longest_seconds = 1800\n", data=IN_PHASES)
    rows = rows_of(path)
    assert 0 < len(rows) < 40
    assert sum(count for what, count in rows.odd.items() if "time_above" in what) == 40 - len(rows)


def test_a_file_reports_what_production_would():
    at_ns = np.arange(8) * 10
    production = FileProduction(
        at_ns, batches=["", "a", "a", "a", "", "b", "b", "b"], phases=["", "x", "x", "y", "", "x", "", "x"],
        products=["", "", "P", "P", "", "Q", "Q", "Q"],
    )  # fmt: skip
    assert production.longest_ns == 30
    assert production.then(10) == ProductionThen()  # at its start nothing of it has been seen
    started = PhaseEvent(phase="x", started=True, at_ns=10)
    assert production.then(11) == ProductionThen(product="P", batch_started_ns=10, phases=(started,))
    assert [event.at_ns for event in production.then(40).phases] == [10, 30, 30, 40]  # at its end it still counts
    assert production.then(41).batch_started_ns is None
    assert [event.at_ns for event in production.then(70).phases] == [50, 60, 70]
