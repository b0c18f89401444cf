"""A traced function for many states: one ufunc call per operation, on rows of a block that stays in the cache.

:mod:`hnn_gym.trace.buffers` plans the memory that every operation writes to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from hnn_gym.trace.buffers import BufferPlan, allocate
from hnn_gym.trace.loops import Body
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
"""Products of at most this many rows are computed row by row: for two or more, OpenBLAS copies the layer first."""

__all__ = ["allocate", "compiled"]


def compiled(program: Program, rows: int, dtype: Any, others: Mapping[str, Any] | None = None) -> Callable[..., None]:
    """Compile for ``rows`` states at a time, computed in ``dtype``.

    Args:
        program: the traced function.
        rows: number of states.
        dtype: float64 or float32.
        others: dtypes of outputs that are neither bool nor ``dtype``, by name.

    Returns:
        A function of the inputs ``(rows, size)`` in ``dtype``, fastest with contiguous columns; of the arrays of the
        given nodes, ``(rows,)`` or ``(width, rows)`` as :func:`allocate` makes them; of the arrays for their next
        values; and of the outputs ``(rows, k)`` or ``(rows,)``. It fills the last two groups. Two threads must not call
        it at the same time.
    """
    plan = _Plan(program, rows, np.dtype(dtype), others or {})
    arguments = [f"in_{name}" for name in program.inputs] + [f"t{node.number}" for node in program.given]
    arguments += [f"next{i}" for i in range(len(program.next))] + [f"out_{name}" for name in program.outputs]
    lines = [f"def run({', '.join(arguments)}):", *plan.lines]
    lines += [
        f"copyto({target}, {plan.value(entry)})"
        for target, entry in plan.buffers.targets
        if target not in plan.buffers.filled
    ]
    lines.append("return")
    exec(compile("\n    ".join(lines), "<traced for many states>", "exec"), plan.names)
    run: Callable[..., None] = plan.names["run"]
    return run


def _loop(body: Body, captured: tuple[Node, ...], rows: int, dtype: np.dtype[Any]) -> Callable[..., None]:
    """Compile a loop: a function of the first values, of the values read from outside, and of the array to fill.

    The array ``(k + 1, rows)`` gets the last values, and 1 for the states that are done and 0 for the others.
    """
    results, done = np.array(body.results, object), np.array(body.done, object)
    program = Program({}, {"value": results, "done": done}, given=(*body.variables, *captured))
    run = compiled(program, rows, dtype)
    buffers = [np.empty((len(results), rows), dtype) for _ in range(2)]
    finished = np.empty(rows, np.bool_)

    def loop(first: tuple[Any, ...], read: tuple[Any, ...], out: np.ndarray) -> None:
        now, after = buffers
        for row, value in zip(now, first, strict=True):
            row[...] = value
        with np.errstate(over="ignore", invalid="ignore"):  # values that diverge are never good enough
            for _ in range(body.most):
                run(*now, *read, after.T, finished)
                now, after = after, now
                if finished.all():
                    break
        out[:-1] = now
        out[-1] = finished

    return loop


class _Plan:
    """The statements that compute every node, and the names that they use."""

    def __init__(self, program: Program, rows: int, dtype: np.dtype[Any], others: Mapping[str, Any]) -> None:
        self.rows, self.dtype = rows, dtype
        self.buffers = BufferPlan(program, rows, dtype, others)
        self.names: dict[str, Any] = {"copyto": np.copyto, "matmul": np.matmul, "dot": np.dot}
        self.names |= {"nan": np.nan, "inf": np.inf}
        self.lines: list[str] = []
        self._constants: dict[tuple[str, bool], str] = {}
        found: dict[Any, Node] = {
            (n.op, n.args[0].number): n for n in program.nodes if n.op in ("cos", "sin") and not n.shape
        }
        self._circles = {a: (n, found["sin", a]) for (op, a), n in found.items() if op == "cos" and ("sin", a) in found}
        for node in program.nodes:
            self._plan(node)

    def value(self, value: Any) -> str:
        """Return the name of a node's buffer, or a constant as code."""
        if isinstance(value, Node):
            return f"t{value.number}"
        return repr(value.item() if isinstance(value, np.generic) else value)

    def _operand(self, value: Any, *, whole: bool) -> str:
        """Return the same with constants as arrays, since NumPy would convert a float in every call.

        With ``whole`` a constant fills an array ``(rows,)``: NumPy takes the larger of two such arrays several times as
        fast as the larger of an array and a number.
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
        # Elementwise operations may overwrite their arguments; products may not.
        in_place = node.op not in ("linear", "matmul", "where", "affine", "clip", "mod", "wrap", "loop")
        if in_place:
            self.buffers.release(node)
        operation(node)
        if not in_place:
            self.buffers.release(node)

    def _buffer(self, node: Node) -> str:
        name, memory = f"t{node.number}", self.buffers.of(node)
        if isinstance(memory, str):
            self.lines.append(f"{name} = {memory}")
        elif self.buffers.has_ones(node):
            self.names |= {name: memory[:-1], f"{name}_1": memory}
        else:
            self.names[name] = memory
        return name

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
        if node.op == "epsilon":
            self.names[f"t{node.number}"] = np.asarray(np.finfo(self.dtype).eps, self.dtype)
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
            if not self.buffers.share(node, node.args[2]):
                self.lines.append(f"copyto({own}, {values[2]})")
            self.lines.append(f"copyto({own}, {values[1]}, where={values[0]})")
        elif node.op == "clip":
            self._call("maximum", values[0], values[1], own)
            self._call("minimum", own, values[2], own)
        elif node.op == "mod" and not isinstance(node.args[1], Node):
            # a - b floor(a / b): NumPy's own remainder takes ten times as long.
            self._call("divide", *values, own)
            self._call("floor", own, own)
            self._call("multiply", own, values[1], own)
            self._call("subtract", values[0], own, own)
        elif node.op == "wrap":
            # a - 2 c floor(a / 2 c + 1 / 2): -c at both ends of the interval, as the remainder has it.
            period, half = (self._operand(value, whole=False) for value in (2 * node.args[1], 0.5))
            self._call("divide", values[0], period, own)
            self._call("add", own, half, own)
            self._call("floor", own, own)
            self._call("multiply", own, period, own)
            self._call("subtract", values[0], own, own)
        else:
            # Truth values are added as numbers.
            counted = any(parent.boolean for parent in node.parents) and not node.boolean
            self._elementwise(node, values, f"{own}, dtype=number" if counted else own)
            self.names["number"] = self.dtype

    def _circle(self, node: Node) -> None:
        """Compute cosine and sine of an angle together, in place of whichever comes first.

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

    def _linear(self, node: Node) -> None:
        scalars, matrix, bias = node.args
        packed, own, number = self.buffers.packed(node), self._buffer(node), node.number
        for k, scalar in enumerate(scalars):
            i, j = divmod(k, len(matrix.array))
            row = packed[j] if packed.ndim == 2 else packed[i, j]
            if isinstance(scalar, Node) and not self.buffers.is_home(scalar, row):
                self.names[f"z{number}_{k}"] = row
                self.lines.append(f"copyto(z{number}_{k}, {self.value(scalar)})")
        weights = np.vstack([matrix.array, bias.array]) if bias.array.any() else matrix.array
        self.names |= {f"z{number}": packed, f"c{number}_0": np.ascontiguousarray(weights.T, self.dtype)}
        self.lines.append(f"matmul(c{number}_0, z{number}, {own})")

    def _wide(self, node: Node) -> None:
        if node.op == "linear":
            self._linear(node)
            return
        if node.op == "matmul":
            self._matmul(node)
            return
        if node.op == "loop":
            self._loop(node)
            return
        own, number = self._buffer(node), node.number
        for i, constant in enumerate(arg for arg in node.args if isinstance(arg, Constant)):
            self.names[f"c{number}_{i}"] = np.ascontiguousarray(constant.array[..., None], self.dtype)
        if node.op == "affine":
            self._call("multiply", self.value(node.args[0]), f"c{number}_0", own)
            self._call("add", own, f"c{number}_1", own)
        else:
            self._elementwise(node, list(map(self.value, node.args)), own)

    def _matmul(self, node: Node) -> None:
        read, matrix, bias = node.args
        own, name, biased = self._buffer(node), f"c{node.number}", bool(bias.array.any())
        layer, weights = self.value(read), matrix.array
        if biased and self.buffers.has_ones(read):
            layer, weights, biased = f"{layer}_1", np.vstack([weights, bias.array]), False
        self.names[name] = np.ascontiguousarray(weights.T, self.dtype)
        if node.shape[0] == 1 and node.shape[1] <= _FEW_ROWS:
            for j, row in enumerate(self.names[name]):
                self.names[f"{name}_{j}"] = row
                self.lines.append(f"dot({name}_{j}, {layer}, {own}[{j}])")
        else:
            self.lines.append(f"matmul({name}, {layer}, {own})")
        if biased:
            self.names[f"{name}_b"] = bias.array[:, None].astype(self.dtype)
            self._call("add", own, f"{name}_b", own)

    def _loop(self, node: Node) -> None:
        initial, captured, body = node.args
        own, name = self._buffer(node), f"loop{node.number}"
        self.names[name] = _loop(body, captured, self.rows, self.dtype)
        first, read = (", ".join([*map(self.value, values), ""]) for values in (initial, captured))
        self.lines.append(f"{name}(({first}), ({read}), {own})")

    def _elementwise(self, node: Node, values: list[str], own: str) -> None:
        if node.op == "mul" and node.args[0] is node.args[1]:
            self._call("square", values[0], own)
        else:
            self._call(_UFUNCS.get(node.op, node.op), *values, own)

    def _call(self, ufunc: str, *arguments: str) -> None:
        self.names[ufunc] = getattr(np, ufunc)
        *read, own = arguments
        named = ufunc in ("maximum", "minimum")  # NumPy deprecates their third argument by position
        self.lines.append(f"{ufunc}({', '.join(read)}, {'out=' * named}{own})")
