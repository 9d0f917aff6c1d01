import pytest

from simulator.plant import SETPOINTS, TAGS, Plant
from simulator.scenarios import off_specification


def lived(seed, seconds=40, setpoint=78.0):
    plant = Plant(seed)
    plant.setpoints["reactor_temperature_setpoint"] = setpoint
    readings = []
    for tick in range(1, seconds * 4):
        plant.advance(tick * 0.25)
        readings.append(plant.measure())
    return plant, readings


def test_the_same_seed_is_the_same_plant_and_another_seed_another():
    assert lived(5)[1] == lived(5)[1]
    assert lived(5)[1] != lived(6)[1]


def test_the_disturbances_do_not_depend_on_the_setpoints():
    first, second = (lived(5, setpoint=setpoint)[1] for setpoint in (77.0, 79.0))
    for tag in ("feed_purity", "feed_conductivity", "coolant_inlet_temperature"):
        assert [reading.get(tag) for reading in first] == [reading.get(tag) for reading in second]


def test_there_are_at_least_twelve_tags_and_two_setpoints():
    assert len(TAGS) >= 12
    assert len(SETPOINTS) == 2


def test_the_plant_starts_on_target_and_drifts_off_it():
    assert not off_specification(Plant(1).truth().viscosity, Plant(1).truth().ph)
    shares = [
        off_specification(lived(seed, seconds=30)[0].truth().viscosity, lived(seed, 30)[0].truth().ph)
        for seed in range(6)
    ]
    assert any(shares)


def test_a_hotter_reactor_makes_a_thinner_product_and_more_neutraliser_a_higher_ph():
    calm, hot = lived(5, seconds=10)[0], lived(5, seconds=10, setpoint=79.0)[0]
    assert hot.truth().viscosity < calm.truth().viscosity - 8
    plant = Plant(5)
    plant.setpoints["neutraliser_flow_setpoint"] = 60.0
    plant.advance(10)
    assert plant.truth().ph > calm.truth().ph + 0.1


def test_dead_bands_keep_still_values_silent():
    plant = Plant(5)
    assert set(plant.measure()) == set(TAGS)
    assert "reactor_temperature_setpoint" not in plant.measure()
    plant.setpoints["reactor_temperature_setpoint"] = 79.0
    assert plant.measure()["reactor_temperature_setpoint"] == pytest.approx(79.0)
