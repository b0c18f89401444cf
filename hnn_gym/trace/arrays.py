"""Arrays of nodes: what a traced function gets in place of its inputs.

They are NumPy duck arrays: operators, ufuncs and the functions of :mod:`hnn_gym.trace.functions` write down nodes
instead of computing values, so that functions written for NumPy can be traced.

Source: NumPy Enhancement Proposals 13 (``__array_ufunc__``) and 18 (``__array_function__``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from hnn_gym.trace.entries import objects
from hnn_gym.trace.functions import FUNCTIONS, ufunc
from hnn_gym.trace.layers import Layer
from hnn_gym.trace.nodes import Graph, Node, NotTraceable


class Traced(NDArrayOperatorsMixin):
    """An array of nodes and constants, without batch axes, whatever batches it will be computed for.

    Attributes:
        value: an object array of nodes, floats and bools, or a whole layer of a network.
    """

    dtype = np.dtype(np.float64)
    device = None

    def __init__(self, value: Any) -> None:
        """Hold an object array, a layer, or one entry."""
        self.value: np.ndarray | Layer = value if isinstance(value, Layer) else objects(value)

    @classmethod
    def inputs(cls, graph: Graph, name: str, size: int) -> Traced:
        """The entries of the input called ``name``, a vector."""
        entries = np.empty(size, object)
        entries[:] = [graph.node("input", name, i) for i in range(size)]
        return cls(entries)

    @property
    def entries(self) -> np.ndarray:
        """The same as an object array of nodes, floats and bools."""
        return self.value.entries if isinstance(self.value, Layer) else self.value

    @property
    def graph(self) -> Graph:
        """The graph of its nodes.

        Raises:
            NotTraceable: all entries are constants.
        """
        if isinstance(self.value, Layer):
            return self.value.node.graph
        node = next((entry for entry in self.value.flat if isinstance(entry, Node)), None)
        if node is None:
            raise NotTraceable("an array of constants alone")
        return node.graph

    @property
    def epsilon(self) -> Traced:
        """The machine epsilon of the number type that the entries will be computed in."""
        return Traced(self.graph.node("epsilon"))

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape, without batch axes."""
        return self.value.shape

    @property
    def ndim(self) -> int:
        """Number of axes, without batch axes."""
        return len(self.value.shape)

    @property
    def T(self) -> Traced:  # noqa: N802 (NumPy's name)
        """The transposed matrix, or a vector itself."""
        return Traced(self.entries.T)

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        return np

    def __array_ufunc__(self, function: np.ufunc, method: str, *inputs: Any, **options: Any) -> Traced:
        if method != "__call__" or options:
            raise NotTraceable(f"the function {function.__name__} with options, or its method {method}")
        return Traced(ufunc(function.__name__, *map(_value, inputs)))

    def __array_function__(self, function: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
        if function not in FUNCTIONS:
            raise NotTraceable(f"the function {function.__name__}")
        result = FUNCTIONS[function](*map(_entries, args), **{name: _entries(arg) for name, arg in kwargs.items()})
        return Traced(result) if not isinstance(result, np.ndarray) or result.dtype == object else result

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise NotTraceable("the function asks for values")

    def __bool__(self) -> bool:
        raise NotTraceable("the function branches on a value")

    __float__ = __int__ = __index__ = __array__

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Traced]:
        return (Traced(entry) for entry in self.entries)

    def __getitem__(self, index: Any) -> Traced:
        return Traced(self.entries[index])

    def sum(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        """Sum over axes, in order."""
        return np.sum(self, axis=axis, keepdims=keepdims)

    def clip(self, low: float, high: float) -> Any:
        """Clip every entry to [low, high]."""
        return np.clip(self, low, high)

    def all(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        """Whether all entries along the axes are true."""
        return np.all(self, axis=axis, keepdims=keepdims)

    def any(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        """Whether some entry along the axes is true."""
        return np.any(self, axis=axis, keepdims=keepdims)


def _value(x: Any) -> Any:
    """What a ufunc computes with: an object array, a layer, or a constant."""
    return x.value if isinstance(x, Traced) else x


def _entries(x: Any) -> Any:
    """The same for the other functions, which see no layers; also of the arrays in a list."""
    if isinstance(x, list | tuple):
        return type(x)(map(_entries, x))
    return x.entries if isinstance(x, Traced) else x
