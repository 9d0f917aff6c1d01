"""Models: how far each may go, and what speaks against its use."""

from collections.abc import Iterator

from gateway.cli.checkup.records import Examined, Remark, State
from gateway.guardrails.stages import effective_stage
from gateway.latches import DRIFT, TOO_SLOW
from gateway.store.statements import SQL

_LOWER = "labline model stage signs it; alarms that stand keep it in shadow (labline buffer status)"


def stages(seen: Examined) -> Iterator[Remark]:
    """Say in which stage each model works, and whether that is less than configured."""
    if seen.line is None:
        return
    codes = _latches(seen)
    for model, table in zip(seen.line.configured_models, seen.settings.model, strict=True):
        identity, now = model.bundle.identity, effective_stage(model, codes)
        what = f"{identity.name} {identity.version}: stage {now.name.lower()}, hashes and golden vectors hold"
        lower = now < table.stage
        state, do = (State.WARN, _LOWER) if lower else (State.OK, "")
        more = f", configured {table.stage.name.lower()}" if lower else ""
        yield Remark(state=state, what=what + more, where=f"equipment {model.equipment_id}", do=do)


def latched(seen: Examined) -> Iterator[Remark]:
    """Say which models drift or had to be stopped."""
    for code in _latches(seen):
        if code.startswith((DRIFT, TOO_SLOW)):
            why = "its predictions have drifted from the laboratory" if code.startswith(DRIFT) else "it was too slow"
            yield Remark(
                state=State.WRONG, what=f"{code}: {why}; it stays in shadow",
                do="look at labline model compare, then labline audit acknowledge CODE, or labline model rollback",
            )  # fmt: skip


def _latches(seen: Examined) -> list[str]:
    return [] if seen.store is None else [code for (code,) in seen.store.execute(SQL["latches"])]
