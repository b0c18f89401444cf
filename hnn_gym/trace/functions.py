"""NumPy's functions on values of nodes: object arrays, layers and constants.

:class:`hnn_gym.trace.arrays.Traced` hands every NumPy call over to the tables of this module.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from hnn_gym.trace.entries import both, choose, differ, either, elementwise, folded, negation, node_of, objects
from hnn_gym.trace.layers import Layer, product, scaled
from hnn_gym.trace.nodes import NotTraceable

_OF_EVERY_ENTRY = {"absolute": "abs", "arctan2": "atan2"} | {
    name: name for name in ("cos", "sin", "tan", "exp", "log", "tanh", "sqrt", "floor", "isfinite")
}
"""Operations of nodes by the name of the ufunc."""

_ENTRYWISE: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "remainder": operator.mod,
    "power": operator.pow,
    "square": lambda a: a * a,
    "negative": operator.neg,
    "positive": lambda a: a,
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "not_equal": differ,
    "equal": lambda a, b: negation(differ(a, b)),
    "bitwise_and": both,
    "bitwise_or": either,
    "invert": negation,
    "logical_and": both,
    "logical_or": either,
    "logical_not": negation,
    "minimum": partial(node_of, "min"),
    "maximum": partial(node_of, "max"),
}
_ENTRYWISE |= {name: partial(node_of, op) for name, op in _OF_EVERY_ENTRY.items()}


def ufunc(name: str, *values: Any) -> np.ndarray | Layer:
    """Apply the ufunc of this name to object arrays, layers and constants.

    Raises:
        NotTraceable: the function is not known here.
    """
    if name == "matmul":
        return _matmul(*values)
    if any(isinstance(value, Layer) for value in values):
        whole = _of_layers(name, *values)
        if whole is not None:
            return whole
        values = tuple(value.entries if isinstance(value, Layer) else value for value in values)
    if name == "multiply":
        for entries, factor in (values, values[::-1]):
            found = None if _has_nodes(factor) or not _has_nodes(entries) else scaled(entries, factor)
            if found is not None:
                return found
    if name not in _ENTRYWISE:
        raise NotTraceable(f"the function {name}")
    return elementwise(_ENTRYWISE[name], *values)


def _has_nodes(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype == object


def _matmul(a: Any, b: Any) -> np.ndarray | Layer:
    if _has_nodes(b) and not isinstance(a, Layer):
        return objects(objects(a) @ b)
    if isinstance(b, Layer) or _has_nodes(b):
        raise NotTraceable("a product of two traced matrices")
    matrix = np.asarray(b, np.float64)
    return a.into(matrix) if isinstance(a, Layer) else product(a, matrix)


def _of_layers(name: str, a: Any, b: Any = None) -> Layer | None:
    """Apply a ufunc to whole layers; None if they have to be taken apart into entries."""
    if any(_has_nodes(value) for value in (a, b)):
        return None
    if b is None and name in _OF_EVERY_ENTRY:
        return a.each(_OF_EVERY_ENTRY[name])
    if name == "negative":
        return a.times(-1.0)
    if name == "square":
        return a.times(a)
    if name in ("add", "multiply"):
        layer, other = (a, b) if isinstance(a, Layer) else (b, a)
        return layer.plus(other) if name == "add" else layer.times(other)
    if name == "subtract":
        return a.minus(b) if isinstance(a, Layer) else b.times(-1.0).plus(a)
    if name == "divide" and not isinstance(b, Layer):
        return a.times(1.0 / np.asarray(b, np.float64))
    return None


def _fold(function: Callable[[Any, Any], Any], x: Any, axis: Any = None, keepdims: bool = False) -> np.ndarray:
    return folded(function, x, axis, keepdims=keepdims)


def _constants(make: Callable[..., np.ndarray], x: Any, dtype: Any = None, **place: Any) -> np.ndarray:
    return make(x.shape, np.float64 if dtype is None else dtype)


def _clip(x: Any, low: Any = None, high: Any = None) -> np.ndarray:
    if low is None or high is None or np.ndim(low) or np.ndim(high):
        raise NotTraceable("clip with limits that are not two numbers")
    return elementwise(lambda a: node_of("clip", a, float(low), float(high)), x)


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.where: partial(elementwise, choose),
    np.clip: _clip,
    np.any: partial(_fold, either),
    np.all: partial(_fold, both),
    np.min: partial(_fold, partial(node_of, "min")),
    np.max: partial(_fold, partial(node_of, "max")),
    np.zeros_like: partial(_constants, np.zeros),
    np.ones_like: partial(_constants, np.ones),
} | {
    # These only rearrange or add entries, so NumPy's own function on object arrays is what is needed.
    function: function
    for function in (
        np.concatenate,
        np.stack,
        np.reshape,
        np.broadcast_to,
        np.expand_dims,
        np.squeeze,
        np.swapaxes,
        np.matrix_transpose,
        np.sum,
    )
}
"""Functions of object arrays and constants by NumPy's function."""
