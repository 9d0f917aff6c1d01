"""A bundle for a plant that runs faster: the same model, its times divided by the speed.

The gateway under test is the real one and lives in real time; it is the plant that is faster, and a model of a faster
plant looks back over shorter times. Of a faster plant slopes are steeper: they are per ``time_unit_seconds``, which is
divided like all times, so that the model sees the same numbers.
"""

import shutil
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import tomli_w

from gateway.errors import LablineError

_MANIFEST, _SIGNATURE = "bundle.toml", "signature.json"


def at_pace(bundle: Path, *, speed: float, to: Path) -> Path:
    """Write a bundle's copy for a plant that runs ``speed`` times faster and return its folder.

    Raises LablineError where there is no bundle. The copy has no signature: it is another bundle.
    """
    manifest = _manifest(bundle)
    folder = to / str(manifest["name"])
    shutil.copytree(bundle, folder, ignore=shutil.ignore_patterns(_SIGNATURE))
    for item in manifest["input"]:
        item.setdefault("time_unit_seconds", 1.0)
    paced = _divided(manifest, speed)
    paced["version"] = f"{manifest['version']}+x{speed:g}"
    (folder / _MANIFEST).write_text(tomli_w.dumps(paced), encoding="utf-8")
    return folder


def models_of(bundles: Iterable[Path]) -> dict[str, str]:
    """Return by analyte the name of the model that predicts it; raises LablineError where there is no bundle."""
    manifests = [_manifest(bundle) for bundle in bundles]
    return {str(output["analyte"]): str(manifest["name"]) for manifest in manifests for output in manifest["output"]}


def _manifest(bundle: Path) -> dict[str, Any]:
    try:
        return tomllib.loads((bundle / _MANIFEST).read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise LablineError(f"{bundle} is no bundle: {error}", hint="name the folder that holds bundle.toml") from error


def _divided(value: Any, speed: float) -> Any:
    """Return a document with every time divided by the speed; times have names that end in ``_seconds``."""
    if isinstance(value, dict):
        return {key: _times(item, speed) if key.endswith("_seconds") else _divided(item, speed)
                for key, item in value.items()}  # fmt: skip
    return [_divided(item, speed) for item in value] if isinstance(value, list) else value


def _times(value: Any, speed: float) -> Any:
    return [item / speed for item in value] if isinstance(value, list) else value / speed
