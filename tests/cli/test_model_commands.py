"""``labline model``: what a bundle says, whether it holds, who signed it, and what a trusted signature lets it do."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.fixtures.real_parts import REPOSITORY

SIGNING = ("--approver", "Q. Head", "--meaning", "validated, report VR-12")


def labline(*arguments, code=0):
    done = subprocess.run(
        [sys.executable, "-m", "gateway", *map(str, arguments)],
        capture_output=True, text=True, check=False, timeout=60, cwd=REPOSITORY, env=os.environ | {"COLUMNS": "200"},
    )  # fmt: skip
    assert done.returncode == code, done.stderr + done.stdout
    return done.stdout + done.stderr


@pytest.fixture
def bundle(tmp_path):
    """A copy of the demo's viscosity bundle, beside another version of it."""
    source = REPOSITORY / "models" / "viscosity" / "1.0.0"
    shutil.copytree(source, tmp_path / "models" / "viscosity" / "0.9.0")
    return Path(shutil.copytree(source, tmp_path / "models" / "viscosity" / "1.0.0"))


@pytest.fixture
def key(tmp_path):
    """An approver's private key; the public one lies in a folder of trusted ones."""
    made = Ed25519PrivateKey.generate()
    private = tmp_path / "approver.pem"
    private.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    trusted = tmp_path / "trusted"
    trusted.mkdir()
    public = made.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (trusted / "quality.pem").write_bytes(public)
    return private


def configuration(tmp_path, *, stage="advise", trusted=True):
    """The example's configuration, with the model of this test."""
    text = (REPOSITORY / "deploy" / "labline.toml").read_text()
    text = text.replace("../models/viscosity/1.0.0", "models/viscosity/1.0.0")
    text = text.replace('stage = "shadow"', f'stage = "{stage}"', 1)
    if trusted:
        text += '\n[approval]\ntrusted_keys = "trusted"\n'
    path = tmp_path / "labline.toml"
    path.write_text(text)
    return path


def test_inspect_shows_what_a_bundle_says_of_itself(bundle):
    told = labline("model", "inspect", bundle)
    for words in ("viscosity 1.0.0", "reactor_temperature", "not signed", "R2 on the last fifth"):
        assert words in told
    document = json.loads(labline("model", "inspect", bundle, "--json"))
    assert document["output"][0]["interval"]["coverage"] == 0.9
    assert document["approval"] is None


def test_verify_says_what_does_not_hold(bundle):
    assert "golden vectors exact" in labline("model", "verify", bundle)
    (bundle / "card.md").write_text("better than ever\n")
    told = labline("model", "verify", bundle, code=1)
    assert "card.md is not the file that was accepted" in told
    found = json.loads(labline("model", "verify", bundle, "--json", code=1))
    assert found["ok"] is False
    assert "cannot be read" in labline("model", "verify", bundle / "nowhere", code=1)


def test_a_signature_lets_a_model_rise_and_no_further_than_it_says(bundle, key, tmp_path):
    config = configuration(tmp_path, stage="advise")
    assert "no trusted key has signed it for advise" in labline("check", "--config", config)
    labline("model", "sign", bundle, "--key", key, "--stage", "shadow", *SIGNING)
    assert listed(config)["stage"] == "shadow"
    labline("model", "sign", bundle, "--key", key, "--stage", "automatic", *SIGNING)
    found = listed(config)
    assert found["stage"] == "advise"  # the configuration is a ceiling
    assert found["approved_by"] == "Q. Head (quality)"
    assert found["other_versions"] == "0.9.0"
    assert "no trusted key" not in labline("check", "--config", config)


def listed(config):
    (model,) = json.loads(labline("model", "list", "--config", config, "--json"))["models"]
    return model


def test_a_key_that_is_not_trusted_here_changes_nothing(bundle, key, tmp_path):
    labline("model", "sign", bundle, "--key", key, "--stage", "advise", *SIGNING)
    (tmp_path / "trusted" / "quality.pem").unlink()
    found = listed(configuration(tmp_path))
    assert (found["stage"], found["approved_by"]) == ("shadow", "Q. Head (key not trusted here)")


def test_without_trusted_keys_the_configurations_stage_holds_and_check_says_so(bundle, tmp_path):
    config = configuration(tmp_path, trusted=False)
    assert listed(config)["stage"] == "advise"
    assert "approval.trusted_keys is not set" in labline("check", "--config", config)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("advise", "automatic"), "does not hold"),
        (lambda text: text.replace("Q. Head", "Somebody Else"), "does not hold"),
        (lambda text: text.replace("{", ""), "is no signature"),
        (lambda text: text.replace('"stage": "advise"', '"stage": "supreme"'), "is no signature"),
    ],
)
def test_a_signature_that_was_tampered_with_refuses_the_bundle(bundle, key, tmp_path, change, message):
    labline("model", "sign", bundle, "--key", key, "--stage", "advise", *SIGNING)
    signature = bundle / "signature.json"
    signature.write_text(change(signature.read_text()))
    assert message in labline("model", "verify", bundle, code=1)
    assert message in labline("check", "--config", configuration(tmp_path), code=2)


def test_a_signature_of_another_bundle_is_refused(bundle, key, tmp_path):
    labline("model", "sign", copy_of_ph(tmp_path), "--key", key, "--stage", "advise", *SIGNING)
    shutil.copy(tmp_path / "ph" / "signature.json", bundle / "signature.json")
    assert "is of another bundle" in labline("model", "verify", bundle, code=1)


def copy_of_ph(tmp_path):
    return shutil.copytree(REPOSITORY / "models" / "ph" / "1.0.0", tmp_path / "ph")


def test_what_does_not_hold_is_not_signed_and_wrong_input_is_told(bundle, key, tmp_path):
    assert "there is no stage supreme" in labline(
        "model", "sign", bundle, "--key", key, "--stage", "supreme", *SIGNING, code=2
    )
    assert "cannot be used as a key" in labline(
        "model", "sign", bundle, "--key", tmp_path / "none.pem", "--stage", "advise", *SIGNING, code=2
    )
    (bundle / "golden.csv").write_text("x\n")
    told = labline("model", "sign", bundle, "--key", key, "--stage", "advise", *SIGNING, code=2)
    assert "golden.csv is not the file that was accepted" in told
    config = configuration(tmp_path)
    shutil.rmtree(tmp_path / "trusted")
    assert "approval.trusted_keys" in labline("check", "--config", config, code=2)
