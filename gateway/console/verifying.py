"""Verifies the store in a process of its own, of low priority: it reads everything, and must not slow results down.

``python -m gateway.console.verifying DIRECTORY LINE`` prints one JSON object.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from gateway.console.views.audit import VerifyView
from gateway.contract.times import rfc3339
from gateway.errors import LablineError, StoreUnavailableError
from gateway.store.audit.verifying import verify

_LONGEST_SECONDS = 600.0
_NICENESS = 15
_MOST_PROBLEMS = 20


class Verifying:
    """Has the store verified, once at a time."""

    def __init__(self, directory: Path, line: str, *, now_ns: Callable[[], int]) -> None:
        self._directory = directory
        self._line = line
        self._now_ns = now_ns

    async def view(self) -> VerifyView:
        """Return whether the audit trail and all records hold; raises StoreUnavailableError where nobody can say."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway.console.verifying", str(self._directory), self._line,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            async with asyncio.timeout(_LONGEST_SECONDS):
                answer, _errors = await process.communicate()
            document = json.loads(answer)
        except (TimeoutError, ValueError):
            raise StoreUnavailableError(
                "the audit trail could not be verified", hint="labline audit verify says more"
            ) from None
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        return VerifyView(at=rfc3339(self._now_ns()), **document)


def outcome(directory: Path, line: str) -> dict[str, Any]:
    """Return what a verification says, as the fields of its view."""
    try:
        verified = verify(directory, line=line, own_key=None)
    except LablineError as error:
        return {"holds": False, "lines": 0, "head": None, "problems": [str(error)]}
    return {
        "holds": not verified.wrong,
        "lines": verified.findings.audit_lines,
        "head": None,
        "problems": [*verified.wrong[:_MOST_PROBLEMS]],
    }


if __name__ == "__main__":
    os.nice(_NICENESS)
    sys.stdout.write(json.dumps(outcome(Path(sys.argv[1]), sys.argv[2])))
