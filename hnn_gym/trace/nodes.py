"""The graph of a traced function: every node is one number, or the rows of a layer, computed from earlier nodes.

Equal expressions are one node, so that a value which two parts of a step share (the sine of an angle, a force) is
computed once. Arithmetic on nodes makes nodes; arithmetic on constants is done immediately.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Mapping
from typing import Any

import numpy as np

MOST_NODES = 12000
"""A larger graph takes too long to compile, and its pages and files would be too large."""

BOOLEAN = frozenset({"lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not"})


class NotTraceable(Exception):  # noqa: N818 (not an error: the untraced function is used instead)
    """The traced function needs values, or an operation that tracing does not support."""


class Constant:
    """An array that does not depend on the inputs, compared by its content."""

    def __init__(self, array: Any) -> None:
        """Hold float64 ``array``."""
        self.array = np.ascontiguousarray(array, dtype=np.float64)
        self._key = (self.array.shape, self.array.tobytes())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Constant) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


class Graph:
    """Nodes in an order in which they can be computed."""

    def __init__(self) -> None:
        """Start empty."""
        self.nodes: list[Node] = []
        self._known: dict[Any, Node] = {}

    def node(self, op: str, *args: Any, shape: tuple[int, ...] = ()) -> Node:
        """Return the node of an operation on nodes and constants, made if necessary.

        Args:
            op: name of the operation.
            args: nodes and constants.
            shape: (rows, width) of a layer, () of a number.

        Raises:
            NotTraceable: the graph grows too large.
        """
        key = _key(op, args)
        found = self._known.get(key)
        if found is None:
            if len(self.nodes) >= MOST_NODES:
                raise NotTraceable(f"more than {MOST_NODES} nodes")
            found = self._known[key] = Node(self, op, args, len(self.nodes), shape)
            self.nodes.append(found)
        return found

    def find(self, op: str, *args: Any) -> Node | None:
        """Return the node of an operation, or None if the graph has none."""
        return self._known.get(_key(op, args))

    def moved(self, node: Node, image: Mapping[int, Node]) -> Node | None:
        """Return the node of the same operation on the images of all arguments, or None if the graph has none.

        Args:
            node: the operation.
            image: nodes by the number of the node that they replace.
        """

        def move(arg: Any) -> Any:
            if isinstance(arg, tuple):
                return tuple(move(entry) for entry in arg)
            return image[arg.number] if isinstance(arg, Node) else arg

        if not all(parent.number in image for parent in node.parents):
            return None
        return self.find(node.op, *map(move, node.args))

    def alike(self, a: Any, b: Any, old: Node, new: Node) -> bool:
        """Return whether ``b`` is computed from ``new`` exactly as ``a`` is computed from ``old``."""
        if not isinstance(a, Node) or not isinstance(b, Node):
            return False
        image = {old.number: new}
        for node in needed([a], image):
            if node.number not in image:
                inside = {parent.number: image.get(parent.number, parent) for parent in node.parents}
                after = self.moved(node, inside) if node.parents else node
                if after is None:
                    return False
                image[node.number] = after
        return image[a.number] is b


def _key(op: str, args: tuple[Any, ...]) -> Any:
    if op in ("add", "mul") and all(isinstance(arg, Node) for arg in args):
        args = tuple(sorted(args, key=lambda node: node.number))
    # 0.0 and -0.0, or 1.0 and True, are equal but not the same constant.
    return op, tuple((type(arg), repr(arg)) if isinstance(arg, float | bool) else arg for arg in args)


class Node:
    """An operation with its arguments: nodes, floats, bools, :class:`Constant`, or tuples of nodes and floats."""

    __slots__ = ("args", "graph", "number", "op", "shape")

    def __init__(self, graph: Graph, op: str, args: tuple[Any, ...], number: int, shape: tuple[int, ...]) -> None:
        """Only :meth:`Graph.node` makes nodes."""
        self.graph, self.op, self.args, self.number, self.shape = graph, op, args, number, shape

    @property
    def boolean(self) -> bool:
        """Whether its values are truth values."""
        return self.op in BOOLEAN

    @property
    def parents(self) -> list[Node]:
        """The nodes that it is computed from."""
        flat: list[Any] = []
        for arg in self.args:
            flat += arg if isinstance(arg, tuple) else (arg,)
        return [arg for arg in flat if isinstance(arg, Node)]

    def __bool__(self) -> bool:
        raise NotTraceable("the function branches on a value")

    def __float__(self) -> float:
        raise NotTraceable("the function asks for a value")

    def __add__(self, other: Any) -> Any:
        if isinstance(other, Node):
            for a, b in ((self, other), (other, self)):
                if b.op == "neg":
                    return a - b.args[0]
        return self if _is(other, 0.0) else _binary("add", self, other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        if isinstance(other, Node):
            if other.op == "neg":
                return self + other.args[0]
            if other is self:
                return 0.0
            # The separation of two bodies, seen from the other body.
            if (opposite := self.graph.find("sub", other, self)) is not None:
                return -opposite
        if self.op == "mod" and isinstance(self.args[0], Node) and self.args[0].op == "add":
            angle, half = self.args[0].args
            if isinstance(half, float) and _is(other, half) and _is(self.args[1], 2 * half):
                return self.graph.node("wrap", angle, half)
        return self if _is(other, 0.0) else _binary("sub", self, other)

    def __rsub__(self, other: Any) -> Any:
        return -self if _is(other, 0.0) else _binary("sub", other, self)

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, Node):
            signs = [node.op == "neg" for node in (self, other)]
            a, b = (node.args[0] if sign else node for node, sign in zip((self, other), signs, strict=True))
            product = _binary("mul", a, b)
            return -product if signs[0] != signs[1] else product
        if _is(other, 0.0):
            return 0.0
        return self if _is(other, 1.0) else -self if _is(other, -1.0) else _binary("mul", self, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        if self.op == "div" and isinstance(self.args[1], float) and _is_power_of_two(other):
            return self.args[0] / (self.args[1] * float(other))  # to the bit
        return self if _is(other, 1.0) else _binary("div", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _binary("div", other, self)

    def __mod__(self, other: Any) -> Any:
        return _binary("mod", self, other)

    def __pow__(self, exponent: Any) -> Any:
        if _is(exponent, 2.0):
            return self * self
        if _is(exponent, 0.5):
            return self.graph.node("sqrt", self)
        if _is(exponent, 1.5):
            return self * self.graph.node("sqrt", self)
        return _binary("pow", self, exponent)

    def __neg__(self) -> Any:
        return self.args[0] if self.op == "neg" else self.graph.node("neg", self)

    def __abs__(self) -> Any:
        return self.graph.node("abs", self)

    def __invert__(self) -> Any:
        return self.graph.node("not", self)

    def __and__(self, other: Any) -> Any:
        return _binary("and", self, other)

    def __or__(self, other: Any) -> Any:
        return _binary("or", self, other)

    __rand__, __ror__ = __and__, __or__

    def __lt__(self, other: Any) -> Any:
        return _binary("lt", self, other)

    def __le__(self, other: Any) -> Any:
        return _binary("le", self, other)

    def __gt__(self, other: Any) -> Any:
        return _binary("gt", self, other)

    def __ge__(self, other: Any) -> Any:
        return _binary("ge", self, other)


def needed(results: Iterable[Node], leaves: Container[int]) -> list[Node]:
    """Return the nodes that the results depend on, in order; the search stops at the nodes numbered in ``leaves``."""
    found: dict[int, Node] = {}
    pending = list(results)
    while pending:
        node = pending.pop()
        if node.number not in found:
            found[node.number] = node
            if node.number not in leaves:
                pending += node.parents
    return [found[number] for number in sorted(found)]


def _is(value: Any, number: float) -> bool:
    return not isinstance(value, Node | bool) and isinstance(value, int | float) and value == number


def _is_power_of_two(value: Any) -> bool:
    return not isinstance(value, Node | bool) and isinstance(value, int | float) and math.frexp(value)[0] == 0.5


def _binary(op: str, a: Any, b: Any) -> Any:
    """Return the node of an operation on two numbers, at least one of which is a node."""
    graph = a.graph if isinstance(a, Node) else b.graph
    return graph.node(op, _number(a), _number(b))


def _number(value: Any) -> Any:
    if isinstance(value, Node | bool):
        return value
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, int | float | np.number):
        return float(value)
    raise NotTraceable(f"arithmetic with a value of type {type(value).__name__}")
