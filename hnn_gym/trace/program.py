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
    """What a traced function computes for one state; the compilers decide for how many states at a time.

    Attributes:
        inputs: sizes of the input vectors by name.
        outputs: object arrays of nodes, floats and bools by name; vectors or single entries.
        given: nodes whose values the caller passes in, so that they are not computed.
        next: for each given node, the node whose value it has in the next step.
    """

    inputs: Mapping[str, int]
    outputs: Mapping[str, np.ndarray]
    given: tuple[Node, ...] = ()
    next: tuple[Node, ...] = ()

    @cached_property
    def nodes(self) -> list[Node]:
        """The nodes to compute, each after the nodes that it depends on."""
        given = {node.number for node in self.given}
        return [node for node in needed(self._results, given) if node.number not in given]

    @cached_property
    def uses(self) -> Counter[int]:
        """How often each node's value is read, by its number."""
        count = Counter(parent.number for node in self.nodes for parent in node.parents)
        count.update(node.number for node in self._results)
        return count

    @cached_property
    def unrolled(self) -> list[Node]:
        """The nodes to compute, those of one iteration of every loop included."""
        nodes = []
        for node in self.nodes:
            nodes += [*_body(node), node]
        return nodes

    @property
    def loops(self) -> bool:
        """Whether a number of iterations depends on values."""
        return any(node.op == "loop" for node in self.nodes)

    @property
    def cost(self) -> int:
        """How many numbers are computed for one state, in one iteration of every loop."""
        return sum(int(np.prod(node.shape)) for node in self.unrolled if node.op not in ("input", "item", "variable"))

    @property
    def widest(self) -> int:
        """Numbers of the widest layer for one state, at least 1."""
        return max((int(np.prod(node.shape)) for node in self.unrolled if node.shape), default=1)

    @property
    def _results(self) -> list[Node]:
        entries = [entry for entries in self.outputs.values() for entry in entries.flat]
        return [entry for entry in entries if isinstance(entry, Node)] + list(self.next)

    def reusing(self, state: str) -> Program:
        """Return the same program with values passed on from one step to the next.

        The output ``state`` is the input ``state`` of the next step. A value that a step computes from its input state
        and, by the same formula, from its output state (the force at both ends of a leapfrog step, the sine of an
        angle) is computed for the output only, and the next step is given it.
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
            reached = needed(self._results + [image[k] for k in given], image)
            hit = {node.number: node for node in reached if node.number in image and node.op != "input"}
            if hit.keys() == given.keys():
                return replace(self, given=tuple(hit.values()), next=tuple(image[k] for k in hit))
            given = hit

    def split_at(self, state: str, names: Iterable[str]) -> tuple[Program, Program]:
        """Split into a program that needs all inputs and a program of the input ``state`` alone.

        The second program computes the outputs ``names``, which must be functions of the state, and every value of the
        state that the first program is given. It runs on the state that a step leads to, or on a new episode's start
        in its place, before the first program runs again.
        """
        after = self.select_outputs(names)
        move = self.select_outputs(name for name in self.outputs if name not in after.outputs)
        of_state: set[int] = set()
        for node in move.nodes:
            if node.args[0] == state if node.op == "input" else all(p.number in of_state for p in node.parents):
                of_state.add(node.number)
        read = {p.number: p for node in move.nodes if node.number not in of_state for p in node.parents}
        read |= {node.number: node for node in move._results}
        given = tuple(node for number, node in read.items() if number in of_state and node.op != "input")
        return replace(move, given=given), replace(after, next=given)

    def select_outputs(self, names: Iterable[str]) -> Program:
        """Return the program that computes only the outputs of these names."""
        return replace(self, outputs={name: self.outputs[name] for name in names})


def _body(node: Node) -> list[Node]:
    """The nodes of one iteration of a loop, and of the loops in it; none for any other node."""
    nodes: list[Node] = []
    for inner in node.args[2].nodes if node.op == "loop" else ():
        nodes += [*_body(inner), inner]
    return nodes


def trace(function: Callable[..., Mapping[str, Any]], **inputs: int) -> Program:
    """Trace a pure function of vectors with free batch axes.

    Args:
        function: takes the inputs by position; returns arrays ``(k,)`` or ``()`` by name.
        inputs: name and size of each input.

    Raises:
        NotTraceable: the function branches on values, or uses an operation that tracing does not support.
    """
    graph = Graph()
    results = function(*(Traced.inputs(graph, name, size) for name, size in inputs.items()))
    outputs = {}
    for name, value in results.items():
        entries = value.entries if isinstance(value, Traced) else np.asarray(value).astype(object)
        if not isinstance(entries, np.ndarray) or entries.ndim > 1:
            raise NotTraceable(f"the output {name} has more than one axis")
        outputs[name] = entries
    return Program(inputs, outputs)
