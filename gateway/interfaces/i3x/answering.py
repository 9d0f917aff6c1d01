"""Answers each path of i3X: one row each in ``ROUTES``, with what is asked. Paths that would write answer 501."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from gateway import __version__
from gateway.console.changes import Changes
from gateway.console.reading import ConsoleReader
from gateway.console.snapshot import Snapshot, Snapshots
from gateway.contract.times import NotATimeError, parse_rfc3339
from gateway.history.windows import TagWindow, WindowRequest
from gateway.interfaces.i3x import history, model
from gateway.interfaces.i3x.answers import Document, NotAnsweredError, bulk, item, success, unknown
from gateway.interfaces.i3x.asked import (
    Elements,
    Histories,
    NewSubscription,
    Registered,
    Related,
    Synced,
    Values,
)
from gateway.interfaces.i3x.asked import (
    Subscriptions as AskedSubscriptions,
)
from gateway.interfaces.i3x.objects import Element, Objects, Vqt
from gateway.interfaces.i3x.subscriptions import DROPPED, MOST_OBJECTS, Subscription, Subscriptions
from gateway.interfaces.state_reading import line_state
from gateway.records.line_state import OutputState, TagState
from gateway.records.sight import EVERYTHING

Answer = tuple[int, Document]
_KEPT_SECONDS = 1.0
_MOST_POINTS_OF_REQUEST = 20_000
_NO_COMPONENTS = "the histories of what an object is composed of are read one by one"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """Where values come from; ``tags``: all as they are now, ``windows``: what is kept of them."""

    reader: ConsoleReader
    snapshots: Snapshots
    changes: Changes
    tags: Callable[[], Awaitable[tuple[TagState, ...]]]
    window: Callable[[WindowRequest], Awaitable[TagWindow]]
    now_ns: Callable[[], int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A request of somebody who may: ``identity`` is who; ``query``: the parameters of the path."""

    identity: str
    query: Mapping[str, str]
    body: Any


class Answering:
    """Answers from what is committed and from the tags as they are now."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._subscriptions = Subscriptions()
        self._kept: tuple[int, float, Objects] | None = None
        self._reading = asyncio.Lock()
        self._history = asyncio.Lock()

    async def namespaces(self, _call: Call) -> Answer:
        """Return all namespaces."""
        return success(list(model.NAMESPACES))

    async def types(self, call: Call) -> Answer:
        """Return the types of objects, of one namespace where one is named."""
        wanted = call.query.get("namespaceUri")
        return success([kind.document() for kind in model.TYPES if wanted in {None, model.NAMESPACE}])

    async def types_by_id(self, call: Call) -> Answer:
        """Return types of objects by their ids."""
        known = {kind.type_id: kind.document() for kind in model.TYPES}
        return bulk(_each(call.body.elementIds, known, "Object type"))

    async def relations(self, call: Call) -> Answer:
        """Return the types of relationships, of one namespace where one is named."""
        wanted = call.query.get("namespaceUri")
        return success([kind.document() for kind in model.RELATION_TYPES if wanted in {None, kind.namespace}])

    async def relations_by_id(self, call: Call) -> Answer:
        """Return types of relationships by their ids."""
        known = {kind.name: kind.document() for kind in model.RELATION_TYPES}
        return bulk(_each(call.body.elementIds, known, "Relationship type"))

    async def objects(self, call: Call) -> Answer:
        """Return all objects, those of a type, or the roots."""
        kind, roots = call.query.get("typeElementId"), _flag(call.query, "root")
        metadata = _flag(call.query, "includeMetadata")
        return success([
            element.document(metadata=metadata)
            for element in (await self._objects()).values()
            if kind in {None, element.kind.type_id} and (not roots or element.parent is None)
        ])  # fmt: skip

    async def objects_by_id(self, call: Call) -> Answer:
        """Return objects by their ids."""
        objects, metadata = await self._objects(), call.body.includeMetadata
        known = {name: objects[name].document(metadata=metadata) for name in call.body.elementIds if name in objects}
        return bulk(_each(call.body.elementIds, known, "Element"))

    async def related(self, call: Call) -> Answer:
        """Return what objects are related to, by one type of relationship or by all."""
        objects, asked = await self._objects(), call.body
        if asked.relationshipType is not None and asked.relationshipType not in model.REVERSE:
            raise NotAnsweredError(400, f"Relationship type not found: {asked.relationshipType}")

        def edges(element: Element) -> list[Document]:
            return [
                {"sourceRelationship": relation, "object": objects[other].document(metadata=asked.includeMetadata)}
                for relation, other in element.edges
                if asked.relationshipType in {None, relation}
            ]

        known = {name: edges(objects[name]) for name in asked.elementIds if name in objects}
        return bulk(_each(asked.elementIds, known, "Element"))

    async def values(self, call: Call) -> Answer:
        """Return the present values of objects, with those that they are composed of where that is asked for."""
        objects, depth = await self._objects(), call.body.maxDepth
        known = {name: _value(objects[name], objects, depth=depth) for name in call.body.elementIds if name in objects}
        return bulk(_each(call.body.elementIds, known, "Element"))

    async def histories(self, call: Call) -> Answer:
        """Return the values of objects between two instants; what was asked for beyond the limits is left out."""
        asked = call.body
        start_ns, end_ns = _instant(asked.startTime, "startTime"), _instant(asked.endTime, "endTime")
        if end_ns < start_ns:
            raise NotAnsweredError(400, "endTime lies before startTime")
        objects, answers, left, partial = await self._objects(), {}, _MOST_POINTS_OF_REQUEST, ""
        for name in dict.fromkeys(asked.elementIds):
            element = objects.get(name)
            if element is None:
                continue
            if left <= 0:
                piece = history.Piece([], start_ns)
            else:
                async with self._history:  # one at a time: a long stretch is read from disk
                    piece = await self._piece(element, start_ns, end_ns)
            left -= len(piece.values)
            answers[name] = {"isComposition": element.composed, "values": [value.document() for value in piece.values]}
            if piece.until_ns is not None:
                partial = f"{name} ends at {Vqt(None, '', piece.until_ns).document()['timestamp']}: ask from there on"
            elif asked.maxDepth != 1 and element.composed:
                partial = partial or _NO_COMPONENTS
        return bulk(_each(asked.elementIds, answers, "Element"), partial=partial or None)

    async def subscribe(self, call: Call) -> Answer:
        """Make a subscription."""
        made = self._subscriptions.open((call.identity, call.body.clientId), call.body.displayName)
        return success({"clientId": call.body.clientId, "subscriptionId": made.number, "displayName": made.name})

    async def subscriptions(self, call: Call) -> Answer:
        """Return subscriptions with what they follow."""
        owner, numbers = (call.identity, call.body.clientId), call.body.subscriptionIds
        own = {number: self._subscriptions.find(owner, number) for number in numbers}
        known = {number: subscription.detail() for number, subscription in own.items() if subscription is not None}
        return bulk(_each(numbers, known, "Subscription", key="subscriptionId"))

    async def end(self, call: Call) -> Answer:
        """End subscriptions."""
        owner, numbers = (call.identity, call.body.clientId), call.body.subscriptionIds
        ended = dict.fromkeys(number for number in dict.fromkeys(numbers) if self._subscriptions.end(owner, number))
        return bulk(_each(numbers, ended, "Subscription", key="subscriptionId"))

    async def register(self, call: Call) -> Answer:
        """Have a subscription follow objects; one that it follows already stays as it is."""
        subscription, names = self._used(call), call.body.elementIds
        objects = await self._objects()
        known = [name for name in names if name in objects]
        if len({*subscription.followed, *known}) > MOST_OBJECTS:
            raise NotAnsweredError(400, f"a subscription follows at most {MOST_OBJECTS} objects")
        for name in known:
            subscription.followed.setdefault(name, call.body.maxDepth)
        return bulk(_each(names, dict.fromkeys(known), "Element"))

    async def unregister(self, call: Call) -> Answer:
        """Have a subscription follow objects no longer."""
        subscription, names = self._used(call), call.body.elementIds
        followed = dict.fromkeys(name for name in names if name in subscription.followed)
        for name in followed:
            del subscription.followed[name]
            subscription.seen.pop(name, None)
        return bulk(_each(names, followed, "Element"))

    async def sync(self, call: Call) -> Answer:
        """Return what has changed and was not acknowledged yet."""
        subscription = self._used(call)
        subscription.acknowledge(call.body.lastSequenceNumber)
        if call.body.lastSequenceNumber != -1:
            subscription.note(await self._objects())
        batches, dropped = subscription.take()
        return success(batches, partial=DROPPED if dropped else None)

    def _used(self, call: Call) -> Subscription:
        return self._subscriptions.used((call.identity, call.body.clientId), call.body.subscriptionId)

    async def _objects(self) -> Mapping[str, Element]:
        """Return the objects of now: made once for all who ask within a second in which nothing was committed."""
        sources = self._sources
        async with self._reading:
            counter, now = sources.changes.counter, asyncio.get_running_loop().time()
            if self._kept is None or self._kept[0] != counter or now - self._kept[1] > _KEPT_SECONDS:
                snapshot, tags = sources.snapshots.take(EVERYTHING), await sources.tags()
                self._kept = counter, now, await sources.reader.read(partial(_objects, snapshot=snapshot, tags=tags))
            return self._kept[2].by_id

    async def _piece(self, element: Element, start_ns: int, end_ns: int) -> history.Piece:
        sources, about = self._sources, element.about
        if isinstance(about, OutputState):
            line = sources.snapshots.line
            piece = await sources.reader.read(
                lambda connection: history.of_prediction(connection, line, about, start_ns=start_ns, end_ns=end_ns)
            )
        elif isinstance(about, TagState):
            until_ns = min(end_ns, start_ns + history.LONGEST_NS, sources.now_ns())
            if until_ns < start_ns:
                return history.nothing(start_ns)
            window = await sources.window(WindowRequest(tag=about.name, start_ns=start_ns, end_ns=until_ns))
            piece = history.of_tag(window, start_ns=start_ns, asked_until_ns=min(end_ns, sources.now_ns()))
        else:
            return history.nothing(start_ns)
        return piece if piece.values or piece.until_ns is not None else history.nothing(start_ns)


def _objects(connection: sqlite3.Connection, *, snapshot: Snapshot, tags: tuple[TagState, ...]) -> Objects:
    """Return the objects of an instant; on the reader's thread: of very many it takes a while."""
    return Objects(line_state(connection, snapshot), tags)


def info(name: str) -> Answer:
    """Return what the server can do; anybody may ask."""
    return success({
        "specVersion": "1.0",
        "serverVersion": __version__,
        "serverName": name,
        "capabilities": {
            "query": {"history": True},
            "update": {"current": False, "history": False},
            "subscribe": {"stream": False},
        },
    })  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """A path, with the shape of what is asked and what answers; without ``answer`` it is not implemented."""

    asked: type[Any] | None = None
    answer: Callable[[Answering, Call], Awaitable[Answer]] | None = None


ROUTES: Mapping[tuple[str, str], Route] = {
    ("GET", "namespaces"): Route(answer=Answering.namespaces),
    ("GET", "objecttypes"): Route(answer=Answering.types),
    ("POST", "objecttypes/query"): Route(asked=Elements, answer=Answering.types_by_id),
    ("GET", "relationshiptypes"): Route(answer=Answering.relations),
    ("POST", "relationshiptypes/query"): Route(asked=Elements, answer=Answering.relations_by_id),
    ("GET", "objects"): Route(answer=Answering.objects),
    ("POST", "objects/list"): Route(asked=Elements, answer=Answering.objects_by_id),
    ("POST", "objects/related"): Route(asked=Related, answer=Answering.related),
    ("POST", "objects/value"): Route(asked=Values, answer=Answering.values),
    ("POST", "objects/history"): Route(asked=Histories, answer=Answering.histories),
    ("PUT", "objects/value"): Route(),
    ("PUT", "objects/history"): Route(),
    ("POST", "subscriptions"): Route(asked=NewSubscription, answer=Answering.subscribe),
    ("POST", "subscriptions/list"): Route(asked=AskedSubscriptions, answer=Answering.subscriptions),
    ("POST", "subscriptions/delete"): Route(asked=AskedSubscriptions, answer=Answering.end),
    ("POST", "subscriptions/register"): Route(asked=Registered, answer=Answering.register),
    ("POST", "subscriptions/unregister"): Route(asked=Registered, answer=Answering.unregister),
    ("POST", "subscriptions/sync"): Route(asked=Synced, answer=Answering.sync),
    ("POST", "subscriptions/stream"): Route(),
}


def _each(names: list[str], known: Mapping[str, Any], what: str, *, key: str = "elementId") -> list[Document]:
    return [item(name, key, known[name]) if name in known else unknown(name, key, what) for name in names]


def _value(element: Element, objects: Mapping[str, Element], *, depth: int) -> Document:
    document = {"isComposition": element.composed, **element.vqt.document()}
    if depth != 1 and element.composed:
        document["components"] = {name: objects[name].vqt.document() for name in element.components()}
    return document


def _flag(query: Mapping[str, str], name: str) -> bool:
    value = query.get(name, "false").lower()
    if value not in {"true", "false"}:
        raise NotAnsweredError(400, f"{name} must be true or false")
    return value == "true"


def _instant(text: str, name: str) -> int:
    try:
        return parse_rfc3339(text)
    except NotATimeError as error:
        raise NotAnsweredError(400, f"{name}: {error}") from None
