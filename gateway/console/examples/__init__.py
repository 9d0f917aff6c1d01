"""An example of every answer, for the description of the console and for tests of its pages."""

from collections.abc import Mapping
from typing import Any

from gateway.console.examples.certificates import OF_CERTIFICATES
from gateway.console.examples.knowledge import OF_KNOWLEDGE
from gateway.console.examples.lots import OF_LOTS
from gateway.console.examples.parts import ALARM, AT, FIGURE, GUIDANCE, LATER, MODEL, SIGNATURE, SPECIFICATION
from gateway.console.examples.people import OF_PEOPLE

EXAMPLES: Mapping[str, dict[str, Any]] = {
    **OF_LOTS,
    **OF_PEOPLE,
    **OF_KNOWLEDGE,
    **OF_CERTIFICATES,
    "Refusal": {
        "code": "WRONG_PASSWORD",
        "message": "user or password is wrong; after some wrong ones in a row the next attempt has to wait",
        "why": "user or password is wrong", "hint": "after some wrong ones in a row the next attempt has to wait",
    },
    "StartView": {
        "line": "acme/lyon/polymers/line-1", "language": "en", "version": "0.1.0", "set_up_needed": False,
        "signed_in": False,
    },
    "MeView": {
        "user_id": "omar", "full_name": "Omar Haddad", "roles": ["operator"], "acts": ["answer_guidance"],
        "signed_acts": ["decide_lot"], "closed_views": [],
        "must_change_password": False, "language": "en", "line": "acme/lyon/polymers/line-1", "version": "0.1.0",
        "csrf_token": "q3VtWq0N0fRr3y3mB1l7kA", "expires_at": LATER, "idle_minutes": 15,
    },
    "NowView": {
        "counter": 4711,
        "at": AT,
        "stages": {"viscosity": "advise"},
        "banner": {
            "severity": "warning", "text": GUIDANCE["title"], "guidance_id": GUIDANCE["guidance_id"],
            "alarm_code": None, "since_at": AT, "more": 1,
        },
        "alarms": [ALARM],
        "alarms_calling": 1,
        "guidance": [GUIDANCE],
        "more_guidance": 0,
        "lots": [
            {
                "equipment_id": "R1", "material_lot_id": "LOT-0042", "job_order_id": "WO-1001", "product": "FG-100",
                "client_id": None, "started_at": AT, "recommendation": "pending", "results": 2, "open_points": 1,
            }
        ],
        "predictions": [
            {
                "equipment_id": "R1", "analyte": "viscosity", "unit": "mPa.s", "at": AT, "stale": False,
                "predicted": {"value": 106.1, "low": 104.4, "high": 107.8, "coverage": 0.9}, "reasons": [],
                "specification": SPECIFICATION, "material_lot_id": "LOT-0042", "model": MODEL, "stage": "advise",
                "rejected": {"at": AT, "person": "A. Miller", "reason": "the sensor was cleaned",
                             "guidance_id": "0c2f8f5e-7a43-5d2c-9b1e-0f3c6d1f7a21"},
                "trend": "/api/trend/R1/viscosity",
            }
        ],
        "setpoints": [
            {
                "tag": "reactor_temperature", "equipment_id": "R1", "unit": "degC", "value": 82.0, "state": "good",
                "low": 60.0, "high": 95.0, "max_step": 2.0, "proposed": 80.5,
                "guidance_id": GUIDANCE["guidance_id"], "write": None,
                "last_move": {
                    "tag": "reactor_temperature_setpoint", "unit": "degC", "from_value": 78.0, "to_value": 79.5,
                    "state": "written", "at": AT, "on_its_way": False, "read_back": 79.5, "reason": None,
                    "analyte": "viscosity", "analyte_unit": "mPa.s", "expected_low": 98.0, "expected_high": 102.0,
                    "outcomes": [{"followed": "predicted", "at": AT, "value": 100.4, "as_expected": True}],
                    "helped": True, "holds": True,
                },
            }
        ],
        "signatures_waiting": 1,
        "waiting": [{"roles": ["quality"], "not_by": ["lena"]}],
        "writes_stopped": {"person": "Sam Okoye", "reason": "valve is being repaired", "at": AT},
        "damaged": [],
    },
    "AlarmsView": {"at": AT, "longest_shelve_seconds": 28800, "alarms": [ALARM]},
    "MissedView": {"since": AT, "guidance": [{**GUIDANCE, "state": "expired", "suggestion": None, "answers": []}],
                   "alarms": [{"alarm_id": "gateway/SOURCE_PLC1_DISCONNECTED", "text": "plc1 is not connected",
                               "severity": "warning", "since_at": AT, "until_at": LATER, "count": 1}]},
    "ModelsView": {
        "models": [
            {
                **MODEL, "equipment_id": "R1", "intended_use": "viscosity of FG-100 on R1", "stage": "advise",
                "ceiling": "approve",
                "signed_stage": "approve",
                "stage_change": {"stage": "approve", "at": AT, "person": "Eva Lindt", "reason": "31 of 33 inside",
                                 "signed_by": ["Lena Maurer"]},
                "stage_record_holds": True, "signed_stages": True,
                "evidence": {"samples": 34, "since_at": AT, "results": 33, "inside": 31, "outside": 2,
                             "coverage": 0.9394,
                             "mean_error": 0.8, "abstained": [{"code": "INPUT_STALE", "text": "Input stale",
                                                               "count": 1}]},
                "signatures": [SIGNATURE],
                "demotions": [{"code": "DRIFT_VISCOSITY_VISCOSITY", "text": "viscosity drifts from the laboratory",
                               "action": "Compare it with the laboratory.", "since_at": AT}],
                "pilot": "/api/models/viscosity/pilot",
                "demoted_by": ["DRIFT_VISCOSITY_VISCOSITY"], "outside_since": None, "predictions": 200,
                "abstained_share": 0.03,
                "coverage": 0.92,
                "abstentions": [{"code": "INPUT_STALE", "text": "an input is too old", "count": 6}],
                "outputs": [
                    {"analyte": "viscosity", "unit": "mPa.s", "figures": {"bias": 0.12, "results": 41},
                     "residuals": [{"at": AT, "measured": 104.8, "predicted": 105.2}]}
                ],
                "inputs": [{"name": "temperature_mean", "tag": "reactor_temperature", "unit": "degC", "low": 60.0,
                            "high": 95.0}],
                "versions": [{"at": AT, "act": "promote", "version": "1.0.0", "person": "Eva Lindt",
                              "reason": "validated in March"}],
            }
        ]
    },
    "PilotView": {
        "model": "viscosity", "version": "1.0.0", "analytes": ["viscosity"], "at": LATER,
        "periods": [
            {
                "stage": "control", "from_at": AT, "until_at": LATER, "results": 40, "off_specification": 6,
                "off_specification_share": 0.15, "decisions": 9, "decision_seconds": 5400.0, "suggestions": 12,
                "accepted": 8, "accepted_share": 0.6667, "rejected": [{"reason": "Not plausible", "count": 2}],
            }
        ],
        "report": "/api/models/viscosity/pilot/report",
    },
    "AuditView": {
        "query": "LOT-0042",
        "lines": [
            {"seq": 120, "at": AT, "kind": "point_settled", "subject": "LOT-0042", "person": "Lena Maurer",
             "body": {"person": "Lena Maurer", "reason": "asked the laboratory"}, "hash": "ab" * 32}
        ],
        "before": None,
    },
    "TraceView": {
        "id": "LOT-0042",
        "trees": [{"kind": "lot", "id": "LOT-0042", "leads_to": [{"kind": "result", "id": "b5a0"}]}],
    },
    "VerifyView": {"at": AT, "holds": True, "lines": 120, "head": "ab" * 32, "problems": []},
    "HealthView": {
        "at": AT, "version": "0.1.0", "line": "acme/lyon/polymers/line-1", "alarms": [ALARM],
        "connections": [{"name": "plc1", "connected": False, "why": "no answer", "skew_seconds": 0.01}],
        "buffer": [FIGURE], "disk": [{"name": "free", "value": 51.2, "unit": "GiB"}],
        "tags": {"reactor_temperature": "its node is not there"},
        "certificates": [{"name": "console", "subject": "labline.local", "expires_at": LATER, "days_left": 30}],
        "alarm_figures": [{"name": "average per 10 minutes", "value": 0.4, "unit": "alarms"}],
        "console": [{"name": "event streams", "value": 3, "unit": "pages"}],
    },
    "TrendView": {
        "equipment_id": "R1", "analyte": "viscosity", "unit": "mPa.s", "from_at": 1772446500.0,
        "until_at": 1772446510.0, "at": [1772446500.0, 1772446505.0, 1772446510.0], "value": [104.9, None, 105.2],
        "low": [103.2, None, 103.5], "high": [106.6, None, 106.9],
        "results": [{"at": 1772446502.0, "value": 104.8, "sample_id": "S-1"}], "specification": SPECIFICATION,
        "thinned": False,
    },
    "ActAnswerView": {
        "outcome": "refused", "code": "ROLE_NOT_ENTITLED",
        "message": "settle point is not for omar (operator); it needs one of the roles: quality",
        "parameters": {"act": "settle_point", "user": "omar", "roles": ["operator"], "needs": ["quality"]},
        "why": "settle point is not for omar (operator)", "hint": "it needs one of the roles: quality", "details": {},
    },
}  # fmt: skip
