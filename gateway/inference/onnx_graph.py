"""A model's graph read out of ``model.onnx``, without a library that would run or load anything. Pure.

Source: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto (the field numbers).
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from gateway.inference.protobuf import Message, NotProtobufError

Named = TypeVar("Named")

INT32, INT64 = 6, 7  # of onnx.TensorProto.DataType
_MOST_READ_NUMBERS = 64  # of a tensor whose values decide on shapes: axes, shapes, slices


@dataclass(frozen=True, kw_only=True, slots=True)
class Tensor:
    """A constant: its shape, its type, its values where they are few whole numbers, whether they are elsewhere."""

    dims: tuple[int, ...]
    data_type: int
    values: tuple[int, ...] | None = None
    external: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Attribute:
    """A node's attribute; ``subgraph``: whether it carries a graph of its own; ``odd``: anything else unexpected."""

    whole: int = 0
    wholes: tuple[int, ...] = ()
    texts: tuple[str, ...] = ()
    tensor: Tensor | None = None
    floats: int = 0  # how many
    subgraph: bool = False
    odd: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One operator at work."""

    op_type: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Graph:
    """The whole of what a model computes.

    ``inputs``: by name, their dimensions, None where one is left open. ``odd``: what stands in the file besides.
    """

    nodes: tuple[Node, ...]
    constants: Mapping[str, Tensor]
    inputs: Mapping[str, tuple[int | None, ...] | None]
    outputs: tuple[str, ...]
    odd: tuple[str, ...] = ()


def read_graph(model: bytes) -> Graph:
    """Return the graph in the bytes of a model; raises NotProtobufError where they are none."""
    whole = Message(model)
    if not whole.has(7):
        raise NotProtobufError("there is no graph in it")
    graph = whole.message(7)
    odd = [name for number, name in ((20, "training steps"), (25, "functions of its own")) if whole.has(number)]
    if graph.has(15):
        odd.append("sparse constants")
    constants = _by_name([(tensor.text(8), _tensor(tensor)) for tensor in graph.messages(5)])
    return Graph(
        nodes=tuple(_node(node) for node in graph.messages(1)),
        constants=constants,
        inputs={value.text(1): _dims(value) for value in graph.messages(11) if value.text(1) not in constants},
        outputs=tuple(value.text(1) for value in graph.messages(12)),
        odd=tuple(odd),
    )


def _by_name(named: list[tuple[str, Named]]) -> dict[str, Named]:
    """Return items by name; raises NotProtobufError if a name occurs twice, as it is open which counts."""
    by_name = dict(named)
    if len(by_name) != len(named):
        raise NotProtobufError("two of its parts have the same name")
    return by_name


def _node(message: Message) -> Node:
    return Node(
        op_type=message.text(4),
        domain=message.text(7),
        inputs=tuple(message.texts(1)),
        outputs=tuple(message.texts(2)),
        attributes=_by_name([(attribute.text(1), _attribute(attribute)) for attribute in message.messages(5)]),
    )


def _attribute(message: Message) -> Attribute:
    return Attribute(
        whole=message.whole(3),
        wholes=tuple(message.wholes(8)),
        texts=tuple(message.texts(9)),
        tensor=_tensor(message.message(5)) if message.has(5) else None,
        floats=message.size(7) // 4,
        subgraph=message.has(6) or message.has(11),
        odd=any(message.has(number) for number in (10, 14, 15, 21, 22, 23)),
    )


def _tensor(message: Message) -> Tensor:
    dims, data_type = tuple(message.wholes(1)), message.whole(2)
    return Tensor(
        dims=dims,
        data_type=data_type,
        values=_values(message, dims, data_type),
        external=message.has(13) or message.whole(14) != 0 or message.has(3),
    )


def _values(message: Message, dims: tuple[int, ...], data_type: int) -> tuple[int, ...] | None:
    """Return a tensor's values where they are few whole numbers, else None."""
    if data_type not in {INT32, INT64} or len(dims) > 1 or (dims and not 0 <= dims[0] <= _MOST_READ_NUMBERS):
        return None
    if message.has(9):
        raw, (width, letter) = message.data(9), (8, "q") if data_type == INT64 else (4, "i")
        count = len(raw) // width
        return struct.unpack(f"<{count}{letter}", raw[: count * width]) if count <= _MOST_READ_NUMBERS else None
    listed = message.wholes(7 if data_type == INT64 else 5)
    return tuple(listed) if len(listed) <= _MOST_READ_NUMBERS else None


def _dims(value_info: Message) -> tuple[int | None, ...] | None:
    """Return the dimensions of an input, None for each that is left open; None if its shape is not stated."""
    tensor = value_info.message(2).message(1)
    if not tensor.has(2):
        return None
    return tuple(dim.whole(1) if dim.has(1) else None for dim in tensor.message(2).messages(1))
