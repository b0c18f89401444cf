"""Tracing: run a pure function once on arrays of nodes, and keep the graph of what it computes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from hnn_gym.trace.arrays import Traced
from hnn_gym.trace.nodes import Graph, Node, NotTraceable


@dataclass(frozen=True)
class Program:
    """What a traced function computes, for one state; the compilers decide for how many.

    Attributes:
        inputs: sizes of the input vectors by name.
        outputs: object arrays of nodes, floats and bools by name; vectors or single entries.
        given: nodes whose values are handed over rather than computed.
        next: for each of these, the node whose value it has in the next step.
    """

    inputs: Mapping[str, int]
    outputs: Mapping[str, np.ndarray]
    given: tuple[Node, ...] = ()
    next: tuple[Node, ...] = ()

    @cached_property
    def nodes(self) -> list[Node]:
        """The nodes to compute, in an order in which they can be."""
        given = {node.number for node in self.given}
        return [node for node in _needed(self._results, given) if node.number not in given]

    @cached_property
    def uses(self) -> Counter[int]:
        """How often each node's value is needed, by its number."""
        count = Counter(parent.number for node in self.nodes for parent in node.parents)
        count.update(node.number for node in self._results)
        return count

    @property
    def _results(self) -> list[Node]:
        entries = [entry for entries in self.outputs.values() for entry in entries.flat]
        return [entry for entry in entries if isinstance(entry, Node)] + list(self.next)

    def reusing(self, state: str) -> Program:
        """The same program, handed what the step before has computed already.

        The output ``state`` is the input ``state`` of the next step. What a step computes from its input alone, and has
        computed of its output too (the force at the end of a leapfrog step, the sine of an angle), is computed once.
        """
        needed = self.nodes
        image: dict[int, Node] = {}
        present = {node.number for node in needed}
        for node in needed:
            if node.op == "input":
                after = self.outputs[state][node.args[1]] if node.args[0] == state else None
            else:
                after = _moved(node, image)
            if isinstance(after, Node) and after.number in present:
                image[node.number] = after
        given: dict[int, Node] = {}
        while True:
            hit = {n.number: n for n in _needed(self._results + [image[k] for k in given], image) if n.number in image}
            if hit.keys() == given.keys():
                return replace(self, given=tuple(hit.values()), next=tuple(image[k] for k in hit))
            given = hit

    def telling(self, names: Iterable[str]) -> Program:
        """The program of some of the outputs."""
        return replace(self, outputs={name: self.outputs[name] for name in names})


def trace(function: Callable[..., Mapping[str, Any]], **inputs: int) -> Program:
    """Trace a pure function of vectors with free batch axes.

    Args:
        function: takes the inputs by position; returns arrays ``(k,)`` or ``()`` by name.
        inputs: name and size of each input.

    Raises:
        NotTraceable: the function branches on values, or uses an operation that is not known here.
    """
    graph = Graph()
    told = function(*(Traced.inputs(graph, name, size) for name, size in inputs.items()))
    outputs = {}
    for name, value in told.items():
        entries = value.entries if isinstance(value, Traced) else np.asarray(value).astype(object)
        if not isinstance(entries, np.ndarray) or entries.ndim > 1:
            raise NotTraceable(f"the output {name} is no vector")
        outputs[name] = entries
    return Program(inputs, outputs)


def _needed(results: list[Node], leaves: Any) -> list[Node]:
    """What has to be known for the results, in order; nothing behind a node whose number is in ``leaves``."""
    found: dict[int, Node] = {}
    pending = list(results)
    while pending:
        node = pending.pop()
        if node.number not in found:
            found[node.number] = node
            if node.number not in leaves:
                pending += node.parents
    return [found[number] for number in sorted(found)]


def _moved(node: Node, image: Mapping[int, Node]) -> Node | None:
    """The same operation on the images of its arguments, where the graph has it."""
    if not all(parent.number in image for parent in node.parents):
        return None

    def move(arg: Any) -> Any:
        if isinstance(arg, tuple):
            return tuple(move(entry) for entry in arg)
        return image[arg.number] if isinstance(arg, Node) else arg

    return node.graph.find(node.op, *map(move, node.args))
