"""Bundles on disk, and their limits on this line: the intersection of the bundle's and the tags' limits."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from gateway.errors import BundleRefusedError
from gateway.line.definition import LEVELS, InputDefinition, ManipulatedTag, ModelBundle, TagDefinition
from gateway.line.limits import Limits, intersection

_LARGEST_FILE_BYTES = 256 * 2**20


def bundle_files(folder: Path) -> dict[str, bytes]:
    """Return the files of a bundle's folder; raises BundleRefusedError where it cannot be read."""
    try:
        paths = [path for path in folder.iterdir() if path.is_file()]
        too_large = [path.name for path in paths if path.stat().st_size > _LARGEST_FILE_BYTES]
        if too_large:
            raise BundleRefusedError(f"{folder}: {too_large[0]} is larger than {_LARGEST_FILE_BYTES} bytes")
        return {path.name: path.read_bytes() for path in paths}
    except OSError as error:
        raise BundleRefusedError(
            f"{folder} cannot be read: {error.strerror}",
            hint="name the folder of the bundle, with its version",
        ) from error


def on_this_line(bundle: ModelBundle, tags: dict[str, TagDefinition], where: Path) -> ModelBundle:
    """Return the bundle with the limits that hold here: of tag, bundle input and manipulated tag, the intersection."""
    needed = {tag for item in bundle.inputs for tag in item.tags} | {item.tag for item in bundle.manipulated}
    needed |= {interlock.tag for item in bundle.manipulated for interlock in item.interlocks}
    unknown = sorted(needed - set(tags))
    if unknown:
        raise BundleRefusedError(
            f"{where} needs tags that are not configured: {', '.join(unknown)}",
            hint="add [tags.<name>] for each",
        )
    expected = [(item.tag, item.unit) for item in bundle.inputs if item.tag and item.aggregate in LEVELS]
    for tag, unit in (*expected, *((item.tag, item.unit) for item in bundle.manipulated)):
        if unit != tags[tag].unit:
            raise BundleRefusedError(
                f"{where}: {tag} is in {tags[tag].unit} here, the bundle expects {unit}",
                hint="correct the unit of the tag, or use a bundle trained on it",
            )
    here = replace(
        bundle,
        inputs=tuple(_narrowed_input(item, tags) for item in bundle.inputs),
        manipulated=tuple(_narrowed_setpoint(item, tags[item.tag], bundle) for item in bundle.manipulated),
    )
    nowhere = never_inside(bundle, here, tags)
    if nowhere:
        raise BundleRefusedError(
            f"{where}: {'; '.join(nowhere)}",
            hint="correct validated of the tag, or use a bundle trained for that range",
        )
    return here


def _narrowed_input(item: InputDefinition, tags: Mapping[str, TagDefinition]) -> InputDefinition:
    if not item.tag:
        return item
    watched = replace(item, frozen_after_ns=_soonest(item.frozen_after_ns, tags[item.tag].frozen_after_ns))
    if item.over is not None:
        watched = replace(watched, over_frozen_after_ns=tags[item.over].frozen_after_ns)
    if not item.is_level:
        return watched
    return replace(watched, validated=intersection(item.validated, tags[item.tag].validated))


def _soonest(*after_ns: int | None) -> int | None:
    return min((item for item in after_ns if item is not None), default=None)


def _narrowed_setpoint(item: ManipulatedTag, tag: TagDefinition, bundle: ModelBundle) -> ManipulatedTag:
    as_input = [feature.validated for feature in bundle.inputs if feature.tag == item.tag and feature.is_level]
    return replace(item, validated=intersection(item.validated, tag.validated, *as_input))


def never_inside(bundle: ModelBundle, here: ModelBundle, tags: Mapping[str, TagDefinition]) -> list[str]:
    """Return in sentences which ranges of a bundle leave no value, together with those of the line's tags.

    Args:
        bundle: as it was made.
        here: the same with the limits that hold on this line.
        tags: the line's tags by name.
    """
    problems = [
        _sentence(item.name, as_made.validated, tags[item.tag])
        for item, as_made in zip(here.inputs, bundle.inputs, strict=True)
        if item.tag and not item.validated[0] < item.validated[1]
    ]
    problems += [
        _sentence(f"setpoint {item.tag}", as_made.validated, tags[item.tag])
        for item, as_made in zip(here.manipulated, bundle.manipulated, strict=True)
        if not item.validated[0] < item.validated[1]
    ]
    for interlock in (interlock for item in bundle.manipulated for interlock in item.interlocks):
        lower, upper = intersection(interlock.within, tags[interlock.tag].validated)
        reachable = not interlock.states or any(lower <= state <= upper for state in interlock.states)
        if lower > upper or not reachable:
            problems.append(_sentence(f"interlock {interlock.tag}", interlock.within, tags[interlock.tag]))
    return problems


def _sentence(what: str, allowed: Limits, tag: TagDefinition) -> str:
    own_range = (
        "" if tag.validated is None else f", tags.{tag.name}.validated is {tag.validated[0]:g} to {tag.validated[1]:g}"
    )
    return f"no value is right for {what}: the bundle allows {allowed[0]:g} to {allowed[1]:g}{own_range}"
