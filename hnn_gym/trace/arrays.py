"""Arrays of nodes: what a traced function gets in place of its inputs. They are small, and computed number by number.

The product with a large matrix is a layer of a network, and a ``Wide`` array (:mod:`hnn_gym.trace.layers`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hnn_gym.trace.nodes import Graph, Node, NotTraceable

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
        from hnn_gym.trace import library  # which is about these arrays

        return library.LIBRARY

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
        return elementwise(lambda a: node_of("clip", a, float(low), float(high)), self)

    def all(self, axis: Any = None) -> Any:
        """Whether all entries along the axes are true."""
        return folded(both, self, axis)

    def any(self, axis: Any = None) -> Any:
        """Whether an entry along the axes is true."""
        return folded(either, self, axis)

    def __add__(self, other: Any) -> Any:
        return elementwise(lambda a, b: a + b, self, other)

    def __sub__(self, other: Any) -> Any:
        return elementwise(lambda a, b: a - b, self, other)

    def __rsub__(self, other: Any) -> Any:
        return elementwise(lambda a, b: b - a, self, other)

    def __mul__(self, other: Any) -> Any:
        from hnn_gym.trace import layers  # which builds on these arrays

        found = layers.scaled(self.entries, other)
        return elementwise(lambda a, b: a * b, self, other) if found is None else found

    __radd__, __rmul__ = __add__, __mul__

    def __truediv__(self, other: Any) -> Any:
        return elementwise(lambda a, b: a / b, self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return elementwise(lambda a, b: b / a, self, other)

    def __mod__(self, other: Any) -> Any:
        return elementwise(lambda a, b: a % b, self, other)

    def __pow__(self, other: Any) -> Any:
        return elementwise(lambda a, b: a**b, self, other)

    def __lt__(self, other: Any) -> Any:
        return elementwise(lambda a, b: a < b, self, other)

    def __le__(self, other: Any) -> Any:
        return elementwise(lambda a, b: a <= b, self, other)

    def __gt__(self, other: Any) -> Any:
        return elementwise(lambda a, b: a > b, self, other)

    def __ge__(self, other: Any) -> Any:
        return elementwise(lambda a, b: a >= b, self, other)

    def __and__(self, other: Any) -> Any:
        return elementwise(both, self, other)

    def __or__(self, other: Any) -> Any:
        return elementwise(either, self, other)

    __rand__, __ror__ = __and__, __or__

    def __ne__(self, other: Any) -> Any:
        return elementwise(_differ, self, other)

    __hash__ = None  # type: ignore[assignment]

    def __neg__(self) -> Traced:
        return elementwise(lambda a: -a, self)

    def __abs__(self) -> Traced:
        return elementwise(abs, self)

    def __invert__(self) -> Traced:
        return elementwise(lambda a: (not a) if isinstance(a, bool | np.bool_) else ~a, self)

    def __matmul__(self, matrix: Any) -> Any:
        matrix = constant(matrix)
        if matrix.ndim != 2 or self.ndim < 1 or matrix.shape[1] < WIDE or 2 * np.count_nonzero(matrix) < matrix.size:
            return Traced(self.entries @ matrix.astype(object))
        from hnn_gym.trace import layers  # which builds on these arrays

        return layers.product(self.entries, matrix)

    def __rmatmul__(self, matrix: Any) -> Any:
        return Traced(constant(matrix).astype(object) @ self.entries)


def constant(value: Any) -> np.ndarray:
    """A constant as a float64 array; a traced array is none."""
    if isinstance(value, Traced) or hasattr(value, "narrow"):
        raise NotTraceable("a product or sum of this kind")
    return np.asarray(value, dtype=np.float64)


def entries_of(value: Any) -> Any:
    """Nodes and constants of an array, as an object array; a number as it is."""
    if isinstance(value, Traced):
        return value.entries
    if hasattr(value, "narrow"):
        return value.narrow().entries
    return value.astype(object) if isinstance(value, np.ndarray) else value


def elementwise(function: Callable[..., Any], *arrays: Any) -> Any:
    """A function of nodes and constants, entry by entry."""
    if hasattr(arrays[-1], "narrow"):
        return NotImplemented  # the wide array decides whether to be taken apart
    return Traced(np.frompyfunc(function, len(arrays), 1)(*(entries_of(array) for array in arrays)))


def folded(function: Callable[[Any, Any], Any], x: Any, axis: Any, *, keepdims: bool = False) -> Any:
    """A function of two entries, along axes."""
    entries = np.asarray(entries_of(x))
    axes = range(entries.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    for one in sorted((a % entries.ndim for a in axes), reverse=True):
        entries = np.asarray(np.frompyfunc(function, 2, 1).reduce(entries, axis=one, keepdims=keepdims), object)
    return Traced(entries)


def node_of(op: str, *args: Any) -> Any:
    """The node of ``op``, or its value where all arguments are constants."""
    graph = next((arg.graph for arg in args if isinstance(arg, Node)), None)
    if graph is not None:
        return graph.node(op, *(arg if isinstance(arg, Node) else float(arg) for arg in args))
    return float({"min": np.minimum, "max": np.maximum}.get(op, getattr(np, op))(*args))


def both(a: Any, b: Any) -> Any:
    """The logical and of two entries."""
    constant, other = (a, b) if not isinstance(a, Node) else (b, a)
    return (other if constant else False) if not isinstance(constant, Node) else a & b


def either(a: Any, b: Any) -> Any:
    """The logical or of two entries."""
    constant, other = (a, b) if not isinstance(a, Node) else (b, a)
    return (True if constant else other) if not isinstance(constant, Node) else a | b


def _differ(a: Any, b: Any) -> Any:
    graph = next((arg.graph for arg in (a, b) if isinstance(arg, Node)), None)
    return a != b if graph is None else graph.node("ne", a, b)
