"""A traced function for many states: one ufunc call an operation, on rows of a block that stays in the cache.

Every number of the function is a contiguous row ``(rows,)``, every layer of a network a matrix ``(width, rows)``;
buffers are made once and used again as soon as nothing needs what they hold.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hnn_gym.trace.nodes import Constant, Node
from hnn_gym.trace.program import Program

_UFUNCS = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "div": "divide",
    "mod": "remainder",
    "pow": "power",
    "neg": "negative",
    "abs": "absolute",
    "not": "logical_not",
    "and": "logical_and",
    "or": "logical_or",
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
    "ne": "not_equal",
    "min": "minimum",
    "max": "maximum",
    "atan2": "arctan2",
}


def compiled(program: Program, rows: int, dtype: Any) -> Callable[..., None]:
    """Compile for ``rows`` states at a time, computed in ``dtype``.

    Returns:
        A function of the inputs ``(rows, size)``; of the arrays of what is given, ``(rows,)`` or ``(width, rows)`` as
        :func:`room` makes them; of those for its next values; and of the outputs ``(rows, k)`` or ``(rows,)``. It
        fills the last two. Not to be called by two threads at once.
    """
    plan = _Plan(program, rows, np.dtype(dtype))
    arguments = [f"in_{name}" for name in program.inputs] + [f"t{node.number}" for node in program.given]
    arguments += [f"next{i}" for i in range(len(program.next))] + [f"out_{name}" for name in program.outputs]
    lines = [f"def run({', '.join(arguments)}):", *plan.lines]
    for i, node in enumerate(program.next):
        if plan.results.get(node.number) != i:
            lines.append(f"copyto(next{i}, t{node.number})")
    for name, entries in program.outputs.items():
        targets = [f"out_{name}[:, {i}]" for i in range(entries.size)] if entries.ndim else [f"out_{name}"]
        lines += [f"{to}[...] = {plan.value(entry)}" for to, entry in zip(targets, entries.flat, strict=True)]
    lines.append("return")
    exec(compile("\n    ".join(lines), "<traced for many states>", "exec"), plan.names)
    run: Callable[..., None] = plan.names["run"]
    return run


def room(nodes: tuple[Node, ...], rows: int, dtype: Any) -> list[np.ndarray]:
    """Arrays for the values of nodes."""
    return [np.empty(_shape(node, rows), np.bool_ if node.boolean else dtype) for node in nodes]


def _shape(node: Node, rows: int) -> tuple[int, ...]:
    lead, width = node.shape or (1, 1)
    return (lead,) * (lead > 1) + (width,) * bool(node.shape) + (rows,)


class _Plan:
    """Which buffer every node is computed into, and the statements that do it."""

    def __init__(self, program: Program, rows: int, dtype: np.dtype[Any]) -> None:
        self.program, self.rows, self.dtype = program, rows, dtype
        self.names: dict[str, Any] = {"copyto": np.copyto, "matmul": np.matmul, "nan": np.nan, "inf": np.inf}
        self.lines: list[str] = []
        # Wide nodes that are wanted in the next step are computed where they will be looked for.
        self.results = {node.number: i for i, node in enumerate(program.next) if node.shape}
        self._free: dict[Any, list[np.ndarray]] = {}
        self._left = program.uses.copy()
        self._buffers: dict[int, tuple[Any, np.ndarray]] = {}
        self._constants: dict[tuple[str, bool], str] = {}
        self._homes: dict[int, np.ndarray] = {}
        # Their entries are views of them: they must stay.
        self._taken_apart = {node.args[0].number for node in program.nodes if node.op == "item"}
        for node in program.nodes:
            if node.op == "linear":
                self._packed(node)
        for node in program.nodes:
            self._plan(node)

    def value(self, value: Any) -> str:
        """The name of a node's buffer, or a constant."""
        return f"t{value.number}" if isinstance(value, Node) else repr(value)

    def _operand(self, value: Any, *, whole: bool) -> str:
        """As :meth:`value`, with constants as arrays: NumPy converts a float anew in every call.

        Of two arrays ``(rows,)``, ``whole``, NumPy takes the larger several times as fast as of one and a number.
        """
        if isinstance(value, Node | bool):
            return self.value(value)
        name = f"k{len(self._constants)}"
        key = (repr(value), whole)
        name = self._constants.setdefault(key, name)
        self.names[name] = np.full(self.rows if whole else (), value, self.dtype)
        return name

    def _plan(self, node: Node) -> None:
        operation = self._wide if node.shape else self._narrow
        # Elementwise operations may overwrite what they read; products may not.
        in_place = node.op not in ("linear", "matmul", "where", "affine", "clip", "mod")
        if in_place:
            self._release(node)
        operation(node)
        if not in_place:
            self._release(node)

    def _release(self, node: Node) -> None:
        for parent in node.parents:
            self._left[parent.number] -= 1
            if self._left[parent.number] == 0 and parent.number in self._buffers:
                key, buffer = self._buffers.pop(parent.number)
                self._free.setdefault(key, []).append(buffer)

    def _buffer(self, node: Node) -> str:
        name = f"t{node.number}"
        if node.number in self.results:
            self.lines.append(f"{name} = next{self.results[node.number]}")
            return name
        home = self._homes.get(node.number)
        if home is None:
            key = (_shape(node, self.rows), np.bool_ if node.boolean else self.dtype)
            free = self._free.get(key)
            home = free.pop() if free else np.empty(*key)
            if node.number not in self._taken_apart:
                self._buffers[node.number] = (key, home)
        self.names[name] = home
        return name

    def _packed(self, node: Node) -> None:
        """Make the input rows of a layer; numbers that have no place yet are computed right there."""
        scalars, matrix, bias = node.args
        inputs, biased = len(matrix.array), bool(bias.array.any())
        computed = {n.number for n in self.program.nodes if n.op != "item" and not n.shape}
        packed = np.ones((node.shape[0], inputs + biased, self.rows), self.dtype)
        for k, scalar in enumerate(scalars):
            i, j = divmod(k, inputs)
            if not isinstance(scalar, Node):
                packed[i, j] = scalar
            elif scalar.number not in self._homes and scalar.number in computed and not scalar.boolean:
                self._homes[scalar.number] = packed[i, j]
        weights = np.vstack([matrix.array, bias.array]) if biased else matrix.array
        self.names[f"z{node.number}"] = packed if node.shape[0] > 1 else packed[0]
        self.names[f"c{node.number}_0"] = np.ascontiguousarray(weights.T, self.dtype)

    def _narrow(self, node: Node) -> None:
        if node.op == "item":
            product, i, j = node.args
            index = f"{j}" if product.shape[0] == 1 else f"{i}, {j}"
            whole = self.names.get(f"t{product.number}")
            if whole is None:
                self.lines.append(f"t{node.number} = t{product.number}[{index}]")
            else:
                self.names[f"t{node.number}"] = whole[j] if product.shape[0] == 1 else whole[i, j]
            return
        own = self._buffer(node)
        if node.op == "input":
            self.lines.append(f"{own}[...] = in_{node.args[0]}[:, {node.args[1]}]")
            return
        whole = node.op in ("clip", "min", "max")
        values = [self._operand(arg, whole=whole) for arg in node.args]
        if node.op == "where":
            self.lines += [f"copyto({own}, {values[2]})", f"copyto({own}, {values[1]}, where={values[0]})"]
        elif node.op == "clip":
            self._call("maximum", values[0], values[1], own)
            self._call("minimum", own, values[2], own)
        elif node.op == "mod" and not isinstance(node.args[1], Node):
            # a - b floor(a / b): NumPy's own remainder takes ten times as long.
            self._call("divide", *values, own)
            self._call("floor", own, own)
            self._call("multiply", own, values[1], own)
            self._call("subtract", values[0], own, own)
        else:
            ufunc = _UFUNCS.get(node.op, node.op)
            # Truth values are added as numbers.
            counted = any(parent.boolean for parent in node.parents) and not node.boolean
            self._call(ufunc, *values, f"{own}, dtype=number" if counted else own)
            self.names["number"] = self.dtype

    def _wide(self, node: Node) -> None:
        own, number = self._buffer(node), node.number
        if node.op == "linear":
            packed = self.names[f"z{number}"]
            for k, scalar in enumerate(node.args[0]):
                i, j = divmod(k, len(node.args[1].array))
                row = packed[j] if packed.ndim == 2 else packed[i, j]
                home = self._homes.get(scalar.number) if isinstance(scalar, Node) else None
                if isinstance(scalar, Node) and (home is None or not np.shares_memory(home, row)):
                    self.names[f"z{number}_{k}"] = row
                    self.lines.append(f"copyto(z{number}_{k}, {self.value(scalar)})")
            self.lines.append(f"matmul(c{number}_0, z{number}, {own})")
            return
        for i, constant in enumerate(arg for arg in node.args if isinstance(arg, Constant)):
            array = constant.array if node.op != "matmul" else constant.array.T
            array = array if node.op == "matmul" else array[..., None]
            self.names[f"c{number}_{i}"] = np.ascontiguousarray(array, self.dtype)
        if node.op == "affine":
            self._call("multiply", self.value(node.args[0]), f"c{number}_0", own)
            self._call("add", own, f"c{number}_1", own)
        elif node.op == "matmul":
            self.lines.append(f"matmul(c{number}_0, {self.value(node.args[0])}, {own})")
        else:
            self._call(_UFUNCS.get(node.op, node.op), *map(self.value, node.args), own)

    def _call(self, ufunc: str, *arguments: str) -> None:
        self.names[ufunc] = getattr(np, ufunc)
        *read, own = arguments
        self.lines.append(f"{ufunc}({', '.join(read)}, out={own})")
