"""The configuration, and whether a gateway runs by it."""

from collections.abc import Iterator

from gateway.cli.checkup.records import Examined, Remark, State


def problems(seen: Examined) -> Iterator[Remark]:
    """Say whether bundles, certificates and credentials can be used."""
    for problem in seen.problems:
        yield Remark(state=State.WRONG, what=problem, where=str(seen.config), do="labline check lists all of them")
    if not seen.problems:
        counted = (
            f"{len(seen.settings.tags)} tags, {len(seen.settings.opcua)} servers, {len(seen.settings.model)} models"
        )
        yield Remark(state=State.OK, what=f"it can be used: {counted}", where=str(seen.config))


def warnings(seen: Examined) -> Iterator[Remark]:
    """Say what ``labline check`` warns of."""
    for warning in seen.warnings:
        yield Remark(state=State.WARN, what=warning, where=str(seen.config))


def running(seen: Examined) -> Iterator[Remark]:
    """Say whether a gateway runs and answers."""
    if seen.status is None:
        what = f"{seen.why_no_status}: what only a running gateway knows is not examined"
        yield Remark(state=State.WARN, what=what, do="labline run --config F, or systemctl status labline@<line>")
        return
    yield Remark(state=State.OK, what=f"a gateway runs, version {seen.status.get('version')}")
    for name, why in sorted(dict(seen.status.get("source_reasons", {})).items()):
        yield Remark(state=State.WRONG, what=f"{name} is not connected: {why}", where=f"opcua.{name}")


def standing_alarms(seen: Examined) -> Iterator[Remark]:
    """Say which alarms of the gateway stand; connections that are away are said of already."""
    codes = [] if seen.status is None else list(seen.status.get("degraded", []))
    for code in codes:
        if not code.endswith("_DISCONNECTED"):
            yield Remark(
                state=State.WRONG, what=f"the alarm {code} stands",
                do="docs/operations.md says for each code what to do",
            )  # fmt: skip
