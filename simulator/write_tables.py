"""The configuration by which the gateway may write the plant's setpoints."""

from simulator.plant_setpoints import WRITTEN
from simulator.scenarios import PLANT_SECONDS

WRITING_STAGES = frozenset({"approve", "automatic"})
MOVES_PER_PLANT_HOUR = 4  # of one setpoint, without a person


def moves_per_hour() -> int:
    """Return the same budget in hours of the bench, by which the gateway counts."""
    return round(MOVES_PER_PLANT_HOUR * PLANT_SECONDS)


def write_table(tag: str, namespace: str) -> str:
    """Return what a tag's table has beyond that of a tag that is only read; empty where it is only read."""
    written = WRITTEN.get(tag)
    if written is None:
        return ""
    node = f"nsu={namespace};s={tag}"
    return f"""validated = [{written.validated[0]}, {written.validated[1]}]

[tags.{tag}.write]
profile = "request"
request = "{node}.request"
minimum = "{node}.minimum"
maximum = "{node}.maximum"
external = "{node}.external"
tolerance = {written.tolerance}
timeout = "2s"
settle = "300ms"
valid_for = "2s"
low_risk = true
moves_per_hour = {moves_per_hour()}
"""
