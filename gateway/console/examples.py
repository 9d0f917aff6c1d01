"""An example of every answer, for the description of the console and for tests of its pages."""

from collections.abc import Mapping
from typing import Any

_AT = "2026-03-02T10:15:00.000Z"
_LATER = "2026-03-02T10:25:00.000Z"
_SPECIFICATION = {
    "lower": 95, "upper": 105, "target": 100, "unit": "mPa.s", "version": "3", "accepts": [], "rejects": [],
}  # fmt: skip
_MODEL = {"name": "viscosity", "version": "1.0.0", "sha256": "5f" * 32}
_REASON = {
    "code": "PREDICTED_OUTSIDE",
    "parameters": {"value": 106.1, "upper": 105.0},
    "text": "viscosity is predicted at 106.1 mPa.s, above the limit of 105",
}
_SIGNATURE = {
    "signature_id": "5b0f2c7e-1d7f-5f1d-8b5f-2f6f4a0d9c11",
    "user_id": "lena",
    "full_name": "Lena Maurer",
    "role": "quality",
    "meaning": "released",
    "signed_at": _AT,
}
_GUIDANCE = {
    "guidance_id": "0e0f7a0a-93b8-5d8e-9d2e-3c2f6d1f0a55",
    "kind": "setpoint",
    "state": "proposed",
    "severity": "warning",
    "title": "R1: viscosity 106.1 > 105, lower jacket temperature",
    "next_action": "Set reactor temperature from 82 to 80.5 degC",
    "reasons": [_REASON],
    "issued_at": _AT,
    "expires_at": _LATER,
    "equipment_id": "R1",
    "material_lot_id": "LOT-0042",
    "job_order_id": "WO-1001",
    "product": "FG-100",
    "client_id": None,
    "analyte": "viscosity",
    "unit": "mPa.s",
    "specification": _SPECIFICATION,
    "predicted": {"value": 106.1, "low": 104.4, "high": 107.8, "coverage": 0.9},
    "measured": None,
    "suggestion": {
        "tag": "reactor_temperature", "current": 82.0, "proposed": 80.5, "unit": "degC", "validated": [60.0, 95.0],
        "max_step": 2.0, "expected": {"value": 103.2, "low": 101.6, "high": 104.8},
    },
    "instructions": [{"procedure": "SOP-17", "title": "Check the jacket", "steps": ["Read TI101 at the panel."]}],
    "model": _MODEL,
    "stage": "advise",
    "answers": [
        {"answer": "acknowledge", "roles": ["operator", "supervisor", "engineer"], "signature": False},
        {"answer": "reject", "roles": ["operator", "supervisor", "engineer"], "signature": False},
    ],
    "answered": {"answer": "acknowledge", "person": "Omar Haddad", "identified": True, "at": _AT},
    "signatures": [],
}  # fmt: skip
_ALARM = {
    "alarm_id": "gateway/SOURCE_PLC1_DISCONNECTED", "code": "SOURCE_PLC1_DISCONNECTED",
    "text": "plc1 is not connected", "action": "Look at its network and at the server.", "severity": "warning",
    "state": "unacknowledged", "since_at": _AT, "active": True, "acknowledged": False, "latched": False,
    "suppressed": False, "shelved_until_at": None, "reason": None, "person": None, "position": "engineer",
    "guidance_id": None, "group_id": None, "analyte": None, "unit": None, "lowest": None, "highest": None,
    "specification": None, "acts": [{"act": "shelve", "roles": ["operator", "supervisor", "engineer"]}],
}  # fmt: skip
_FIGURE = {"name": "guidance", "value": 0, "unit": "messages"}

EXAMPLES: Mapping[str, dict[str, Any]] = {
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
        "signed_acts": ["decide_lot"],
        "must_change_password": False, "language": "en", "line": "acme/lyon/polymers/line-1", "version": "0.1.0",
        "csrf_token": "q3VtWq0N0fRr3y3mB1l7kA", "expires_at": _LATER, "idle_minutes": 15,
    },
    "NowView": {
        "counter": 4711,
        "at": _AT,
        "stages": {"viscosity": "advise"},
        "banner": {
            "severity": "warning", "text": _GUIDANCE["title"], "guidance_id": _GUIDANCE["guidance_id"],
            "alarm_code": None, "since_at": _AT, "more": 1,
        },
        "alarms": [_ALARM],
        "alarms_calling": 1,
        "guidance": [_GUIDANCE],
        "more_guidance": 0,
        "lots": [
            {
                "equipment_id": "R1", "material_lot_id": "LOT-0042", "job_order_id": "WO-1001", "product": "FG-100",
                "client_id": None, "started_at": _AT, "recommendation": "pending", "results": 2, "open_points": 1,
            }
        ],
        "predictions": [
            {
                "equipment_id": "R1", "analyte": "viscosity", "unit": "mPa.s", "at": _AT, "stale": False,
                "predicted": {"value": 106.1, "low": 104.4, "high": 107.8, "coverage": 0.9}, "reasons": [],
                "specification": _SPECIFICATION, "material_lot_id": "LOT-0042", "model": _MODEL, "stage": "advise",
                "rejected": {"at": _AT, "person": "A. Miller", "reason": "the sensor was cleaned",
                             "guidance_id": "0c2f8f5e-7a43-5d2c-9b1e-0f3c6d1f7a21"},
                "trend": "/api/trend/R1/viscosity",
            }
        ],
        "setpoints": [
            {
                "tag": "reactor_temperature", "equipment_id": "R1", "unit": "degC", "value": 82.0, "state": "good",
                "low": 60.0, "high": 95.0, "max_step": 2.0, "proposed": 80.5,
                "guidance_id": _GUIDANCE["guidance_id"], "write": None,
            }
        ],
        "signatures_waiting": 1,
        "waiting": [{"roles": ["quality"], "not_by": ["lena"]}],
        "writes_stopped": {"person": "Sam Okoye", "reason": "valve is being repaired", "at": _AT},
        "damaged": [],
    },
    "AlarmsView": {"at": _AT, "longest_shelve_seconds": 28800, "alarms": [_ALARM]},
    "AccountView": {
        "user_id": "omar", "full_name": "Omar Haddad", "roles": ["operator"],
        "sessions": [{"opened_at": _AT, "used_at": _AT, "expires_at": _LATER, "this": True}],
    },
    "UsersView": {
        "users": [
            {
                "user_id": "omar", "full_name": "Omar Haddad", "roles": ["operator"], "os_user": None,
                "disabled": False, "locked": False, "failures": 3, "next_attempt_at": _AT, "last_sign_in_at": _AT,
                "has_password": True, "must_change": False, "second_device": False, "sessions": 1,
                "keys": [{"key_id": "8e0a", "label": "terminal 4"}],
            }
        ]
    },
    "PasswordLinkView": {
        "user_id": "omar", "fragment": "#password=omar~one-time.69a5.AbC", "valid_until_at": _LATER,
    },
    "MissedView": {"since": _AT, "guidance": [{**_GUIDANCE, "state": "expired", "suggestion": None, "answers": []}],
                   "alarms": [{"alarm_id": "gateway/SOURCE_PLC1_DISCONNECTED", "text": "plc1 is not connected",
                               "severity": "warning", "since_at": _AT, "until_at": _LATER, "count": 1}]},
    "LotsView": {
        "query": "LOT",
        "lots": [
            {
                "material_lot_id": "LOT-0042", "product": "FG-100", "job_order_id": "WO-1001", "equipment_id": "R1",
                "client_id": None, "started_at": _AT, "ended_at": None, "closed_at": None,
                "recommendation": "pending", "latched": False, "results": 2, "damaged": False,
            }
        ],
        "before": None,
    },
    "LotView": {
        "material_lot_id": "LOT-0042", "recommendation": "review", "reasons": [_REASON], "since_at": _AT,
        "latched": False, "waits_to_be_judged": False, "products": ["FG-100"], "job_order_id": "WO-1001",
        "equipment_id": "R1", "client_id": None, "started_at": _AT, "ended_at": _LATER, "closed_at": None,
        "missing_tests": ["ph"], "basis_sha256": "cd" * 32,
        "decision": {
            "decision": "release", "full_name": "Lena Maurer", "role": "quality", "at": _LATER,
            "meaning": "released", "reason": "retested, both inside", "on_other_facts": False,
        },
        "signatures": [_SIGNATURE],
        "waiting": [],
        "against_release": 1,
        "open_points": [
            {
                "point_id": "8c0ad8a6-1c65-5f60-8bd8-6f6f3f1c8f70", "asks": "review", "code": "RESULT_MISSING",
                "text": "no result of ph yet", "how": "wait for the result, or settle it with a reason",
                "can_be_settled": True, "sample_id": None, "analyte": "ph",
            }
        ],
        "settled": [
            {"point_id": "2d1f", "text": "the unit was read as mPa.s", "person": "Lena Maurer",
             "reason": "asked the laboratory", "at": _AT}
        ],
        "results": [
            {
                "result_id": "b5a0", "sample_id": "S-1", "analyte": "viscosity", "value_text": "104.8",
                "value": 104.8, "qualifier": None, "unit": "mPa.s", "lower": 95, "upper": 105, "status": "approved",
                "result_version": 1, "sampled_at": _AT, "received_at": _LATER, "current": True, "predicted": 105.2,
            }
        ],
        "charts": [{"analyte": "viscosity", "path": "/api/charts/LOT-0042/viscosity"}],
        "guidance": [_GUIDANCE],
        "deviations": [
            {"deviation_id": "77aa", "at": _AT, "analyte": "viscosity", "version": 1,
             "title": "viscosity 106.3 mPa.s above 105", "document": "/api/deviations/77aa"}
        ],
        "timeline": [
            {"at": _AT, "kind": "result", "text": "viscosity 104.8 mPa.s", "state": None, "id": "b5a0",
             "severity": None},
            {"at": _LATER, "kind": "disposition", "text": "", "state": "review", "id": "c1d2", "severity": "warning"},
        ],
        "parents": [],
        "children": [{"material_lot_id": "LOT-0043", "recommendation": "hold"}],
        "damaged": [],
    },
    "SamplesView": {
        "requested": True,
        "samples": [
            {"request_id": "1f0e", "material_lot_id": "LOT-0042", "product": "FG-100", "equipment_id": "R1",
             "since_at": _AT, "probability": 0.31,
             "tests": [{"analyte": "viscosity", "test_id": "VISC", "name": "Viscosity"}]}
        ],
    },
    "ModelsView": {
        "models": [
            {
                **_MODEL, "equipment_id": "R1", "intended_use": "viscosity of FG-100 on R1", "stage": "advise",
                "ceiling": "approve",
                "signed_stage": "approve",
                "stage_change": {"stage": "approve", "at": _AT, "person": "Eva Lindt", "reason": "31 of 33 inside",
                                 "signed_by": ["Lena Maurer"]},
                "stage_record_holds": True, "signed_stages": True,
                "evidence": {"samples": 34, "since_at": _AT, "results": 33, "inside": 31, "outside": 2,
                             "coverage": 0.9394,
                             "mean_error": 0.8, "abstained": [{"code": "INPUT_STALE", "text": "Input stale",
                                                               "count": 1}]},
                "signatures": [_SIGNATURE],
                "demotions": [{"code": "DRIFT_VISCOSITY_VISCOSITY", "text": "viscosity drifts from the laboratory",
                               "action": "Compare it with the laboratory.", "since_at": _AT}],
                "pilot": "/api/models/viscosity/pilot",
                "demoted_by": ["DRIFT_VISCOSITY_VISCOSITY"], "outside_since": None, "predictions": 200,
                "abstained_share": 0.03,
                "coverage": 0.92,
                "abstentions": [{"code": "INPUT_STALE", "text": "an input is too old", "count": 6}],
                "outputs": [
                    {"analyte": "viscosity", "unit": "mPa.s", "figures": {"bias": 0.12, "results": 41},
                     "residuals": [{"at": _AT, "measured": 104.8, "predicted": 105.2}]}
                ],
                "inputs": [{"name": "temperature_mean", "tag": "reactor_temperature", "unit": "degC", "low": 60.0,
                            "high": 95.0}],
                "versions": [{"at": _AT, "act": "promote", "version": "1.0.0", "person": "Eva Lindt",
                              "reason": "validated in March"}],
            }
        ]
    },
    "PilotView": {
        "model": "viscosity", "version": "1.0.0", "analytes": ["viscosity"], "at": _LATER,
        "periods": [
            {
                "stage": "control", "from_at": _AT, "until_at": _LATER, "results": 40, "off_specification": 6,
                "off_specification_share": 0.15, "decisions": 9, "decision_seconds": 5400.0, "suggestions": 12,
                "accepted": 8, "accepted_share": 0.6667, "rejected": [{"reason": "Not plausible", "count": 2}],
            }
        ],
        "report": "/api/models/viscosity/pilot/report",
    },
    "SignaturesView": {
        "passwords": [
            {"user_id": "anna", "full_name": "Anna Berg", "issued_by": "Kai Adler", "issued_by_user": "kai",
             "replaced": True}
        ],
        "waiting": [
            {
                "pending_id": "9a9b", "act": "decide_lot", "subject": "LOT-0042", "title": "release of lot LOT-0042",
                "meaning": "approval: release of lot LOT-0042",
                "sha256": "ef" * 32,
                "parameters": {"material_lot_id": "LOT-0042", "verdict": "release"},
                "rests_on": {"basis_sha256": "cd" * 32, "open_points": []}, "evidence": {}, "reason": "both inside",
                "asked_by": "Lena Maurer", "asked_by_user": "lena", "asked_at": _AT, "expires_at": _LATER,
                "roles": ["quality"], "count": 2,
                "signed": [_SIGNATURE],
            }
        ],
        "ended": [
            {"pending_id": "8c8d", "act": "decide_lot", "subject": "LOT-0041", "title": "release of lot LOT-0041",
             "asked_by": "Lena Maurer", "asked_at": _AT, "state": "withdrawn", "why": "wrong lot",
             "signed": [_SIGNATURE]}
        ],
        "given": [{"signature": _SIGNATURE, "record_kind": "decide_lot", "record_id": "LOT-0042",
                   "signed_record_id": "9a9b", "state": "done"}],
    },
    "AuditView": {
        "query": "LOT-0042",
        "lines": [
            {"seq": 120, "at": _AT, "kind": "point_settled", "subject": "LOT-0042", "person": "Lena Maurer",
             "body": {"person": "Lena Maurer", "reason": "asked the laboratory"}, "hash": "ab" * 32}
        ],
        "before": None,
    },
    "TraceView": {
        "id": "LOT-0042",
        "trees": [{"kind": "lot", "id": "LOT-0042", "leads_to": [{"kind": "result", "id": "b5a0"}]}],
    },
    "VerifyView": {"at": _AT, "holds": True, "lines": 120, "head": "ab" * 32, "problems": []},
    "HealthView": {
        "at": _AT, "version": "0.1.0", "line": "acme/lyon/polymers/line-1", "alarms": [_ALARM],
        "connections": [{"name": "plc1", "connected": False, "why": "no answer", "skew_seconds": 0.01}],
        "buffer": [_FIGURE], "disk": [{"name": "free", "value": 51.2, "unit": "GiB"}],
        "tags": {"reactor_temperature": "its node is not there"},
        "certificates": [{"name": "console", "subject": "labline.local", "expires_at": _LATER, "days_left": 30}],
        "alarm_figures": [{"name": "average per 10 minutes", "value": 0.4, "unit": "alarms"}],
        "console": [{"name": "event streams", "value": 3, "unit": "pages"}],
    },
    "TrendView": {
        "equipment_id": "R1", "analyte": "viscosity", "unit": "mPa.s", "from_at": 1772446500.0,
        "until_at": 1772446510.0, "at": [1772446500.0, 1772446505.0, 1772446510.0], "value": [104.9, None, 105.2],
        "low": [103.2, None, 103.5], "high": [106.6, None, 106.9],
        "results": [{"at": 1772446502.0, "value": 104.8, "sample_id": "S-1"}], "specification": _SPECIFICATION,
        "thinned": False,
    },
    "ChartView": {
        "material_lot_id": "LOT-0042", "product": "FG-100", "analyte": "viscosity", "unit": "mPa.s",
        "centre": 100.2, "lower_limit": 95.9, "upper_limit": 104.5, "specification": _SPECIFICATION,
        "points": [{"at": _AT, "value": 104.8, "sample_id": "S-1", "material_lot_id": "LOT-0042",
                    "rules": ["beyond three sigma"], "of_this_lot": True}],
    },
    "ActAnswerView": {
        "outcome": "refused", "code": "ROLE_NOT_ENTITLED",
        "message": "settle point is not for omar (operator); it needs one of the roles: quality",
        "parameters": {"act": "settle_point", "user": "omar", "roles": ["operator"], "needs": ["quality"]},
        "why": "settle point is not for omar (operator)", "hint": "it needs one of the roles: quality", "details": {},
    },
}  # fmt: skip
