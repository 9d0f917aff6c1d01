"""A correction in function space: the errors of laboratory results, carried to where and when they resemble. Pure.

The model stays frozen. Its error is taken for a Gaussian process in time and in the model's inputs, with covariance
(times any common factor)

    k((t, z), (t', z')) = exp(-|t - t'| / tau) + weight exp(-mean((z - z')^2) / (2 length^2) - |t - t'| / memory)

and is conditioned on the newest results that have arrived (Rasmussen and Williams 2006, "Gaussian Processes for Machine
Learning", eq. 2.25 and 2.26). The noise on the diagonal keeps the system well conditioned whatever results come.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.line.outputs import FunctionSpaceLimits

_FARTHEST = 1e3  # standard deviations: an input further away resembles nothing as well


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownError:
    """A result's error of the uncorrected model, bounded, with the inputs at which the sample was drawn."""

    result_id: str
    sampled_ns: int
    error: float
    inputs: tuple[float, ...]  # standardised


@dataclass(frozen=True, kw_only=True)
class Conditioned:
    """Of predicted instants, shape (n,): the correction, and how unsure it is (1: as without results)."""

    corrections: NDArray[np.float64]
    spreads: NDArray[np.float64]


def known_error(
    result_id: str, sampled_ns: int, error: float, features: Sequence[float], limits: FunctionSpaceLimits
) -> KnownError:
    """Return a result's error as it may correct: no larger than the bundle allows one to be."""
    bounded = min(max(error, -limits.max_residual), limits.max_residual)
    inputs = tuple(standardised(np.array([features], np.float64), limits)[0].tolist())
    return KnownError(result_id=result_id, sampled_ns=sampled_ns, error=bounded, inputs=inputs)


def standardised(features: NDArray[np.float64], limits: FunctionSpaceLimits) -> NDArray[np.float64]:
    """Return inputs, shape (n, inputs), in standard deviations from their mean in training."""
    scaled = (features - np.array(limits.center)) / np.array(limits.scale)
    clipped: NDArray[np.float64] = np.clip(np.nan_to_num(scaled, nan=_FARTHEST), -_FARTHEST, _FARTHEST)
    return clipped


def with_error(
    known: tuple[KnownError, ...], newest: KnownError, limits: FunctionSpaceLimits
) -> tuple[KnownError, ...]:
    """Return the errors that count after one more, by their samples' time: the newest ones, and none too old."""
    oldest_ns = max((newest.sampled_ns, *(item.sampled_ns for item in known))) - limits.max_age_ns
    counted = [item for item in (*known, newest) if item.sampled_ns >= oldest_ns]
    counted.sort(key=lambda item: (item.sampled_ns, item.result_id))
    return tuple(counted[-limits.most_results :])


def in_use(known: tuple[KnownError, ...], limits: FunctionSpaceLimits, at_ns: int) -> tuple[KnownError, ...]:
    """Return the errors that are not too old at an instant."""
    if not known or at_ns - known[0].sampled_ns <= limits.max_age_ns:  # the oldest comes first
        return known
    return tuple(item for item in known if at_ns - item.sampled_ns <= limits.max_age_ns)


def conditioned(
    known: tuple[KnownError, ...],
    limits: FunctionSpaceLimits,
    at_ns: NDArray[np.int64],
    inputs: NDArray[np.float64],
) -> Conditioned:
    """Return the correction at instants, shape (n,), with standardised inputs, shape (n, inputs), by errors in use."""
    if not known:
        return Conditioned(corrections=np.zeros(len(at_ns)), spreads=np.ones(len(at_ns)))
    system = _system_of(known, limits)
    to = _likeness(at_ns, inputs, system.sampled_ns, system.inputs, limits)
    solved = np.linalg.solve(system.among, np.column_stack([system.errors, to.T]))
    corrections = np.clip(to @ solved[:, 0], -limits.max_total, limits.max_total)
    alone = 1.0 + limits.weight + limits.noise  # of a new result: what it measures, and its own noise
    left = alone - np.einsum("ij,ji->i", to, solved[:, 1:])
    spreads = np.sqrt(np.clip(left, limits.noise, alone) / alone)
    return Conditioned(corrections=corrections, spreads=spreads)


@dataclass(frozen=True, kw_only=True)
class _System:
    """Errors as arrays, and their covariance with one another and their noise, shape (errors, errors)."""

    sampled_ns: NDArray[np.int64]
    inputs: NDArray[np.float64]
    errors: NDArray[np.float64]
    among: NDArray[np.float64]


_KEPT: dict[int, tuple[tuple[KnownError, ...], FunctionSpaceLimits, _System]] = {}  # by the errors' identity
_MOST_KEPT = 128


def _system_of(known: tuple[KnownError, ...], limits: FunctionSpaceLimits) -> _System:
    """Return the system of errors; that of a state that stands is made once, and not at each prediction."""
    kept = _KEPT.get(id(known))
    if kept is not None and kept[0] is known and kept[1] == limits:
        return kept[2]
    inputs = np.array([item.inputs for item in known], np.float64)
    sampled_ns = np.array([item.sampled_ns for item in known], np.int64)
    among = _likeness(sampled_ns, inputs, sampled_ns, inputs, limits)
    among[np.diag_indices(len(known))] += limits.noise
    errors = np.array([item.error for item in known], np.float64)
    system = _System(sampled_ns=sampled_ns, inputs=inputs, errors=errors, among=among)
    if len(_KEPT) >= _MOST_KEPT:
        _KEPT.clear()
    _KEPT[id(known)] = (known, limits, system)
    return system


def _likeness(
    at_ns: NDArray[np.int64],
    inputs: NDArray[np.float64],
    other_ns: NDArray[np.int64],
    other_inputs: NDArray[np.float64],
    limits: FunctionSpaceLimits,
) -> NDArray[np.float64]:
    """Return the covariance of each with each of the others, shape (n, others)."""
    apart_ns = np.abs(at_ns[:, None] - other_ns[None, :]).astype(np.float64)
    squares = (inputs**2).sum(axis=1)[:, None] + (other_inputs**2).sum(axis=1)[None, :]
    distances = np.maximum(squares - 2.0 * inputs @ other_inputs.T, 0.0) / inputs.shape[1]
    alike = np.exp(-distances / (2.0 * limits.length**2) - apart_ns / limits.memory_ns)
    covariance: NDArray[np.float64] = np.exp(-apart_ns / limits.tau_ns) + limits.weight * alike
    return covariance
