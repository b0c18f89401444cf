"""A layer of a network as one array, computed as a whole: scale * node + offset, with constants for the two.

Scale and offset are folded into the next matrix where possible: (a + b h) W = a W + h (b W). So the gradient of a
layer, g - g h^2 with a constant g, costs one square.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hnn_gym.trace.entries import objects
from hnn_gym.trace.nodes import Constant, Node, NotTraceable

WIDE = 8
"""From this number of columns on, the product with a dense constant matrix is a layer."""


def product(entries: np.ndarray, matrix: np.ndarray) -> Layer | np.ndarray:
    """Multiply an object array ``(*lead, k)`` by a constant matrix ``(k, width)``.

    Returns:
        A layer where the matrix is wide and dense, otherwise an object array ``(*lead, width)``.
    """
    dense = matrix.ndim == 2 and matrix.shape[1] >= WIDE and 2 * np.count_nonzero(matrix) >= matrix.size
    scalars = tuple(entries.ravel().tolist())
    graph = next((s.graph for s in scalars if isinstance(s, Node)), None)
    if not dense or graph is None or entries.ndim < 1:
        return objects(entries @ matrix.astype(object))
    shape = (len(scalars) // len(matrix), matrix.shape[1])
    node = graph.node("linear", scalars, Constant(matrix), Constant(np.zeros(shape[1])), shape=shape)
    return Layer(node, entries.shape[:-1])


class Layer:
    """scale * node + offset, ``(*lead, width)``, with scale and offset constants ``(width,)`` or ``(rows, width)``."""

    def __init__(self, node: Node, lead: tuple[int, ...], scale: Any = 1.0, offset: Any = 0.0) -> None:
        """Hold a node whose rows are those of ``lead``."""
        self.node, self.lead, self.scale, self.offset = node, lead, scale, offset

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape, without batch axes."""
        return (*self.lead, self.node.shape[1])

    @property
    def entries(self) -> np.ndarray:
        """The same as an object array ``(*lead, width)`` of single numbers."""
        return _items(self._whole(), self.lead)

    def each(self, op: str) -> Layer:
        """Apply a function of one number to every entry."""
        return Layer(self.node.graph.node(op, self._whole(), shape=self.node.shape), self.lead)

    def plus(self, other: Layer | np.ndarray | float) -> Layer:
        """Add a layer of the same shape or a constant."""
        if not isinstance(other, Layer):
            return Layer(self.node, self.lead, self.scale, self._rows(other) + self.offset)
        if other.node is self.node:
            return Layer(self.node, self.lead, self.scale + other.scale, self.offset + other.offset)
        return self._combined("add", other)

    def minus(self, other: Layer | np.ndarray | float) -> Layer:
        """Subtract a layer of the same shape or a constant."""
        if isinstance(other, Layer):
            return self.plus(other.times(-1.0)) if other.node is self.node else self._combined("sub", other)
        return self.plus(np.negative(other))

    def times(self, other: Layer | np.ndarray | float) -> Layer:
        """Multiply by a layer of the same shape or by a constant."""
        if not isinstance(other, Layer):
            factor = self._rows(other)
            return Layer(self.node, self.lead, self.scale * factor, self.offset * factor)
        if np.all(np.equal(self.offset, 0.0)) and np.all(np.equal(other.offset, 0.0)):
            product = self.node.graph.node("mul", self.node, other.node, shape=self.node.shape)
            return Layer(product, self.lead, self.scale * other.scale)
        return self._combined("mul", other)

    def into(self, matrix: np.ndarray) -> Layer | np.ndarray:
        """Multiply by a constant matrix ``(width, k)``; returns a layer, or an object array if k is small."""
        scale = self._rows(self.scale)
        if scale.ndim == 1:
            node, folded, offset = self.node, scale[:, None] * matrix, self._rows(self.offset) @ matrix
        else:
            node, folded, offset = self._whole(), matrix, np.zeros(matrix.shape[1])
        shape = (node.shape[0], matrix.shape[1])
        per_row = offset.ndim > 1
        bias = np.zeros(shape[1]) if per_row else offset
        product = node.graph.node("matmul", node, Constant(folded), Constant(bias), shape=shape)
        if shape[1] >= WIDE:
            return Layer(product, self.lead, 1.0, offset if per_row else 0.0)
        entries = _items(product, self.lead)
        return objects(entries + offset.reshape(entries.shape)) if per_row else entries

    def _rows(self, value: Any) -> np.ndarray:
        """A constant as one row ``(width,)`` if all rows are the same, else as ``(rows, width)``."""
        try:
            rows = np.broadcast_to(np.asarray(value, np.float64), self.shape).reshape(self.node.shape)
        except ValueError:
            raise NotTraceable("a layer combined with an array of another shape") from None
        return rows[0] if (rows == rows[0]).all() else rows

    def _whole(self) -> Node:
        """The node of scale * node + offset."""
        scale, offset = self._rows(self.scale), self._rows(self.offset)
        if (scale == 1.0).all() and (offset == 0.0).all():
            return self.node
        if self.node.op in ("linear", "matmul") and scale.ndim == offset.ndim == 1:
            read, matrix, bias = self.node.args
            folded = Constant(matrix.array * scale), Constant(bias.array * scale + offset)
            return self.node.graph.node(self.node.op, read, *folded, shape=self.node.shape)
        return self.node.graph.node("affine", self.node, Constant(scale), Constant(offset), shape=self.node.shape)

    def _combined(self, op: str, other: Layer) -> Layer:
        if other.shape != self.shape:
            raise NotTraceable("two layers of different shapes")
        return Layer(self.node.graph.node(op, self._whole(), other._whole(), shape=self.node.shape), self.lead)


def scaled(entries: np.ndarray, factor: Any) -> np.ndarray | None:
    """Multiply by a constant by folding it into a matrix; None unless ``entries`` are one whole product."""
    parts = list(entries.flat)
    product = parts[0].args[0] if parts and isinstance(parts[0], Node) and parts[0].op == "item" else None
    if product is None or product.shape != (1, len(parts)):
        return None
    if any(part is not product.graph.find("item", product, 0, j) for j, part in enumerate(parts)):
        return None
    columns = np.broadcast_to(np.asarray(factor, np.float64), entries.shape).ravel()
    read, matrix, bias = product.args
    folded = Constant(matrix.array * columns), Constant(bias.array * columns)
    after = product.graph.node(product.op, read, *folded, shape=product.shape)
    return _items(after, ()).reshape(entries.shape)


def _items(node: Node, lead: tuple[int, ...]) -> np.ndarray:
    """The entries of a layer's node as an object array ``(*lead, width)``."""
    entries = np.empty(node.shape, object)
    for i, row in enumerate(entries):
        row[:] = [node.graph.node("item", node, i, j) for j in range(node.shape[1])]
    return entries.reshape(*lead, node.shape[1])
