"""What a model may consist of, so that it always ends, and soon: known operators, and a bound on all it computes. Pure.

Nothing here is run. Every operator in the list computes a result whose shape follows from the shapes of its inputs,
never from their values; there is no loop, no branch and no code from elsewhere. So the largest batch that a decision
asks for bounds time and memory of any. Shapes below are upper bounds.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from gateway.errors import BundleRefusedError
from gateway.inference.onnx_graph import Graph, Node, Tensor, read_graph
from gateway.inference.protobuf import NotProtobufError

MOST_ROWS = 512  # that are asked for at once: the setpoint search looks at 401
MOST_NODES = 20_000
LARGEST_RESULT = 2**22  # numbers: 32 MiB in doubles
LARGEST_CONSTANT = 2**24
MOST_NUMBERS = 2**25  # in all results together
MOST_WORK = 2**29  # multiplications: about a quarter of a second on one core
DEEPEST_TREE = 1000
_MOST_DIMENSIONS = 8
_TYPES = frozenset({1, 6, 7, 9, 10, 11})  # float, int32, int64, bool, float16, double
_HINT = "export the model from plain operators (docs/operations.md lists them), for tables of numbers"

Shape = tuple[int, ...]


class _Result(NamedTuple):
    shapes: tuple[Shape, ...]
    work: int = 0


class _NotAllowedError(Exception):
    """Why a node may not stand in a model."""


class _Known(NamedTuple):
    """What is known when a node's turn comes."""

    node: Node
    shapes: tuple[Shape, ...]  # of its inputs
    constants: tuple[Tensor | None, ...]  # its inputs, where they are constants

    def whole(self, name: str, default: int) -> int:
        found = self.node.attributes.get(name)
        return default if found is None else found.whole

    def wholes(self, name: str, at: int) -> tuple[int, ...] | None:
        """Return whole numbers that stand in an attribute, or in newer versions in a constant input; None: nowhere."""
        if name in self.node.attributes:
            return self.node.attributes[name].wholes
        if at >= len(self.constants) or self.node.inputs[at] == "":
            return None
        constant = self.constants[at]
        if constant is None or constant.values is None:
            raise _NotAllowedError(f"its {name} is computed, not constant")
        return constant.values


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
    except (NotProtobufError, _NotAllowedError) as error:
        raise BundleRefusedError(f"{where} is not a model that this gateway runs: {error}", hint=_HINT) from error


def _check_file(graph: Graph) -> None:
    if graph.odd:
        raise _NotAllowedError(f"it has {', '.join(graph.odd)}")
    if len(graph.nodes) > MOST_NODES:
        raise _NotAllowedError(f"it has {len(graph.nodes)} operators, more than {MOST_NODES}")
    for name, constant in graph.constants.items():
        _check_constant(name, constant)
    for node in graph.nodes:
        kind = _kind(node)
        if kind not in OPERATORS:
            raise _NotAllowedError(f"operator {kind} is not one of those that always end")
        for name, attribute in node.attributes.items():
            if attribute.subgraph or attribute.odd:
                raise _NotAllowedError(f"attribute {name} of {kind} carries a graph, or more than numbers")
            if attribute.tensor is not None:
                _check_constant(name, attribute.tensor)


def _kind(node: Node) -> str:
    domain = "" if node.domain in {"", "ai.onnx"} else f"{node.domain}."
    return f"{domain}{node.op_type}"


def _check_constant(name: str, constant: Tensor) -> None:
    if constant.external:
        raise _NotAllowedError(f"the values of {name} stand outside the file")
    if constant.data_type not in _TYPES:
        raise _NotAllowedError(f"{name} is of a type other than numbers")
    _checked_shape(constant.dims, name, most=LARGEST_CONSTANT)


def _checked_shape(shape: Sequence[int], name: str, *, most: int) -> int:
    """Return how many numbers a shape holds."""
    if len(shape) > _MOST_DIMENSIONS or any(each < 0 for each in shape):
        raise _NotAllowedError(f"{name} has the shape {list(shape)}")
    size = math.prod(shape)
    if size > most:
        raise _NotAllowedError(f"{name} has up to {size} numbers for {MOST_ROWS} rows, more than {most}")
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
            raise _NotAllowedError(f"{kind} reads {unknown[0]}, which nothing before it has computed")
        known = _Known(node, tuple(shapes.get(name, ()) for name in node.inputs),
                       tuple(constants.get(name) for name in node.inputs))  # fmt: skip
        try:
            result = OPERATORS[kind](known)
        except (IndexError, KeyError, ValueError, ZeroDivisionError) as error:
            raise _NotAllowedError(f"{kind} does not fit its inputs") from error
        for name, shape in zip(node.outputs, result.shapes, strict=False):
            numbers += _checked_shape(shape, name or kind, most=LARGEST_RESULT)
            if name in shapes:
                raise _NotAllowedError(f"{name} is computed twice")
            if name:
                shapes[name] = shape
        if kind == "Constant" and (value := node.attributes.get("value")) is not None and value.tensor is not None:
            constants[node.outputs[0]] = value.tensor
        work += result.work
    if numbers > MOST_NUMBERS or work > MOST_WORK:
        raise _NotAllowedError(f"{MOST_ROWS} rows take {numbers} numbers and {work} multiplications, which is too much")


def _input_shape(dims: tuple[int | None, ...] | None, inputs: int) -> Shape:
    if dims is None:
        return (MOST_ROWS, inputs)
    return tuple((MOST_ROWS if at == 0 else inputs) if each is None else each for at, each in enumerate(dims))


# --- what each operator gives -------------------------------------------------------------------------


def _same(known: _Known) -> _Result:
    return _Result((known.shapes[0],) * len(known.node.outputs), math.prod(known.shapes[0]))


def _cast(known: _Known) -> _Result:
    if known.whole("to", 0) not in _TYPES:
        raise _NotAllowedError("Cast makes something else than numbers")
    return _same(known)


def _broadcast(known: _Known) -> _Result:
    shape = _broadcast_shape(known.shapes)
    return _Result((shape,), math.prod(shape) * len(known.shapes))


def _broadcast_shape(shapes: Sequence[Shape]) -> Shape:
    rank = max(len(shape) for shape in shapes)
    padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    return tuple(max(sizes) for sizes in zip(*padded, strict=True))


def _matmul(known: _Known) -> _Result:
    first, second = known.shapes[0], known.shapes[1]
    left = first if len(first) > 1 else (1, *first)
    right = second if len(second) > 1 else (*second, 1)
    shape = (*_broadcast_shape((left[:-2], right[:-2])), left[-2], right[-1])
    return _Result((shape,), math.prod(shape) * max(left[-1], right[-2]))


def _gemm(known: _Known) -> _Result:
    first, second = known.shapes[0], known.shapes[1]
    rows, inner = first if not known.whole("transA", 0) else (first[1], first[0])
    transposed = known.whole("transB", 0)
    columns = second[0] if transposed else second[1]
    return _Result(((rows, columns),), rows * columns * max(inner, second[1] if transposed else second[0]))


def _concat(known: _Known) -> _Result:
    axis = known.whole("axis", 0) % len(known.shapes[0])
    shape = [max(sizes) for sizes in zip(*known.shapes, strict=True)]
    shape[axis] = sum(each[axis] for each in known.shapes)
    return _Result((tuple(shape),), math.prod(shape))


def _reshape(known: _Known) -> _Result:
    wanted = known.wholes("shape", 1)
    if wanted is None:
        raise _NotAllowedError("Reshape has no shape")
    given = known.shapes[0]
    shape = [given[at] if size == 0 else size for at, size in enumerate(wanted)]
    fixed = math.prod(size for size in shape if size != -1)
    size = math.prod(given)
    return _Result((tuple(-(-size // max(fixed, 1)) if each == -1 else each for each in shape),), size)


def _flatten(known: _Known) -> _Result:
    shape = known.shapes[0]
    axis = known.whole("axis", 1)
    axis = axis + len(shape) if axis < 0 else axis
    return _Result(((math.prod(shape[:axis]), math.prod(shape[axis:])),), math.prod(shape))


def _transpose(known: _Known) -> _Result:
    shape = known.shapes[0]
    order = known.wholes("perm", len(known.constants)) or tuple(reversed(range(len(shape))))
    return _Result((tuple(shape[at] for at in order),), math.prod(shape))


def _squeeze(known: _Known) -> _Result:
    shape, axes = known.shapes[0], known.wholes("axes", 1)
    if axes is None:
        raise _NotAllowedError("Squeeze does not say which axes: the number of rows would decide")
    gone = {axis % len(shape) for axis in axes}
    return _Result((tuple(size for at, size in enumerate(shape) if at not in gone),), math.prod(shape))


def _unsqueeze(known: _Known) -> _Result:
    shape, axes = list(known.shapes[0]), known.wholes("axes", 1) or ()
    rank = len(shape) + len(axes)
    for axis in sorted(axis % rank for axis in axes):
        shape.insert(axis, 1)
    return _Result((tuple(shape),), math.prod(shape))


def _reduce(known: _Known) -> _Result:
    shape, axes = known.shapes[0], known.wholes("axes", 1)
    if not axes and known.whole("noop_with_empty_axes", 0):
        return _same(known)
    gone = set(range(len(shape))) if not axes else {axis % len(shape) for axis in axes}
    return _reduced(known, shape, gone)


def _reduce_one(known: _Known) -> _Result:
    shape = known.shapes[0]
    return _reduced(known, shape, {known.whole("axis", 0) % len(shape)})


def _reduced(known: _Known, shape: Shape, gone: set[int]) -> _Result:
    keep = known.whole("keepdims", 1)
    left = (1 if at in gone else size for at, size in enumerate(shape) if keep or at not in gone)
    return _Result((tuple(left),), math.prod(shape))


def _gather(known: _Known) -> _Result:
    shape, axis = known.shapes[0], known.whole("axis", 0) % len(known.shapes[0])
    taken = (*shape[:axis], *known.shapes[1], *shape[axis + 1 :])
    return _Result((taken,), math.prod(taken))


def _features(known: _Known) -> _Result:
    taken = (*known.shapes[0][:-1], math.prod(known.shapes[1]))
    return _Result((taken,), math.prod(taken))


def _constant(known: _Known) -> _Result:
    (name, attribute), *others = known.node.attributes.items()
    if others:
        raise _NotAllowedError("Constant has several values")
    if attribute.tensor is not None:
        return _Result((attribute.tensor.dims,))
    if name in {"value_ints", "value_floats"}:
        return _Result(((max(len(attribute.wholes), attribute.floats),),))
    if name in {"value_int", "value_float"}:
        return _Result(((),))
    raise _NotAllowedError(f"Constant has a {name}")


def _linear(known: _Known) -> _Result:
    rows, columns = known.shapes[0][0], max(known.whole("targets", 1), 1)
    return _Result(((rows, columns),), rows * columns * math.prod(known.shapes[0][1:]))


def _vectors(known: _Known) -> _Result:
    rows = known.shapes[0][0]
    kept = max((attribute.floats for attribute in known.node.attributes.values()), default=0)
    return _Result(((rows, 1),), rows * kept)


def _trees(known: _Known) -> _Result:
    steps = _checked_trees(known)
    rows, columns = known.shapes[0][0], max(known.whole("n_targets", 1), 1)
    return _Result(((rows, columns),), rows * steps)


def _tree_classes(known: _Known) -> _Result:
    steps, rows = _checked_trees(known), known.shapes[0][0]
    labels = known.node.attributes.get("classlabels_int64s")
    if labels is None:
        raise _NotAllowedError("its classes are not numbers")
    return _Result(((rows,), (rows, max(2, len(labels.wholes)))), rows * steps)


def _checked_trees(known: _Known) -> int:
    """Return how many steps a row takes at most; raises where a path through a tree does not end, or is too deep."""
    lists = [known.node.attributes[f"nodes_{name}"].wholes for name in
             ("treeids", "nodeids", "truenodeids", "falsenodeids")]  # fmt: skip
    modes = known.node.attributes["nodes_modes"].texts
    if len({len(each) for each in (*lists, modes)}) != 1:
        raise _NotAllowedError("its trees' lists are not of one length")
    following: dict[tuple[int, int], tuple[tuple[int, int], ...]] = {}
    for tree, node, on_true, on_false, mode in zip(*lists, modes, strict=True):
        if (tree, node) in following:
            raise _NotAllowedError(f"node {node} of tree {tree} stands twice")
        following[tree, node] = () if mode == "LEAF" else ((tree, on_true), (tree, on_false))
    deepest: dict[int, int] = {}
    for (tree, _node), depth in _depths(following).items():
        deepest[tree] = max(depth, deepest.get(tree, 0))
        if depth > DEEPEST_TREE:
            raise _NotAllowedError(f"tree {tree} is deeper than {DEEPEST_TREE}")
    return sum(deepest.values())


def _depths(following: Mapping[tuple[int, int], tuple[tuple[int, int], ...]]) -> dict[tuple[int, int], int]:
    """Return by node how long the longest path from it is.

    Raises where one goes in a ring or leads nowhere: the runtime follows it without counting.
    """
    depth: dict[tuple[int, int], int] = {}  # of what has been followed to its leaves
    for node in sorted(following, reverse=True):  # most trees are numbered from the root: their leaves come first
        if all(each in depth for each in following[node]):
            depth[node] = 1 + max((depth[each] for each in following[node]), default=0)
    for start in following:
        path, under_way = [] if start in depth else [start], set[tuple[int, int]]()
        while path:
            node = path[-1]
            if node not in following:
                raise _NotAllowedError(f"a branch of tree {node[0]} leads to node {node[1]}, which is not there")
            open_ones = [each for each in following[node] if each not in depth]
            if open_ones and node not in under_way:
                under_way.add(node)
                if not under_way.isdisjoint(open_ones):
                    raise _NotAllowedError(f"tree {node[0]} leads back to where it was")
                path += open_ones
                continue
            if open_ones:
                raise _NotAllowedError(f"tree {node[0]} leads back to where it was")
            depth[node] = 1 + max((depth[each] for each in following[node]), default=0)
            under_way.discard(node)
            path.pop()
    return depth


_ML = "ai.onnx.ml."
_ELEMENTWISE = (
    "Abs Acos Asin Atan Ceil Clip Cos Cosh Elu Erf Exp Floor HardSigmoid Identity IsInf IsNaN LeakyRelu Log "
    "LogSoftmax Neg Not Reciprocal Relu Round Selu Sigmoid Sign Sin Sinh Softmax Softplus Softsign Sqrt Tan Tanh "
    "ThresholdedRelu BatchNormalization Slice Split CumSum"  # the last ones give no more than they take
)
_BROADCASTING = (
    "Add And Div Equal Greater GreaterOrEqual Less LessOrEqual Max Mean Min Mod Mul Or PRelu Pow Sub Sum Where Xor"
)
_REDUCING = (
    "ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare"
)
OPERATORS: Mapping[str, Callable[[_Known], _Result]] = {
    **dict.fromkeys(_ELEMENTWISE.split(), _same),
    **dict.fromkeys(_BROADCASTING.split(), _broadcast),
    **dict.fromkeys(_REDUCING.split(), _reduce),
    "ArgMax": _reduce_one,
    "ArgMin": _reduce_one,
    "Cast": _cast,
    "Concat": _concat,
    "Constant": _constant,
    "Flatten": _flatten,
    "Gather": _gather,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Reshape": _reshape,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
    **dict.fromkeys((f"{_ML}{name}" for name in ("Binarizer", "Imputer", "Normalizer", "Scaler")), _same),
    f"{_ML}ArrayFeatureExtractor": _features,
    f"{_ML}LinearRegressor": _linear,
    f"{_ML}SVMRegressor": _vectors,
    f"{_ML}TreeEnsembleClassifier": _tree_classes,
    f"{_ML}TreeEnsembleRegressor": _trees,
}
