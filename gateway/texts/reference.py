"""The lists of codes in docs/payloads.md and docs/troubleshooting.md are made from the catalogue; as tests say.

Between two comments a page has the table of one group, or of several: ``<!-- made by `make texts`: abstention -->``.
With ``+`` between two groups each code has a cell of each.
"""

import re

from gateway.texts.catalogue import ENGLISH, catalogue

_REGION = re.compile(r"(<!-- made by `make texts`: (?P<groups>[a-z_ +]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def refreshed(page: str) -> str:
    """Return the page with its tables of codes as the catalogue has them; KeyError where there is no such group."""
    return _REGION.sub(lambda region: f"{region[1]}{_made(region['groups'])}{region[3]}", page)


def _made(groups: str) -> str:
    first, plus, second = groups.partition(" + ")
    return _side_by_side(first, second) if plus else _table(groups.split())


def _side_by_side(first: str, second: str) -> str:
    """Return a table with the texts of two groups for each code."""
    texts = catalogue(ENGLISH)
    codes = [code for group, code in texts if group == first]
    rows = (f"| `{code}` | {_cell(texts[first, code])} | {_cell(texts[second, code])} |\n" for code in codes)
    return f"| code | what it says | what to do |\n|---|---|---|\n{''.join(rows)}"


def _table(groups: list[str]) -> str:
    texts = [(code, entry) for (group, code), entry in catalogue(ENGLISH).items() if group in groups]
    if not texts:
        raise KeyError(groups)
    rows = (f"| `{code}` | {_cell(entry)} |\n" for code, entry in texts)
    return f"| code | sentence |\n|---|---|\n{''.join(rows)}"


def _cell(entry: str | dict[str, str] | list[str]) -> str:
    """Return a text in each of its forms; a bar would end the cell."""
    return " / ".join(_forms(entry)).replace("|", r"\|")


def _forms(entry: str | dict[str, str] | list[str]) -> list[str]:
    """Return a text's forms: singular and plural, variants, or wordings."""
    if isinstance(entry, str):
        return [entry]
    return list(entry.values()) if isinstance(entry, dict) else entry
