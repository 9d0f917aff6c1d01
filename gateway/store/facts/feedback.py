"""What the laboratory has taught of a model, and what people have signed of it."""

from gateway.events import (
    ResultArrived,
)
from gateway.facts.lab_result import FeedbackHistory
from gateway.inference.corrections import BiasState
from gateway.inference.feedback import MOST_ENTRIES, serving
from gateway.line.definition import LineDefinition, ModelBundle
from gateway.records.laboratory import LabResult
from gateway.records.people import SignedBias
from gateway.store.codec import decode
from gateway.store.facts.reading import Reading
from gateway.store.queries.feedback import entry_in
from gateway.store.queries.signed_biases import newest_acts


def bias_of(reading: Reading, bundle: ModelBundle, line: LineDefinition, at_ns: int) -> dict[str, BiasState]:
    """Return what has been learned of a bundle, by analyte; what is damaged counts as not learned."""
    states = {}
    for output in bundle.outputs:
        row = reading.row("learned", bundle_sha256=bundle.identity.sha256, analyte=output.analyte)
        if row is not None:
            states[output.analyte] = decode(BiasState, row["body"])
        if output.value is not None and output.value.bias is not None and output.value.bias.signed:
            acts = _acts(reading, bundle, line, output.analyte, at_ns)
            states[output.analyte] = serving(states.get(output.analyte, BiasState()), output.value.bias, acts, at_ns)
    return states


def _acts(
    reading: Reading, bundle: ModelBundle, line: LineDefinition, analyte: str, at_ns: int
) -> tuple[SignedBias, ...]:
    """Return the corrections of a model that people have signed until an instant."""
    output = bundle.output_of(analyte)
    if output is None or output.value is None or output.value.bias is None or not output.value.bias.signed:
        return ()
    acts, damaged = newest_acts(
        reading.connection, bundle.identity.sha256, analyte, at_ns=at_ns, trusted=line.trusted_keys
    )
    reading.note_damaged(damaged)
    return tuple(acts)


def feedback_of(
    reading: Reading, bundle: ModelBundle, line: LineDefinition, event: ResultArrived, current: LabResult | None
) -> FeedbackHistory:
    """Return what the laboratory has taught of a model's analyte, until a result that has arrived."""
    analyte = event.result.analyte
    acts = _acts(reading, bundle, line, analyte, event.at_ns)
    key = {"bundle_sha256": bundle.identity.sha256, "analyte": analyte}
    standing = reading.row("learned", **key)
    rows = reading.rows("newest_feedback", {**key, "most": MOST_ENTRIES})
    entries = tuple(entry_in(row) for row in reversed(rows))
    before = None
    if current is not None:
        row = reading.row("feedback_of_result", **key, result_id=current.result_id)
        before = None if row is None else entry_in(row)
    if standing is None:
        return FeedbackHistory(entries=entries, superseded=before, acts=acts)
    return FeedbackHistory(
        entries=entries,
        superseded=before,
        charts_from_ns=standing["charts_from_ns"],
        state=decode(BiasState, standing["body"]),
        acts=acts,
    )


def learns(bundle: ModelBundle, analyte: str) -> bool:
    """Return whether a bundle learns from results of an analyte."""
    output = bundle.output_of(analyte)
    return output is not None and output.value is not None and output.value.learns
