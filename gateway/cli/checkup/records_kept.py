"""The audit trail: when it was verified last, and whether its heads are signed."""

from collections.abc import Iterator

from gateway.cli.checkup.records import Examined, Remark, State
from gateway.contract.times import rfc3339
from gateway.latches import FORGOTTEN
from gateway.store.statements import SQL
from gateway.time_units import DAY_NS

_OLD_NS = 2 * DAY_NS
_IN_DOUBT = frozenset({"STORE_UNCHECKED", "STORE_DAMAGED", *FORGOTTEN})


def verified(seen: Examined) -> Iterator[Remark]:
    """Say when all records were last checked against the trail, and what is in doubt."""
    if seen.store is None:
        yield Remark(state=State.WARN, what=f"not examined: {seen.why_no_store}")
        return
    for (code,) in seen.store.execute(SQL["latches"]):
        if code in _IN_DOUBT:
            yield Remark(
                state=State.WRONG, what=f"the alarm {code} stands: all models are in shadow",
                do="labline audit verify; docs/operations.md, Damage",
            )  # fmt: skip
    checked_ns = seen.store.execute(SQL["store"]).fetchone()["checked_ns"]
    verify = "labline audit verify --config F checks it now"
    if not checked_ns:
        yield Remark(state=State.WARN, what="the store has not been checked in full yet", do=verify)
    elif seen.now_ns - checked_ns > _OLD_NS:
        what = f"the last full check was at {rfc3339(checked_ns)}; a running gateway checks daily"
        yield Remark(state=State.WARN, what=what, do=verify)
    else:
        yield Remark(state=State.OK, what=f"checked in full at {rfc3339(checked_ns)}")


def head(seen: Examined) -> Iterator[Remark]:
    """Say up to where the trail's head is signed."""
    if seen.store is None:
        return
    signed = seen.store.execute(SQL["newest_signed_head"]).fetchone()
    if signed is None:
        what, do = "no head of the trail has been signed yet", "the running gateway signs one every 15 s"
        yield Remark(state=State.WARN, what=what, do=do)
    else:
        what = f"signed up to line {signed['seq']} at {rfc3339(signed['at_ns'])}"
        yield Remark(state=State.OK, what=what)
