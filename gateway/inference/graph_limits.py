"""What a model may consist of, so that it always ends, and soon: known operators, and a bound on all it computes. Pure.

Nothing here is run. Every operator in the list computes a result whose shape follows from the shapes of its inputs,
never from their values; there is no loop, no branch and no code from elsewhere. So the largest batch that a decision
asks for bounds time and memory of any. Shapes below are upper bounds.
"""

import math
from collections.abc import Sequence

from gateway.errors import BundleRefusedError
from gateway.inference.onnx_graph import Graph, Node, Tensor, read_graph
from gateway.inference.onnx_operator_inputs import NUMBER_TYPES, KnownInputs, NotAllowedError, Shape
from gateway.inference.onnx_operator_results import OPERATORS
from gateway.inference.protobuf import NotProtobufError

MOST_ROWS = 512  # that are evaluated at once: the setpoint search looks at 401
MOST_NODES = 20_000
LARGEST_RESULT = 2**22  # numbers: 32 MiB in doubles
LARGEST_CONSTANT = 2**24
MOST_NUMBERS = 2**25  # in all results together
MOST_WORK = 2**29  # multiplications: about a quarter of a second on one core
_MOST_DIMENSIONS = 8
_PLAIN = "export the model as one file, without loops and branches"
_HINT = "export the model from plain operators (docs/operations.md lists them), for tables of numbers"


def check_graph(model: bytes, *, inputs: int, where: str) -> None:
    """Raise BundleRefusedError where a model consists of anything but known operators of bounded size.

    Args:
        model: the bytes of ``model.onnx``.
        inputs: how many features the bundle names.
        where: the file, for the error's sentence.
    """
    try:
        graph = read_graph(model)
        _check_file(graph)
        _check_sizes(graph, inputs)
    except (NotProtobufError, NotAllowedError) as error:
        raise BundleRefusedError(f"{where} is not a model that this gateway runs: {error}", hint=_HINT) from error


def check_plain(model: bytes, *, where: str) -> None:
    """Raise BundleRefusedError where a graph holds loops, branches or functions of its own, or values elsewhere.

    For a sentence model, whose operators and sizes are not limited: it predicts nothing.
    """
    try:
        graph = read_graph(model)
        _check_parts(graph)
        _check_nothing_hidden(graph)
    except (NotProtobufError, NotAllowedError) as error:
        raise BundleRefusedError(f"{where} is not a model that this gateway runs: {error}", hint=_PLAIN) from error


def _check_nothing_hidden(graph: Graph) -> None:
    constants = dict(graph.constants)
    for node in graph.nodes:
        for name, attribute in node.attributes.items():
            if attribute.subgraph:
                raise NotAllowedError(f"operator {_kind(node)} carries a graph of its own")
            if attribute.tensor is not None:
                constants[f"{_kind(node)} {name}"] = attribute.tensor
    outside = [name for name, constant in constants.items() if constant.external]
    if outside:
        raise NotAllowedError(f"the values of {outside[0]} stand outside the file")


def _check_parts(graph: Graph) -> None:
    if graph.odd:
        raise NotAllowedError(f"it has {', '.join(graph.odd)}")
    if len(graph.nodes) > MOST_NODES:
        raise NotAllowedError(f"it has {len(graph.nodes)} operators, more than {MOST_NODES}")


def _check_file(graph: Graph) -> None:
    _check_parts(graph)
    for name, constant in graph.constants.items():
        _check_constant(name, constant)
    for node in graph.nodes:
        kind = _kind(node)
        if kind not in OPERATORS:
            raise NotAllowedError(f"operator {kind} is not one of those that always end")
        for name, attribute in node.attributes.items():
            if attribute.subgraph or attribute.odd:
                raise NotAllowedError(f"attribute {name} of {kind} carries a graph, or more than numbers")
            if attribute.tensor is not None:
                _check_constant(name, attribute.tensor)


def _kind(node: Node) -> str:
    domain = "" if node.domain in {"", "ai.onnx"} else f"{node.domain}."
    return f"{domain}{node.op_type}"


def _check_constant(name: str, constant: Tensor) -> None:
    if constant.external:
        raise NotAllowedError(f"the values of {name} stand outside the file")
    if constant.data_type not in NUMBER_TYPES:
        raise NotAllowedError(f"{name} is of a type other than numbers")
    _checked_shape(constant.dims, name, most=LARGEST_CONSTANT)


def _checked_shape(shape: Sequence[int], name: str, *, most: int) -> int:
    """Return how many numbers a shape holds."""
    if len(shape) > _MOST_DIMENSIONS or any(size < 0 for size in shape):
        raise NotAllowedError(f"{name} has the shape {list(shape)}")
    size = math.prod(shape)
    if size > most:
        raise NotAllowedError(f"{name} has up to {size} numbers for {MOST_ROWS} rows, more than {most}")
    return size


def _check_sizes(graph: Graph, inputs: int) -> None:
    constants = dict(graph.constants)
    shapes: dict[str, Shape] = {name: constant.dims for name, constant in constants.items()}
    shapes |= {name: _input_shape(dims, inputs) for name, dims in graph.inputs.items()}
    numbers, work = 0, 0
    for node in graph.nodes:
        kind = _kind(node)
        unknown = [name for name in node.inputs if name and name not in shapes]
        if unknown:
            raise NotAllowedError(f"{kind} reads {unknown[0]}, which nothing before it has computed")
        known = KnownInputs(node, tuple(shapes.get(name, ()) for name in node.inputs),
                       tuple(constants.get(name) for name in node.inputs))  # fmt: skip
        try:
            result = OPERATORS[kind](known)
        except (IndexError, KeyError, ValueError, ZeroDivisionError) as error:
            raise NotAllowedError(f"{kind} does not fit its inputs") from error
        for name, shape in zip(node.outputs, result.shapes, strict=False):
            numbers += _checked_shape(shape, name or kind, most=LARGEST_RESULT)
            if name in shapes:
                raise NotAllowedError(f"{name} is computed twice")
            if name:
                shapes[name] = shape
        if kind == "Constant" and (value := node.attributes.get("value")) is not None and value.tensor is not None:
            constants[node.outputs[0]] = value.tensor
        work += result.work
    if numbers > MOST_NUMBERS or work > MOST_WORK:
        raise NotAllowedError(f"{MOST_ROWS} rows take {numbers} numbers and {work} multiplications, which is too much")


def _input_shape(dims: tuple[int | None, ...] | None, inputs: int) -> Shape:
    if dims is None:
        return (MOST_ROWS, inputs)
    return tuple((MOST_ROWS if at == 0 else inputs) if size is None else size for at, size in enumerate(dims))


# --- what each operator gives -------------------------------------------------------------------------
