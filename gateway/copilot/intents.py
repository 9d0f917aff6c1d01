"""Every kind of question that is answered: one row each; how it is asked stands in ``patterns.toml``.

A question that several rows understand goes to the one that understands most of it. Another kind is a row here, its
patterns there, a function in ``readers/`` and its sentences in the texts.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from gateway.copilot.answers import Answer
from gateway.copilot.ground import Asking, Ground
from gateway.copilot.readers import documents, knowledge, lot_lists, lots, process, results
from gateway.people.rights import EVERYBODY
from gateway.records.users import Role

Pattern = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Intent:
    """One kind of question. ``needs``: what it must name, of ``a|b`` one; ``without``: what another row is about.

    ``subject``: of the contact who knows more. ``roles``: who may ask it; ``guests``: whether a guest at a terminal
    may, too. ``reads``: what it is answered from. ``usual``: its words are in many questions, so that another row that
    understands a question goes before it. ``free_words``: it may have words that nothing accounts for. ``negated``: a
    "not" in the question changes nothing, as the answer tells all there is.
    ``verbatim``: its answers are the plant's own words, which no model phrases.
    """

    name: str
    answer: Callable[[Ground, Asking], Answer]
    reads: tuple[str, ...]
    needs: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    subject: str = "line"
    guests: bool = True
    roles: frozenset[Role] = EVERYBODY
    free_words: bool = False
    verbatim: bool = False
    usual: bool = False
    negated: bool = False

    @property
    def patterns(self) -> tuple[Pattern, ...]:
        """Return how it is asked: groups of words of which a question must have one each."""
        return _patterns()[self.name]


@cache
def _patterns() -> Mapping[str, tuple[Pattern, ...]]:
    document = tomllib.loads(files("gateway.copilot").joinpath("patterns.toml").read_text(encoding="utf-8"))
    return {
        name: tuple(tuple(tuple(group.split()) for group in pattern) for pattern in row["patterns"])
        for name, row in document.items()
    }


_ROWS = (
    Intent(
        name="certificate_of_lot",
        negated=True,
        answer=documents.certificate_of_lot,
        needs=("lots",),
        subject="quality",
        guests=False,
        reads=("certificate", "certificate_state"),
    ),
    Intent(
        name="review_of_lot",
        negated=True,
        answer=documents.review_of_lot,
        needs=("lots",),
        subject="quality",
        guests=False,
        reads=("lot_review",),
    ),
    Intent(
        name="value_of_lot",
        negated=True,
        usual=True,
        answer=lots.value_of_lot,
        needs=("lots", "analytes"),
        subject="laboratory",
        reads=("lab_result", "assessment", "specification"),
    ),
    Intent(
        name="status_of_lot",
        negated=True,
        usual=True,
        answer=lots.status_of_lot,
        needs=("lots",),
        subject="quality",
        reads=("lot", "disposition", "assessment", "lot_decision"),
    ),
    Intent(
        name="missing_for_release",
        negated=True,
        answer=lots.missing_for_release,
        needs=("lots",),
        subject="quality",
        reads=("assessment", "disposition"),
    ),
    Intent(
        name="used_material",
        answer=lots.used_material,
        needs=("materials|lots",),
        subject="quality",
        reads=("material_use",),
    ),
    Intent(name="made_of", answer=lots.made_of, needs=("lots",), subject="quality", reads=("material_use",)),
    Intent(
        name="who_decided",
        negated=True,
        answer=lots.who_decided,
        needs=("lots",),
        subject="quality",
        guests=False,
        reads=("lot_decision", "signature", "settlement"),
    ),
    Intent(
        name="lots_in_state",
        answer=lot_lists.lots_in_state,
        without=("lots", "samples", "materials", "analytes"),
        subject="quality",
        reads=("lot",),
    ),
    Intent(
        name="lots_decided",
        answer=lot_lists.lots_decided,
        without=("lots", "samples", "materials", "analytes"),
        subject="quality",
        reads=("lot_decision",),
    ),
    Intent(
        name="supplier_of_material",
        answer=lot_lists.supplier_of_material,
        needs=("materials",),
        without=("suppliers",),
        subject="purchasing",
        guests=False,
        reads=("material_use",),
    ),
    Intent(
        name="running_lot",
        usual=True,
        without=("lots",),
        answer=lots.running_lot,
        subject="production",
        reads=("lot", "job_order"),
    ),
    Intent(
        name="results_of_sample",
        negated=True,
        usual=True,
        answer=results.results_of_sample,
        needs=("samples",),
        subject="laboratory",
        reads=("lab_result",),
    ),
    Intent(
        name="last_results",
        without=("lots", "samples"),
        usual=True,
        answer=results.last_results,
        needs=("analytes",),
        subject="laboratory",
        reads=("lab_result",),
    ),
    Intent(name="prediction", negated=True, answer=process.prediction, subject="engineering", reads=("prediction",)),
    Intent(name="open_guidance", answer=process.open_guidance, subject="production", reads=("guidance", "alarm")),
    Intent(name="next_samples", answer=process.next_samples, subject="laboratory", reads=("sample_request",)),
    Intent(name="qc_control", negated=True, answer=process.qc_control, subject="laboratory", reads=("control_point",)),
    Intent(
        name="specification",
        answer=process.specification,
        needs=("analytes",),
        subject="quality",
        reads=("specification_stated",),
    ),
    Intent(
        name="setpoint_history",
        answer=process.setpoint_history,
        subject="engineering",
        guests=False,
        reads=("setpoint_intent",),
    ),
    Intent(
        name="setpoint_of_tag",
        answer=process.setpoint_history,
        needs=("tags",),
        subject="engineering",
        guests=False,
        reads=("setpoint_intent",),
    ),
    Intent(
        name="procedure",
        without=("lots",),
        negated=True,
        answer=knowledge.procedure,
        subject="quality",
        free_words=True,
        verbatim=True,
        reads=("procedure",),
    ),
    Intent(
        name="helped_before",
        answer=knowledge.helped_before,
        subject="quality",
        guests=False,
        reads=("deviation", "corrective_action", "guidance"),
    ),
    Intent(name="deviations", answer=knowledge.deviations, subject="quality", guests=False, reads=("deviation",)),
    Intent(
        name="supplier",
        answer=knowledge.supplier,
        needs=("suppliers",),
        subject="purchasing",
        guests=False,
        reads=("incoming_result", "material_use", "deviation"),
    ),
    Intent(
        name="open_actions",
        negated=True,
        answer=knowledge.open_actions,
        subject="quality",
        guests=False,
        reads=("corrective_action",),
    ),
    Intent(
        name="find",
        answer=knowledge.find,
        subject="quality",
        guests=False,
        free_words=True,
        verbatim=True,
        reads=("the index",),
    ),
)
INTENTS: Mapping[str, Intent] = {row.name: row for row in _ROWS}
