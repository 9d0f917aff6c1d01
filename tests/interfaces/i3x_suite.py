"""Runs CESMII's conformance suite of i3X (JavaScript, from a checkout) against Labline on a store with lots."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fixtures.i3x import TOKEN, i3x_served


def main(suite):
    """Return the suite's exit code: 0 where all that is demanded holds."""
    node = shutil.which("node")
    if node is None:
        sys.exit("node is missing")
    with tempfile.TemporaryDirectory() as name, i3x_served(Path(name)) as served:
        command = [node, suite / "bin" / "i3x-test.js", "run", f"http://127.0.0.1:{served.port}/v1", "--token", TOKEN]
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
