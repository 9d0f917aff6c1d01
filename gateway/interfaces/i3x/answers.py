"""The envelope of every answer, and the refusal of a request that is not answered."""

import gzip
import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

Document = Mapping[str, Any]


class NotAnsweredError(Exception):
    """A request that is refused as a whole."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


def problem(status: int, detail: str) -> Document:
    """Return the problem details (RFC 9457) of a status."""
    return {"title": HTTPStatus(status).phrase, "status": status, "detail": detail}


def success(result: Any, *, partial: str | None = None) -> tuple[int, Document]:
    """Return an answer; ``partial``: what is left out of it."""
    if partial is None:
        return 200, {"success": True, "result": result}
    return 206, {"success": True, "result": result, "responseDetail": problem(206, partial)}


def failure(error: NotAnsweredError) -> tuple[int, Document]:
    """Return the answer to a request that is refused."""
    return error.status, {"success": False, "responseDetail": problem(error.status, error.detail)}


def item(name: str, key: str, result: Any) -> Document:
    """Return one of many that has succeeded."""
    return {"success": True, key: name, "result": result}


def unknown(name: str, key: str, what: str) -> Document:
    """Return one of many that is not there."""
    return {"success": False, key: name, "responseDetail": problem(404, f"{what} not found: {name}")}


def bulk(items: Iterable[Document], *, partial: str | None = None) -> tuple[int, Document]:
    """Return an answer to many, in the order in which they were asked for."""
    results = list(items)
    document: dict[str, Any] = {"success": all(result["success"] for result in results), "results": results}
    if partial is None:
        return 200, document
    return 206, {**document, "responseDetail": problem(206, partial)}


def response(request: Request, status: int, document: Document) -> Response:
    """Return an answer as it is sent: compressed, where the client takes that."""
    body = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    headers = {"vary": "accept-encoding"}
    if status in {429, 503}:
        headers["retry-after"] = "1"
    if status == 401:  # noqa: PLR2004 - a status
        headers["www-authenticate"] = "Bearer"
    if _takes_gzip(request.headers.get("accept-encoding", "")):
        body, headers["content-encoding"] = gzip.compress(body, compresslevel=4, mtime=0), "gzip"
    return Response(body, status_code=status, media_type="application/json", headers=headers)


def _takes_gzip(accepted: str) -> bool:
    for coding in accepted.lower().split(","):
        name, _, weight = coding.partition(";")
        if name.strip() in {"gzip", "*"} and weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}:
            return True
    return False
