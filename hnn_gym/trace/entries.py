"""Arithmetic on object arrays whose entries are nodes, floats and bools, entry by entry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hnn_gym.trace.nodes import Node


def objects(value: Any) -> np.ndarray:
    """A constant, a node or an array of them as an object array."""
    if isinstance(value, np.ndarray):
        return value if value.dtype == object else value.astype(object)
    entries = np.empty((), object)
    entries[()] = value
    return entries


def elementwise(function: Callable[..., Any], *arrays: Any) -> np.ndarray:
    """Apply a function of nodes and constants to every entry."""
    return objects(np.frompyfunc(function, len(arrays), 1)(*map(objects, arrays)))


def folded(function: Callable[[Any, Any], Any], x: Any, axis: Any, *, keepdims: bool = False) -> np.ndarray:
    """Fold a function of two entries along axes; None stands for all axes."""
    entries = objects(x)
    axes = range(entries.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    for one in sorted((a % entries.ndim for a in axes), reverse=True):
        entries = objects(np.frompyfunc(function, 2, 1).reduce(entries, axis=one, keepdims=keepdims))
    return entries


def node_of(op: str, *args: Any) -> Any:
    """Return the node of ``op``, or its value where all arguments are constants."""
    node = next((arg for arg in args if isinstance(arg, Node)), None)
    if node is not None:
        return node.graph.node(op, *(arg if isinstance(arg, Node) else float(arg) for arg in args))
    return getattr(np, {"min": "minimum", "max": "maximum"}.get(op, op))(*args).item()


def both(a: Any, b: Any) -> Any:
    """Return the logical and of two entries."""
    constant, other = (a, b) if not isinstance(a, Node) else (b, a)
    return (other if constant else False) if not isinstance(constant, Node) else a & b


def either(a: Any, b: Any) -> Any:
    """Return the logical or of two entries."""
    constant, other = (a, b) if not isinstance(a, Node) else (b, a)
    return (True if constant else other) if not isinstance(constant, Node) else a | b


def negation(a: Any) -> Any:
    """Return the logical negation of an entry."""
    return ~a if isinstance(a, Node) else not a


def differ(a: Any, b: Any) -> Any:
    """Return whether two entries differ."""
    return node_of("ne", a, b) if isinstance(a, Node) or isinstance(b, Node) else a != b


def choose(condition: Any, a: Any, b: Any) -> Any:
    """Return ``a`` where the condition holds, and ``b`` elsewhere."""
    if not isinstance(condition, Node):
        return a if condition else b
    if condition.op == "ne" and condition.graph.alike(a, b, *condition.args):
        return a  # where the two sides are equal, both branches compute the same value
    return condition.graph.node("where", condition, *(v if isinstance(v, Node) else float(v) for v in (a, b)))
