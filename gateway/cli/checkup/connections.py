"""What a visit at broker and servers has shown: the probes of ``labline check --connect``, and what servers grant."""

from collections import Counter
from collections.abc import Iterable, Iterator

from gateway.cli.broker_probes import REFUSED, Finding
from gateway.cli.checkup.records import Examined, Remark, State
from gateway.transport.opcua_facts import ServerFacts

_SLOWER = 1.5
_NOT_VISITED = Remark(state=State.WARN, what="not examined: without --offline the doctor connects")


def broker(seen: Examined) -> Iterator[Remark]:
    """Say which rights at the broker are missing."""
    rights = "give this user the right at the broker; docs/operations.md lists all that are needed"
    findings = () if seen.visited is None else seen.visited.broker
    yield from _told(seen, findings, do=rights, proven="rights and settings hold")


def tags(seen: Examined) -> Iterator[Remark]:
    """Say which servers and tags cannot be read."""
    if seen.settings.opcua:
        findings = () if seen.visited is None else seen.visited.tags
        yield from _told(
            seen, findings, do="labline opcua browse shows what the server has", proven="servers and tags answer"
        )


def writing(seen: Examined) -> Iterator[Remark]:
    """Say which setpoints cannot be written."""
    if seen.visited is not None and seen.visited.writes:
        yield from _told(
            seen, seen.visited.writes, do="give the right at the server", proven="setpoints can be written"
        )


def _told(seen: Examined, findings: Iterable[Finding], *, do: str, proven: str) -> Iterator[Remark]:
    if seen.visited is None:
        yield _NOT_VISITED
        return
    wrong = [finding for finding in findings if not finding.ok]
    for finding in wrong:
        what_to_do = do if REFUSED in finding.found or finding.subject.startswith("tags.") else ""
        yield Remark(state=State.WRONG, what=finding.found, where=finding.subject, do=what_to_do)
    right = Counter(finding.ok for finding in findings)[True]
    if right:
        yield Remark(state=State.OK, what=f"{right} {proven}")


def limits(seen: Examined) -> Iterator[Remark]:
    """Say what each server grants less than is asked for."""
    for facts in () if seen.visited is None else seen.visited.facts:
        yield from _granted(facts, tags=sum(tag.source == facts.name for tag in seen.settings.tags.values()))


def history(seen: Examined) -> Iterator[Remark]:
    """Say how much of each server's own history has been fetched."""
    fetched = {} if seen.status is None else dict(seen.status.get("history_fetch", {}))
    for name, figures in sorted(fetched.items()):
        share, failed = float(figures["share"]), int(figures["stretches_failed"])
        what = f"{share:.0%} of its history is fetched, {int(figures['samples'])} values"
        missing = int(figures["tags_without_history"])
        more = f", {missing} tags have none" if missing else ""
        do = f"{failed} stretches could not be read and stay unknown" if failed else ""
        yield Remark(state=State.WARN if failed else State.OK, what=what + more, where=f"opcua.{name}", do=do)


def _granted(facts: ServerFacts, *, tags: int) -> Iterator[Remark]:
    where = f"opcua.{facts.name}"
    slower = facts.granted_ms > _SLOWER * facts.requested_ms
    what = f"publishes every {facts.granted_ms:g} ms, asked for {facts.requested_ms:g} ms"
    do = "tags with a shorter max_age are often too old: raise it, or the server's limit" if slower else ""
    yield Remark(state=State.WARN if slower else State.OK, what=what, where=where, do=do)
    if facts.most_items is not None and facts.most_items < tags:
        yield Remark(
            state=State.WRONG, what=f"takes {facts.most_items} items in a subscription, and {tags} tags are configured",
            where=where, do="raise MaxMonitoredItemsPerSubscription at the server, or leave tags out",
        )  # fmt: skip
    described = f" ({facts.software})" if facts.software else ""
    at_once = f"{facts.limits.read} reads, {facts.limits.monitored_items} items at once"
    yield Remark(state=State.OK, what=f"takes {at_once}{described}", where=where)
