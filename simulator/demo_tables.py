"""What the demonstration has configured beyond the bench: procedures, certificates, a MES, questions, a laboratory."""

from pathlib import Path

from simulator.order_plan import TESTS_PER_DAY
from simulator.scenarios import PRODUCT, SPECIFICATIONS

_CERTIFICATES = Path(__file__).parent / "certificates"
LABORATORY = f"""
[[together]]
product = "{PRODUCT}"
analytes = {list(SPECIFICATIONS)}
baseline = 20

[procedures]
folder = "{Path(__file__).parent / "procedures"}"

[certificates]
requirements = "{_CERTIFICATES}"
plant_name = "Bench Resins Ltd"
plant_address = ["12 Rue du Quai", "69007 Lyon"]
logo = "{_CERTIFICATES / "logo.svg"}"
"""
_ANSWERS = f"""
[copilot]
terminals = true
contacts = {{line = "the shift lead, 4711", quality = "quality assurance, 4720"}}

[sampling]
enabled = true

[laboratory]
plan = true
weeks = 2
tests_per_day = {TESTS_PER_DAY}
"""


def demo_tables(mes_port: int) -> str:
    """Return the tables; ``mes_port``: where the simulated MES listens on loopback."""
    mes = f"""
[sinks.mes]
url = "http://127.0.0.1:{mes_port}/labline"
messages = ["hold", "release", "certificate"]
"""
    return LABORATORY + _ANSWERS + mes
