"""``labline support-bundle``: what others need to help, in one archive, and nothing that is not theirs to know."""

import hashlib
import io
import json
import os
import re
import tarfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import typer

from gateway import __version__
from gateway.cli.bundle_parts import FAILURES, LEFT_OUT, PARTS, Subject
from gateway.cli.checkup.certificates import secret_files
from gateway.cli.checkup.versions import versions
from gateway.cli.options import CONFIG, takes
from gateway.cli.output import show_lines, show_table
from gateway.config.reading import read
from gateway.config.redaction import REDACTED, redacted
from gateway.config.tables import Settings
from gateway.contract.times import rfc3339
from gateway.errors import ConfigurationError, LablineError
from gateway.store.database import read_state

_MODE = 0o600
_SHORTEST_SECRET = 4  # characters; shorter ones would take half of the text away
_SECRET_NAME = re.compile(r"PASS|PWD|SECRET|TOKEN|KEY|CREDENTIAL", re.IGNORECASE)
_HOME = re.compile(r"(?P<place>/(?:home|Users)/)[^/\s\"\\]+")
_LARGEST_SECRET_BYTES = 64 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class BundleOptions:
    """Where a bundle is written, and what may stand in it."""

    config: Path = CONFIG
    output: Path | None = typer.Option(
        None, "--output", "-o", metavar="<file>", help="The archive. Without it: labline-support-<line>-<time>.tar.gz."
    )
    with_names: bool = typer.Option(
        False, "--with-names", help="Leave names of people, and lines of the log about lots and people, in it."
    )
    log: Path | None = typer.Option(
        None,
        "--log",
        metavar="<file>",
        help="The gateway's log. Without it: the journal of its unit.",
    )
    log_lines: int = typer.Option(1000, "--log-lines", min=0, max=100_000, help="At most that many lines of the log.")
    offline: bool = typer.Option(False, "--offline", help="Connect to no server and no broker.")


@takes(BundleOptions)
def support_bundle(options: BundleOptions) -> None:
    """Write redacted diagnostics into one archive, for a question to others.

    It holds no secrets, no results and no names of people (unless --with-names); manifest.json says what it holds.
    Look into it before you send it.
    """
    now_ns = time.time_ns()
    try:
        settings, sha256 = read(options.config)
    except ConfigurationError as error:
        contents = _of_a_configuration_that_cannot_be_used(error)
        name = "unusable"
    else:
        contents = dict(_contents(options, settings, sha256, now_ns))
        name = settings.site.line
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now_ns / 1e9))
    output = options.output or Path(f"labline-support-{name}-{stamp}.tar.gz")
    manifest = _write(output, contents, options, now_ns)
    show_table(
        str(output), ("file", "bytes", "holds"), [(f["name"], f["bytes"], f["holds"]) for f in manifest["files"]]
    )
    show_lines("look into it before you send it: tar -xzOf FILE | less")


def _contents(
    options: BundleOptions, settings: Settings, sha256: str, now_ns: int
) -> Iterator[tuple[str, tuple[str, Mapping[str, Any]]]]:
    """Yield (a file's name, (what it holds in words, its document))."""
    secrets = known_secrets(settings)
    try:
        store = closing(read_state(settings.store.directory))
    except LablineError:
        store = None
    with store or nullcontext() as connection:
        subject = Subject(
            config=options.config, settings=settings, sha256=sha256, store=connection, now_ns=now_ns,
            connect=not options.offline, with_names=options.with_names, secrets=secrets,
            unit=f"labline@{options.config.stem}", log=options.log, log_lines=options.log_lines,
        )  # fmt: skip
        for part in PARTS:
            try:
                document = part.make(subject)
            except (LablineError, *FAILURES) as error:
                document = {"failed": str(error)}
            document = _without(document, secrets)
            yield part.name, (part.holds, document if options.with_names else _without_homes(document))


def _of_a_configuration_that_cannot_be_used(error: ConfigurationError) -> dict[str, tuple[str, Mapping[str, Any]]]:
    secrets = tuple(_variables())
    problems = {"problems": [asdict(problem) for problem in error.problems]}
    return {
        "problems.json": ("what is wrong with the configuration", _without(problems, secrets)),
        "versions.json": ("versions of Labline, Python, SQLite, OpenSSL and libraries", versions()),
    }


# --- secrets


def known_secrets(settings: Settings) -> tuple[str, ...]:
    """Return every secret that this machine holds for the gateway, and each line of it: keys have several."""
    directory = Path(os.environ.get("CREDENTIALS_DIRECTORY") or os.devnull)
    files = {*secret_files(settings), *(directory.iterdir() if directory.is_dir() else ())}
    readable = [path for path in files if path.is_file() and os.access(path, os.R_OK)]  # the others betray nothing
    texts = [path.read_bytes()[:_LARGEST_SECRET_BYTES].decode(errors="replace") for path in readable]
    texts += _variables()
    lines = {line.strip() for text in texts for line in (text, *text.splitlines())}
    return tuple(sorted(line for line in lines if len(line) >= _SHORTEST_SECRET and not line.startswith("-----")))


def _variables() -> Iterator[str]:
    """Yield what variables of the environment hold whose names speak of secrets."""
    for name, value in os.environ.items():
        if _SECRET_NAME.search(name) and not os.path.exists(value):  # noqa: PTH110 - any text may stand there
            yield value


def _without(document: Any, secrets: tuple[str, ...]) -> Any:
    """Return a document in whose texts, also those of its keys, no secret stands, however it is written."""
    match document:
        case str():
            return redacted(document, _spellings(secrets))
        case Mapping():
            return {_without(str(name), secrets): _without(value, secrets) for name, value in document.items()}
        case list() | tuple():
            return [_without(item, secrets) for item in document]
    return document


def _without_homes(document: Any) -> Any:
    """Return a document without the names of people that paths to their folders have."""
    return json.loads(_HOME.sub(rf"\g<place>{LEFT_OUT}", json.dumps(document, default=str)))


def _spellings(secrets: tuple[str, ...]) -> tuple[str, ...]:
    """Return secrets as they are, as JSON writes them and as URLs do."""
    return tuple(
        {spelling for secret in secrets for spelling in (secret, json.dumps(secret)[1:-1], quote(secret, safe=""))}
    )


# --- the archive


def _write(
    output: Path, contents: Mapping[str, tuple[str, Mapping[str, Any]]], options: BundleOptions, now_ns: int
) -> dict[str, Any]:
    """Write the archive, for its owner only; return its manifest. Raises LablineError where it cannot be written."""
    encoded = {
        name: json.dumps(document, indent=1, ensure_ascii=False, default=str).encode()
        for name, (_holds, document) in contents.items()
    }
    manifest = {
        "schema": "labline.support-bundle/1",
        "made_at": rfc3339(now_ns),
        "version": __version__,
        "with_names": options.with_names,
        "left_out": ["secrets", "results", "rows of the store", *([] if options.with_names else ["names of people"])],
        "marks": {REDACTED: "a secret stood here", LEFT_OUT: "a name or a result stood here"},
        "files": [
            {"name": name, "holds": contents[name][0], "bytes": len(content),
             "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in encoded.items()
        ],
    }  # fmt: skip
    try:
        handle = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
    except OSError as error:
        raise LablineError(f"{output} cannot be written: {error.strerror}", hint="name a new file: --output") from error
    with os.fdopen(handle, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as archive:
        files = {"manifest.json": json.dumps(manifest, indent=1).encode(), **encoded}
        for name, content in files.items():
            entry = tarfile.TarInfo(f"labline-support/{name}")
            entry.size, entry.mode, entry.mtime = len(content), _MODE, now_ns // 1_000_000_000
            archive.addfile(entry, io.BytesIO(content))
    return manifest
