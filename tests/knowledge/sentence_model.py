"""A sentence model of a few words, made here: words of one topic have one direction, so that paraphrases are near."""

import json

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from gateway.contract.identity import sha256_hex

TOPICS = (
    ("filter", "strainer", "clogged", "blocked", "dirty"),
    ("electrode", "probe", "calibrate", "adjust", "buffer"),
    ("sample", "specimen", "second", "repeat"),
)
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")


def vocabulary():
    """Return the words of the model with their numbers."""
    words = [*_SPECIAL, *(word for topic in TOPICS for word in topic), "##s", "##ing", "the", "?", "."]
    return {word: number for number, word in enumerate(words)}


def tokenizer(**changes):
    """Return the bytes of its tokenizer.json."""
    document = {
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                       "strip_accents": None, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "vocab": vocabulary()},
    }  # fmt: skip
    return json.dumps({**document, **changes}).encode()


def model():
    """Return the bytes of the model: a table of vectors, looked up."""
    table = np.full((len(vocabulary()), len(TOPICS) + 1), 0.0, np.float32)
    table[:, -1] = 0.02
    for column, topic in enumerate(TOPICS):
        for word in topic:
            table[vocabulary()[word], column] = 1.0
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "input_ids"], ["vectors"])],
        "sentences",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "words"])
         for name in ("input_ids", "attention_mask")],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["batch", "words", len(TOPICS) + 1])],
        [numpy_helper.from_array(table, "table")],
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    made.ir_version = 9
    onnx.checker.check_model(made)
    return made.SerializeToString()


def written(folder):
    """Write both files; return the table of the configuration."""
    files = {"model": ("model.onnx", model()), "tokenizer": ("tokenizer.json", tokenizer())}
    table = {}
    for key, (name, content) in files.items():
        (folder / name).write_bytes(content)
        table |= {key: str(folder / name), f"{key}_sha256": sha256_hex(content)}
    return table
