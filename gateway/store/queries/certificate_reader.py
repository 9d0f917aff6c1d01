"""Reads certificates on the connection of a reader: which are signed and have no document yet, or were not mailed."""

from gateway.store.queries.rows import Rows


class CertificateReader:
    """What is on record of certificates that were signed."""

    def __init__(self, rows: Rows) -> None:
        self._all = rows

    async def to_print(self, *, after: int, most: int) -> list[tuple[int, str, int]]:
        """Return (place, id, version) of what was signed after a place and has no document, the oldest first."""
        return [_of(row) for row in await self._all("certificates_to_print", after=after, most=most)]

    async def to_mail(self, *, after: int, since_ns: int, most: int) -> list[tuple[int, str, int]]:
        """Return (place, id, version) of what has a document made since an instant and was not mailed."""
        rows = await self._all("certificates_to_mail", after=after, since_ns=since_ns, most=most)
        return [_of(row) for row in rows]


def _of(row: tuple[object, ...]) -> tuple[int, str, int]:
    place, certificate_id, version = row
    return int(str(place)), str(certificate_id), int(str(version))
