"""Ed25519 public keys that sign for nobody: whoever knows them can make signatures for them (RFC 8032). Pure."""

import re

from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import Answer, refused

_KEY = re.compile(r"[0-9a-f]{64}")
_FIELD = 2**255 - 19
_WITHOUT_SIGN = 2**255 - 1
# the y of the points of order 1, 2, 4 and 8: a multiple of one is one of eight points, so anybody hits it by chance
_SMALL_ORDER = frozenset(
    {
        0, 1, _FIELD - 1,
        0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
        0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
    }
)  # fmt: skip


def problem_of_public_key(public_key: str) -> Answer | None:
    """Return why a public key (hexadecimal) is refused, None where it can stand for one person."""
    if not _KEY.fullmatch(public_key):
        return refused(ActRefusal.KEY_NOT_ED25519)
    height = int.from_bytes(bytes.fromhex(public_key), "little") & _WITHOUT_SIGN
    if height in _SMALL_ORDER or height >= _FIELD:
        return refused(ActRefusal.KEY_SIGNS_FOR_ANYBODY)
    return None
