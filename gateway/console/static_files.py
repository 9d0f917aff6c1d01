"""The page's own files, read once at the start: what is not among them has no path, however it is written."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from starlette.requests import Request
from starlette.responses import Response

_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain; charset=utf-8",
}
_FOLDER = "static"
_INDEX = "index.html"


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    kind: str
    tag: str


class StaticFiles:
    """The files of the folder ``static``, by their paths; of a kind that is not known none is served."""

    def __init__(self) -> None:
        self._files: Mapping[str, _File] = dict(_read(files("gateway.console") / _FOLDER, ""))

    def answer(self, request: Request, parts: list[str]) -> Response | None:
        """Return the answer for a path, None where there is no such file."""
        file = self._files.get("/".join(parts) or _INDEX)
        if file is None or request.method not in {"GET", "HEAD"}:
            return None
        headers = {"etag": file.tag, "cache-control": "no-cache", "content-type": file.kind}
        if request.headers.get("if-none-match") == file.tag:
            return Response(status_code=304, headers=headers)
        return Response(b"" if request.method == "HEAD" else file.content, headers=headers)


def _read(folder: Traversable, path: str) -> list[tuple[str, _File]]:
    if not folder.is_dir():
        return []
    read = []
    for entry in folder.iterdir():
        if entry.is_dir():
            read += _read(entry, f"{path}{entry.name}/")
        elif (kind := _KINDS.get("." + entry.name.rpartition(".")[2])) is not None:
            content = entry.read_bytes()
            read.append((f"{path}{entry.name}", _File(content, kind, f'"{hashlib.sha256(content).hexdigest()[:32]}"')))
    return read
