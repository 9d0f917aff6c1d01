"""Which stretches of tag history decisions read, and so how far back memory has to reach. Pure.

Models read at every tick, so what they read is to be in memory. What follows a lot or a late result reads
stretches of any age, and those come from disk.
"""

from collections.abc import Iterable

from gateway.history.windows import WindowRequest
from gateway.inference.features import windows_of
from gateway.line.definition import LineDefinition, ManipulatedTag, ModelAssignment
from gateway.setpoints.interactions import coupled_models, settling_ns


def windows_of_tick(model: ModelAssignment, line: LineDefinition, at_ns: int) -> tuple[WindowRequest, ...]:
    """Return every window that a model looks at when it is due: of its inputs, setpoints and interlocks."""
    return (*windows_of_inputs(model, at_ns), *windows_of_present_tags(model, line, at_ns).values())


def windows_of_inputs(model: ModelAssignment, end_ns: int) -> tuple[WindowRequest, ...]:
    """Return the windows of a model's inputs at an instant."""
    return windows_of(model.bundle.inputs, end_ns)


def windows_of_present_tags(model: ModelAssignment, line: LineDefinition, end_ns: int) -> dict[str, WindowRequest]:
    """Return by tag the windows that show where setpoints and interlock tags stand, and when setpoints last moved."""
    coupled = coupled_models(model, line)
    interlocks = {
        interlock.tag: WindowRequest(tag=interlock.tag, start_ns=end_ns, end_ns=end_ns)
        for item in model.bundle.manipulated
        for interlock in item.interlocks
    }
    setpoints = {
        item.tag: WindowRequest(tag=item.tag, start_ns=end_ns - _look_back_ns(item, model, coupled), end_ns=end_ns)
        for item in model.bundle.manipulated
    }
    return interlocks | setpoints


def _look_back_ns(item: ManipulatedTag, model: ModelAssignment, coupled: Iterable[ModelAssignment]) -> int:
    """Return for how long a setpoint's move is looked for: until the next may follow and every neighbour shows it."""
    shown = (settling_ns(other, item, model) + other.prediction_lives_ns for other in coupled)
    return max(item.minimum_interval_ns, *shown, 0)


def read_back_ns(line: LineDefinition) -> dict[str, int]:
    """Return how far back, in nanoseconds, each tag is read that models or conditions of alarms read, by tag."""
    windows = (window for model in line.models for window in windows_of_tick(model, line, 0))
    furthest = dict.fromkeys((rule.condition.tag.tag for rule in line.suppressions if rule.condition.tag), 0)
    for window in windows:
        furthest[window.tag] = max(furthest.get(window.tag, 0), -window.start_ns)
    return furthest
