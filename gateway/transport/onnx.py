"""ONNX models on the CPU, deterministic: one thread, sequential, no affinity set.

The runtime would report to its maker over the network (since 1.29 on Linux, too), and decides so when it is imported:
so it is told before that a plant's gateway does not.
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from gateway.definitions import Predict
from gateway.errors import BundleRefusedError, InferenceError

_TYPES = {"tensor(double)": np.float64, "tensor(float)": np.float32}


def load_model(model: bytes, *, inputs: int, columns: int, where: str) -> Predict:
    """Return the model as a function of rows; raises BundleRefusedError where it is not one of our shape.

    Args:
        model: the bytes of ``model.onnx``: one input of shape (n, inputs), a first output of shape (n, columns).
        inputs: how many features the bundle names.
        columns: how many numbers the bundle's outputs name.
        where: the file, for the error's sentence.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # explicit: else the runtime sets affinity, which the sandbox forbids
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        (model_input,) = session.get_inputs()
        output = session.get_outputs()[0]
        kind = _TYPES[model_input.type]
    except KeyError as error:
        raise BundleRefusedError(f"{where}: the input must be float or double, not {error}") from error
    except ValueError as error:
        raise BundleRefusedError(f"{where}: the model must have exactly one input") from error
    except Exception as error:
        raise BundleRefusedError(f"{where} is not a model that this runtime can load: {error}") from error
    width = model_input.shape[-1]
    if isinstance(width, int) and width != inputs:
        raise BundleRefusedError(f"{where}: the model takes {width} inputs, the bundle names {inputs}")

    def predict(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what the model says of rows, shape (n, columns); raises InferenceError."""
        try:
            (values,) = session.run([output.name], {model_input.name: rows.astype(kind)})
        except Exception as error:
            raise InferenceError(f"onnxruntime: {error}") from error
        result = np.asarray(values, np.float64)
        if result.size != len(rows) * columns:
            raise InferenceError(f"the model gave {result.size} numbers for {len(rows)} rows of {columns}")
        return result.reshape(len(rows), columns)

    return predict


def runtime_version() -> str:
    """Return the runtime's version, which golden vectors are pinned to."""
    return str(onnxruntime.__version__)
