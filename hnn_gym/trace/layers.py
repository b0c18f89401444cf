"""A layer of a network as one array, computed as a whole: scale * node + offset, with constants for the two.

They are folded into the next matrix where that can be: (a + b h) W = a W + h (b W). So the gradient of a layer,
g - g h^2 with a constant g, costs one square.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hnn_gym.trace.arrays import WIDE, Traced, constant
from hnn_gym.trace.nodes import Constant, Node, NotTraceable


def product(entries: np.ndarray, matrix: np.ndarray) -> Wide:
    """The product of an object array of nodes ``(*lead, k)`` and a constant matrix ``(k, width)``."""
    scalars = tuple(entries.ravel().tolist())
    graph = next((s.graph for s in scalars if isinstance(s, Node)), None)
    if graph is None:
        raise NotTraceable("a product of constants")
    shape = (len(scalars) // len(matrix), matrix.shape[1])
    node = graph.node("linear", scalars, Constant(matrix), Constant(np.zeros(shape[1])), shape=shape)
    return Wide(node, entries.shape[:-1])


class Wide:
    """scale * node + offset, ``(*lead, width)``, with scale and offset constants ``(width,)`` or ``(rows, width)``."""

    __array_ufunc__ = None

    def __init__(self, node: Node, lead: tuple[int, ...], scale: Any = 1.0, offset: Any = 0.0) -> None:
        """Hold a wide node whose rows are those of ``lead``."""
        self.node, self.lead, self.scale, self.offset = node, lead, scale, offset

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape, without batch axes."""
        return (*self.lead, self.node.shape[1])

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        from hnn_gym.trace import library  # which is about these arrays

        return library.LIBRARY

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise NotTraceable("the function asks for values")

    def narrow(self) -> Traced:
        """The same, number by number."""
        return items(self.materialised(), self.lead)

    def __getitem__(self, index: Any) -> Traced:
        return self.narrow()[index]

    def _like(self, value: Any) -> Any:
        """A constant as a row ``(width,)`` where all rows are the same, else ``(rows, width)``."""
        try:
            rows = np.broadcast_to(constant(value), self.shape).reshape(self.node.shape)
        except ValueError:
            raise NotTraceable("a wide array of another shape") from None
        return rows[0] if (rows == rows[0]).all() else rows

    def materialised(self) -> Node:
        """The node of scale * node + offset."""
        scale, offset = self._like(self.scale), self._like(self.offset)
        if (scale == 1.0).all() and (offset == 0.0).all():
            return self.node
        if self.node.op in ("linear", "matmul") and scale.ndim == offset.ndim == 1:
            read, matrix, bias = self.node.args
            folded = Constant(matrix.array * scale), Constant(bias.array * scale + offset)
            return self.node.graph.node(self.node.op, read, *folded, shape=self.node.shape)
        return self.node.graph.node("affine", self.node, Constant(scale), Constant(offset), shape=self.node.shape)

    def each(self, op: str) -> Wide:
        """A function of every entry."""
        return Wide(self.node.graph.node(op, self.materialised(), shape=self.node.shape), self.lead)

    def __add__(self, other: Any) -> Any:
        if isinstance(other, Wide):
            if other.node is self.node:
                return Wide(self.node, self.lead, self.scale + other.scale, self.offset + other.offset)
            return self._combined("add", other)
        if isinstance(other, Traced):
            return self.narrow() + other
        return Wide(self.node, self.lead, self.scale, self._like(other) + self.offset)

    def __sub__(self, other: Any) -> Any:
        if isinstance(other, Wide) and other.node is not self.node:
            return self._combined("sub", other)
        return self + -other

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __neg__(self) -> Wide:
        return Wide(self.node, self.lead, -1 * self.scale, -1 * self.offset)

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, Wide):
            if np.all(np.equal(self.offset, 0.0)) and np.all(np.equal(other.offset, 0.0)):
                product = self.node.graph.node("mul", self.node, other.node, shape=self.node.shape)
                return Wide(product, self.lead, self.scale * other.scale)
            return self._combined("mul", other)
        if isinstance(other, Traced):
            return self.narrow() * other
        factor = self._like(other)
        return Wide(self.node, self.lead, self.scale * factor, self.offset * factor)

    __radd__, __rmul__ = __add__, __mul__

    def __truediv__(self, other: Any) -> Any:
        if isinstance(other, Traced):
            return self.narrow() / other
        return self * (1.0 / constant(other))

    def __matmul__(self, matrix: Any) -> Any:
        matrix = constant(matrix)
        scale = self._like(self.scale)
        if scale.ndim == 1:
            node, folded, offset = self.node, scale[:, None] * matrix, self._like(self.offset) @ matrix
        else:
            node, folded, offset = self.materialised(), matrix, np.zeros(matrix.shape[1])
        shape = (node.shape[0], matrix.shape[1])
        several = offset.ndim > 1  # one for every row
        bias = np.zeros(shape[1]) if several else offset
        product = node.graph.node("matmul", node, Constant(folded), Constant(bias), shape=shape)
        if shape[1] >= WIDE:
            return Wide(product, self.lead, 1.0, offset if several else 0.0)
        told = items(product, self.lead)
        return told + offset.reshape(told.shape) if several else told

    def _combined(self, op: str, other: Wide) -> Wide:
        if other.shape != self.shape:
            raise NotTraceable("wide arrays of two shapes")
        node = self.node.graph.node(op, self.materialised(), other.materialised(), shape=self.node.shape)
        return Wide(node, self.lead)


def items(node: Node, lead: tuple[int, ...]) -> Traced:
    """The entries of a wide node, ``(*lead, width)``."""
    entries = np.empty(node.shape, object)
    for i, row in enumerate(entries):
        row[:] = [node.graph.node("item", node, i, j) for j in range(node.shape[1])]
    return Traced(entries.reshape(*lead, node.shape[1]))


def scaled(entries: np.ndarray, factor: Any) -> Traced | None:
    """The entries times a constant, where they are a layer's whole product with a narrow matrix: the matrix takes it.

    None where they are anything else.
    """
    if not isinstance(factor, int | float | np.ndarray):
        return None
    parts = list(entries.flat)
    product = parts[0].args[0] if parts and isinstance(parts[0], Node) and parts[0].op == "item" else None
    if product is None or product.shape != (1, len(parts)):
        return None
    if any(part is not product.graph.find("item", product, 0, j) for j, part in enumerate(parts)):
        return None
    columns = np.broadcast_to(constant(factor), entries.shape).ravel()
    read, matrix, bias = product.args
    folded = Constant(matrix.array * columns), Constant(bias.array * columns)
    after = product.graph.node(product.op, read, *folded, shape=product.shape)
    return Traced(items(after, ()).entries.reshape(entries.shape))
