r"""A terminal's signed response, as an example: prints the message for the topic ROOT/response/TERMINAL.

    python sign_response.py --key T-07.pem --kid KEY --root acme/lyon/polymers/line-1/quality --terminal T-07 \
        --guidance ID --act approve --reason "as suggested" | mosquitto_pub -t ROOT/response/T-07 -q 1 -s

The key is made by ``openssl genpkey -algorithm ed25519 -out T-07.pem``, its public part enrolled by ``labline user
enroll``, which shows KEY. Needs Python and the package cryptography. A terminal asks its user to sign in before.
"""

import argparse
import base64
import json
import secrets
import sys
import time
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_private_key

LIFE_SECONDS = 60


def encoded(content: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def main() -> None:
    """Sign one response."""
    parser = argparse.ArgumentParser(description="Sign a response to a guidance.")
    for name in ("key", "kid", "root", "terminal", "guidance"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--act", choices=("acknowledge", "approve", "reject"), required=True)
    parser.add_argument("--reason", default="")
    options = parser.parse_args()
    key, now = load_pem_private_key(Path(options.key).read_bytes(), password=None), int(time.time())
    claims = {"guidance_id": options.guidance, "act": options.act, "reason": options.reason,
              "terminal": options.terminal, "aud": options.root, "iat": now, "exp": now + LIFE_SECONDS,
              "jti": secrets.token_urlsafe(18)}  # fmt: skip
    parts = [encoded(json.dumps(part).encode()) for part in ({"alg": "EdDSA", "kid": options.kid}, claims)]
    parts.append(encoded(key.sign(".".join(parts).encode())))
    response = {"schema": "labline.response/1", "id": secrets.token_hex(8), "guidance_id": options.guidance,
                "act": options.act, "terminal": options.terminal, "token": ".".join(parts)}  # fmt: skip
    sys.stdout.write(json.dumps(response) + "\n")


if __name__ == "__main__":
    main()
