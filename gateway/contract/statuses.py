"""The words of laboratories for how far a result has come, to ours: one table for every mapping and the import. Pure.

A word that is not here is never taken for the nearest one: the result is then for a person.
"""

from collections.abc import Mapping

from gateway.contract.names import spoken
from gateway.records import ResultStatus

_WORDS: Mapping[ResultStatus, tuple[str, ...]] = {
    ResultStatus.ENTERED: (
        "entered", "draft", "preliminary", "prelim", "pending", "registered", "received", "assigned", "unassigned",
        "in progress", "started", "data entered", "dataentered", "initial", "to be verified", "to be reviewed",
        "to be approved", "submitted", "incomplete", "not started", "unverified", "not verified", "unreviewed",
        "in review", "under review", "awaiting review", "awaiting verification", "awaiting approval",
    ),
    ResultStatus.VALIDATED: ("validated", "verified", "reviewed", "completed", "complete"),
    ResultStatus.APPROVED: (
        "approved", "authorised", "authorized", "released", "published", "final", "finalised", "finalized", "signed",
        "reported", "amended", "corrected",
    ),
    ResultStatus.REJECTED: (
        "rejected", "cancelled", "canceled", "invalid", "invalidated", "void", "voided", "deleted", "aborted",
        "discarded", "withdrawn", "entered in error",
    ),
    ResultStatus.SUPERSEDED: ("superseded", "retracted", "replaced", "obsolete"),
}  # fmt: skip
STATUSES: Mapping[str, ResultStatus] = {word: status for status, words in _WORDS.items() for word in words}
FINAL = frozenset({ResultStatus.VALIDATED, ResultStatus.APPROVED})
WITHDRAWN = frozenset({ResultStatus.REJECTED, ResultStatus.SUPERSEDED})


def status_of(word: object, own: Mapping[str, str] | None = None) -> ResultStatus | None:
    """Return our status for a laboratory's word, or None where the word is unknown.

    ``own``: words that a mapping knows better, to the values of ours; case, spaces, ``_`` and ``-`` do not matter.
    """
    if not isinstance(word, str):
        return None
    wanted = spoken(word)
    for theirs, ours in (own or {}).items():
        if spoken(theirs) == wanted:
            return ResultStatus(ours)
    return STATUSES.get(wanted)
