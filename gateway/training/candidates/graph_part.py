"""Pieces of an ONNX graph that compute one column, put together into a model; in doubles wherever pieces meet.

The gateway's windows are doubles and golden vectors are exact, so that no piece may round what another one gives.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import ArrayLike
from onnx import helper, numpy_helper

INPUT, OUTPUT = "features", "said"
OPSETS = {"": 17, "ai.onnx.ml": 3}


@dataclass(frozen=True, kw_only=True)
class GraphPart:
    """Nodes that compute ``output``, shape (n, 1) in doubles, out of INPUT; all their names begin with one prefix."""

    nodes: tuple[onnx.NodeProto, ...]
    constants: tuple[onnx.TensorProto, ...]
    output: str


def constant(name: str, value: ArrayLike) -> onnx.TensorProto:
    """Return a constant in doubles."""
    return numpy_helper.from_array(np.asarray(value, np.float64), name)


def weighted_sum(parts: Sequence[GraphPart], weights: Sequence[float], *, prefix: str) -> GraphPart:
    """Return the sum of parts, each times its weight."""
    nodes = [node for part in parts for node in part.nodes]
    constants = [item for part in parts for item in part.constants]
    scaled = []
    for number, (part, weight) in enumerate(zip(parts, weights, strict=True)):
        constants.append(constant(f"{prefix}weight{number}", weight))
        scaled.append(f"{prefix}scaled{number}")
        nodes.append(helper.make_node("Mul", [part.output, f"{prefix}weight{number}"], [scaled[-1]]))
    nodes.append(helper.make_node("Sum", scaled, [f"{prefix}sum"]))
    return GraphPart(nodes=tuple(nodes), constants=tuple(constants), output=f"{prefix}sum")


def exponential(part: GraphPart, *, prefix: str) -> GraphPart:
    """Return the exponential of a part."""
    node = helper.make_node("Exp", [part.output], [f"{prefix}exponential"])
    return GraphPart(nodes=(*part.nodes, node), constants=part.constants, output=f"{prefix}exponential")


def model_of(part: GraphPart, *, inputs: int) -> bytes:
    """Return a part as a whole model: one input of shape (n, inputs), one output of shape (n, 1)."""
    graph = helper.make_graph(
        [*part.nodes, helper.make_node("Identity", [part.output], [OUTPUT])],
        "model",
        [helper.make_tensor_value_info(INPUT, onnx.TensorProto.DOUBLE, [None, inputs])],
        [helper.make_tensor_value_info(OUTPUT, onnx.TensorProto.DOUBLE, [None, 1])],
        initializer=list(part.constants),
    )
    opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
    made = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    return bytes(made.SerializeToString(deterministic=True))
