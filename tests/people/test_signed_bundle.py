"""A signed record leaves the gateway as files that a public tool, or a script alone, verifies."""

import json
import shutil
import subprocess
import sys
from contextlib import closing

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.contract.minisign import key_id, public_key_file, signature_file
from gateway.contract.signed_bundle import bundle_files
from gateway.records.signatures import SignaturePolicy
from gateway.records.users import Role
from gateway.store.queries.signatures import newest
from tests.people.test_signatures import Signing

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
MINISIGN = shutil.which("minisign")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    bench = Signing(tmp_path_factory.mktemp("store"), SignaturePolicy(roles=(Role.QUALITY,), count=1))
    with closing(bench.connection):
        bench.settle()
        (item,) = newest(bench.connection)
        return bundle_files(item, KEY.sign, line="acme/lyon/polymers/line-1", public_key=PUBLIC)


@pytest.fixture
def folder(files, tmp_path):
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def verified(folder, *arguments):
    ended = subprocess.run([sys.executable, "-I", folder / "verify.py", *arguments], capture_output=True, text=True,
                           timeout=30, check=False)  # fmt: skip
    return ended.returncode, ended.stdout


def edited(folder, name, old, new):
    content = (folder / name).read_text(encoding="utf-8")
    assert old in content
    (folder / name).write_text(content.replace(old, new, 1), encoding="utf-8")


def test_the_script_alone_verifies_the_record_and_shows_name_time_and_meaning(folder):
    code, output = verified(folder, "--key", PUBLIC.hex())
    assert code == 0, output
    assert "verified: settle_point of LOT/1" in output
    assert "signed by Anna Q. (quality), 20" in output
    assert "decision: point" in output


def test_the_public_tool_verifies_it(folder):
    if MINISIGN is None:
        code, output = verified(folder)  # the same format, by the script's own reading
        assert (code, "compare it" in output) == (0, True)
        return
    command = [MINISIGN, "-Vm", "record.json", "-p", "minisign.pub"]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "record" in ended.stdout
    edited(folder, "record.json", "Anna Q.", "Ann Q.")
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode != 0


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("record.json", "Anna Q.", "Ann Q.", "not what was signed"),
        ("record.json", "looked at it", "looked away", "not what was signed"),
        ("record.json.minisig", "trusted comment: labline", "trusted comment: Labline", "trusted comment"),
    ],
)
def test_whatever_is_changed_in_the_folder_is_found(folder, name, old, new, said):
    edited(folder, name, old, new)
    code, output = verified(folder, "--key", PUBLIC.hex())
    assert (code, said in output) == (1, True), output


def test_a_folder_signed_by_another_key_is_not_the_lines(folder):
    code, output = verified(folder, "--key", "ab" * 32)
    assert (code, "not the key that you expect" in output) == (1, True)


def test_a_signature_lifted_from_another_record_is_found_even_where_the_line_signed_the_folder(files, folder):
    document = json.loads(files["record.json"])
    document["signatures"][0]["record_sha256"] = "0" * 64
    data = json.dumps(document).encode()
    (folder / "record.json").write_bytes(data)
    signature = signature_file(data, KEY.sign, public_key=PUBLIC, trusted_comment="x")
    (folder / "record.json.minisig").write_text(signature)
    code, output = verified(folder, "--key", PUBLIC.hex())
    assert (code, "of another record" in output) == (1, True)


def test_files_that_cannot_be_read_are_no_proof(folder):
    (folder / "record.json.minisig").write_text("nothing\n")
    assert verified(folder)[0] == 1


def test_a_key_has_one_name_and_comments_are_one_line():
    assert len(key_id(PUBLIC)) == 8
    assert public_key_file(PUBLIC, comment="a\nb").splitlines()[0] == "untrusted comment: a b"
