"""Examples of what the views of users, accounts and signatures are answered with."""

from collections.abc import Mapping
from typing import Any

from gateway.console.examples.parts import AT, LATER, SIGNATURE

OF_PEOPLE: Mapping[str, dict[str, Any]] = {
    "AccountView": {
        "user_id": "omar",
        "full_name": "Omar Haddad",
        "roles": ["operator"],
        "sessions": [{"opened_at": AT, "used_at": AT, "expires_at": LATER, "this": True}],
    },
    "UsersView": {
        "users": [
            {
                "user_id": "omar",
                "full_name": "Omar Haddad",
                "roles": ["operator"],
                "os_user": None,
                "disabled": False,
                "locked": False,
                "failures": 3,
                "next_attempt_at": AT,
                "last_sign_in_at": AT,
                "has_password": True,
                "must_change": False,
                "second_device": False,
                "sessions": 1,
                "keys": [{"key_id": "8e0a", "label": "terminal 4"}],
            }
        ]
    },
    "PasswordLinkView": {
        "user_id": "omar",
        "fragment": "#password=omar~one-time.69a5.AbC",
        "valid_until_at": LATER,
    },
    "SignaturesView": {
        "passwords": [
            {
                "user_id": "anna",
                "full_name": "Anna Berg",
                "issued_by": "Kai Adler",
                "issued_by_user": "kai",
                "replaced": True,
            }
        ],
        "waiting": [
            {
                "pending_id": "9a9b",
                "act": "decide_lot",
                "subject": "LOT-0042",
                "title": "release of lot LOT-0042",
                "meaning": "approval: release of lot LOT-0042",
                "sha256": "ef" * 32,
                "parameters": {"material_lot_id": "LOT-0042", "verdict": "release"},
                "rests_on": {"basis_sha256": "cd" * 32, "open_points": []},
                "evidence": {},
                "reason": "both inside",
                "asked_by": "Lena Maurer",
                "asked_by_user": "lena",
                "asked_at": AT,
                "expires_at": LATER,
                "roles": ["quality"],
                "count": 2,
                "signed": [SIGNATURE],
            }
        ],
        "ended": [
            {
                "pending_id": "8c8d",
                "act": "decide_lot",
                "subject": "LOT-0041",
                "title": "release of lot LOT-0041",
                "asked_by": "Lena Maurer",
                "asked_at": AT,
                "state": "withdrawn",
                "why": "wrong lot",
                "signed": [SIGNATURE],
            }
        ],
        "given": [
            {
                "signature": SIGNATURE,
                "record_kind": "decide_lot",
                "record_id": "LOT-0042",
                "signed_record_id": "9a9b",
                "state": "done",
            }
        ],
    },
}
