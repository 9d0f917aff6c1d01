"""ONNX models on the CPU, deterministic: one thread, sequential, no affinity set; and never for longer than a moment.

A model's graph is checked against ``inference.graph_limits`` before the runtime sees it. Besides, each evaluation is
watched: decisions run on the writing thread, and no result may wait for a model. One that takes too long is stopped
and not evaluated again by this process; a decision then puts it into shadow (``decide``).

The runtime would report to its maker over the network (since 1.29 on Linux, too), and decides so when it is imported:
so reporting is switched off before the import.
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from gateway.errors import BundleRefusedError, InferenceError, InferenceStoppedError
from gateway.inference.graph_limits import check_graph
from gateway.line.definition import Predict

LONGEST_CPU_SECONDS = 1.0  # of one evaluation, which usually takes less than a thousandth of it
LONGEST_WALL_SECONDS = 5.0  # where the machine gives it no processor
_LOOK_SECONDS = 0.1
_TYPES = {"tensor(double)": np.float64, "tensor(float)": np.float32}


def load_model(model: bytes, *, inputs: int, columns: int, where: str) -> Predict:
    """Return the model as a function of rows; raises BundleRefusedError where it is not one of our shape.

    Args:
        model: the bytes of ``model.onnx``: one input of shape (n, inputs), a first output of shape (n, columns).
        inputs: how many features the bundle names.
        columns: how many numbers the bundle's outputs name.
        where: the file, for the error's sentence.
    """
    check_graph(model, inputs=inputs, where=where)
    return session_of(model, inputs=inputs, columns=columns, where=where)


def session_of(model: bytes, *, inputs: int, columns: int, where: str) -> Predict:
    """Return as ``load_model`` does, of a model whose graph has been checked."""
    try:
        session = onnxruntime.InferenceSession(model, session_options(), providers=["CPUExecutionProvider"])
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
    stopped = threading.Event()

    def predict(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what the model says of rows, shape (n, columns); raises InferenceError."""
        if stopped.is_set():
            raise InferenceStoppedError(
                "an evaluation took too long, and the model is not evaluated again before a restart"
            )
        with _WATCH.over() as run:
            try:
                (values,) = session.run([output.name], {model_input.name: rows.astype(kind)}, run.options)
            except Exception as error:
                if run.stopped:
                    stopped.set()
                    raise InferenceStoppedError(f"an evaluation took more than {LONGEST_CPU_SECONDS:g} s") from error
                raise InferenceError(f"onnxruntime: {error}") from error
        result = np.asarray(values, np.float64)
        if result.size != len(rows) * columns:
            raise InferenceError(f"the model gave {result.size} numbers for {len(rows)} rows of {columns}")
        return result.reshape(len(rows), columns)

    return predict


def session_options() -> onnxruntime.SessionOptions:
    """Return the options of every session: one thread, sequential, no affinity."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # explicit: else the runtime sets affinity, which the sandbox forbids
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 4  # the decision reports a model that is stopped
    return options


@dataclass(slots=True)
class _Run:
    """One evaluation under way: by which options it is stopped, since when it runs, whose processor time it takes."""

    options: onnxruntime.RunOptions
    since: float
    clock: int
    cpu_since: float
    stopped: bool = False

    def is_too_long(self) -> bool:
        """Return whether it has taken more time than it may."""
        wall = time.monotonic() - self.since
        if wall < LONGEST_CPU_SECONDS:
            return False
        if wall > LONGEST_WALL_SECONDS:
            return True
        try:
            return time.clock_gettime(self.clock) - self.cpu_since > LONGEST_CPU_SECONDS
        except OSError:  # its thread has just ended, and so has the evaluation
            return False


class _Watch:
    """Stops evaluations that take too long, from one thread for all models; it looks only while one has run long."""

    def __init__(self) -> None:
        self._runs: dict[int, _Run] = {}
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    @contextmanager
    def over(self) -> Iterator[_Run]:
        """Watch the evaluation of the block, on this thread."""
        if self._thread is None:
            self._start()
        thread = threading.get_ident()
        clock = time.pthread_getcpuclockid(thread)
        run = _Run(onnxruntime.RunOptions(), time.monotonic(), clock, time.clock_gettime(clock))
        self._runs[thread] = run
        try:
            yield run
        finally:
            del self._runs[thread]

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._look, name="labline-model-watch", daemon=True)
                self._thread.start()

    def _look(self) -> None:
        while True:
            time.sleep(_LOOK_SECONDS)
            for run in tuple(self._runs.values()):
                if not run.stopped and run.is_too_long():
                    run.stopped = True
                    run.options.terminate = True


_WATCH = _Watch()


def watched() -> "AbstractContextManager[_Run]":
    """Return a block whose evaluation is stopped where it takes too long."""
    return _WATCH.over()


def runtime_version() -> str:
    """Return the runtime's version, which golden vectors are pinned to."""
    return str(onnxruntime.__version__)
