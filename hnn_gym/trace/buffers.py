"""Memory for the nodes of a traced function of many states: buffers, or the arrays that the caller wants filled.

Every number has a contiguous row ``(rows,)``, every layer of a network a matrix ``(width, rows)``. Buffers are
allocated once, and reused as soon as nothing reads their contents any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hnn_gym.trace.nodes import Node
from hnn_gym.trace.program import Program


class BufferPlan:
    """Which memory every node of a program is computed in.

    Attributes:
        targets: every array that the caller wants filled, such as "next0" or "out_x[:, 1]", and its node or constant.
        filled: the targets in which their node is computed directly, so that nothing is copied.
    """

    def __init__(self, program: Program, rows: int, dtype: np.dtype[Any], others: Mapping[str, Any]) -> None:
        """Plan for ``rows`` states in ``dtype``; ``others`` are the dtypes of outputs of another type, by name."""
        self._rows, self._dtype = rows, dtype
        self.targets: list[tuple[str, Any]] = [(f"next{i}", node) for i, node in enumerate(program.next)]
        for name, entries in program.outputs.items():
            columns = [f"out_{name}[:, {i}]" for i in range(entries.size)] if entries.ndim else [f"out_{name}"]
            self.targets += zip(columns, entries.flat, strict=True)
        self._free: dict[Any, list[np.ndarray]] = {}
        self._left = program.uses.copy()
        self._buffers: dict[int, tuple[Any, np.ndarray]] = {}
        # Their entries are views of them, so their buffers are never reused.
        self._taken_apart = {node.args[0].number for node in program.nodes if node.op == "item"}
        computed = {node.number for node in program.nodes if node.op not in ("input", "item", "epsilon")}
        self._given = {node.number for node in program.given}
        self._homes: dict[int, np.ndarray] = {}
        self._packed = {n.number: self._make_packed(n, computed) for n in program.nodes if n.op == "linear"}
        self._results = self._plan_results(program, computed, others)
        self.filled = set(self._results.values())

    def _make_packed(self, node: Node, computed: set[int]) -> np.ndarray:
        """Make the input rows of a layer; numbers that have no memory yet are computed directly in these rows."""
        scalars, matrix, bias = node.args
        inputs, biased = len(matrix.array), bool(bias.array.any())
        packed = np.ones((node.shape[0], inputs + biased, self._rows), self._dtype)
        for k, scalar in enumerate(scalars):
            i, j = divmod(k, inputs)
            if not isinstance(scalar, Node):
                packed[i, j] = scalar
            elif scalar.number not in self._homes and scalar.number in computed and not scalar.boolean:
                self._homes[scalar.number] = packed[i, j]
        return packed

    def _plan_results(self, program: Program, computed: set[int], others: Mapping[str, Any]) -> dict[int, str]:
        """Choose the nodes that are computed directly in a target: the first target of each, by number.

        Nodes that are views of layers, that are computed in the input of a layer, or that are returned in another type
        are not among them. The second branch of a ``where`` is computed in the target of the ``where``, unless
        something reads it later.
        """
        places: dict[int, str] = {}
        for place, node in self.targets:
            if not isinstance(node, Node) or node.number not in computed or node.number in self._homes:
                continue
            if place.removeprefix("out_").partition("[")[0] not in others:
                places.setdefault(node.number, place)
        last = {parent.number: node.number for node in program.nodes for parent in node.parents}
        taken = {*self._homes, *(node.number for _, node in self.targets if isinstance(node, Node))}
        for node in program.nodes:
            if node.op == "where" and node.number in places and isinstance(node.args[2], Node):
                other = node.args[2]
                free = other.number in computed - taken and last[other.number] == node.number and not other.shape
                if free and other.boolean == node.boolean:
                    places[other.number] = places[node.number]
        return places

    def packed(self, node: Node) -> np.ndarray:
        """Return the input rows of a layer ``(inputs, rows)``, or ``(lead, inputs, rows)``."""
        packed = self._packed[node.number]
        return packed if node.shape[0] > 1 else packed[0]

    def is_home(self, scalar: Node, row: np.ndarray) -> bool:
        """Return whether a number is computed in this row."""
        home = self._homes.get(scalar.number)
        return home is not None and np.shares_memory(home, row)

    def has_ones(self, node: Node) -> bool:
        """Return whether a row of ones follows the rows of the layer, so that a product with it may add a bias."""
        return (
            node.shape[:1] == (1,)
            and node.op != "loop"
            and node.number not in self._results
            and node.number not in self._given
        )

    def share(self, one: Any, other: Any) -> bool:
        """Return whether two nodes are computed in the same target."""
        if not isinstance(one, Node) or not isinstance(other, Node):
            return False
        return one.number in self._results and self._results.get(other.number) == self._results[one.number]

    def of(self, node: Node) -> str | np.ndarray:
        """Return where to compute the node: a target, or an array, with a row of ones where it :meth:`has_ones`."""
        if node.number in self._results:
            return self._results[node.number]
        home = self._homes.get(node.number)
        if home is not None:
            return home
        ones = self.has_ones(node)
        shape = shape_of(node, self._rows)
        shape = (shape[0] + 1, *shape[1:]) if ones else shape
        key = (shape, np.bool_ if node.boolean else self._dtype, ones)
        free = self._free.get(key)
        buffer = free.pop() if free else np.ones(*key[:2])
        if node.number not in self._taken_apart:
            self._buffers[node.number] = (key, buffer)
        return buffer

    def release(self, node: Node) -> None:
        """Note that the node has read its arguments, whose buffers may be reused if nothing else reads them."""
        for parent in node.parents:
            self._left[parent.number] -= 1
            if self._left[parent.number] == 0 and parent.number in self._buffers:
                key, buffer = self._buffers.pop(parent.number)
                self._free.setdefault(key, []).append(buffer)


def allocate(nodes: tuple[Node, ...], rows: int, dtype: Any) -> list[np.ndarray]:
    """Return arrays for the values of nodes."""
    return [np.empty(shape_of(node, rows), np.bool_ if node.boolean else dtype) for node in nodes]


def shape_of(node: Node, rows: int) -> tuple[int, ...]:
    """Return the shape of a node's values for so many states."""
    lead, width = node.shape or (1, 1)
    return (lead,) * (lead > 1) + (width,) * bool(node.shape) + (rows,)
