"""What several examples have in them."""

AT = "2026-03-02T10:15:00.000Z"
LATER = "2026-03-02T10:25:00.000Z"
SPECIFICATION = {
    "lower": 95, "upper": 105, "target": 100, "unit": "mPa.s", "version": "3", "accepts": [], "rejects": [],
}  # fmt: skip
MODEL = {"name": "viscosity", "version": "1.0.0", "sha256": "5f" * 32}
REASON = {
    "code": "PREDICTED_OUTSIDE",
    "parameters": {"value": 106.1, "upper": 105.0},
    "text": "viscosity is predicted at 106.1 mPa.s, above the limit of 105",
}
SIGNATURE = {
    "signature_id": "5b0f2c7e-1d7f-5f1d-8b5f-2f6f4a0d9c11",
    "user_id": "lena",
    "full_name": "Lena Maurer",
    "role": "quality",
    "meaning": "released",
    "signed_at": AT,
}
GUIDANCE = {
    "guidance_id": "0e0f7a0a-93b8-5d8e-9d2e-3c2f6d1f0a55",
    "kind": "setpoint",
    "state": "proposed",
    "severity": "warning",
    "title": "R1: viscosity 106.1 > 105, lower jacket temperature",
    "next_action": "Set reactor temperature from 82 to 80.5 degC",
    "reasons": [REASON],
    "issued_at": AT,
    "expires_at": LATER,
    "equipment_id": "R1",
    "material_lot_id": "LOT-0042",
    "job_order_id": "WO-1001",
    "product": "FG-100",
    "client_id": None,
    "analyte": "viscosity",
    "unit": "mPa.s",
    "specification": SPECIFICATION,
    "predicted": {"value": 106.1, "low": 104.4, "high": 107.8, "coverage": 0.9},
    "measured": None,
    "suggestion": {
        "tag": "reactor_temperature", "current": 82.0, "proposed": 80.5, "unit": "degC", "validated": [60.0, 95.0],
        "max_step": 2.0, "expected": {"value": 103.2, "low": 101.6, "high": 104.8},
    },
    "instructions": [{"procedure": "SOP-17", "title": "Check the jacket", "steps": ["Read TI101 at the panel."]}],
    "model": MODEL,
    "stage": "advise",
    "answers": [
        {"answer": "acknowledge", "roles": ["operator", "supervisor", "engineer"], "signature": False},
        {"answer": "reject", "roles": ["operator", "supervisor", "engineer"], "signature": False},
    ],
    "answered": {"answer": "acknowledge", "person": "Omar Haddad", "identified": True, "at": AT},
    "signatures": [],
    "move": None,
}  # fmt: skip
ALARM = {
    "alarm_id": "gateway/SOURCE_PLC1_DISCONNECTED", "code": "SOURCE_PLC1_DISCONNECTED",
    "text": "plc1 is not connected", "action": "Look at its network and at the server.", "severity": "warning",
    "state": "unacknowledged", "since_at": AT, "active": True, "acknowledged": False, "latched": False,
    "suppressed": False, "shelved_until_at": None, "reason": None, "person": None, "position": "engineer",
    "guidance_id": None, "material_lot_id": None, "group_id": None, "analyte": None, "unit": None, "lowest": None,
    "highest": None, "specification": None,
    "acts": [{"act": "shelve", "roles": ["operator", "supervisor", "engineer"]}],
}  # fmt: skip
FIGURE = {"name": "guidance", "value": 0, "unit": "messages"}
CERTIFICATE_ID = "0e2cbb4c-7a43-5d2c-9b1e-0f3c6d1f7a21"
CERTIFICATE = {
    "certificate_id": CERTIFICATE_ID, "number": "0E2CBB4C-1", "version": 1, "state": "draft",
    "material_lot_id": "LOT-0042", "part": None, "product_name": "Coating resin FG-100", "customer_name": "Acme Paints",
    "job_order_id": "WO-1001", "drafted_at": AT, "gaps": 1, "damaged": False,
}  # fmt: skip
