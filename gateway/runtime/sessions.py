"""The sessions with the broker, and who understands what comes by each."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from gateway.config.connections import broker_address, lims_interface, result_mapping
from gateway.config.line_definition import analytes_of
from gateway.config.tables import Settings
from gateway.contract.mes_messages import context_messages
from gateway.contract.publications import AUDIT_HEAD, STATUS
from gateway.contract.topics import Topics, matches
from gateway.deadlines import ClockReading
from gateway.ingest.audit_head import understand_head
from gateway.ingest.event_queue import EventQueue, Urgency
from gateway.ingest.lims import understand_results
from gateway.ingest.mes import understand_context, understand_specifications
from gateway.ingest.mes_pull import TOPIC as PULL_TOPIC
from gateway.ingest.messages import Intake, Understand
from gateway.ingest.responses import AnswersFirst, understand_response
from gateway.ingest.webhook import TOPIC as WEBHOOK_TOPIC
from gateway.operations.traces import NO_TRACES, Traces
from gateway.publish.status import offline_payload
from gateway.records.outgoing import Head
from gateway.runtime.dependencies import Dependencies
from gateway.store.audit.heads import keys_of_heads
from gateway.store.database import read_state
from gateway.transport.mqtt import MqttSession
from gateway.transport.mqtt_messages import Delivery
from gateway.transport.mqtt_options import SessionOptions, Will

if TYPE_CHECKING:
    from gateway.runtime.question_desk import QuestionDesk
    from gateway.runtime.terminal_questions import TerminalQuestions


@dataclass(frozen=True, kw_only=True)
class Sessions:
    """The two sessions with the broker, and what takes from each.

    Results and context come by a session of their own, so that their backlog never delays a person's answer.
    """

    inbound: MqttSession
    main: MqttSession
    results_and_context: Intake
    responses: Intake
    asks: "TerminalQuestions | None" = None


def inbound_routes(settings: Settings) -> dict[str, Understand]:
    """Return which function understands what comes on each subscribed topic for results, context and master data."""
    lims = settings.lims
    results = understand_results(lims_interface(settings.lims, analytes_of(settings)))
    routes: dict[str, Understand] = {lims.topic: results, settings.mes.topic: understand_context}
    if settings.master_data.topic is not None:
        routes[settings.master_data.topic] = understand_specifications(
            analytes_of(settings), ignore=settings.master_data.ignore
        )
    return routes


def inbound_intake(
    settings: Settings, *, inbox: EventQueue, now: Callable[[], ClockReading], traces: Traces = NO_TRACES
) -> Intake:
    """Return the intake of results, context and master data: from the broker, the webhook and dead letters alike."""
    routes, parts = inbound_routes(settings), result_mapping(settings.lims).parts
    results = routes[settings.lims.topic]
    return Intake(
        inbox=inbox,
        urgency=Urgency.INBOUND,
        routes={**routes, WEBHOOK_TOPIC: results, PULL_TOPIC: understand_context},
        splits={
            settings.mes.topic: context_messages,
            PULL_TOPIC: context_messages,
            settings.lims.topic: parts,
            WEBHOOK_TOPIC: parts,
        },
        now=now,
        traces=traces,
    )


def broker_sessions(ground: Dependencies, desk: "QuestionDesk | None" = None) -> Sessions:
    """Return the two sessions with what takes from each; both count as lost until the broker is heard.

    ``desk``: where answers are finished, where terminals are answered.
    """
    for name in ("broker", "broker_in"):
        ground.health.source(name, False)  # until it is heard: one that never comes is not left out
    line, health, topics = ground.line, ground.health, Topics(ground.line.topic_root)
    intake = inbound_intake(ground.settings, inbox=ground.inbox, now=ground.clock.now, traces=ground.traces)
    responses, asks = _responses(ground, topics), _asks(ground, desk)
    inbound = _inbound_options(ground, intake)
    main = replace(
        inbound,
        client_id=ground.settings.mqtt.client_id,
        subscriptions=(topics.responses,) if asks is None else (topics.responses, topics.asks),
        retained=(AUDIT_HEAD.topic_of(line.topic_root),),
        on_delivery=_taking(responses, asks, topics),
        on_condition=partial(health.condition, of="broker"),
        on_state=lambda connected: health.source("broker", connected),
        will=Will(topic=STATUS.topic_of(line.topic_root), payload=lambda: offline_payload(line, ground.clock.now_ns())),
    )
    sessions = Sessions(
        inbound=MqttSession(inbound, clock=ground.clock),
        main=MqttSession(main, clock=ground.clock),
        results_and_context=intake,
        responses=responses,
        asks=asks,
    )
    if asks is not None:
        asks.session = sessions.main
    intake.session, responses.session = sessions.inbound, sessions.main
    return sessions


def _asks(ground: Dependencies, desk: "QuestionDesk | None") -> "TerminalQuestions | None":
    """Return what answers terminals, None where the configuration does not want it."""
    if desk is None or not ground.settings.copilot.terminals:
        return None
    from gateway.config.knowledge import copilot_options, knowledge_options  # noqa: PLC0415 - only where it is wanted
    from gateway.runtime.terminal_questions import TerminalQuestions  # noqa: PLC0415

    return TerminalQuestions(
        ground.settings.store.directory,
        lambda: ground.health.line,
        knowledge=knowledge_options(ground.settings),
        copilot=copilot_options(ground.settings),
        clock=ground.clock,
        desk=desk.desk,
        tokens=desk.tokens,
    )


def _taking(responses: Intake, asks: "TerminalQuestions | None", topics: Topics) -> Callable[[Delivery], None]:
    """Return what takes the deliveries of the main session: answers of people, and where it is wanted questions."""
    if asks is None:
        return responses.take

    def take(delivery: Delivery) -> None:
        taken = asks.take if matches(topics.asks, delivery.topic) else responses.take
        taken(delivery)

    return take


def _inbound_options(ground: Dependencies, intake: Intake) -> SessionOptions:
    settings, health = ground.settings, ground.health
    return SessionOptions(
        address=broker_address(settings),
        client_id=f"{settings.mqtt.client_id}-in",
        subscriptions=tuple(inbound_routes(settings)),
        on_delivery=intake.take,
        on_condition=partial(health.condition, of="broker_in"),
        on_state=lambda connected: health.source("broker_in", connected),
        session_expiry_seconds=round(settings.mqtt.session_expiry),
        receive_maximum=settings.mqtt.receive_maximum,
    )


def _responses(ground: Dependencies, topics: Topics) -> Intake:
    """Return the intake of people's answers, and of the heads of the audit trail that stand at the broker."""
    return Intake(
        inbox=ground.inbox,
        urgency=Urgency.STOP_AND_RESPONSES,
        routes={
            topics.responses: understand_response,
            AUDIT_HEAD.topic_of(ground.line.topic_root): understand_head(_keys_of_line(ground)),
        },
        now=ground.clock.now,
        goes_first=AnswersFirst(),
    )


def _keys_of_line(ground: Dependencies) -> frozenset[str]:
    """Return the public keys whose heads are believed: the one that signs, and those that have signed in this store."""
    with closing(read_state(ground.settings.store.directory)) as connection:
        known = keys_of_heads(connection)
    sign = ground.line.head_signer
    return known if sign is None else known | {sign(Head(seq=1, hash=""), 0).public_key}
