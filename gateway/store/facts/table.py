"""One row for each type of facts: how they are loaded. Runs inside the writer's transaction."""

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from gateway.decisions.table import row_of
from gateway.events import (
    Event,
)
from gateway.facts.acts import ArchiveFacts, RetryFacts, SettlePointFacts, SignBiasFacts, VersionFacts
from gateway.facts.audit_head import SignHeadFacts, WitnessFacts
from gateway.facts.base import Facts
from gateway.facts.deviation import DeviationFacts, FingerprintFacts
from gateway.facts.guidance import OpenGuidanceFacts, ResponseFacts, StartFacts
from gateway.facts.lab_result import LabResultFacts
from gateway.facts.lot import LotsAgainFacts
from gateway.facts.model_due import ModelDueFacts
from gateway.facts.production import LotClosedFacts, LotEndedFacts
from gateway.facts.sample_request import SampleRequestFacts
from gateway.history.windows import TagWindow, WindowRequest
from gateway.line.definition import LineDefinition
from gateway.store.facts.acts import (
    archive_facts,
    retry_facts,
    settle_point_facts,
    sign_bias_facts,
    version_facts,
)
from gateway.store.facts.audit_head import sign_head_facts, witness_facts
from gateway.store.facts.deviation import deviation_facts, fingerprint_facts
from gateway.store.facts.guidance import open_guidance_facts, response_facts, start_facts
from gateway.store.facts.lab_result import result_facts
from gateway.store.facts.lots_again import lots_again_facts
from gateway.store.facts.model_due import model_due_facts
from gateway.store.facts.production import lot_closed_facts, lot_ended_facts
from gateway.store.facts.reading import Reading
from gateway.store.facts.sample_request import sample_request_facts


def load(
    connection: sqlite3.Connection,
    event: Event,
    line: LineDefinition,
    windows: Mapping[WindowRequest, TagWindow],
) -> Facts:
    """Return the facts that deciding an event stands on, as committed or as written before it in the same transaction.

    A record that does not match its hash is left out and named in ``damaged``.
    """
    reading = Reading(connection, line, windows)
    facts = _LOADERS[row_of(event).facts](reading, event)
    return replace(facts, damaged=reading.damaged) if reading.damaged else facts


def _facts_alone(reading: Reading, _event: Event) -> Facts:
    return Facts(**reading.base())


_LOADERS: Mapping[type[Facts], Callable[[Reading, Any], Facts]] = {
    Facts: _facts_alone,
    ModelDueFacts: model_due_facts,
    LabResultFacts: result_facts,
    LotsAgainFacts: lots_again_facts,
    LotEndedFacts: lot_ended_facts,
    LotClosedFacts: lot_closed_facts,
    ResponseFacts: response_facts,
    FingerprintFacts: fingerprint_facts,
    DeviationFacts: deviation_facts,
    SampleRequestFacts: sample_request_facts,
    OpenGuidanceFacts: open_guidance_facts,
    SignHeadFacts: sign_head_facts,
    WitnessFacts: witness_facts,
    StartFacts: start_facts,
    SettlePointFacts: settle_point_facts,
    VersionFacts: version_facts,
    RetryFacts: retry_facts,
    SignBiasFacts: sign_bias_facts,
    ArchiveFacts: archive_facts,
}
