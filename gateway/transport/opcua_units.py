"""Units as OPC UA states them: by the codes of UN/CEFACT."""

# UN/CEFACT recommendation 20, whose code's letters make the UnitId (OPC 10000-8, 5.6.3)
_UNITS = {
    "CEL": "degC", "FAH": "degF", "KEL": "K", "P1": "%", "59": "ppm", "BAR": "bar", "MBR": "mbar", "PAL": "Pa",
    "KPA": "kPa", "MPA": "MPa", "LTR": "L", "MLT": "mL", "MTQ": "m3", "MQH": "m3/h", "L2": "L/min", "E32": "L/h",
    "G51": "L/s", "41": "mL/min", "40": "mL/s", "KGM": "kg", "GRM": "g", "TNE": "t", "E93": "kg/h", "KGS": "kg/s",
    "KMQ": "kg/m3", "23": "g/cm3", "GL": "g/L", "M1": "mg/L", "SEC": "s", "MIN": "min", "HUR": "h", "RPM": "rpm",
    "C94": "1/min", "HTZ": "Hz", "WTT": "W", "KWT": "kW", "KWH": "kWh", "JOU": "J", "AMP": "A", "VLT": "V", "MTR": "m",
    "MMT": "mm", "CMT": "cm", "MTS": "m/s", "C65": "Pa.s", "C24": "mPa.s", "NEW": "N", "C62": "1", "Q30": "pH",
}  # fmt: skip
_CODES = {unit: code for code, unit in _UNITS.items()}
UNKNOWN_ID = -1  # of a unit without a code (OPC 10000-8, 5.6.3)


def unit_of(unit_id: int) -> str | None:
    """Return our name of the unit whose code's characters are the bytes of a UnitId, None where we do not know it."""
    if not 0 < unit_id < 2**31:
        return None
    return _UNITS.get(unit_id.to_bytes(4, "big").lstrip(b"\0").decode("latin-1"))


def unit_id_of(unit: str) -> int:
    """Return the UnitId of a unit, -1 where there is no code for it."""
    code = _CODES.get(unit)
    return UNKNOWN_ID if code is None else int.from_bytes(code.encode("latin-1"), "big")
