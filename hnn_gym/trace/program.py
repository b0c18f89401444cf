"""Tracing: run a pure function once on arrays of nodes, and keep the graph of what it computes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from hnn_gym.trace.arrays import Traced
from hnn_gym.trace.nodes import Graph, Node, NotTraceable, needed


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
        return [node for node in needed(self._results, given) if node.number not in given]

    @cached_property
    def uses(self) -> Counter[int]:
        """How often each node's value is needed, by its number."""
        count = Counter(parent.number for node in self.nodes for parent in node.parents)
        count.update(node.number for node in self._results)
        return count

    @property
    def cost(self) -> int:
        """How many numbers are computed for one state."""
        return sum(int(np.prod(node.shape)) for node in self.nodes if node.op not in ("input", "item"))

    @property
    def _results(self) -> list[Node]:
        entries = [entry for entries in self.outputs.values() for entry in entries.flat]
        return [entry for entry in entries if isinstance(entry, Node)] + list(self.next)

    def reusing(self, state: str) -> Program:
        """The same program, handed what the step before has computed already.

        The output ``state`` is the input ``state`` of the next step. What a step computes from its input alone, and has
        computed of its output too (the force at the end of a leapfrog step, the sine of an angle), is computed once.
        """
        image: dict[int, Node] = {}
        present = {node.number for node in self.nodes}
        for node in self.nodes:
            if node.op == "input":
                after = self.outputs[state][node.args[1]] if node.args[0] == state else None
            else:
                after = node.graph.moved(node, image)
            if isinstance(after, Node) and after.number in present:
                image[node.number] = after
        given: dict[int, Node] = {}
        while True:
            wanted = needed(self._results + [image[k] for k in given], image)
            hit = {node.number: node for node in wanted if node.number in image and node.op != "input"}
            if hit.keys() == given.keys():
                return replace(self, given=tuple(hit.values()), next=tuple(image[k] for k in hit))
            given = hit

    def split_at(self, state: str, told: Iterable[str]) -> tuple[Program, Program]:
        """Two programs: what needs more than the input ``state``, and what follows from the state alone.

        The second computes the outputs ``told``, which are functions of the state, and all that is given to the first.
        So it runs on the state that a step leads to, or on whatever takes its place, for the step after.
        """
        tell = self.select_outputs(told)
        move = self.select_outputs(name for name in self.outputs if name not in tell.outputs)
        alone: set[int] = set()
        for node in move.nodes:
            if node.args[0] == state if node.op == "input" else all(p.number in alone for p in node.parents):
                alone.add(node.number)
        wanted = {p.number: p for node in move.nodes if node.number not in alone for p in node.parents}
        wanted |= {node.number: node for node in move._results}
        given = tuple(node for number, node in wanted.items() if number in alone and node.op != "input")
        return replace(move, given=given), replace(tell, next=given)

    def select_outputs(self, names: Iterable[str]) -> Program:
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
