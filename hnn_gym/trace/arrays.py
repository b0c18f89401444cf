"""Arrays of nodes: what a traced function gets in place of its inputs, with the array library that goes with them.

A ``Traced`` array is small and computed number by number. A ``Wide`` one, a layer of a network, is computed as a whole;
it carries a constant scale and offset, which are folded into the next matrix where they can be.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import numpy as np

from hnn_gym.trace.nodes import Constant, Graph, Node, NotTraceable

WIDE = 8
"""From so many columns on, the product with a dense constant matrix is a wide array."""


class Traced:
    """An array of nodes and constants; without batch axes, whatever batches it will be computed for.

    Attributes:
        entries: object array of nodes, floats and bools.
    """

    __array_ufunc__ = None
    dtype = np.dtype(np.float64)
    device = None

    def __init__(self, entries: Any) -> None:
        """Hold ``entries``."""
        if not isinstance(entries, np.ndarray):
            one = np.empty((), object)
            one[()] = entries
            entries = one
        self.entries: np.ndarray = entries

    @classmethod
    def inputs(cls, graph: Graph, name: str, size: int) -> Traced:
        """The entries of the input called ``name``, a vector."""
        entries = np.empty(size, object)
        entries[:] = [graph.node("input", name, i) for i in range(size)]
        return cls(entries)

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape, without batch axes."""
        return self.entries.shape

    @property
    def ndim(self) -> int:
        """Number of axes, without batch axes."""
        return self.entries.ndim

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        return LIBRARY

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise NotTraceable("the function asks for values")

    def __bool__(self) -> bool:
        raise NotTraceable("the function branches on a value")

    __float__ = __int__ = __index__ = __array__

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Any:
        return (Traced(entry) for entry in self.entries)

    def __getitem__(self, index: Any) -> Traced:
        return Traced(self.entries[index])

    def sum(self, axis: Any = None) -> Traced:
        """Sum over axes, in order."""
        return Traced(self.entries.sum(axis))

    def clip(self, low: float, high: float) -> Any:
        """Entries brought into [low, high]."""
        return LIBRARY.clip(self, low, high)

    def all(self, axis: Any = None) -> Any:
        """Whether all entries along the axes are true."""
        return LIBRARY.all(self, axis)

    def any(self, axis: Any = None) -> Any:
        """Whether an entry along the axes is true."""
        return LIBRARY.any(self, axis)

    def __add__(self, other: Any) -> Any:
        return _map(lambda a, b: a + b, self, other)

    def __sub__(self, other: Any) -> Any:
        return _map(lambda a, b: a - b, self, other)

    def __rsub__(self, other: Any) -> Any:
        return _map(lambda a, b: b - a, self, other)

    def __mul__(self, other: Any) -> Any:
        return _map(lambda a, b: a * b, self, other)

    __radd__, __rmul__ = __add__, __mul__

    def __truediv__(self, other: Any) -> Any:
        return _map(lambda a, b: a / b, self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _map(lambda a, b: b / a, self, other)

    def __mod__(self, other: Any) -> Any:
        return _map(lambda a, b: a % b, self, other)

    def __pow__(self, other: Any) -> Any:
        return _map(lambda a, b: a**b, self, other)

    def __lt__(self, other: Any) -> Any:
        return _map(lambda a, b: a < b, self, other)

    def __le__(self, other: Any) -> Any:
        return _map(lambda a, b: a <= b, self, other)

    def __gt__(self, other: Any) -> Any:
        return _map(lambda a, b: a > b, self, other)

    def __ge__(self, other: Any) -> Any:
        return _map(lambda a, b: a >= b, self, other)

    def __and__(self, other: Any) -> Any:
        return _map(_and, self, other)

    def __or__(self, other: Any) -> Any:
        return _map(_or, self, other)

    __rand__, __ror__ = __and__, __or__

    def __ne__(self, other: Any) -> Any:
        return _map(_differ, self, other)

    __hash__ = None  # type: ignore[assignment]

    def __neg__(self) -> Traced:
        return _map(lambda a: -a, self)

    def __abs__(self) -> Traced:
        return _map(abs, self)

    def __invert__(self) -> Traced:
        return _map(lambda a: (not a) if isinstance(a, bool | np.bool_) else ~a, self)

    def __matmul__(self, matrix: Any) -> Any:
        matrix = _constant(matrix)
        if matrix.ndim != 2 or self.ndim < 1 or matrix.shape[1] < WIDE or 2 * np.count_nonzero(matrix) < matrix.size:
            return Traced(self.entries @ matrix.astype(object))
        rows = self.entries.reshape(-1, self.shape[-1])
        scalars = tuple(rows.ravel().tolist())
        graph = next((s.graph for s in scalars if isinstance(s, Node)), None)
        if graph is None:
            raise NotTraceable("a product of constants")
        shape = (len(rows), matrix.shape[1])
        node = graph.node("linear", scalars, Constant(matrix), Constant(np.zeros(shape[1])), shape=shape)
        return Wide(node, self.shape[:-1])

    def __rmatmul__(self, matrix: Any) -> Any:
        return Traced(_constant(matrix).astype(object) @ self.entries)


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
        return LIBRARY

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise NotTraceable("the function asks for values")

    def narrow(self) -> Traced:
        """The same, number by number."""
        return _items(self.materialised(), self.lead)

    def __getitem__(self, index: Any) -> Traced:
        return self.narrow()[index]

    def _like(self, value: Any) -> Any:
        """A constant as a row ``(width,)`` where all rows are the same, else ``(rows, width)``."""
        try:
            rows = np.broadcast_to(_constant(value), self.shape).reshape(self.node.shape)
        except ValueError:
            raise NotTraceable("a wide array of another shape") from None
        return rows[0] if (rows == rows[0]).all() else rows

    def materialised(self) -> Node:
        """The node of scale * node + offset."""
        scale, offset = self._like(self.scale), self._like(self.offset)
        if (scale == 1.0).all() and (offset == 0.0).all():
            return self.node
        if self.node.op == "linear" and scale.ndim == offset.ndim == 1:
            scalars, matrix, bias = self.node.args
            folded = Constant(matrix.array * scale), Constant(bias.array * scale + offset)
            return self.node.graph.node("linear", scalars, *folded, shape=self.node.shape)
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
        return self * (1.0 / _constant(other))

    def __matmul__(self, matrix: Any) -> Any:
        matrix = _constant(matrix)
        scale = self._like(self.scale)
        if scale.ndim == 1:
            node, folded, offset = self.node, scale[:, None] * matrix, self._like(self.offset) @ matrix
        else:
            node, folded, offset = self.materialised(), matrix, np.zeros(matrix.shape[1])
        width = matrix.shape[1]
        product = node.graph.node("matmul", node, Constant(folded), shape=(node.shape[0], width))
        if width >= WIDE:
            return Wide(product, self.lead, 1.0, offset)
        offset = np.broadcast_to(offset, product.shape).reshape(*self.lead, width)
        return _items(product, self.lead) + offset

    def _combined(self, op: str, other: Wide) -> Wide:
        if other.shape != self.shape:
            raise NotTraceable("wide arrays of two shapes")
        node = self.node.graph.node(op, self.materialised(), other.materialised(), shape=self.node.shape)
        return Wide(node, self.lead)


class Library:
    """The functions of an array library that are known here; on arrays without nodes, NumPy's own."""

    __name__ = "hnn_gym.trace"  # array_api_compat asks every library for its name
    float64, float32, bool, inf, pi = np.float64, np.float32, np.bool_, np.inf, np.pi

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """One of the functions of one argument, or of those that only look at shapes."""
        if name in ("cos", "sin", "tan", "exp", "log", "tanh", "sqrt", "abs", "atan2", "floor", "isfinite"):
            return lambda *args: _function(name, *args)
        if name in ("asarray", "eye", "isdtype", "finfo", "zeros", "ones"):
            return getattr(np, name)
        if name.startswith("_"):
            raise AttributeError(name)
        raise NotTraceable(f"the function {name}")

    @staticmethod
    def concat(arrays: Any, axis: int = 0) -> Any:
        """Join along an axis."""
        return Traced(np.concatenate([_entries(a) for a in arrays], axis=axis))

    @staticmethod
    def stack(arrays: Any, axis: int = 0) -> Any:
        """Join along a new axis."""
        return Traced(np.stack([np.asarray(_entries(a)) for a in arrays], axis=axis))

    @staticmethod
    def reshape(x: Any, shape: tuple[int, ...]) -> Any:
        """The same entries in another shape."""
        return Traced(_entries(x).reshape(shape)) if isinstance(x, Traced) else np.reshape(_constant(x), shape)

    @staticmethod
    def broadcast_to(x: Any, shape: tuple[int, ...]) -> Any:
        """The same entries, repeated."""
        return Traced(np.broadcast_to(_entries(x), shape)) if isinstance(x, Traced) else np.broadcast_to(x, shape)

    @staticmethod
    def zeros_like(x: Any, dtype: Any = None) -> Any:
        """Zeros, which are constants."""
        return np.zeros(x.shape, np.float64 if dtype is None else dtype)

    @staticmethod
    def ones_like(x: Any, dtype: Any = None) -> Any:
        """Ones, which are constants."""
        return np.ones(x.shape, np.float64 if dtype is None else dtype)

    @staticmethod
    def where(condition: Any, a: Any, b: Any) -> Any:
        """Entries of ``a`` where the condition holds, of ``b`` elsewhere."""
        if not any(isinstance(value, Traced) for value in (condition, a, b)):
            return np.where(condition, a, b)
        return _map(_choose, condition, a, b)

    @staticmethod
    def clip(x: Any, low: float, high: float) -> Any:
        """Entries brought into [low, high]."""
        return _map(lambda a: _node("clip", a, float(low), float(high)), x)

    @staticmethod
    def any(x: Any, axis: Any = None, keepdims: builtins.bool = False) -> Any:
        """Whether an entry along the axes is true."""
        return _fold(_or, x, axis, keepdims)

    @staticmethod
    def all(x: Any, axis: Any = None, keepdims: builtins.bool = False) -> Any:
        """Whether all entries along the axes are true."""
        return _fold(_and, x, axis, keepdims)

    @staticmethod
    def min(x: Any, axis: Any = None, keepdims: builtins.bool = False) -> Any:
        """The smallest entry along the axes."""
        return _fold(lambda a, b: _node("min", a, b), x, axis, keepdims)

    @staticmethod
    def max(x: Any, axis: Any = None, keepdims: builtins.bool = False) -> Any:
        """The largest entry along the axes."""
        return _fold(lambda a, b: _node("max", a, b), x, axis, keepdims)


LIBRARY = Library()


def _items(node: Node, lead: tuple[int, ...]) -> Traced:
    """The entries of a wide node, ``(*lead, width)``."""
    entries = np.empty(node.shape, object)
    for i, row in enumerate(entries):
        row[:] = [node.graph.node("item", node, i, j) for j in range(node.shape[1])]
    return Traced(entries.reshape(*lead, node.shape[1]))


def _constant(value: Any) -> np.ndarray:
    if isinstance(value, Traced | Wide):
        raise NotTraceable("a product or sum of this kind")
    return np.asarray(value, dtype=np.float64)


def _entries(value: Any) -> Any:
    if isinstance(value, Traced):
        return value.entries
    if isinstance(value, Wide):
        return value.narrow().entries
    return value.astype(object) if isinstance(value, np.ndarray) else value


def _map(function: Callable[..., Any], *arrays: Any) -> Any:
    if isinstance(arrays[-1], Wide):
        return NotImplemented  # the wide array decides whether to be taken apart
    return Traced(np.frompyfunc(function, len(arrays), 1)(*(_entries(array) for array in arrays)))


def _fold(function: Callable[[Any, Any], Any], x: Any, axis: Any, keepdims: bool) -> Any:
    entries = np.asarray(_entries(x))
    axes = range(entries.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    for one in sorted((a % entries.ndim for a in axes), reverse=True):
        entries = np.asarray(np.frompyfunc(function, 2, 1).reduce(entries, axis=one, keepdims=keepdims), object)
    return Traced(entries)


def _function(name: str, *arrays: Any) -> Any:
    if isinstance(arrays[0], Wide):
        return arrays[0].each(name)
    if not any(isinstance(array, Traced) for array in arrays):
        return getattr(np, name)(*arrays)
    return _map(lambda *entries: _node(name, *entries), *arrays)


def _node(op: str, *args: Any) -> Any:
    """The node of ``op``, or its value where all arguments are constants."""
    graph = next((arg.graph for arg in args if isinstance(arg, Node)), None)
    if graph is not None:
        return graph.node(op, *(arg if isinstance(arg, Node) else float(arg) for arg in args))
    return float({"min": np.minimum, "max": np.maximum}.get(op, getattr(np, op))(*args))


def _choose(condition: Any, a: Any, b: Any) -> Any:
    if not isinstance(condition, Node):
        return a if condition else b
    return condition.graph.node("where", condition, *(v if isinstance(v, Node) else float(v) for v in (a, b)))


def _and(a: Any, b: Any) -> Any:
    constant, other = (a, b) if not isinstance(a, Node) else (b, a)
    return (other if constant else False) if not isinstance(constant, Node) else a & b


def _or(a: Any, b: Any) -> Any:
    constant, other = (a, b) if not isinstance(a, Node) else (b, a)
    return (True if constant else other) if not isinstance(constant, Node) else a | b


def _differ(a: Any, b: Any) -> Any:
    graph = next((arg.graph for arg in (a, b) if isinstance(arg, Node)), None)
    return a != b if graph is None else graph.node("ne", a, b)
