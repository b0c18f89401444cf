"""Iterations whose number depends on the values: a Python loop on numbers, and one node of a traced function.

The body of the loop are the nodes that depend on its variables. All others are computed once, before it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from hnn_gym.trace.arrays import Traced
from hnn_gym.trace.nodes import Node, NotTraceable, needed


@dataclass(frozen=True, eq=False)
class Body:
    """One iteration of a loop.

    Attributes:
        variables: nodes that stand for the values before the iteration.
        nodes: the nodes to compute, each after the nodes that it depends on.
        results: nodes and constants, the values after the iteration.
        done: a node or a bool, whether this was the last iteration.
        most: largest number of iterations.
    """

    variables: tuple[Node, ...]
    nodes: tuple[Node, ...]
    results: tuple[Any, ...]
    done: Any
    most: int

    @property
    def uses(self) -> Counter[int]:
        """How often each node's value is read in an iteration, by its number."""
        count = Counter(parent.number for node in self.nodes for parent in node.parents)
        count.update(node.number for node in (*self.results, self.done) if isinstance(node, Node))
        return count


def iterate(function: Callable[[Any], tuple[Any, Any]], start: Any, *, most: int) -> tuple[Any, Any]:
    """Apply a function again and again until every element of the batch is done.

    Args:
        function: takes values ``(..., k)``; returns the next values and whether they are good enough ``(...)``.
        start: the first values, an array of any library or of nodes.
        most: largest number of iterations, at least 1.

    Returns:
        The last values, and whether they are good enough.
    """
    if isinstance(start, Traced):
        return _traced(function, start, most)
    with np.errstate(over="ignore", invalid="ignore"):  # values that diverge are never good enough
        value, done = function(start)
        for _ in range(most - 1):
            if bool(done.all()):
                break
            value, done = function(value)
    return value, done


def repeat(function: Callable[[Any], Any], start: Any, *, times: int) -> Any:
    """Apply a function a fixed number of times; a traced one is written down once, as the body of a loop.

    Args:
        function: takes values ``(..., k)`` and returns the next ones.
        start: the first values, an array of any library or of nodes.
        times: how often, at least 1.
    """
    if isinstance(start, Traced) and times > 1:
        return _traced(lambda value: (function(value), Traced(np.array(False, object))), start, times)[0]
    for _ in range(times):
        start = function(start)
    return start


def checked(value: Any, good: Any, error: Callable[[Any], Exception]) -> Any:
    """Return values ``(..., k)`` if all elements are good; in a traced function, elements that are not become NaN.

    Args:
        value: values ``(..., k)``.
        good: bool ``(...)``.
        error: makes the exception to raise from the mask ``(...)`` of the elements that are not good.
    """
    if isinstance(value, Traced):
        return np.where(good[..., None], value, np.nan)
    if not bool(good.all()):
        raise error(~good)
    return value


def _traced(function: Callable[[Any], tuple[Any, Any]], start: Traced, most: int) -> tuple[Traced, Traced]:
    if start.ndim != 1:
        raise NotTraceable("a loop over values with several axes")
    graph, number = start.graph, 0
    while graph.find("variable", number, 0) is not None:
        number += 1
    variables = [graph.node("variable", number, i) for i in range(len(start))]
    value, good = function(Traced(np.array(variables, object)))
    results, done = tuple(value.entries.tolist()), good.entries[()]
    inside = {node.number for node in variables}
    body = []
    for node in needed([r for r in (*results, done) if isinstance(r, Node)], inside):
        if any(parent.number in inside for parent in node.parents):
            inside.add(node.number)
            body.append(node)
    read = [parent for node in body for parent in node.parents] + [r for r in (*results, done) if isinstance(r, Node)]
    captured = {node.number: node for node in read if node.number not in inside}
    loop = graph.node(
        "loop",
        tuple(start.entries.tolist()),
        tuple(captured.values()),
        Body(tuple(variables), tuple(body), results, done, most),
        shape=(1, len(variables) + 1),
    )
    items = np.array([graph.node("item", loop, 0, i) for i in range(len(variables) + 1)], object)
    return Traced(items[:-1]), Traced(items[-1]) != 0.0
