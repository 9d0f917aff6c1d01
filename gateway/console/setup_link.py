"""The one-time link by which the first administrator is made.

Only its hash is kept, in a file that only the store's owner may write, for a day. It opens nothing once there is a
user.
"""

import json
import secrets
from pathlib import Path

from gateway.console.sessions import same
from gateway.contract.console_links import link_hash
from gateway.database.file_permissions import make_file
from gateway.deadlines import ClockReading, Deadline
from gateway.time_units import SECOND_NS

FILE = "console-setup-link.json"
VALID_NS = 24 * 3600 * SECOND_NS
_LINK_BYTES = 32


def new_link(directory: Path, at: ClockReading) -> str:
    """Return a new link, and keep its hash; an earlier one is no longer valid. Raises OSError."""
    link, expires = secrets.token_urlsafe(_LINK_BYTES), at.after(VALID_NS)
    document = {
        "sha256": link_hash(link), "expires_ns": expires.wall_ns, "expires_boot_ns": expires.boot_ns,
        "boot_id": expires.boot_id,
    }  # fmt: skip
    file, fresh = directory / FILE, directory / f"{FILE}.new"
    fresh.unlink(missing_ok=True)
    make_file(fresh)
    fresh.write_text(json.dumps(document), encoding="utf-8")
    fresh.replace(file)
    return link


def is_valid(directory: Path, link: str, at: ClockReading) -> bool:
    """Return whether a link is the one that was made last, and its day is not over."""
    try:
        document = json.loads((directory / FILE).read_text(encoding="utf-8"))
        expires = Deadline(
            wall_ns=int(document["expires_ns"]),
            boot_ns=int(document["expires_boot_ns"]),
            boot_id=str(document["boot_id"]),
        )
        return same(str(document["sha256"]), link_hash(link)) and not at.is_past(expires)
    except (OSError, ValueError, KeyError, TypeError):  # there is none, or it was damaged
        return False


def spent(directory: Path) -> None:
    """Take the link away."""
    (directory / FILE).unlink(missing_ok=True)
