"""Examples of what searches and questions are answered with."""

from collections.abc import Mapping
from typing import Any

from gateway.console.examples.parts import AT, LATER

_RATE: dict[str, Any] = {
    "lots": 40, "failed_lots": 0, "samples": 40, "failed": 0, "share": 0.012, "low": 0.0, "high": 0.047,
}  # fmt: skip
_ACTION: dict[str, Any] = {
    "action_id": "5f0b3f0e-2a52-5a0e-8a52-6f4f6f0a7c11",
    "deviation_id": "e449b697-c45c-53c0-87a3-1d1ca310530f",
    "kind": "corrective",
    "action": "Clean the filter of the monomer line",
    "owner": "maintenance",
    "due": "2026-12-24",
    "recorded_at": AT,
    "recorded_by": "Omar Haddad",
    "done_at": AT,
    "done_by": "Omar Haddad",
    "note": "cleaned, VR-12",
    "analyte": "viscosity",
    "product": "FG-100",
    "equipment_id": "R1",
    "material_lot_id": "LOT-0031",
    "client_id": None,
    "effect": {
        "effectiveness": "effective",
        "since": _RATE,
        "before": {
            "lots": 100,
            "failed_lots": 6,
            "samples": 100,
            "failed": 6,
            "share": 0.064,
            "low": 0.031,
            "high": 0.112,
        },
    },
}  # fmt: skip
OF_KNOWLEDGE: Mapping[str, dict[str, Any]] = {
    "SearchView": {
        "query": "viscosity supplier:ACME",
        "findings": [
            {
                "kind": "lot",
                "id": "LOT-0042",
                "title": "LOT-0042 \u00b7 hold \u00b7 FG-100",
                "snippet": "WO-1001 \u00b7 R1 \u00b7 Viscosity 110 mPa\u00b7s is above 105 mPa\u00b7s.",
                "at": AT,
                "link": "#/lots/LOT-0042",
                "record": "lot LOT-0042",
                "client_id": None,
                "study_id": None,
                "fields": {"product": ["FG-100"], "supplier": ["ACME"]},
            }
        ],
        "beyond": None,
        "any_word": False,
        "not_shown": 0,
        "problems": [],
        "behind": {"lines": 0, "building": False, "dropped": 0, "damaged": 0},
    },
    "TokenView": {
        "terminal": "T-07",
        "token": "V3tq8nq2Rk2b1f7c.Yx3kO2n1c8Jm0Qe5",
        "key": "9f2b11",
        "expires_at": LATER,
    },
    "AnswerView": {
        "outcome": "answered",
        "intent": "value_of_lot",
        "language": "en",
        "text": "pH of lot LOT-0042 is 7.1: within the limits (6.8 \u2013 7.4). Sample S-1042, approved.",
        "phrased": {
            "label": "Phrased by the language model local-8b; the computed answer counts.",
            "text": "The pH of lot LOT-0042 is 7.1: within the limits (6.8 \u2013 7.4), sample S-1042, approved.",
            "model": "local-8b",
            "prompt_version": "labline.phrasing/1",
        },
        "facts": [{"name": "ph", "value": 7.1, "unit": None}, {"name": "verdict", "value": "inside", "unit": None}],
        "sources": [
            {
                "record": "lab_result 4d6b8de5-81d2-5822-9fc3-21f4ca84cb4a",
                "title": "pH 7.1 S-1042",
                "link": "#/lots/LOT-0042",
            }
        ],
        "choices": [],
        "contact": None,
        "as_of": AT,
    },
    "ActionsView": {
        "to_check": [{"deviation_id": "dev-1", "check_by": "2026-12-01", "action": _ACTION}],
        "actions": [_ACTION],
    },
    "DeviationKnowledgeView": {
        "deviation_id": "0c2f8f5e-7a43-5d2c-9b1e-0f3c6d1f7a21",
        "version": 2,
        "closed": None,
        "title": "Viscosity 110 mPa\u00b7s is above the upper limit of 105 mPa\u00b7s. \u00b7 LOT-0042",
        "at": AT,
        "material_lot_id": "LOT-0042",
        "analyte": "viscosity",
        "equipment_id": "R1",
        "document": "/api/deviations/0c2f8f5e-7a43-5d2c-9b1e-0f3c6d1f7a21",
        "actions": [],
        "suggested": [_ACTION],
        "similar": [
            {
                "deviation_id": "e449b697-c45c-53c0-87a3-1d1ca310530f",
                "title": "Viscosity 109 mPa\u00b7s is above the upper limit of 105 mPa\u00b7s. \u00b7 LOT-0031",
                "at": AT,
                "material_lot_id": "LOT-0031",
                "nearness": 0.81,
                "by_process": 0.72,
                "by_words": 1.0,
                "causes": ["pressure"],
                "moves": ["Set reactor temperature to 80.5 \u00b0C"],
                "moves_helped": True,
                "actions": [_ACTION],
                "since": _RATE,
                "within_samples": 50,
            }
        ],
    },
    "SuppliersView": {
        "suppliers": [
            {
                "supplier": "ACME",
                "material": "MONOMER-A",
                "client_id": None,
                "lots": 40,
                "failed": 5,
                "share": 0.134,
                "low": 0.061,
                "high": 0.228,
                "inspection": "normal",
                "trend": "steady",
                "recent_lots": 10,
                "recent_failed": 1,
                "analytes": ["purity"],
                "used_in": 37,
                "deviations": 4,
                "open_deviations": 1,
            }
        ],
    },
}
