"""The lists of codes in docs/payloads.md are made from the catalogue; a test holds the page to it.

Between two comments the page has the table of one group, or of several: ``<!-- made by `make texts`: abstention -->``.
"""

import re

from gateway.texts.catalogue import ENGLISH, catalogue

_REGION = re.compile(r"(<!-- made by `make texts`: (?P<groups>[a-z_ ]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def refreshed(page: str) -> str:
    """Return the page with its tables of codes as the catalogue has them; KeyError where there is no such group."""
    return _REGION.sub(lambda region: f"{region[1]}{_table(region['groups'].split())}{region[3]}", page)


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
