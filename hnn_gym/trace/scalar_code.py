"""A traced function for one state: straight-line Python on floats, with NumPy only for the layers of networks.

An operation on an array of two or three numbers takes NumPy a microsecond, and an operation on floats a thirtieth.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
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
    names: dict[str, Any] = {name: getattr(math, name) for name in _FUNCTIONS}
    names |= {"inf": math.inf, "nan": math.nan, "empty": np.empty, "np": np, "dot": np.dot}
    lines = [f"def run({', '.join(program.inputs)}):"]
    for name, size in program.inputs.items():
        lines += [f"{''.join(f'{name}{i}, ' for i in range(size))}= {name}"] * bool(size)
    for node in program.nodes:
        lines += _statements(node, names)
    results = []
    for position, (name, entries) in enumerate(program.outputs.items()):
        if entries.ndim == 0:
            results.append(_value(entries[()]))
            continue
        names[f"type{position}"] = np.dtype(dtypes.get(name, np.float64))
        lines.append(f"out{position} = empty({len(entries)}, type{position})")
        lines += [f"out{position}[{i}] = {_value(entry)}" for i, entry in enumerate(entries)]
        results.append(f"out{position}")
    lines.append(f"return {', '.join(results)},")
    exec(compile("\n    ".join(lines), "<traced for one state>", "exec"), names)
    run: Callable[..., tuple[Any, ...]] = names["run"]
    return run


def _statements(node: Node, names: dict[str, Any]) -> list[str]:
    if node.shape:
        return _wide(node, names)
    if node.op == "input":
        return []
    if node.op == "epsilon":
        return [f"t{node.number} = {np.finfo(np.float64).eps!r}"]
    if node.op == "item" and node.args[0].op == "loop":
        loop, _, j = node.args
        variables = loop.args[2].variables
        return [f"t{node.number} = {_value(variables[j]) if j < len(variables) else f'float(done{loop.number})'}"]
    if node.op == "item":
        product, i, j = node.args
        index = f"[{j}]" if product.shape[0] == 1 else f"[{i}][{j}]"
        listed = f"list{product.number}"
        lines = [] if listed in names else [f"{listed} = w{product.number}.tolist()"]
        names[listed] = None
        return [*lines, f"t{node.number} = {listed}{index}"]
    form = FORMS.get(node.op) or f"{node.op}({', '.join('{' + str(i) + '}' for i in range(len(node.args)))})"
    return [f"t{node.number} = {form.format(*map(_value, node.args))}"]


def _loop(node: Node, names: dict[str, Any]) -> list[str]:
    initial, _, body = node.args
    variables = ", ".join([*map(_value, body.variables), ""])
    lines = [line for inner in body.nodes for line in _statements(inner, names)]
    lines += [f"done{node.number} = {_value(body.done)}", f"{variables} = {', '.join(map(_value, body.results))},"]
    lines += [f"if done{node.number}: break"]
    lines = [f"for _ in range({body.most}):", *(f"    {line}" for line in lines)]
    if any(inner.shape for inner in body.nodes):  # values that diverge are never good enough: NumPy need not warn
        lines = ["with errstate(over='ignore', invalid='ignore'):", *(f"    {line}" for line in lines)]
        names["errstate"] = np.errstate
    return [f"{variables} = {', '.join(map(_value, initial))},", *lines]


def _wide(node: Node, names: dict[str, Any]) -> list[str]:
    if node.op == "loop":
        return _loop(node, names)
    rows, width = node.shape
    own = f"w{node.number}"
    names[f"{own}_1"] = np.ones(width + 1)  # the last entry multiplies a bias
    names[own] = names[f"{own}_1"][:width] if rows == 1 else np.empty((rows, width))
    constants = [arg.array for arg in node.args if isinstance(arg, Constant)]
    for i, constant in enumerate(constants):
        names[f"c{node.number}_{i}"] = constant
    if node.op == "linear":
        return _linear(node, names, own)
    if node.op == "affine":
        scaled = [f"np.multiply(w{node.args[0].number}, c{node.number}_0, {own})"]
        return [*scaled, f"np.add({own}, c{node.number}_1, {own})"]
    if node.op == "matmul":
        read, matrix, bias = node.args
        if bias.array.any() and rows == 1:
            names[f"c{node.number}_0"] = np.vstack([matrix.array, bias.array])
            return [f"dot(w{read.number}_1, c{node.number}_0, {own})"]
        biased = [f"np.add({own}, c{node.number}_1, {own})"] * bool(bias.array.any())
        return [f"dot(w{read.number}, c{node.number}_0, {own})", *biased]
    ufunc = {"mul": "multiply", "sub": "subtract", "abs": "absolute", "atan2": "arctan2"}.get(node.op, node.op)
    names[ufunc + "_"] = getattr(np, ufunc)
    return [f"{ufunc}_({', '.join(f'w{arg.number}' for arg in node.args)}, {own})"]


def _linear(node: Node, names: dict[str, Any], own: str) -> list[str]:
    scalars, matrix, bias = node.args
    rows, inputs = node.shape[0], len(matrix.array)
    biased = bool(bias.array.any())
    packed = np.ones((rows, inputs + biased))
    buffer = f"z{node.number}"
    lines = []
    for k, scalar in enumerate(scalars):
        i, j = divmod(k, inputs)
        if isinstance(scalar, Node):
            lines.append(f"{buffer}[{j if rows == 1 else f'{i}, {j}'}] = {_value(scalar)}")
        else:
            packed[i, j] = scalar
    names[buffer] = packed[0] if rows == 1 else packed
    names[f"c{node.number}_0"] = np.vstack([matrix.array, bias.array]) if biased else matrix.array
    return [*lines, f"dot({buffer}, c{node.number}_0, {own})"]


def _value(value: Any) -> str:
    if not isinstance(value, Node):
        return f"({float(value)!r})" if not isinstance(value, bool) else repr(value)
    return f"{value.args[0]}{value.args[1]}" if value.op == "input" else f"t{value.number}"
