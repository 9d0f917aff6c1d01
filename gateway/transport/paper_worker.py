"""The process that makes one document of a certificate: reads a request on its input, writes the document, and ends.

The only importer of WeasyPrint. Nothing is fetched: what a document shows is in its data.
"""

import json
import os
import resource
import sys
from contextlib import suppress
from typing import Any

from gateway.advice.certificate_paper import Paper, page

_CPU_SECONDS = 45
_MEMORY_BYTES = 2 * 1024**3
_NICE = 10


def main() -> None:
    """Answer the request on the standard input."""
    _bound()
    asked = json.load(sys.stdin.buffer)
    content, problem, why = _made(Paper(**asked["paper"]), asked["form"])
    head = json.dumps({"problem": problem, "why": why}).encode()
    sys.stdout.buffer.write(head + b"\n" + content)


def _bound() -> None:
    """Take little: what a template of the plant's own takes is not known. Where systemd forbids it, its limits hold."""
    with suppress(OSError):
        os.nice(_NICE)
    for limit, most in ((resource.RLIMIT_CPU, _CPU_SECONDS), (resource.RLIMIT_AS, _MEMORY_BYTES)):
        with suppress(OSError, ValueError):
            resource.setrlimit(limit, (most, most))


def _made(paper: Paper, form: str) -> tuple[bytes, str | None, str]:
    """Return (the document, the problem, why)."""
    try:
        html = page(paper)
    except Exception as error:  # noqa: BLE001 - a template is code of the plant's own: whatever it raises is its problem
        line = _line_of(error)
        at = f" in line {line}" if line else ""
        return b"", "template", f"the template fails{at}: {type(error).__name__}: {error}"[:500]
    if form == "text/html":
        return html.encode(), None, ""
    try:
        import weasyprint  # noqa: PLC0415 - without its libraries there are still pages
    except (ImportError, OSError) as error:
        return (
            b"",
            "no_pdf",
            f"PDF needs WeasyPrint with Pango: {str(error).splitlines()[0] if str(error) else error}"[:500],
        )
    try:
        pdf = weasyprint.HTML(string=html, url_fetcher=_only_data).write_pdf()
    except Exception as error:  # noqa: BLE001 - of a library, about a document of a template
        return b"", "template", f"the page cannot be made a PDF: {type(error).__name__}: {error}"[:500]
    return pdf, None, ""


def _line_of(error: Exception) -> int | None:
    """Return the line of the template at which it has failed."""
    if getattr(error, "lineno", None):
        return int(error.lineno)  # type: ignore[attr-defined]
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename in {"<template>", "<unknown>"}:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _only_data(url: str, *arguments: Any, **options: Any) -> Any:
    """Return what a data URI holds; a document fetches nothing else, neither files nor addresses."""
    if not url.startswith("data:"):
        raise ValueError("documents fetch nothing")
    from weasyprint.urls import default_url_fetcher  # noqa: PLC0415 - as above

    return default_url_fetcher(url, *arguments, **options)


if __name__ == "__main__":
    main()
