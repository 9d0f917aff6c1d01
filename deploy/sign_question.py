r"""A terminal's question in a person's name, as an example: prints the message for the topic ROOT/ask/TERMINAL.

    python sign_question.py --terminal T-07 --token TOKEN --key KEY "Who released LOT-1000?" | \
        mosquitto_pub -t ROOT/ask/T-07 -q 1 -s

TOKEN and KEY are what the console shows to who is signed in there (Ask, "at a terminal"). The key stays in the
terminal. Needs Python alone.
"""

import argparse
import hashlib
import hmac
import json
import secrets
import sys


def main() -> None:
    """Sign one question."""
    parser = argparse.ArgumentParser(description="Sign a question in a person's name.")
    for name in ("terminal", "token", "key"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("question")
    options = parser.parse_args()
    question_id = secrets.token_hex(16)
    content = json.dumps(["labline.ask/1", options.terminal, question_id, options.question], separators=(",", ":"))
    proof = hmac.new(bytes.fromhex(options.key), content.encode(), hashlib.sha256).hexdigest()
    message = {"question": options.question, "id": question_id, "token": options.token, "proof": proof}
    sys.stdout.write(json.dumps(message) + "\n")


if __name__ == "__main__":
    main()
