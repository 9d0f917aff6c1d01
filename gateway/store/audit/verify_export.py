"""Verifies an exported audit trail. Needs nothing but Python 3.8 or newer: neither Labline nor any library.

    python verify.py [FOLDER] [--witness FILE]

Holds every line's hash against its content and the line before, every signed head against its signature (Ed25519,
RFC 8032) and its line, and heads kept elsewhere (--witness: published messages, one JSON object a line) against the
trail. Exit code 0 where all of it holds, 1 where something does not, 2 where there is nothing to verify.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any, Optional

PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
CURVE_D = -121665 * pow(121666, PRIME - 2, PRIME) % PRIME
ROOT_OF_MINUS_ONE = pow(2, (PRIME - 1) // 4, PRIME)


def line_hash(line: Any) -> str:
    """Return the SHA-256 over a line's fields as a JSON list."""
    fields = [line["seq"], line["at_ns"], line["kind"], line["subject"], line["body"], line["previous"]]
    content = json.dumps(fields, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()


def point_of(data: bytes) -> Any:
    """Return the curve point in 32 bytes, in extended coordinates, or None where there is none (RFC 8032, 5.1.3)."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    if y >= PRIME:
        return None
    squared = (y * y - 1) * pow(CURVE_D * y * y + 1, PRIME - 2, PRIME) % PRIME
    x = pow(squared, (PRIME + 3) // 8, PRIME)
    if (x * x - squared) % PRIME:
        x = x * ROOT_OF_MINUS_ONE % PRIME
    if (x * x - squared) % PRIME or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = PRIME - x
    return (x, y, 1, x * y % PRIME)


def added(first: Any, second: Any) -> Any:
    """Return the sum of two points (RFC 8032, 5.1.4)."""
    low = (first[1] - first[0]) * (second[1] - second[0]) % PRIME
    high = (first[1] + first[0]) * (second[1] + second[0]) % PRIME
    cross = 2 * first[3] * second[3] * CURVE_D % PRIME
    double = 2 * first[2] * second[2] % PRIME
    e, f, g, h = high - low, double - cross, double + cross, high + low
    return (e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME)


def times(number: int, point: Any) -> Any:
    """Return a point added to itself so many times."""
    total = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = added(total, point)
        point = added(point, point)
        number >>= 1
    return total


BASE = point_of((4 * pow(5, PRIME - 2, PRIME) % PRIME).to_bytes(32, "little"))


def signature_holds(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether an Ed25519 signature is right (RFC 8032, 5.1.7)."""
    if len(public_key) != 32 or len(signature) != 64:
        return False
    key, commitment = point_of(public_key), point_of(signature[:32])
    response = int.from_bytes(signature[32:], "little")
    if key is None or commitment is None or response >= ORDER:
        return False
    digest = hashlib.sha512(signature[:32] + public_key + message).digest()
    left = times(response, BASE)
    right = added(commitment, times(int.from_bytes(digest, "little") % ORDER, key))
    same_x = (left[0] * right[2] - right[0] * left[2]) % PRIME == 0
    return bool(same_x and (left[1] * right[2] - right[1] * left[2]) % PRIME == 0)


def head_problem(head: Any, hashes: Any, last: int) -> Optional[str]:
    """Return what is wrong with a signed head, or None; ``hashes``: line number to hash of every line there is."""
    signed = "labline.audit-head/1\n{line}\n{seq}\n{hash}\n".format(**head).encode()
    try:
        right = signature_holds(bytes.fromhex(head["public_key"]), signed, bytes.fromhex(head["signature"]))
    except ValueError:
        right = False
    if not right:
        return "the signature of head %d is wrong" % head["seq"]
    if head["seq"] > last:
        return "line %d was witnessed, but the trail ends at %d" % (head["seq"], last)
    if head["seq"] not in hashes:
        return "line %d was signed, but is not here: it is verified with the archive that holds it" % head["seq"]
    if hashes[head["seq"]] != head["hash"]:
        return "line %d is not the one that was signed" % head["seq"]
    return None


def chain_problem(lines: Any, previous: str) -> Optional[str]:
    """Return what is wrong with the first line that does not hold, or None."""
    expected = lines[0]["seq"] if lines else 0
    for line in lines:
        if line["seq"] != expected:
            return "line %d is missing" % expected
        if line["previous"] != previous:
            return "line %d does not follow the line before it" % line["seq"]
        if line_hash(line) != line["hash"]:
            return "line %d has been changed" % line["seq"]
        expected, previous = line["seq"] + 1, line["hash"]
    return None


def objects_in(path: Path) -> Any:
    """Return the JSON objects in a file: one a line, or one array."""
    text = path.read_text(encoding="utf-8").strip()
    return json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.splitlines() if line]


def problems(folder: Path, witnesses: Any) -> Any:
    """Return (how many lines there are, everything that is wrong)."""
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    lines = objects_in(folder / "lines.jsonl")
    wrong = [chain_problem(lines, about["previous"])]
    last = lines[-1]["seq"] if lines else 0
    hashes = {line["seq"]: line["hash"] for line in lines}
    first = lines[0]["seq"] if lines else 0  # earlier ones are in an archive, and so are their heads
    heads = [head for head in objects_in(folder / "heads.jsonl") if head["seq"] >= first]
    keys = {head["public_key"] for head in heads}
    for head in heads + witnesses:
        wrong.append(head_problem(head, hashes, last))
        if keys and head["public_key"] not in keys:
            wrong.append("head %d is signed with another key" % head["seq"])
    return len(lines), [problem for problem in wrong if problem]


def main(arguments: Any) -> int:
    """Verify, print what was checked, and return the exit code."""
    witness = arguments[arguments.index("--witness") + 1] if "--witness" in arguments else None
    rest = [argument for argument in arguments if argument not in {"--witness", witness}]
    folder = Path(rest[0]) if rest else Path(__file__).resolve().parent
    try:
        count, wrong = problems(folder, objects_in(Path(witness)) if witness else [])
    except (OSError, ValueError, KeyError) as error:
        print("nothing that can be verified: %r" % error)
        return 2
    for problem in wrong:
        print(problem)
    print("%d lines: %s" % (count, "not ok" if wrong else "ok"))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
