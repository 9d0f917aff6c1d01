"""Examples of what the views of lots, samples and charts are answered with."""

from collections.abc import Mapping
from typing import Any

from gateway.console.examples.parts import AT, CERTIFICATE, GUIDANCE, LATER, REASON, SIGNATURE, SPECIFICATION

OF_LOTS: Mapping[str, dict[str, Any]] = {
    "LotsView": {
        "query": "LOT",
        "lots": [
            {
                "material_lot_id": "LOT-0042",
                "product": "FG-100",
                "job_order_id": "WO-1001",
                "equipment_id": "R1",
                "client_id": None,
                "started_at": AT,
                "ended_at": None,
                "closed_at": None,
                "recommendation": "pending",
                "latched": False,
                "results": 2,
                "part_of": None,
                "damaged": False,
            }
        ],
        "before": None,
    },
    "ReviewView": {
        "material_lot_id": "LOT-0042",
        "sha256": "ef" * 32,
        "from_at": AT,
        "until_at": LATER,
        "data_points": 214,
        "lines_to_read": 12,
        "open": 1,
        "exceptions": [
            {
                "exception_id": "4b1c8e0e-5a57-5c51-9a35-0a2f3f7b8d11",
                "code": "RESULT_NEAR_LIMIT",
                "group": "results",
                "severity": "minor",
                "at": AT,
                "text": "viscosity of S-1 is inside, and close to its limit: 104.8, limit 105 mPa.s.",
                "evidence": [{"kind": "result", "id": "b5a0", "path": "#/audit?query=b5a0"}],
                "settled": False,
                "answers": [
                    {
                        "person": "Lena Maurer",
                        "role": "quality",
                        "comment": "asked the laboratory",
                        "settles": False,
                        "at": LATER,
                    }
                ],
                "roles": ["quality", "supervisor"],
            }
        ],
        "left_out": 0,
        "groups": [{"group": "results", "looked_at": 12, "exceptions": 1}],
        "signed": {
            "full_name": "Lena Maurer",
            "role": "quality",
            "at": LATER,
            "meaning": "review of the record",
            "reason": "record reviewed",
            "record_id": "0f3a",
            "lapsed": True,
        },
        "signatures": [SIGNATURE],
        "waiting": [],
        "required_for_release": False,
        "certificates": [CERTIFICATE],
        "document": "/api/lots/LOT-0042/review/document",
        "damaged": [],
    },
    "LotView": {
        "material_lot_id": "LOT-0042",
        "recommendation": "review",
        "reasons": [REASON],
        "since_at": AT,
        "latched": False,
        "waits_to_be_judged": False,
        "products": ["FG-100"],
        "job_order_id": "WO-1001",
        "equipment_id": "R1",
        "client_id": None,
        "started_at": AT,
        "ended_at": LATER,
        "closed_at": None,
        "missing_tests": ["ph"],
        "basis_sha256": "cd" * 32,
        "decision": {
            "decision": "release",
            "full_name": "Lena Maurer",
            "role": "quality",
            "at": LATER,
            "meaning": "released",
            "reason": "retested, both inside",
            "on_other_facts": False,
            "of_rest_alone": False,
            "awaits_certificate": False,
        },
        "signatures": [SIGNATURE],
        "waiting": [],
        "against_release": 1,
        "open_points": [
            {
                "point_id": "8c0ad8a6-1c65-5f60-8bd8-6f6f3f1c8f70",
                "asks": "review",
                "code": "RESULT_MISSING",
                "text": "no result of ph yet",
                "how": "wait for the result, or settle it with a reason",
                "can_be_settled": True,
                "sample_id": None,
                "analyte": "ph",
            }
        ],
        "settled": [
            {
                "point_id": "2d1f",
                "text": "the unit was read as mPa.s",
                "person": "Lena Maurer",
                "reason": "asked the laboratory",
                "at": AT,
            }
        ],
        "results": [
            {
                "result_id": "b5a0",
                "sample_id": "S-1",
                "analyte": "viscosity",
                "value_text": "104.8",
                "value": 104.8,
                "qualifier": None,
                "unit": "mPa.s",
                "lower": 95,
                "upper": 105,
                "status": "approved",
                "result_version": 1,
                "sampled_at": AT,
                "received_at": LATER,
                "current": True,
                "predicted": 105.2,
            }
        ],
        "charts": [{"analyte": "viscosity", "path": "/api/charts/LOT-0042/viscosity"}],
        "guidance": [GUIDANCE],
        "deviations": [
            {
                "deviation_id": "77aa",
                "at": AT,
                "analyte": "viscosity",
                "version": 1,
                "closed": False,
                "title": "viscosity 106.3 mPa.s above 105",
                "document": "/api/deviations/77aa",
            }
        ],
        "certificates": [CERTIFICATE],
        "timeline": [
            {
                "at": AT,
                "kind": "result",
                "text": "viscosity 104.8 mPa.s",
                "state": None,
                "id": "b5a0",
                "severity": None,
            },
            {"at": LATER, "kind": "disposition", "text": "", "state": "review", "id": "c1d2", "severity": "warning"},
        ],
        "parents": [],
        "children": [{"material_lot_id": "LOT-0043", "recommendation": "hold"}],
        "part_of": None,
        "parts": [
            {
                "part_id": "LOT-0042/drums 1-10",
                "part": "drums 1-10",
                "quantity": "2000 kg",
                "recommendation": "release",
                "decision": "release",
                "on_other_facts": False,
                "awaits_certificate": False,
                "undone": False,
            }
        ],
        "rest": {"quantity": "1000 kg", "of": "3000 kg", "exceeded": False, "not_comparable": None},
        "damaged": [],
    },
    "SamplesView": {
        "requested": True,
        "samples": [
            {
                "request_id": "1f0e",
                "material_lot_id": "LOT-0042",
                "product": "FG-100",
                "equipment_id": "R1",
                "since_at": AT,
                "probability": 0.31,
                "tests": [{"analyte": "viscosity", "test_id": "VISC", "name": "Viscosity"}],
            }
        ],
        "planned": True,
        "plan": {
            "plan_id": "6c1d",
            "plan_sha256": "0" * 64,
            "at": AT,
            "approved_by": None,
            "days": [
                {
                    "day": "2026-03-02",
                    "works": True,
                    "tests": 41.2,
                    "tests_low": 30.0,
                    "tests_high": 55.0,
                    "samples": 20.4,
                    "capacity": 36.0,
                    "by_analyte": {"viscosity": 20.6, "ph": 20.6},
                },
            ],
            "conflicts": [
                {
                    "day": "2026-03-02",
                    "until": "2026-03-02",
                    "analyte": None,
                    "probability": 0.72,
                    "expected": 41.2,
                    "left": 6.4,
                    "capacity": 36.0,
                    "proposals": [
                        {
                            "proposal_id": "9a3e",
                            "kind": "wait",
                            "tests": 6.4,
                            "analyte": "ph",
                            "product": None,
                            "to_day": "2026-03-03",
                            "every_lots": None,
                            "accepted": False,
                            "text": "6.4 tests of ph of 2026-03-02 can be done on 2026-03-03.",
                        },
                    ],
                },
            ],
            "history_days": 90,
            "lots": 512,
            "planned_orders": 11,
        },
    },
    "ChartView": {
        "material_lot_id": "LOT-0042",
        "product": "FG-100",
        "analyte": "viscosity",
        "unit": "mPa.s",
        "centre": 100.2,
        "lower_limit": 95.9,
        "upper_limit": 104.5,
        "specification": SPECIFICATION,
        "points": [
            {
                "at": AT,
                "value": 104.8,
                "sample_id": "S-1",
                "material_lot_id": "LOT-0042",
                "rules": ["beyond three sigma"],
                "of_this_lot": True,
            }
        ],
    },
}
