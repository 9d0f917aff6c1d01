"""The inputs of an operator, as far as they are known, and its result. Pure."""

from typing import NamedTuple

from gateway.inference.onnx_graph import Node, Tensor

NUMBER_TYPES = frozenset({1, 6, 7, 9, 10, 11})  # float, int32, int64, bool, float16, double
Shape = tuple[int, ...]


class OperatorResult(NamedTuple):
    """The largest shapes that an operator gives, and its multiplications."""

    shapes: tuple[Shape, ...]
    work: int = 0


class NotAllowedError(Exception):
    """Why a node may not stand in a model."""


class KnownInputs(NamedTuple):
    """What is known when a node's turn comes."""

    node: Node
    shapes: tuple[Shape, ...]  # of its inputs
    constants: tuple[Tensor | None, ...]  # its inputs, where they are constants

    def whole(self, name: str, default: int) -> int:
        """Return a whole number that stands in an attribute, or the default."""
        attribute = self.node.attributes.get(name)
        return default if attribute is None else attribute.whole

    def wholes(self, name: str, at: int) -> tuple[int, ...] | None:
        """Return whole numbers that stand in an attribute, or in newer versions in a constant input; None: nowhere."""
        if name in self.node.attributes:
            return self.node.attributes[name].wholes
        if at >= len(self.constants) or self.node.inputs[at] == "":
            return None
        constant = self.constants[at]
        if constant is None or constant.values is None:
            raise NotAllowedError(f"its {name} is computed, not constant")
        return constant.values
