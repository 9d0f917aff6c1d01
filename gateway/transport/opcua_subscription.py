"""One subscription of a connected client: its state, shared by the parts that look after it.

``opcua_publish_responses`` takes what the server publishes, ``opcua_item_upkeep`` creates and renews its items, and
``opcua`` ends it when it brings no data. All three share what stands here; a new connection begins with a new one.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import structlog
from asyncua import Client, ua

from gateway.clock import Clock
from gateway.errors import SourceUnavailableError
from gateway.records.process import TagSample
from gateway.transport.opcua_items import MonitoredItems
from gateway.transport.opcua_listener import Notification, SessionListener, Troubles
from gateway.transport.opcua_reading import OperationLimits
from gateway.transport.opcua_source import OpcUaSource
from gateway.transport.opcua_watch import ItemWatch

log = structlog.get_logger()

_KEEPALIVE_SECONDS = 5.0
_SILENCES_ALLOWED = 1.5
_SLOWER_PUBLISHING = 1.5


@dataclass(kw_only=True, slots=True)
class Subscription:
    """What is known of a subscription."""

    source: OpcUaSource
    client: Client
    clock: Clock
    listener: SessionListener
    limits: OperationLimits
    troubles: Troubles
    last_heard: float  # monotonic seconds
    items: MonitoredItems | None = None  # once the server has granted the subscription
    watch: ItemWatch = field(default_factory=ItemWatch)
    unread: set[str] = field(default_factory=set)  # tags that were behind undecodable bytes
    not_on_change: set[str] = field(default_factory=set)  # tags whose next value is the first of a new item
    has_data: bool = False  # whether any value has come
    ended: str | None = None  # why it is to be ended
    closed: bool = False  # whether its connection is left

    @property
    def tags(self) -> tuple[str, ...]:
        """Return the tags that have an item."""
        return () if self.items is None else self.items.tags

    def granted(self, answer: Any) -> float:
        """Take what the server grants; return for how many seconds the subscription may be silent."""
        publishing_ms = answer.RevisedPublishingInterval
        if publishing_ms > _SLOWER_PUBLISHING * self.source.publishing_interval_ms:
            log.warning("the server publishes slower than requested; tags with a shorter max_age are often too old",
                        source=self.source.name, seconds=publishing_ms / 1000)  # fmt: skip
        self.items = MonitoredItems(
            source=self.source,
            client=self.client,
            subscription_id=answer.SubscriptionId,
            publishing_ms=publishing_ms,
            at_once=self.limits.monitored_items,
        )
        return float(_SILENCES_ALLOWED * publishing_ms * answer.RevisedMaxKeepAliveCount / 1000)

    def require_tags(self) -> None:
        """Raise where of the configured tags none can be had: such a source is not connected."""
        if self.source.nodes and not self.tags:
            reasons = self.troubles.all()
            tag = next(iter(reasons), "")
            raise SourceUnavailableError(
                f"none of its {len(self.source.nodes)} tags can be had: {tag}: {reasons.get(tag, 'unknown')}",
                hint="labline opcua browse shows what the server has",
            )

    def report_troubles(self) -> None:
        """Report which alarms stand, and of each tag that cannot be used the reason."""
        name, troubles = self.source.name.upper(), self.troubles
        self.listener.on_condition(f"NODES_REFUSED_{name}", bool(troubles.refused))
        self.listener.on_condition(f"TAGS_UNREADABLE_{name}", bool(troubles.undecodable or troubles.misfits))
        self.listener.on_condition(f"ITEMS_SILENT_{name}", bool(troubles.silent))
        self.listener.on_tags(troubles.all())

    def report_read(
        self,
        samples: Iterable[TagSample],
        *,
        overflowed: frozenset[str] = frozenset(),
        lost_tags: frozenset[str] = frozenset(),
    ) -> None:
        """Report values from plain reads, and tags that are unknown from now on."""
        read = tuple(samples)
        if read or lost_tags:
            self.listener.on_notification(
                Notification(
                    samples=read,
                    server_ns=None,
                    overflowed=overflowed,
                    lost_tags=lost_tags,
                    not_on_change=frozenset(sample.tag for sample in read),
                    confirms=False,
                )
            )


def subscription_request(source: OpcUaSource) -> ua.CreateSubscriptionParameters:
    """Return the request to a server: all notifications, and a keep-alive every few seconds."""
    keepalive_count = max(1, round(_KEEPALIVE_SECONDS * 1000 / source.publishing_interval_ms))
    return ua.CreateSubscriptionParameters(
        RequestedPublishingInterval=source.publishing_interval_ms,
        RequestedLifetimeCount=keepalive_count * 4,
        RequestedMaxKeepAliveCount=keepalive_count,
        MaxNotificationsPerPublish=0,
        PublishingEnabled=True,
    )
