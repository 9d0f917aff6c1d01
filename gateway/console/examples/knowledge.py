"""Examples of what searches and questions are answered with."""

from collections.abc import Mapping
from typing import Any

from gateway.console.examples.parts import AT

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
}
