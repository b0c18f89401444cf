"""A traced function for one state: straight-line Python on floats, with NumPy only for the layers of networks.

An operation on an array of two or three numbers takes NumPy a microsecond, and an operation on floats a thirtieth.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from struct import Struct
from typing import Any

import numpy as np

from hnn_gym.trace.nodes import Constant, Node
from hnn_gym.trace.program import Program

FORMS = {
    "add": "{0} + {1}",
    "sub": "{0} - {1}",
    "mul": "{0} * {1}",
    "div": "{0} / {1}",
    "mod": "{0} % {1}",
    "wrap": "({0} + {1}) % (2 * {1}) - {1}",
    "pow": "{0} ** {1}",
    "neg": "-{0}",
    "abs": "abs({0})",
    "not": "not {0}",
    "and": "{0} and {1}",
    "or": "{0} or {1}",
    "lt": "{0} < {1}",
    "le": "{0} <= {1}",
    "gt": "{0} > {1}",
    "ge": "{0} >= {1}",
    "ne": "{0} != {1}",
    "where": "{1} if {0} else {2}",
    "clip": "{1} if {0} < {1} else {2} if {0} > {2} else {0}",
    "min": "{1} if {1} < {0} else {0}",
    "max": "{1} if {1} > {0} else {0}",
}
"""Python code of an operation on floats, by the operation's name."""
_FUNCTIONS = ("cos", "sin", "tan", "exp", "log", "tanh", "sqrt", "atan2", "floor", "isfinite")
_LONGEST = 400
"""Longer code of a number gets a statement of its own: the parser limits how deep parentheses may be nested."""


def compiled(program: Program, dtypes: Mapping[str, Any]) -> Callable[..., tuple[Any, ...]]:
    """Compile for one state.

    Args:
        program: the traced function.
        dtypes: types of the output vectors by name; float64 for those not named.

    Returns:
        A function of lists of floats, one list for each input, that returns the outputs in order: new arrays ``(k,)``,
        floats and bools. Two threads must not call it at the same time. Where NumPy would return infinity or NaN it
        raises ArithmeticError or ValueError.
    """
    writer = _Writer()
    names = writer.names
    lines = [f"def run({', '.join(program.inputs)}):"]
    for name, size in program.inputs.items():
        lines += [f"{''.join(f'{name}{i}, ' for i in range(size))}= {name}"] * bool(size)
    lines += writer.statements(program.nodes, program.uses)
    results = []
    for position, (name, entries) in enumerate(program.outputs.items()):
        if entries.ndim == 0:
            results.append(writer.value(entries[()]))
            continue
        dtype = names[f"type{position}"] = np.dtype(dtypes.get(name, np.float64))
        lines.append(f"out{position} = empty({len(entries)}, type{position})")
        lines += writer.filled(f"out{position}", [writer.value(entry) for entry in entries], dtype)
        results.append(f"out{position}")
    lines.append(f"return {', '.join(results)},")
    exec(compile("\n    ".join(lines), "<traced for one state>", "exec"), names)
    run: Callable[..., tuple[Any, ...]] = names["run"]
    return run


class _Writer:
    """Writes statements, and collects the names that they use.

    A number that is read once is computed where it is read: storing and loading it takes longer than the operation.
    """

    def __init__(self) -> None:
        self.names: dict[str, Any] = {name: getattr(math, name) for name in _FUNCTIONS}
        self.names |= {"inf": math.inf, "nan": math.nan, "empty": np.empty, "np": np}
        self._code: dict[int, str] = {}

    def value(self, value: Any) -> str:
        """The code of a node's value or of a constant."""
        if not isinstance(value, Node):
            return f"({float(value)!r})" if not isinstance(value, bool) else repr(value)
        if value.op == "input":
            return f"{value.args[0]}{value.args[1]}"
        return self._code.get(value.number, f"t{value.number}")

    def statements(self, nodes: Iterable[Node], uses: Mapping[int, int]) -> list[str]:
        """The statements that compute nodes; a node that is read once may stay without one."""
        lines: list[str] = []
        for node in nodes:
            if node.shape:
                lines += self._loop(node) if node.op == "loop" else self._layer(node)
            elif node.op != "input":
                more, code = self._number(node)
                if uses[node.number] == 1 and len(code) < _LONGEST:
                    lines += more
                    self._code[node.number] = f"({code})"
                else:
                    lines += [*more, f"t{node.number} = {code}"]
        return lines

    def _number(self, node: Node) -> tuple[list[str], str]:
        """The code of a number, and what has to come before it."""
        if node.op == "epsilon":
            return [], repr(float(np.finfo(np.float64).eps))
        if node.op == "item" and node.args[0].op == "loop":
            loop, _, j = node.args
            variables = loop.args[2].variables
            return [], self.value(variables[j]) if j < len(variables) else f"float(done{loop.number})"
        if node.op == "item":
            product, i, j = node.args
            unpacked = f"items{product.number}"
            lines = [] if unpacked in self.names else [self._unpacked(product, unpacked)]
            return lines, f"i{product.number}_{i * product.shape[1] + j}"
        form = FORMS.get(node.op) or f"{node.op}({', '.join('{' + str(i) + '}' for i in range(len(node.args)))})"
        return [], form.format(*map(self.value, node.args))

    def filled(self, array: str, values: list[str], dtype: np.dtype[Any]) -> list[str]:
        """The statements that fill a contiguous array, by the struct module where it can, in a third of the time."""
        if dtype.char not in "fd" or not values:
            return [f"{array}[{i}] = {value}" for i, value in enumerate(values)]
        pack = f"pack{len(values)}{dtype.char}"
        self.names[pack] = Struct(f"{len(values)}{dtype.char}").pack_into
        return [f"{pack}({array}, 0, {', '.join(values)})"]

    def _unpacked(self, product: Node, unpacked: str) -> str:
        """The statement that makes floats of all entries of a layer."""
        self.names[unpacked] = self.names[f"w{product.number}"].reshape(-1).data
        names = [f"i{product.number}_{k}, " for k in range(product.shape[0] * product.shape[1])]
        return f"{''.join(names)}= {unpacked}.tolist()"

    def _loop(self, node: Node) -> list[str]:
        initial, _, body = node.args
        first = ", ".join([*map(self.value, initial), ""])
        variables = ", ".join([*map(self.value, body.variables), ""])
        lines = self.statements(body.nodes, body.uses)
        lines += [f"done{node.number} = {self.value(body.done)}"]
        lines += [f"{variables} = {', '.join(map(self.value, body.results))},", f"if done{node.number}: break"]
        lines = [f"for _ in range({body.most}):", *(f"    {line}" for line in lines)]
        if any(inner.shape for inner in body.nodes):  # values that diverge are never good enough: NumPy need not warn
            lines = ["with errstate(over='ignore', invalid='ignore'):", *(f"    {line}" for line in lines)]
            self.names["errstate"] = np.errstate
        return [f"{variables} = {first}", *lines]

    def _layer(self, node: Node) -> list[str]:
        rows, width = node.shape
        own = f"w{node.number}"
        self.names[f"{own}_1"] = np.ones(width + 1)  # the last entry multiplies a bias
        self.names[own] = self.names[f"{own}_1"][:width] if rows == 1 else np.empty((rows, width))
        constants = [arg.array for arg in node.args if isinstance(arg, Constant)]
        for i, constant in enumerate(constants):
            self.names[f"c{node.number}_{i}"] = constant
        if node.op == "linear":
            return self._linear(node, own)
        if node.op == "affine":
            scaled = [f"np.multiply(w{node.args[0].number}, c{node.number}_0, {own})"]
            return [*scaled, f"np.add({own}, c{node.number}_1, {own})"]
        if node.op == "matmul":
            read, matrix, bias = node.args
            if bias.array.any() and rows == 1:
                self.names[f"c{node.number}_0"] = np.vstack([matrix.array, bias.array])
                return [self._product(f"w{read.number}_1", node)]
            biased = [f"np.add({own}, c{node.number}_1, {own})"] * bool(bias.array.any())
            return [self._product(f"w{read.number}", node), *biased]
        ufunc = {"mul": "multiply", "sub": "subtract", "abs": "absolute", "atan2": "arctan2"}.get(node.op, node.op)
        self.names[ufunc + "_"] = getattr(np, ufunc)
        return [f"{ufunc}_({', '.join(f'w{arg.number}' for arg in node.args)}, {own})"]

    def _linear(self, node: Node, own: str) -> list[str]:
        scalars, matrix, bias = node.args
        rows, inputs = node.shape[0], len(matrix.array)
        biased, buffer, values = bool(bias.array.any()), f"z{node.number}", []
        for i in range(rows):
            values += [self.value(scalar) for scalar in scalars[i * inputs : (i + 1) * inputs]] + ["1.0"] * biased
        packed = np.empty((rows, inputs + biased))
        self.names |= {
            buffer: packed[0] if rows == 1 else packed,
            f"{buffer}_bytes": memoryview(packed.reshape(-1).data),
        }
        self.names[f"c{node.number}_0"] = np.vstack([matrix.array, bias.array]) if biased else matrix.array
        return [*self.filled(f"{buffer}_bytes", values, packed.dtype), self._product(buffer, node)]

    def _product(self, array: str, node: Node) -> str:
        """The statement of a matrix product, by the array's own method, which begins sooner than NumPy's function."""
        self.names[f"dot_{array}"] = self.names[array].dot
        return f"dot_{array}(c{node.number}_0, w{node.number})"
