r"""A terminal's question in a person's name, as an example: prints the message for the topic ROOT/ask/TERMINAL.

    python sign_question.py --terminal T-07 "Who released LOT-1000?" | mosquitto_pub -t ROOT/ask/T-07 -q 1 -s

Token and key are what the console shows to who is signed in there (Ask, "at a terminal"). They come from the
environment (LABLINE_TERMINAL_TOKEN, LABLINE_TERMINAL_KEY) or from a file with both, one a line (--secrets FILE): as
arguments they would stand in the list of processes. The key stays in the terminal. Needs Python alone.
"""

import argparse
import hashlib
import hmac
import json
import os
import secrets
import sys
from pathlib import Path


def main() -> None:
    """Sign one question."""
    parser = argparse.ArgumentParser(description="Sign a question in a person's name.")
    parser.add_argument("--terminal", required=True)
    parser.add_argument("--secrets", type=Path, help="a file with token and key, one a line")
    parser.add_argument("question")
    options = parser.parse_args()
    token, key = _secrets(parser, options.secrets)
    question_id = secrets.token_hex(16)
    content = json.dumps(["labline.ask/1", options.terminal, question_id, options.question], separators=(",", ":"))
    proof = hmac.new(bytes.fromhex(key), content.encode(), hashlib.sha256).hexdigest()
    message = {"question": options.question, "id": question_id, "token": token, "proof": proof}
    sys.stdout.write(json.dumps(message) + "\n")


def _secrets(parser: argparse.ArgumentParser, file: Path | None) -> tuple[str, str]:
    """Return token and key."""
    names = ("LABLINE_TERMINAL_TOKEN", "LABLINE_TERMINAL_KEY")
    values = [os.environ.get(name, "") for name in names] if file is None else file.read_text("ascii").split()
    if len(values) != len(names) or not all(values):
        parser.error(f"token and key are missing: set {' and '.join(names)}, or --secrets FILE with both, one a line")
    return values[0], values[1]


if __name__ == "__main__":
    main()
