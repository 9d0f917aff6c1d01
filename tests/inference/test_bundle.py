from pathlib import Path

import numpy as np
import pytest

from gateway.config.bundles import bundle_files
from gateway.errors import BundleRefusedError, InferenceError
from gateway.inference.bundle import CARD, GOLDEN, MANIFEST, MODEL, REFERENCE, check_golden, read_bundle
from gateway.inference.interval import split_conformal_half_width
from gateway.transport.onnx import load_model

MODELS = Path(__file__).parents[2] / "models"


@pytest.fixture(params=["viscosity", "ph"])
def files(request):
    return bundle_files(MODELS / request.param / "1.0.0")


def loaded(files):
    bundle = read_bundle(files, where="here")
    return bundle, load_model(files[MODEL], inputs=len(bundle.inputs), columns=bundle.columns, where="here")


def test_the_shipped_bundles_hold_to_the_last_bit(files):
    bundle, predict = loaded(files)
    assert check_golden(files, bundle, predict, where="here") == 25


def test_the_model_is_deterministic_and_batches_agree_with_single_rows(files):
    bundle, predict = loaded(files)
    rows = np.array([[sum(item.validated) / 2 for item in bundle.inputs]] * 3)
    assert predict(rows).tolist() == [predict(rows[:1])[0].tolist()] * 3


@pytest.mark.parametrize("name", [MODEL, GOLDEN, CARD, REFERENCE])
def test_a_changed_or_missing_file_is_refused(files, name):
    with pytest.raises(BundleRefusedError, match="not the file that was accepted"):
        read_bundle({**files, name: files[name] + b"x"}, where="here")
    with pytest.raises(BundleRefusedError, match=f"{name} is missing"):
        read_bundle({key: value for key, value in files.items() if key != name}, where="here")


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (b'analyte = "', b'analite = "', "analyte: Field required"),
        (b"coverage = 0.9", b"coverage = 1.9", "interval.coverage"),
        (b"\nvalid = [", b"\nvalid = [1e9, ", "output.0.valid"),
        (b"[output.interval]", b"[output.intervall]", "output.0"),
        (b'[files]\n"card.md" = ', b'[files]\n"kard.md" = ', "names no hash of card.md"),
        (b"name = ", b"name ", "is not TOML"),
        (b"gains = { ", b'gains = { "unknown.mean" = 1.0, ', "unknown inputs"),
    ],
)
def test_a_manifest_that_does_not_hold_is_refused_with_what_and_where(files, before, after, message):
    assert before in files[MANIFEST]
    with pytest.raises(BundleRefusedError, match=message):
        read_bundle({**files, MANIFEST: files[MANIFEST].replace(before, after, 1)}, where="here")


def test_a_folder_without_a_manifest_is_refused(tmp_path):
    with pytest.raises(BundleRefusedError, match=r"no bundle\.toml"):
        read_bundle(bundle_files(tmp_path), where=str(tmp_path))
    with pytest.raises(BundleRefusedError, match="cannot be read"):
        bundle_files(tmp_path / "nowhere")


def test_a_golden_vector_that_differs_in_the_last_bit_is_refused(files):
    bundle, predict = loaded(files)
    with pytest.raises(BundleRefusedError, match="golden vector 1 gives"):
        check_golden(files, bundle, lambda rows: np.nextafter(predict(rows), np.inf), where="here")


@pytest.mark.parametrize("golden", [b"", b"a,b\n1,2\n", b"\xff\xff", b"output\n"])
def test_golden_vectors_that_cannot_be_read_are_refused(files, golden):
    bundle, predict = loaded(files)
    with pytest.raises(BundleRefusedError):
        check_golden({**files, GOLDEN: golden}, bundle, predict, where="here")


def test_bytes_that_are_no_model_and_a_wrong_number_of_inputs_are_refused(files):
    bundle, _ = loaded(files)
    with pytest.raises(BundleRefusedError, match="not a model"):
        load_model(b"rubbish", inputs=3, columns=1, where="here")
    with pytest.raises(BundleRefusedError, match="the bundle names"):
        load_model(files[MODEL], inputs=len(bundle.inputs) + 1, columns=1, where="here")


def test_a_model_asked_with_the_wrong_shape_fails_as_inference(files):
    _, predict = loaded(files)
    with pytest.raises(InferenceError):
        predict(np.zeros((1, 2)))


def test_split_conformal_takes_the_stated_rank_and_abstains_where_there_is_none():
    residuals = np.array([-3.0, 1.0, 2.0, -4.0, 5.0, 6.0, -7.0, 8.0, 9.0])
    assert split_conformal_half_width(residuals, coverage=0.9) == 9.0  # ceil(10 * 0.9) = 9th
    assert split_conformal_half_width(residuals, coverage=0.5) == 5.0
    assert split_conformal_half_width(residuals[:8], coverage=0.9) is None
