"""What each known operator gives: the largest shape of its result, and the work. Pure."""

import math
from collections.abc import Callable, Mapping, Sequence

from gateway.inference.onnx_operator_inputs import NUMBER_TYPES, KnownInputs, NotAllowedError, OperatorResult, Shape
from gateway.inference.tree_limits import steps_of_trees


def _same(known: KnownInputs) -> OperatorResult:
    return OperatorResult((known.shapes[0],) * len(known.node.outputs), math.prod(known.shapes[0]))


def _cast(known: KnownInputs) -> OperatorResult:
    if known.whole("to", 0) not in NUMBER_TYPES:
        raise NotAllowedError("Cast makes something else than numbers")
    return _same(known)


def _broadcast(known: KnownInputs) -> OperatorResult:
    shape = _broadcast_shape(known.shapes)
    return OperatorResult((shape,), math.prod(shape) * len(known.shapes))


def _broadcast_shape(shapes: Sequence[Shape]) -> Shape:
    rank = max(len(shape) for shape in shapes)
    padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    return tuple(max(sizes) for sizes in zip(*padded, strict=True))


def _matmul(known: KnownInputs) -> OperatorResult:
    first, second = known.shapes[0], known.shapes[1]
    left = first if len(first) > 1 else (1, *first)
    right = second if len(second) > 1 else (*second, 1)
    shape = (*_broadcast_shape((left[:-2], right[:-2])), left[-2], right[-1])
    return OperatorResult((shape,), math.prod(shape) * max(left[-1], right[-2]))


def _gemm(known: KnownInputs) -> OperatorResult:
    first, second = known.shapes[0], known.shapes[1]
    rows, inner = first if not known.whole("transA", 0) else (first[1], first[0])
    transposed = known.whole("transB", 0)
    columns = second[0] if transposed else second[1]
    return OperatorResult(((rows, columns),), rows * columns * max(inner, second[1] if transposed else second[0]))


def _concat(known: KnownInputs) -> OperatorResult:
    axis = known.whole("axis", 0) % len(known.shapes[0])
    shape = [max(sizes) for sizes in zip(*known.shapes, strict=True)]
    shape[axis] = sum(shape[axis] for shape in known.shapes)
    return OperatorResult((tuple(shape),), math.prod(shape))


def _reshape(known: KnownInputs) -> OperatorResult:
    requested = known.wholes("shape", 1)
    if requested is None:
        raise NotAllowedError("Reshape has no shape")
    input_shape = known.shapes[0]
    shape = [input_shape[at] if size == 0 else size for at, size in enumerate(requested)]
    fixed = math.prod(size for size in shape if size != -1)
    size = math.prod(input_shape)
    return OperatorResult((tuple(-(-size // max(fixed, 1)) if length == -1 else length for length in shape),), size)


def _flatten(known: KnownInputs) -> OperatorResult:
    shape = known.shapes[0]
    axis = known.whole("axis", 1)
    axis = axis + len(shape) if axis < 0 else axis
    return OperatorResult(((math.prod(shape[:axis]), math.prod(shape[axis:])),), math.prod(shape))


def _transpose(known: KnownInputs) -> OperatorResult:
    shape = known.shapes[0]
    order = known.wholes("perm", len(known.constants)) or tuple(reversed(range(len(shape))))
    return OperatorResult((tuple(shape[at] for at in order),), math.prod(shape))


def _squeeze(known: KnownInputs) -> OperatorResult:
    shape, axes = known.shapes[0], known.wholes("axes", 1)
    if axes is None:
        raise NotAllowedError("Squeeze does not say which axes: the number of rows would decide")
    gone = {axis % len(shape) for axis in axes}
    return OperatorResult((tuple(size for at, size in enumerate(shape) if at not in gone),), math.prod(shape))


def _unsqueeze(known: KnownInputs) -> OperatorResult:
    shape, axes = list(known.shapes[0]), known.wholes("axes", 1) or ()
    rank = len(shape) + len(axes)
    for axis in sorted(axis % rank for axis in axes):
        shape.insert(axis, 1)
    return OperatorResult((tuple(shape),), math.prod(shape))


def _reduce(known: KnownInputs) -> OperatorResult:
    shape, axes = known.shapes[0], known.wholes("axes", 1)
    if not axes and known.whole("noop_with_empty_axes", 0):
        return _same(known)
    gone = set(range(len(shape))) if not axes else {axis % len(shape) for axis in axes}
    return _reduced(known, shape, gone)


def _reduce_one(known: KnownInputs) -> OperatorResult:
    shape = known.shapes[0]
    return _reduced(known, shape, {known.whole("axis", 0) % len(shape)})


def _reduced(known: KnownInputs, shape: Shape, gone: set[int]) -> OperatorResult:
    keep = known.whole("keepdims", 1)
    left = (1 if at in gone else size for at, size in enumerate(shape) if keep or at not in gone)
    return OperatorResult((tuple(left),), math.prod(shape))


def _gather(known: KnownInputs) -> OperatorResult:
    shape, axis = known.shapes[0], known.whole("axis", 0) % len(known.shapes[0])
    taken = (*shape[:axis], *known.shapes[1], *shape[axis + 1 :])
    return OperatorResult((taken,), math.prod(taken))


def _features(known: KnownInputs) -> OperatorResult:
    taken = (*known.shapes[0][:-1], math.prod(known.shapes[1]))
    return OperatorResult((taken,), math.prod(taken))


def _constant(known: KnownInputs) -> OperatorResult:
    (name, attribute), *others = known.node.attributes.items()
    if others:
        raise NotAllowedError("Constant has several values")
    if attribute.tensor is not None:
        return OperatorResult((attribute.tensor.dims,))
    if name in {"value_ints", "value_floats"}:
        return OperatorResult(((max(len(attribute.wholes), attribute.floats),),))
    if name in {"value_int", "value_float"}:
        return OperatorResult(((),))
    raise NotAllowedError(f"Constant has a {name}")


def _linear(known: KnownInputs) -> OperatorResult:
    rows, columns = known.shapes[0][0], max(known.whole("targets", 1), 1)
    return OperatorResult(((rows, columns),), rows * columns * math.prod(known.shapes[0][1:]))


def _vectors(known: KnownInputs) -> OperatorResult:
    rows = known.shapes[0][0]
    kept = max((attribute.floats for attribute in known.node.attributes.values()), default=0)
    return OperatorResult(((rows, 1),), rows * kept)


def _trees(known: KnownInputs) -> OperatorResult:
    steps = steps_of_trees(known)
    rows, columns = known.shapes[0][0], max(known.whole("n_targets", 1), 1)
    return OperatorResult(((rows, columns),), rows * steps)


def _tree_classes(known: KnownInputs) -> OperatorResult:
    steps, rows = steps_of_trees(known), known.shapes[0][0]
    labels = known.node.attributes.get("classlabels_int64s")
    if labels is None:
        raise NotAllowedError("its classes are not numbers")
    return OperatorResult(((rows,), (rows, max(2, len(labels.wholes)))), rows * steps)


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
OPERATORS: Mapping[str, Callable[[KnownInputs], OperatorResult]] = {
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
