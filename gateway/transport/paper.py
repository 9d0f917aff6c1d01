"""Makes the documents of certificates, in a process of its own: bounded in time and memory, below everything else.

WeasyPrint and a template of the plant's own take what they take: neither may hold up the gateway, or take it down.
"""

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

import gateway
from gateway.advice.certificate_paper import Paper
from gateway.contract.identity import sha256_hex
from gateway.errors import LablineError

_LONGEST_SECONDS = 60.0
_LARGEST_BYTES = 16 * 1024 * 1024
_KEPT = ("PATH", "XDG_CACHE_HOME", "FONTCONFIG_FILE", "FONTCONFIG_PATH", "LD_LIBRARY_PATH")
WORKER = "gateway.transport.paper_worker"


class Form(StrEnum):
    """The forms of a document, by their media types."""

    HTML = "text/html"
    PDF = "application/pdf"


class PaperProblem(StrEnum):
    """Why a document is not made."""

    TEMPLATE = "template"  # the plant's own one fails
    NO_PDF = "no_pdf"  # WeasyPrint, or the libraries that it needs, are not there
    TOO_LONG = "too_long"
    OTHER = "other"


class PaperError(LablineError):
    """A document could not be made; ``problem``: why."""

    def __init__(self, message: str, *, problem: PaperProblem, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.problem = problem


HINTS = {
    PaperProblem.TEMPLATE: "correct the template; docs/certificates.md says what there is in it",
    PaperProblem.NO_PDF: "install libpango-1.0-0, libpangoft2-1.0-0 and fonts-liberation; the page as HTML is there",
    PaperProblem.TOO_LONG: "a template of the plant's own may not end: correct it",
    PaperProblem.OTHER: "labline certificate export LOT shows it again",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """A document as bytes."""

    form: Form
    content: bytes

    @property
    def sha256(self) -> str:
        """Return the SHA-256 of its bytes."""
        return sha256_hex(self.content)


def make(paper: Paper, form: Form) -> Made:
    """Return a certificate's document; blocks for seconds. Raises PaperError with what is wrong and what to do."""
    asked = json.dumps({"paper": asdict(paper), "form": form.value}).encode()
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    ours = str(Path(gateway.__file__).parents[1])
    own = {"PYTHONPATH": ours, "PYTHONDONTWRITEBYTECODE": "1", "LANG": "C.UTF-8", "HOME": "/nonexistent"}
    try:
        done = subprocess.run(  # noqa: S603 - our own module, nothing of it is from outside
            [sys.executable, "-P", "-s", "-m", WORKER],
            input=asked, capture_output=True, timeout=_LONGEST_SECONDS, env={**kept, **own}, cwd="/", check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise _error(PaperProblem.TOO_LONG, f"took more than {_LONGEST_SECONDS:.0f} s") from None
    except OSError as error:
        raise _error(PaperProblem.OTHER, error.strerror or str(error)) from error
    head, _, content = done.stdout.partition(b"\n")
    if done.returncode != 0 or len(content) > _LARGEST_BYTES:
        raise _error(PaperProblem.TOO_LONG if done.returncode < 0 else PaperProblem.OTHER, "was stopped")
    answer = json.loads(head)
    if answer["problem"] is not None:
        raise _error(PaperProblem(answer["problem"]), answer["why"])
    return Made(form=form, content=content)


def printed(paper: Paper) -> tuple[Made | None, str]:
    """Return (the document, what is wrong): a PDF, the page where there is none, or nothing. Blocks for seconds."""
    try:
        return make(paper, Form.PDF), ""
    except PaperError as error:
        if error.problem is not PaperProblem.NO_PDF:
            return None, f"{error}; {error.hint}"
        why = f"{error}; {error.hint}"
    try:
        return make(paper, Form.HTML), why
    except PaperError as error:
        return None, f"{error}; {error.hint}"


def _error(problem: PaperProblem, why: str) -> PaperError:
    return PaperError(f"the document cannot be made: {why}", problem=problem, hint=HINTS[problem])


def example() -> Paper:
    """Return a certificate with every field filled in, by which a template is tried."""
    result = {
        "result_id": "r1", "sample_id": "S-1", "test_id": "QC-1", "result_version": 1, "replicate": 1,
        "status": "approved", "value_text": "101.3", "unit": "mPa.s", "sampled_at": "2026-03-02T08:00:00.000Z",
        "analysed_at": "2026-03-02T09:00:00.000Z",
    }  # fmt: skip
    row = {
        "analyte": "viscosity", "name": "Viscosity", "method": "ISO 3219", "unit": "mPa.s", "reported": "101.3",
        "detected": True, "compliance": "complies", "required": True, "lower": 95.0, "upper": 105.0,
        "inclusive": True, "accepts": [], "limits_from": "AP-77 3", "results": [result],
    }  # fmt: skip
    data = {
        "schema": "labline.certificate-data/1", "certificate_id": "0e2cbb4c-0000-5000-8000-000000000000", "version": 1,
        "reason": "", "material_lot_id": "LOT-1", "part": None, "material_definition_id": "FG-100",
        "product_name": "Resin", "client_id": None, "job_order_id": "WO-1", "equipment_id": "R1",
        "started_at": "2026-03-02T06:00:00.000Z", "ended_at": "2026-03-02T08:00:00.000Z",
        "components": [{"material_lot_id": "M-1", "material_definition_id": "RM-1", "supplier": "Supplier"}],
        "customer": {"id": "C-1", "name": "Customer", "address": ["Street 1"], "email": []},
        "requirement": {"file": "c-1", "sha256": "0" * 64, "specification": "AP-77", "version": "3"},
        "language": "en", "template": "standard", "plant": {"name": "Plant", "address": ["Road 2"]},
        "time_zone": "UTC", "rows": [row], "gaps": [],
        "decision": {"decision": "release", "by": "Q. Person", "role": "quality", "at": "2026-03-02T10:00:00.000Z",
                     "record_id": "x", "stands": True, "over_open_points": 0},
    }  # fmt: skip
    signature = {"printed_name": "Q. Person", "role": "quality", "meaning": "Approved", "signed_by": ["Q. Person"],
                 "signed_at": "2026-03-02T11:00:00.000Z"}  # fmt: skip
    return Paper(data=data, sha256="0" * 64, state="signed", signature=signature)
