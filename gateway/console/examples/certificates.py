"""Examples of what the views of certificates are answered with."""

from collections.abc import Mapping
from typing import Any

from gateway.console.examples.parts import AT, CERTIFICATE, CERTIFICATE_ID

_SHA256 = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"

OF_CERTIFICATES: Mapping[str, dict[str, Any]] = {
    "AnalysisCertificatesView": {
        "query": "",
        "lines": [CERTIFICATE],
        "before": None,
        "customers": ["C-4711"],
    },
    "AnalysisCertificateView": {
        "certificate_id": CERTIFICATE_ID, "material_lot_id": "LOT-0042", "part": None, "product": "FG-100",
        "product_name": "Coating resin FG-100", "customer": "C-4711", "customer_name": "Acme Paints",
        "email": ["quality@acme-paints.example"], "job_order_id": "WO-1001", "equipment_id": "R1",
        "specification": "AP-SPEC-77 3", "started_at": AT, "ended_at": AT, "decided_by": None, "decided_at": None,
        "gaps": ["Nobody has released it with a signature."],
        "rows": [
            {
                "name": "Viscosity", "method": "ISO 3219", "unit": "mPa.s", "lower": 95.0, "upper": 105.0,
                "accepts": [], "limits_from": "AP-SPEC-77 3", "reported": "101.3", "compliance": "complies",
                "required": True, "samples": ["S-0042"],
            }
        ],
        "components": [{"material_lot_id": "R-7", "product": "RM-1", "supplier": "Resin Supply"}],
        "versions": [
            {
                "version": 1, "draft": 2, "number": "0E2CBB4C-1", "state": "draft", "drafted_at": AT, "reason": "",
                "why": "", "by": "", "questions": [], "sha256": _SHA256, "signature": None,
                "page": f"/api/certificates/{CERTIFICATE_ID}/1/document.html",
                "pdf": f"/api/certificates/{CERTIFICATE_ID}/1/document.pdf", "document": None, "sent": None,
                "damaged": False,
            }
        ],
        "waiting": [],
    },
}  # fmt: skip
