"""Which rows the gates refuse, by gate and input, and whether refusing them pays: their errors beside those accepted.

The gates are those of service (``gateway.guardrails.gates``), over many rows at once: a test holds the two against each
other. As there, the domain is asked only where every input is within its range, and the value only where the domain
accepts. The inputs of a row that lies outside the domain are counted at the one that contributes most.
"""

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gateway.guardrails.outside import is_outside
from gateway.guardrails.reasons import Abstention
from gateway.inference.applicability_domain import averaged_scores, distance, largest, scores
from gateway.line.definition import InputDefinition
from gateway.line.model_domain import Domain
from gateway.line.outputs import ValueOutput
from gateway.line.sustained_outside import PastJudgement, SustainedOutside, stands_now
from gateway.training.backtest import Served
from gateway.training.cross_validation import root_mean_square
from gateway.training.learned_limits import LeftOut, Margins, with_limits, with_ranges
from gateway.training.margin_evidence import MOST_GROWTH

_ANY = ValueOutput(column=0, valid=(-np.inf, np.inf), coverage=0.9, half_width=1.0)
Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]
_RULES = tuple(  # to choose from, the longest first
    SustainedOutside(enters_after=enters_after, of=10, leaves_after=leaves_after)
    for enters_after, leaves_after in ((3, 20), (3, 10), (5, 10), (3, 5), (5, 5), (5, 3))
)
_DOMAIN = (Abstention.OUTSIDE_DOMAIN_T2, Abstention.OUTSIDE_DOMAIN_SPE)


@dataclass(frozen=True, kw_only=True)
class Refused:
    """The rows that a gate refuses, because of an input or (None) of the value, and the root mean square error there.

    A row that several inputs are to blame for is counted at each.
    """

    gate: Abstention
    input: str | None
    rows: int
    error: float


@dataclass(frozen=True, kw_only=True)
class Refusals:
    """Which rows the gates accept, shape (n,), and what became of the others; errors are NaN where there is no row."""

    accepted: Flags
    error_accepted: float
    error_refused: float
    refused: tuple[Refused, ...]  # the most rows first


@dataclass(frozen=True, kw_only=True)
class Gated:
    """What the gates say of rows: by gate and input, or None, which rows are refused, shape (n,) each."""

    refused: dict[tuple[Abstention, str | None], Flags]
    rows: int

    @property
    def accepted(self) -> Flags:
        """Return which rows no gate refuses."""
        accepted = np.ones(self.rows, np.bool_)
        for flags in self.refused.values():
            accepted &= ~flags
        return accepted

    @property
    def outside(self) -> Flags:
        """Return in which rows the process is outside what was learned, by range or domain."""
        outside = np.zeros(self.rows, np.bool_)
        for (gate, _name), flags in self.refused.items():
            if is_outside([gate]):
                outside |= flags
        return outside

    def with_outside(self, rules: SustainedOutside | None) -> "Gated":
        """Return them with the rows, in the order of time, that only the state of being outside refuses."""
        if rules is None:
            return self
        waiting = standing_rows(rules, self.outside) & self.accepted
        return Gated(refused={**self.refused, (Abstention.PROCESS_OUTSIDE, None): waiting}, rows=self.rows)

    def with_errors(self, errors: Numbers) -> Refusals:
        """Return them with the errors of the rows, shape (n,)."""
        accepted = self.accepted
        refused = [
            Refused(gate=gate, input=name, rows=int(flags.sum()), error=_error(errors, flags))
            for (gate, name), flags in self.refused.items()
            if flags.any()
        ]
        return Refusals(
            accepted=accepted,
            error_accepted=_error(errors, accepted),
            error_refused=_error(errors, ~accepted),
            refused=tuple(sorted(refused, key=lambda item: (-item.rows, item.gate, item.input or ""))),
        )


def standing_rows(rules: SustainedOutside, outside: Flags) -> Flags:
    """Return at which rows, in the order of time, the state of being outside stands."""
    before = deque[PastJudgement](maxlen=rules.looks_back)
    standing = np.zeros(len(outside), np.bool_)
    for row, is_out in enumerate(outside.tolist()):
        standing[row] = stands_now(rules, tuple(before), outside=is_out)
        before.appendleft(PastJudgement(outside=is_out, stands=bool(standing[row])))
    return standing


def chosen_rules(gated: Gated, *, most_cost: float) -> SustainedOutside | None:
    """Return the longest state of being outside that gives up at most such a share of the rows that the gates accept.

    None where even the shortest would give up more: the process is outside so often that it says nothing.
    """
    accepted = gated.accepted
    if not most_cost or not accepted.any():
        return None
    for rules in _RULES:
        given_up = np.sum(standing_rows(rules, gated.outside) & accepted)
        if given_up <= most_cost * accepted.sum():
            return rules
    return None


def gated_rows(
    inputs: tuple[InputDefinition, ...], domain: Domain, features: Numbers, served: Served, output: ValueOutput
) -> Gated:
    """Return what the gates say of rows with their inputs, shape (n, k), as they are served."""
    gates = _Gates(inputs=inputs, domain=domain, output=output)
    return gates.judge(features, served.values, served.half_widths)


def inside_rows(inputs: tuple[InputDefinition, ...], domain: Domain, features: Numbers) -> Flags:
    """Return of which rows, shape (n,), a result teaches in service: whose inputs range and domain accept."""
    nothing = np.zeros(len(features))
    gates = _Gates(inputs=inputs, domain=replace(domain, averaged_over=1), output=_ANY)
    return ~gates.judge(features, nothing, nothing).outside


def gated_blocks(
    left_out: LeftOut, served: Served, inputs: tuple[InputDefinition, ...], margins: Margins, output: ValueOutput
) -> Gated:
    """Return what the gates of each block's model, which has learned from the other blocks only, say of the block."""
    alpha = left_out.domain_alpha
    everything = defaultdict[tuple[Abstention, str | None], Flags](lambda: np.zeros(len(served.values), np.bool_))
    for fitting, leaving in left_out.parts():
        learned = left_out.features[fitting]
        gates = _Gates(
            inputs=with_ranges(inputs, learned, margins), domain=with_limits(learned, margins, alpha=alpha),
            output=output,
        )  # fmt: skip
        gated = gates.judge(left_out.features[leaving], served.values[leaving], served.half_widths[leaving])
        for key, flags in gated.refused.items():
            everything[key][leaving] = flags
    return Gated(refused=dict(everything), rows=len(served.values))


def chosen_average(
    left_out: LeftOut,
    served: Served,
    inputs: tuple[InputDefinition, ...],
    margins: Margins,
    output: ValueOutput,
    *,
    most: int,
) -> int:
    """Return over how many predictions the domain's distances are averaged, at most so many.

    The fewest by which, on left-out blocks, the domain changes its mind at most half as often from row to row and no
    fewer rows are accepted, where what is accepted for it is predicted about as well as what was accepted before; else
    1. A fault that lies outside by less than twice the limit is refused so many predictions less one later, at most.
    """
    by_itself = gated_blocks(left_out, served, inputs, margins, output)
    changes, errors = _changes_of_mind(by_itself), left_out.errors
    allowed = MOST_GROWTH * _error(errors, by_itself.accepted)
    for over in range(2, most + 1) if changes else ():
        averaged = gated_blocks(left_out, served, inputs, replace(margins, averaged_over=over), output)
        more = averaged.accepted & ~by_itself.accepted
        steadier = 2 * _changes_of_mind(averaged) <= changes and averaged.accepted.sum() >= by_itself.accepted.sum()
        if steadier and more.any() and _error(errors, more) <= allowed:
            return over
    return 1


def _changes_of_mind(gated: Gated) -> int:
    """Return how often the domain refuses a row and accepts its neighbour, or the other way round."""
    refused = np.zeros(gated.rows, np.bool_)
    for (gate, _name), flags in gated.refused.items():
        if gate in _DOMAIN:
            refused |= flags
    return int(np.sum(refused[1:] != refused[:-1]))


@dataclass(frozen=True, kw_only=True)
class _Gates:
    """The gates of a model: its inputs' ranges, its domain, and its output."""

    inputs: tuple[InputDefinition, ...]
    domain: Domain
    output: ValueOutput

    def judge(self, features: Numbers, values: Numbers, half_widths: Numbers) -> Gated:
        """Return what the gates say of rows; a value or half width that is no finite number is refused."""
        refused = dict(self._of_ranges(features))
        open_rows = Gated(refused=refused, rows=len(features)).accepted
        refused |= self._of_domain(features, open_rows)
        open_rows = Gated(refused=refused, rows=len(features)).accepted
        return Gated(refused=refused | self._of_values(values, half_widths, open_rows), rows=len(features))

    def _of_ranges(self, features: Numbers) -> Iterator[tuple[tuple[Abstention, str | None], Flags]]:
        for at, item in enumerate(self.inputs):
            lower, upper = item.validated
            within = (features[:, at] >= lower) & (features[:, at] <= upper)
            yield (Abstention.OUTSIDE_VALIDATED_RANGE, item.name), ~within

    def _of_domain(self, features: Numbers, open_rows: Flags) -> dict[tuple[Abstention, str | None], Flags]:
        own = scores(self.domain, features)
        limits = (self.domain.t2_limit, self.domain.spe_limit)
        t2, spe = (averaged_scores(self.domain, *of_a_kind) for of_a_kind in zip(own, limits, strict=True))
        beyond_t2 = open_rows & ~(t2 <= self.domain.t2_limit)
        beyond_spe = open_rows & ~beyond_t2 & ~(spe <= self.domain.spe_limit)
        names = tuple(item.name for item in self.inputs)
        refused = dict[tuple[Abstention, str | None], Flags]()
        for gate, beyond in zip(_DOMAIN, (beyond_t2, beyond_spe), strict=True):
            for row in np.flatnonzero(beyond).tolist():
                measured = distance(self.domain, features[row])
                parts = measured.t2_contributions if gate is _DOMAIN[0] else measured.spe_contributions
                farthest = (*largest(names, parts), None)[0]
                refused.setdefault((gate, farthest), np.zeros(len(features), np.bool_))[row] = True
        return refused

    def _of_values(
        self, values: Numbers, half_widths: Numbers, open_rows: Flags
    ) -> dict[tuple[Abstention, str | None], Flags]:
        lower, upper = self.output.valid
        widest = np.inf if self.output.max_half_width is None else self.output.max_half_width
        checks = {
            Abstention.NOT_FINITE: np.isfinite(values),
            Abstention.OUTSIDE_OUTPUT_RANGE: (values >= lower) & (values <= upper),
            Abstention.NO_HONEST_INTERVAL: np.isfinite(half_widths),
            Abstention.INTERVAL_TOO_WIDE: half_widths <= widest,
        }
        refused = dict[tuple[Abstention, str | None], Flags]()
        for gate, holds in checks.items():
            refused[gate, None] = open_rows & ~holds
            open_rows = open_rows & holds
        return refused


def document_of(refusals: Refusals) -> dict[str, Any]:
    """Return refusals for JSON: None for an error of no row."""
    return {
        "rows": len(refusals.accepted),
        "accepted_rows": int(refusals.accepted.sum()),
        "error_accepted": _number(refusals.error_accepted),
        "error_refused": _number(refusals.error_refused),
        "refused": [
            {"gate": item.gate.value, "input": item.input, "rows": item.rows, "error": _number(item.error)}
            for item in refusals.refused
        ],
    }


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _error(errors: Numbers, rows: Flags) -> float:
    return root_mean_square(errors[rows]) if rows.any() else float("nan")
