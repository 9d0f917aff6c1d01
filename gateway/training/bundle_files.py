"""A trained model as a bundle's files. The same model gives the same bytes: nothing in them says when or where."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tomli_w

from gateway.contract.identity import sha256_hex
from gateway.errors import LablineError
from gateway.inference.bundle import (
    CARD,
    GOLDEN,
    MANIFEST,
    MODEL,
    REFERENCE,
    check_golden,
    golden_csv,
    read_bundle,
    reference_json,
)
from gateway.inference.manifest import BundleManifest
from gateway.training.bundle_manifest import manifest_of
from gateway.training.card_plots import figures_of
from gateway.training.model_card import card
from gateway.training.trained_model import Trained

_GOLDEN_ROWS = 25


def bundle_of(trained: Trained, *, recipe_name: str) -> dict[str, bytes]:
    """Return the files of a trained model's bundle, read back and held as the gateway will; raises LablineError."""
    recipe, names = trained.recipe, tuple(item.name for item in trained.inputs)
    rows = trained.rows.features[trained.made_from]
    chosen = rows[np.linspace(0, len(rows) - 1, _GOLDEN_ROWS).astype(int)]
    residuals = {recipe.output.analyte: list(trained.output.residuals or ())}
    files = {
        MODEL: trained.onnx,
        GOLDEN: golden_csv(names, chosen, trained.predict(chosen)),
        REFERENCE: reference_json(
            trained.domain, names, rows=len(rows), residuals=residuals, standardised_by=trained.output.function_space
        ),
        CARD: card(trained).encode(),
        **figures_of(trained),
    }
    hashes = {name: sha256_hex(content) for name, content in sorted(files.items())}
    manifest = BundleManifest.model_validate(manifest_of(trained, recipe_name) | {"files": hashes})
    files[MANIFEST] = tomli_w.dumps(manifest.model_dump(mode="json", exclude_none=True)).encode()
    read_back = read_bundle(files, where=recipe.name)
    check_golden(files, read_back, trained.predict, where=recipe.name)
    return files


def write_bundle(files: Mapping[str, bytes], folder: Path) -> None:
    """Write a bundle's files into a folder that is not there yet; raises LablineError."""
    try:
        folder.mkdir(parents=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
    except FileExistsError as error:
        hint = "a version is never written over: raise the recipe's version, or name another place"
        raise LablineError(f"{folder} is there already", hint=hint) from error
    except OSError as error:
        raise LablineError(f"{folder} cannot be written: {error.strerror}", hint="is there space and right?") from error
