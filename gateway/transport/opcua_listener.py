"""What an OPC UA session reports: notifications, its state, and tags that cannot be used; and its listener."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from gateway.records.process import TagSample

UNDECODABLE = "cannot be decoded: the server sends bytes that are no value"
SILENT = "is told no more by the server's item, and read every few seconds instead"


@dataclass(frozen=True, kw_only=True, slots=True)
class Notification:
    """One whole publish response. Without samples it only confirms the values that did not change.

    Values from a plain read (``confirms`` is false) confirm nothing else.
    """

    samples: tuple[TagSample, ...]
    server_ns: int | None  # the server's clock when it was sent
    overflowed: frozenset[str] = frozenset()  # tags that lost values before these
    lost: bool = False  # a notification before this one is lost
    lost_tags: frozenset[str] = frozenset()  # tags that are unknown since their last value
    not_on_change: frozenset[str] = frozenset()  # tags whose values came for another reason than a change
    delays_ns: Mapping[str, int] = field(default_factory=dict)  # by tag, how late its changes may come
    confirms: bool = True


class SessionListener(Protocol):
    """The listener to whom a session reports."""

    def on_notification(self, notification: Notification, /) -> None:
        """Take one notification."""

    def on_state(self, subscribed: bool, /) -> None:  # noqa: FBT001 - a state
        """Take that the subscription stands, or no longer does."""

    def on_condition(self, code: str, stands: bool, /) -> None:  # noqa: FBT001 - a state
        """Take whether an alarm stands."""

    def on_reason(self, why: str, /) -> None:
        """Take why the source is not connected."""

    def on_tags(self, reasons: Mapping[str, str], /) -> None:
        """Take which tags cannot be used, and why."""


@dataclass(slots=True)
class Troubles:
    """The tags that cannot be used, by kind of trouble; each with its reason."""

    refused: dict[str, str] = field(default_factory=dict)  # no such node, or no item for it
    undecodable: dict[str, str] = field(default_factory=dict)
    misfits: dict[str, str] = field(default_factory=dict)  # no number
    silent: dict[str, str] = field(default_factory=dict)  # the item reports nothing

    def all(self) -> dict[str, str]:
        """Return every tag with its reason."""
        return {**self.silent, **self.misfits, **self.undecodable, **self.refused}

    def forget(self, tag: str) -> None:
        """Forget a tag that is no longer wanted."""
        for reasons in (self.refused, self.undecodable, self.misfits, self.silent):
            reasons.pop(tag, None)

    def cannot_be_monitored(self) -> list[str]:
        """Return the tags that have no item now."""
        return [*self.refused, *self.undecodable]
