"""Commands run in this process, as a shell would see them: what they print, and how they end."""

import json

from typer.testing import CliRunner

from gateway.cli import app
from gateway.errors import LablineError


class Ended:
    """How a command ended: its exit code, what it printed, what it said of an error and of what to do."""

    def __init__(self, code, output, error=""):
        self.code = code
        self.output = output
        self.error = error

    @property
    def lines(self):
        return self.output.splitlines()

    @property
    def document(self):
        return json.loads(self.output)


def labline(*arguments):
    """Run a command in a pipe."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    error = result.exception
    if isinstance(error, LablineError):
        return Ended(2, result.output, f"{error} -> {error.hint}")
    if error is not None and not isinstance(error, SystemExit):
        raise error
    return Ended(result.exit_code, result.output)
