"""A traced function for many states: one ufunc call an operation, on rows of a block that stays in the cache.

Every number of the function is a contiguous row ``(rows,)``, every layer of a network a matrix ``(width, rows)``;
buffers are made once and used again as soon as nothing needs what they hold. What is told or wanted in the next step is
computed where it is to be found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


_FEW_ROWS = 4
"""Up to so many rows of a product are computed one by one: OpenBLAS packs the layer first where there are two."""


def compiled(
    program: Program, rows: int, dtype: Any, others: Mapping[str, Any] | None = None
) -> Callable[..., None]:
    """Compile for ``rows`` states at a time, computed in ``dtype``.

    Args:
        program: what to compute.
        rows: how many states.
        dtype: float64 or float32.
        others: dtypes of the outputs that are not bool and yet not in ``dtype``, by name.

    Returns:
        A function of the inputs ``(rows, size)`` in ``dtype``, quickest with contiguous columns; of the arrays of what
        is given, ``(rows,)`` or ``(width, rows)`` as :func:`room` makes them; of those for its next values; and of the
        outputs ``(rows, k)`` or ``(rows,)``. It fills the last two. Not to be called by two threads at once.
    """
    plan = _Plan(program, rows, np.dtype(dtype), others or {})
    arguments = [f"in_{name}" for name in program.inputs] + [f"t{node.number}" for node in program.given]
    arguments += [f"next{i}" for i in range(len(program.next))] + [f"out_{name}" for name in program.outputs]
    lines = [f"def run({', '.join(arguments)}):", *plan.lines]
    lines += [f"copyto({place}, {plan.value(entry)})" for place, entry in plan.wanted if place not in plan.places]
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

    def __init__(self, program: Program, rows: int, dtype: np.dtype[Any], others: Mapping[str, Any]) -> None:
        self.program, self.rows, self.dtype = program, rows, dtype
        self.names: dict[str, Any] = {"copyto": np.copyto, "matmul": np.matmul, "dot": np.dot}
        self.names |= {"nan": np.nan, "inf": np.inf}
        self.lines: list[str] = []
        # Every place to fill, and with what: "next0", "out_x[:, 1]".
        self.wanted: list[tuple[str, Any]] = [(f"next{i}", node) for i, node in enumerate(program.next)]
        for name, entries in program.outputs.items():
            places = [f"out_{name}[:, {i}]" for i in range(entries.size)] if entries.ndim else [f"out_{name}"]
            self.wanted += zip(places, entries.flat, strict=True)
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
        self._computed = {node.number for node in program.nodes if node.op not in ("input", "item")}
        self._results = self._places_of_results(others)
        self.places = set(self._results.values())
        found: dict[Any, Node] = {(n.op, n.args[0].number): n for n in program.nodes if n.op in ("cos", "sin") and not n.shape}
        self._circles = {a: (n, found["sin", a]) for (op, a), n in found.items() if op == "cos" and ("sin", a) in found}
        for node in program.nodes:
            self._plan(node)

    def _places_of_results(self, others: Mapping[str, Any]) -> dict[int, str]:
        """Where to compute nodes that are wanted in the next step or told, by number: the first such place.

        Not those that are views of others, have their home in the input of a layer, or are told in another type.
        """
        places: dict[int, str] = {}
        for place, node in self.wanted:
            told = place.removeprefix("out_").partition("[")[0]
            if isinstance(node, Node) and node.number in self._computed and told not in others:
                if node.number not in self._homes and (place.startswith("next") or not node.shape):
                    places.setdefault(node.number, place)
        return places

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
        if node.number in self._results:
            self.lines.append(f"{name} = {self._results[node.number]}")
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
        computed = {n.number for n in self.program.nodes if n.op not in ("input", "item") and not n.shape}
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
        if node.op == "input":
            self.lines.append(f"t{node.number} = in_{node.args[0]}[:, {node.args[1]}]")
            return
        if node.op in ("cos", "sin") and self.dtype == np.float64 and node.args[0].number in self._circles:
            self._circle(node)
            return
        own = self._buffer(node)
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
            # Truth values are added as numbers.
            counted = any(parent.boolean for parent in node.parents) and not node.boolean
            self._elementwise(node, values, f"{own}, dtype=number" if counted else own)
            self.names["number"] = self.dtype

    def _circle(self, node: Node) -> None:
        """Compute cosine and sine of an angle together, at the first of them.

        With t = tan(a / 2) and r = 2 / (1 + t^2): cos a = r - 1, sin a = r t, to 1e-15. NumPy's tangent in float64 is
        vectorised where the processor allows it, its cosine and sine are not.
        """
        pair = self._circles[node.args[0].number]
        if node is not min(pair, key=lambda one: one.number):
            return
        c, s = map(self._buffer, pair)
        half, one, two = (self._operand(value, whole=False) for value in (0.5, 1.0, 2.0))
        self._call("multiply", self.value(node.args[0]), half, s)
        self._call("tan", s, s)
        self._call("square", s, c)
        self._call("add", c, one, c)
        self._call("divide", two, c, c)
        self._call("multiply", s, c, s)
        self._call("subtract", c, one, c)

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
        elif node.op == "matmul" and node.shape[0] == 1 and node.shape[1] <= _FEW_ROWS:
            for j, row in enumerate(self.names[f"c{number}_0"]):
                self.names[f"c{number}_{j}"] = row
                self.lines.append(f"dot(c{number}_{j}, {self.value(node.args[0])}, {own}[{j}])")
        elif node.op == "matmul":
            self.lines.append(f"matmul(c{number}_0, {self.value(node.args[0])}, {own})")
        else:
            self._elementwise(node, list(map(self.value, node.args)), own)

    def _elementwise(self, node: Node, values: list[str], own: str) -> None:
        if node.op == "mul" and node.args[0] is node.args[1]:
            self._call("square", values[0], own)
        else:
            self._call(_UFUNCS.get(node.op, node.op), *values, own)

    def _call(self, ufunc: str, *arguments: str) -> None:
        self.names[ufunc] = getattr(np, ufunc)
        *read, own = arguments
        named = ufunc in ("maximum", "minimum")  # of which NumPy no longer takes a third argument by its position
        self.lines.append(f"{ufunc}({', '.join(read)}, {'out=' * named}{own})")
