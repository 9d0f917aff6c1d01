"""A sentence model on the CPU: numbers of words in, one vector of length 1 for each text out.

The file is the plant's own, held to the hash that the configuration names; its graph is without loops and branches. One
thread; a run that takes too long is stopped, as that of any model (``onnx.py``).
"""

from collections.abc import Callable, Sequence

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from gateway.errors import InferenceError, LablineError
from gateway.inference.graph_limits import check_plain
from gateway.transport.onnx import session_options, watched

Vectors = NDArray[np.float32]
_TEXTS_AT_ONCE = 4
_TAKEN = frozenset({"input_ids", "attention_mask", "token_type_ids"})
_OF_WORDS, _OF_TEXTS = 3, 2  # dimensions of an output


def load_sentence_model(content: bytes, *, pad: int, where: str) -> Callable[[Sequence[Sequence[int]]], Vectors]:
    """Return what makes a vector of each text's numbers; ``pad``: the number that fills shorter ones up.

    Raises LablineError where it is no such model.
    """
    check_plain(content, where=where)
    try:
        session = onnxruntime.InferenceSession(content, session_options(), providers=["CPUExecutionProvider"])
    except Exception as error:
        raise LablineError(f"{where} is not a model that this runtime can load: {error}", hint="is it ONNX?") from error
    names = [model_input.name for model_input in session.get_inputs()]
    if "input_ids" not in names or not set(names) <= _TAKEN:
        raise LablineError(
            f"{where} takes {', '.join(names)}", hint=f"a sentence model takes {', '.join(sorted(_TAKEN))}"
        )
    output = session.get_outputs()[0].name

    def vectors(texts: Sequence[Sequence[int]]) -> Vectors:
        """Return the vectors; raises InferenceError."""
        parts = [_run(session, output, names, texts[at : at + _TEXTS_AT_ONCE], pad)
                 for at in range(0, len(texts), _TEXTS_AT_ONCE)]  # fmt: skip
        return np.concatenate(parts) if parts else np.empty((0, 0), np.float32)

    return vectors


def _run(
    session: onnxruntime.InferenceSession, output: str, names: Sequence[str], texts: Sequence[Sequence[int]], pad: int
) -> Vectors:
    longest = max(map(len, texts))
    ids = np.array([[*text, *([pad] * (longest - len(text)))] for text in texts], np.int64)
    mask = np.array([[1] * len(text) + [0] * (longest - len(text)) for text in texts], np.int64)
    given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
    with watched() as run:
        try:
            (values,) = session.run([output], {name: given[name] for name in names}, run.options)
        except Exception as error:
            raise InferenceError(f"the sentence model failed: {error}") from error
    vectors = np.asarray(values, np.float32)
    if vectors.ndim == _OF_WORDS and vectors.shape[:2] == ids.shape:
        weights = mask[:, :, None].astype(np.float32)
        vectors = (vectors * weights).sum(axis=1) / weights.sum(axis=1)
    if vectors.ndim != _OF_TEXTS or len(vectors) != len(texts) or not np.isfinite(vectors).all():
        raise InferenceError("the sentence model gave no vector for each text")
    lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return np.asarray(vectors / lengths, np.float32)
