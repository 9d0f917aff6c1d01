"""Publish responses of one subscription, taken whole and in their order.

They carry sequence numbers: a missing one is requested again (Republish), and reported as lost if the
server no longer has it.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

import structlog
from asyncua import ua

from gateway.records.process import TagSample
from gateway.transport.opcua_connection import REQUEST_TIMEOUT_SECONDS
from gateway.transport.opcua_listener import UNDECODABLE, Notification
from gateway.transport.opcua_notifications import Decoded, decoded
from gateway.transport.opcua_sequence import MOST_REPUBLISHED, Sequence
from gateway.transport.opcua_subscription import Subscription
from gateway.transport.opcua_values import nanoseconds, overflowed, retimed

log = structlog.get_logger()


class PublishResponses:
    """Takes what the server publishes to one subscription."""

    def __init__(self, subscription: Subscription) -> None:
        self._subscription = subscription
        self._clock = subscription.clock
        self._sequence = Sequence()

    async def take(self, result: ua.PublishResult) -> None:
        """Take one whole publish response; awaited by asyncua's publish loop before it asks for the next."""
        message = result.NotificationMessage
        contents = message.NotificationData or ()
        for content in contents:
            if isinstance(content, ua.StatusChangeNotification):
                self._subscription.ended = f"the server ended the subscription: {content.Status}"
                return
        missing = self._sequence.missing(message.SequenceNumber, has_data=bool(contents))
        lost = False
        for number in missing[-MOST_REPUBLISHED:]:
            again = await self._republished(number) if number in (result.AvailableSequenceNumbers or ()) else None
            lost = lost or again is None
            if again is not None:
                self._report(again, lost=False)
        if lost or len(missing) > MOST_REPUBLISHED:
            log.warning("notifications lost on the way", source=self._subscription.source.name, count=len(missing))
        self._report(message, lost=lost or len(missing) > MOST_REPUBLISHED)

    async def _republished(self, number: int) -> Any:
        """Return a notification that was missing, None where it cannot be had again."""
        subscription = self._subscription
        if subscription.closed:
            return None
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_SECONDS):
                subscription_id = 0 if subscription.items is None else subscription.items.subscription_id
                return await subscription.client.uaclient.session.republish(subscription_id, number)
        except Exception as error:  # noqa: BLE001 - asyncua raises of every kind; the loss must be reported
            log.warning("a notification cannot be had again", source=self._subscription.source.name, error=str(error))
            return None

    def _report(self, message: ua.NotificationMessage, *, lost: bool) -> None:
        """Report the values of a notification, or that they could not be read."""
        parts, now_ns, subscription = self._decoded(message), self._clock.now_ns(), self._subscription
        samples = tuple(sample for part in parts or () for sample in part.samples)
        if self._subscription.source.time_of != "source":
            samples = tuple(retimed(sample, self._subscription.source.time_of, now_ns) for sample in samples)
        subscription.last_heard = self._clock.monotonic()
        for sample in samples:
            subscription.watch.reported(sample, now=subscription.last_heard)
        subscription.has_data = subscription.has_data or bool(samples)
        not_on_change = frozenset(subscription.not_on_change)
        if not_on_change:
            subscription.not_on_change.difference_update(sample.tag for sample in samples)
        subscription.listener.on_notification(
            Notification(
                samples=samples,
                server_ns=nanoseconds(message.PublishTime),
                overflowed=frozenset(sample.tag for sample in samples if overflowed(sample)),
                lost=lost or parts is None,
                not_on_change=not_on_change,
                delays_ns={} if subscription.items is None else subscription.items.delays_ns,
            )
        )
        self._note_troubles(parts or (), samples)

    def _decoded(self, message: ua.NotificationMessage) -> list[Decoded] | None:
        """Return what a notification holds; None where nothing of it can be read, which is as if it were lost."""
        now_ns, contents, items = self._clock.now_ns(), message.NotificationData or (), self._subscription.items
        handles, retired = ({}, ()) if items is None else (items.tag_of_handle, items.retired)
        indexes = self._subscription.source.indexes
        try:
            return [decoded(content, handles, now_ns, index_of=indexes, retired=retired) for content in contents]
        except Exception as error:  # noqa: BLE001 - unknown bytes; values not reported as lost would be missing unseen
            log.warning("a notification cannot be read", source=self._subscription.source.name, error=str(error))
            return None

    def _note_troubles(self, parts: Iterable[Decoded], samples: Iterable[TagSample]) -> None:
        """Note which of these values cannot be used, and which can be used again."""
        subscription, troubles = self._subscription, self._subscription.troubles
        before = troubles.all()
        tags = {sample.tag for sample in samples}
        for tag in tags & (troubles.misfits.keys() | troubles.silent.keys()):
            troubles.misfits.pop(tag, None)
            troubles.silent.pop(tag, None)
        for part in parts:
            troubles.misfits |= part.misfits
            if part.undecodable is not None:
                troubles.undecodable[part.undecodable] = UNDECODABLE
            if part.cut and subscription.items is not None:
                subscription.unread |= set(subscription.tags)
        if troubles.all() != before:
            for tag in troubles.misfits.keys() - before.keys():
                log.error("a tag is of no use", source=subscription.source.name, tag=tag, reason=troubles.misfits[tag])
            subscription.report_troubles()
