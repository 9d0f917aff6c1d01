"""The list of metrics in docs/monitoring.md is made from the table; a test holds the page to it."""

import re

from gateway.operations.metrics.families import FAMILIES, Family, Kind

_REGION = re.compile(r"(<!-- made by `make metrics` -->\n).*?(<!-- end -->)", re.DOTALL)


def exposed_names(family: Family) -> tuple[str, ...]:
    """Return the names of a metric's series as a scrape shows them."""
    match family.kind:
        case Kind.COUNTER:
            return (f"{family.name}_total",)
        case Kind.HISTOGRAM:
            return (f"{family.name}_bucket", f"{family.name}_count", f"{family.name}_sum")
        case Kind.GAUGE:
            return (family.name,)


def refreshed(page: str) -> str:
    """Return the page with the table as the metrics are."""
    rows = "".join(
        f"| `{exposed_names(family)[0]}` | {family.kind.value} | {', '.join(family.labels)} | {family.text} |\n"
        for family in FAMILIES
    )
    table = f"| metric | kind | labels | what it is |\n|---|---|---|---|\n{rows}"
    return _REGION.sub(lambda region: f"{region[1]}{table}{region[2]}", page)
