"""The links by which somebody gets into the console without a password: for the first start, and for the demo. Pure.

A link's secret stands behind the #, so that no server's log and no proxy ever has it; only its hash is kept.
"""

import hashlib

SET_UP, SIGN_IN, PASSWORD = "set-up", "sign-in", "password"


def link_hash(link: str) -> str:
    """Return the hash by which a link is kept."""
    return hashlib.sha256(b"labline link\0" + link.encode(errors="replace")).hexdigest()


def link_of(address: str, kind: str, link: str) -> str:
    """Return what a person opens; ``kind``: ``SET_UP`` or ``SIGN_IN``."""
    return f"{address}#{kind}={link}"
