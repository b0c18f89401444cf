"""The array library that goes with traced arrays: what :func:`hnn_gym.physics.phase.namespace` finds for them."""

from __future__ import annotations

from typing import Any

import numpy as np

from hnn_gym.trace.arrays import Traced, both, constant, either, elementwise, entries_of, folded, node_of
from hnn_gym.trace.layers import Wide
from hnn_gym.trace.nodes import Node, NotTraceable


class Library:
    """The functions of an array library that are known here; on arrays without nodes, NumPy's own."""

    __name__ = "hnn_gym.trace"  # array_api_compat asks every library for its name
    float64, float32, inf, pi = np.float64, np.float32, np.inf, np.pi

    def __getattr__(self, name: str) -> Any:
        """One of the functions of every entry, or of those that only make constants."""
        if name in ("cos", "sin", "tan", "exp", "log", "tanh", "sqrt", "abs", "atan2", "floor", "isfinite"):
            return lambda *args: _function(name, *args)
        if name in ("asarray", "eye", "isdtype", "finfo", "zeros", "ones", "bool"):
            return getattr(np, name)
        if name.startswith("_"):
            raise AttributeError(name)
        raise NotTraceable(f"the function {name}")

    @staticmethod
    def concat(arrays: Any, axis: int = 0) -> Any:
        """Join along an axis."""
        return Traced(np.concatenate([entries_of(a) for a in arrays], axis=axis))

    @staticmethod
    def stack(arrays: Any, axis: int = 0) -> Any:
        """Join along a new axis."""
        return Traced(np.stack([np.asarray(entries_of(a)) for a in arrays], axis=axis))

    @staticmethod
    def reshape(x: Any, shape: tuple[int, ...]) -> Any:
        """The same entries in another shape."""
        return Traced(entries_of(x).reshape(shape)) if isinstance(x, Traced) else np.reshape(constant(x), shape)

    @staticmethod
    def broadcast_to(x: Any, shape: tuple[int, ...]) -> Any:
        """The same entries, repeated."""
        return Traced(np.broadcast_to(entries_of(x), shape)) if isinstance(x, Traced) else np.broadcast_to(x, shape)

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
        return elementwise(_choose, condition, a, b)

    @staticmethod
    def clip(x: Any, low: float, high: float) -> Any:
        """Entries brought into [low, high]."""
        return x.clip(low, high)

    @staticmethod
    def any(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        """Whether an entry along the axes is true."""
        return folded(either, x, axis, keepdims=keepdims)

    @staticmethod
    def all(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        """Whether all entries along the axes are true."""
        return folded(both, x, axis, keepdims=keepdims)

    @staticmethod
    def min(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        """The smallest entry along the axes."""
        return folded(lambda a, b: node_of("min", a, b), x, axis, keepdims=keepdims)

    @staticmethod
    def max(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        """The largest entry along the axes."""
        return folded(lambda a, b: node_of("max", a, b), x, axis, keepdims=keepdims)


LIBRARY = Library()


def _function(name: str, *arrays: Any) -> Any:
    if isinstance(arrays[0], Wide):
        return arrays[0].each(name)
    if not any(isinstance(array, Traced) for array in arrays):
        return getattr(np, name)(*arrays)
    return elementwise(lambda *entries: node_of(name, *entries), *arrays)


def _choose(condition: Any, a: Any, b: Any) -> Any:
    if not isinstance(condition, Node):
        return a if condition else b
    if condition.op == "ne" and condition.graph.alike(a, b, *condition.args):
        return a  # where the two sides are equal, so is what is computed alike from either
    return condition.graph.node("where", condition, *(v if isinstance(v, Node) else float(v) for v in (a, b)))
