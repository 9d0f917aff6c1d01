from dataclasses import replace

import numpy as np
import pytest

from gateway.line.model_domain import Domain
from gateway.records.prediction import FeatureVector
from gateway.setpoints.interactions import Basis, CoupledOutput
from gateway.setpoints.search import Objective, search
from gateway.time_units import seconds_to_ns
from tests.fixtures.building import NOW_NS, PH, VISCOSITY, assignment, bundle, linear


def vector(temperature):
    return FeatureVector(end_ns=NOW_NS, names=("temperature.mean",), values=(temperature,), evidence=(), sha256="")


def find(temperature, *, model=None, setpoint=78.0, last_move_ns=None, specification=VISCOSITY, bias=0.0, others=()):
    model = model or assignment()
    return search(
        model,
        Objective(column=0, valid=(0.0, 300.0), bias=bias, half_width=1.0, others=others),
        vector(temperature),
        specification,
        current={} if setpoint is None else {"temperature_setpoint": setpoint},
        last_move_ns={} if last_move_ns is None else {"temperature_setpoint": last_move_ns},
        at_ns=NOW_NS,
    )


def test_the_smallest_move_that_reaches_the_target_is_suggested():
    # 76.5 degC predicts 106; 1.4 degC more predicts 100.4, within half the half width of the target
    suggestion, reasons = find(76.5)
    assert reasons == ()
    assert suggestion is not None
    assert suggestion.proposed == pytest.approx(79.4)
    assert suggestion.expected_value == pytest.approx(100.4)
    assert suggestion.expected_low >= 95
    assert suggestion.expected_high <= 105


def test_where_the_target_is_out_of_reach_a_move_into_the_specification_is_suggested():
    suggestion, _ = find(75.0)  # predicts 112; the largest step of 2 brings 104: inside, interval 103 to 105
    assert suggestion is not None
    assert suggestion.proposed == pytest.approx(80.0)


def test_where_the_specification_is_out_of_reach_the_best_improvement_is_suggested():
    suggestion, _ = find(73.0)  # predicts 120; the largest step brings 112
    assert suggestion is not None
    assert suggestion.proposed == pytest.approx(80.0)


def test_the_validated_range_of_the_setpoint_cuts_the_move():
    suggestion, _ = find(75.0, setpoint=89.5)
    assert suggestion is None or suggestion.proposed <= 90.0
    suggestion, _ = find(77.0, setpoint=89.3)
    assert suggestion is not None
    assert suggestion.proposed <= 90.0


def test_a_move_never_leads_an_input_out_of_its_validated_range():
    narrow = replace(bundle().inputs[0], validated=(60.0, 77.0))
    suggestion, _ = find(76.5, model=assignment(bundle=bundle(inputs=(narrow,))))
    assert suggestion is not None
    assert 76.5 + (suggestion.proposed - suggestion.current) <= 77.0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"setpoint": None}, "SETPOINT_UNKNOWN"),
        ({"last_move_ns": NOW_NS - seconds_to_ns(5)}, "TOO_SOON"),
        ({"model": assignment(bundle=bundle(manipulated=()))}, "NO_MANIPULATED_TAG"),
        ({"model": assignment(predict=linear([0.0], 120.0))}, "NO_IMPROVING_MOVE"),
    ],
)
def test_no_suggestion_has_a_reason(arguments, code):
    suggestion, reasons = find(76.5, **arguments)
    assert suggestion is None
    assert [reason.code for reason in reasons] == [code]


def test_an_improvement_smaller_than_the_uncertainty_is_not_worth_a_move():
    suggestion, _ = find(73.0, model=assignment(predict=linear([-0.2], 120.0 + 0.2 * 73)))
    assert suggestion is None


def test_a_move_never_leads_out_of_the_applicability_domain():
    one = np.array([1.0])
    known = Domain(center=np.array([76.5]), scale=one, loadings=np.array([[1.0]]), variances=one, t2_limit=1.0,
                   spe_limit=1.0, alpha=0.01)  # fmt: skip
    suggestion, _ = find(76.5, model=assignment(bundle=bundle(domain=known)))
    assert suggestion is not None
    assert suggestion.proposed <= 79.0  # one degree more at most, where 1.4 were wanted


def test_a_move_that_would_push_another_value_out_of_its_specification_is_not_suggested():
    def predict(rows):
        return np.column_stack([100 - 4.0 * (rows[:, 0] - 78), 7.0 + 0.5 * (rows[:, 0] - 76.5)])

    both = assignment(predict=predict)
    other = CoupledOutput(model=both, analyte="ph", column=1, valid=(0.0, 14.0), specification=PH,
                  basis=Basis(inputs=(76.5,), end_ns=NOW_NS, bias=0.0, half_width=0.1))  # fmt: skip
    suggestion, _ = find(76.5, model=both, others=(other,))
    assert suggestion is not None
    assert suggestion.proposed <= 78.8 + 1e-9  # pH 7.0 + 0.5 * 0.8, and its interval, stays below 7.5
    suggestion, reasons = find(76.5, model=both, others=(replace(other, basis=None),))
    assert suggestion is None
    assert [reason.code for reason in reasons] == ["SIDE_EFFECT_UNKNOWN"]
