"""Whose rights a restore takes back to what they were: a backup knows nothing of what changed since.

Somebody who was disabled since is enabled again, and a password that was replaced because others knew it opens again.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from gateway.database.opening import read_only_uri

_USERS = """
SELECT user_id, roles, disabled, os_user FROM user_version AS newest
WHERE seq = (SELECT max(seq) FROM user_version WHERE user_id = newest.user_id)
"""
_PASSWORDS = "SELECT user_id, max(seq), hash FROM user_password GROUP BY user_id"
_KEYS = """
SELECT user_id, key_id FROM user_key AS newest
WHERE revoked = 0 AND seq = (SELECT max(seq) FROM user_key WHERE key_id = newest.key_id) ORDER BY key_id
"""


class _Rights(NamedTuple):
    """What a user may do in one of the two stores."""

    roles: str = ""
    disabled: bool = False
    account: str = ""
    password: str = ""
    keys: tuple[str, ...] = ()


def people_changed(replaced: Path, restored: Path) -> list[dict[str, Any]] | None:
    """Return the users who are others after a restore, None where the replaced database cannot be read.

    Each with ``user``, what ``changed``, and ``roles`` and ``disabled`` as they were and as they are again.
    """
    try:
        before, after = _rights(replaced), _rights(restored)
    except sqlite3.Error:
        return None
    nobody = _Rights()
    return [
        {
            "user": user,
            "changed": changed,
            "roles": [before.get(user, nobody).roles, after.get(user, nobody).roles],
            "disabled": [before.get(user, nobody).disabled, after.get(user, nobody).disabled],
        }
        for user in sorted({*before, *after})
        if (changed := _changed(before.get(user), after.get(user)))
    ]


def _changed(before: _Rights | None, after: _Rights | None) -> list[str]:
    if before is None or after is None:
        return ["unknown again" if after is None else "not known before"]
    return [name for name in _Rights._fields if getattr(before, name) != getattr(after, name)]


def _rights(path: Path) -> dict[str, _Rights]:
    with closing(sqlite3.connect(read_only_uri(path), uri=True)) as connection:
        passwords = {user: f"{seq} {digest}" for user, seq, digest in connection.execute(_PASSWORDS)}
        keys = dict[str, tuple[str, ...]]()
        for user, key_id in connection.execute(_KEYS):
            keys[user] = (*keys.get(user, ()), key_id)
        return {
            user: _Rights(roles, bool(disabled), account or "", passwords.get(user, ""), keys.get(user, ()))
            for user, roles, disabled, account in connection.execute(_USERS)
        }
