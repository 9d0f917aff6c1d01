"""Fitted models as ONNX, in doubles all through: the gateway's windows are doubles, and golden vectors are exact."""

import numpy as np
import onnx
from onnx import compose, helper, numpy_helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import DoubleTensorType

from gateway.training.candidates import ExponentialOf, MeanOf, Regressor

INPUT, OUTPUT = "features", "said"
_OPSETS = {"": 17, "ai.onnx.ml": 3}


def exported(model: Regressor, *, inputs: int) -> bytes:
    """Return a fitted model as ONNX: one input of shape (n, inputs), one output of shape (n, 1)."""
    made = _made(model, inputs=inputs)
    return bytes(made.SerializeToString(deterministic=True))


def _made(model: Regressor, *, inputs: int) -> onnx.ModelProto:
    if isinstance(model, ExponentialOf):
        return _exponential(_made(model.part, inputs=inputs))
    return _mean_of(model, inputs=inputs) if isinstance(model, MeanOf) else _converted(model, inputs=inputs)


def _exponential(of: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with the exponential of what it says, in doubles."""
    output = of.graph.output[0].name
    of.graph.node.extend(
        [
            helper.make_node("Cast", [output], ["logarithm"], to=onnx.TensorProto.DOUBLE),
            helper.make_node("Exp", ["logarithm"], ["exponential"]),
        ]
    )
    del of.graph.output[:]
    of.graph.output.append(helper.make_tensor_value_info("exponential", onnx.TensorProto.DOUBLE, [None, 1]))
    return of


def _converted(model: Regressor, *, inputs: int) -> onnx.ModelProto:
    made: onnx.ModelProto = to_onnx(
        model, initial_types=[(INPUT, DoubleTensorType([None, inputs]))], target_opset=_OPSETS
    )
    return made


def _mean_of(model: MeanOf, *, inputs: int) -> onnx.ModelProto:
    """Return one graph of all parts side by side, their outputs added and scaled."""
    graphs, outputs = [], []
    for number, part in enumerate(model.parts, start=1):
        graph = compose.add_prefix(_converted(part, inputs=inputs), f"part{number}_").graph
        for node in graph.node:  # all parts read the same input
            node.input[:] = [INPUT if name == f"part{number}_{INPUT}" else name for name in node.input]
        graphs.append(graph)
        outputs.append(f"said{number}")
    share = numpy_helper.from_array(np.array(1 / len(outputs)), "share")
    nodes = [node for graph in graphs for node in graph.node]
    nodes += [  # trees give floats, whatever they are fed
        helper.make_node("Cast", [graph.output[0].name], [name], to=onnx.TensorProto.DOUBLE)
        for graph, name in zip(graphs, outputs, strict=True)
    ]
    nodes += [helper.make_node("Sum", outputs, ["sum"]), helper.make_node("Mul", ["sum", "share"], [OUTPUT])]
    graph = helper.make_graph(
        nodes,
        "mean",
        [helper.make_tensor_value_info(INPUT, onnx.TensorProto.DOUBLE, [None, inputs])],
        [helper.make_tensor_value_info(OUTPUT, onnx.TensorProto.DOUBLE, [None, 1])],
        initializer=[share, *(initializer for graph in graphs for initializer in graph.initializer)],
    )
    opsets = [helper.make_opsetid(domain, version) for domain, version in _OPSETS.items()]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)
