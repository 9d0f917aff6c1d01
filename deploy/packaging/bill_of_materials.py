"""The software bill of materials (CycloneDX 1.6, JSON): what a package holds, with hashes and licences."""

import json
import tempfile
from email.message import Message
from pathlib import Path
from typing import Any

from deploy.packaging.wheels import RUN_LOCK, metadata, run, sha256

_CLASSIFIER = "License :: OSI Approved :: "


def write_bill(wheels: Path, output: Path, *, cyclonedx: Path) -> None:
    """Write the bill of a folder of wheels: cyclonedx-bom lists the lock, and the wheels say hashes and licences."""
    with tempfile.NamedTemporaryFile(suffix=".json") as listed:
        run(cyclonedx, "requirements", RUN_LOCK, "--output-reproducible", "--of", "JSON", "--output-file", listed.name)
        bill: dict[str, Any] = json.loads(Path(listed.name).read_text(encoding="utf-8"))
    files = _by_component(wheels)
    own = next(file for file in wheels.glob("labline-*.whl"))
    about = metadata(own)
    bill.setdefault("metadata", {})["component"] = {
        "bom-ref": "labline", "type": "application", "name": "labline", "version": about["Version"],
        "purl": f"pkg:pypi/labline@{about['Version']}", "licenses": _licences(about), "hashes": _hashes([own]),
    }  # fmt: skip
    for component in bill["components"]:
        parts = files[component["name"].lower(), component["version"]]
        component.pop("description", None)
        component.pop("externalReferences", None)  # an index's address: where a wheel came from says nothing of it
        component["licenses"], component["hashes"] = _licences(metadata(parts[0])), _hashes(parts)
    everything = [component["bom-ref"] for component in bill["components"]]
    bill["dependencies"] = [{"ref": "labline", "dependsOn": sorted(everything)},
                            *({"ref": reference} for reference in sorted(everything))]  # fmt: skip
    output.write_text(json.dumps(bill, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _by_component(wheels: Path) -> dict[tuple[str, str], list[Path]]:
    files: dict[tuple[str, str], list[Path]] = {}
    for wheel in sorted(wheels.glob("*.whl")):
        about = metadata(wheel)
        name = str(about["Name"]).lower().replace("_", "-").replace(".", "-")
        files.setdefault((name, str(about["Version"])), []).append(wheel)
    return files


def _hashes(files: list[Path]) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": sha256(file)} for file in files]


def _licences(about: Message) -> list[dict[str, Any]]:
    """Return the licence as CycloneDX has it: an SPDX expression where the metadata has one, else its name."""
    if about.get("License-Expression"):
        return [{"expression": about["License-Expression"]}]
    named = [value.removeprefix(_CLASSIFIER) for value in about.get_all("Classifier", [])
             if value.startswith(_CLASSIFIER)]  # fmt: skip
    short = str(about.get("License") or "").strip().splitlines()[:1]
    return [{"license": {"name": name}} for name in named or short]
