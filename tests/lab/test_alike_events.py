"""How alike two events are: by what was unusual and how they failed; what was as always says nothing."""

import pytest

from gateway.lab.alike_events import alike_by_process, alike_by_symptoms, symptoms_of
from gateway.lab.fingerprints import Fingerprint
from gateway.records.verdicts import Reason
from simulator.bench import similar


def lot(*, things=("MONOMER of Acme",), **values):
    return Fingerprint(material_lot_id="L", product="P", equipment_id="R1", from_ns=0, until_ns=1, values=values,
                       present=tuple(("material", name) for name in things))  # fmt: skip


# the medians are 50 and 5; one sigma is 1.4826 times the median absolute deviation: 1.4826 and 0.14826
IN_CONTROL = [lot(pressure=50.0 + step, flow=5.0 + 0.1 * step) for step in (-2, -1, -1, 0, 0, 0, 1, 1, 2)]
SIGMA = 1.4826


def at(pressure=0.0, flow=0.0, **more):
    """A lot so many sigmas from the medians."""
    return lot(pressure=50 + pressure * SIGMA, flow=5 + flow * SIGMA / 10, **more)


@pytest.mark.parametrize(
    ("own", "other", "alike"),
    [
        (at(4.0), at(4.0), 1.0),
        (at(4.0), at(3.0, flow=1.2), 1.0),  # the flow was as it often is
        (at(4.0), at(-4.0), 0.0),
        (at(4.0), at(flow=4.0), 0.0),
        (at(4.0), at(), 0.0),
        (at(), at(1.0), 0.3),
        (at(4.5), at(4.5, flow=4.5), 0.5**0.5),  # (3, 0) and (3, 3)
        (at(things=("MONOMER of Bolt",)), at(things=("MONOMER of Bolt",)), 1.0),
        (at(things=("MONOMER of Bolt", "lot 1")), at(things=("MONOMER of Bolt", "lot 2")), 1.0),
        (at(3.5, things=("MONOMER of Bolt",)), at(3.5), 1.0),  # nobody else had it
    ],
)
def test_lots_are_alike_by_what_was_unusual(own, other, alike):
    assert alike_by_process(own, other, IN_CONTROL) == pytest.approx(alike, abs=1e-9)
    assert alike_by_process(other, own, IN_CONTROL) == pytest.approx(alike, abs=1e-9)


def test_without_lots_in_control_nothing_is_said():
    assert alike_by_process(at(4.0, things=()), at(4.0, things=()), []) is None


def below(analyte="ph"):
    return analyte, Reason(code="OUT_OF_SPECIFICATION", parameters={"lower": 6.5, "limit": 6.5}, text="")


def above(analyte="ph"):
    return analyte, Reason(code="OUT_OF_SPECIFICATION", parameters={"upper": 7.5, "limit": 7.5}, text="")


@pytest.mark.parametrize(
    ("own", "other", "alike"),
    [
        ([below()], [below()], 1.0),
        ([below()], [above()], 0.3),
        ([below()], [below("viscosity")], 0.0),
        ([below(), above("viscosity")], [below()], 0.5),
        ([below()], [], 0.0),
    ],
)
def test_failures_are_alike_by_analyte_and_side(own, other, alike):
    assert alike_by_symptoms(symptoms_of(own), symptoms_of(other)) == pytest.approx(alike)


def test_a_cause_that_comes_again_has_its_first_time_among_the_first_three():
    assert all(place < similar.FIRST for place in similar.run(1, similar.CAUSES[:3]))
