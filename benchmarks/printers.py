"""Other compilers' code for a traced program: straight-line array code for JAX and torch, a loop over states for Numba.

:mod:`benchmarks.compilers` compares them with :mod:`hnn_gym.trace.batch_code`. All of them get the same nodes, so that
they compute the same things and only the compiler differs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hnn_gym.trace import Program
from hnn_gym.trace.nodes import Node
from hnn_gym.trace.scalar_code import FORMS

_ARRAY_FORMS = {
    "not": "~{0}",
    "and": "{0} & {1}",
    "or": "{0} | {1}",
    "where": "xp.where({0}, {1}, {2})",
    "clip": "xp.where({0} < {1}, {1}, xp.where({0} > {2}, {2}, {0}))",
    "min": "xp.where({1} < {0}, {1}, {0})",
    "max": "xp.where({1} > {0}, {1}, {0})",
}
_NUMBA_ELEMENTWISE = {"add": "{0} + {1}", "sub": "{0} - {1}", "mul": "{0} * {1}"}


def arguments(program: Program) -> list[str]:
    """Names of the inputs and the given nodes, in the order of the arguments of every printed function."""
    return [*program.inputs, *(_name(node) for node in program.given)]


def array_code(
    program: Program, xp: Any, constant: Callable[[np.ndarray], Any], *, rows_first: bool
) -> Callable[..., Any]:
    """Print a program as a function of whole columns.

    Args:
        program: what to print.
        xp: an array-API library.
        constant: makes an array of that library.
        rows_first: whether layers are ``(lead, rows, width)``; otherwise they are ``(lead, width, rows)``.

    Returns:
        A function of inputs ``(rows, size)`` and given values, ``(rows,)`` or layers, that returns the list of the
        outputs, observations in float32, and the list of the next values.
    """
    names: dict[str, Any] = {"xp": xp, "inf": np.inf, "nan": np.nan}

    def held(name: str, array: np.ndarray) -> str:
        names[name] = constant(np.array(array, order="C"))
        return name

    lines = []
    for node in program.nodes:
        own, args = _name(node), [_value(arg) for arg in node.args if isinstance(arg, Node | float | bool)]
        if node.op == "input":
            code = f"{node.args[0]}[:, {node.args[1]}]"
        elif node.op == "item":
            code = f"{args[0]}[{node.args[1]}, {':, ' * rows_first}{node.args[2]}]"
        elif node.op in ("linear", "matmul"):
            matrix, bias = node.args[1].array, node.args[2].array
            weights = held(f"w{own}", matrix if rows_first else matrix.T)
            layer = args[0] if node.op == "matmul" else _stacked(node, program, axis=-1 if rows_first else 0)
            added = f" + {held(f'b{own}', bias if rows_first else bias[:, None])}" if bias.any() else ""
            code = (f"{layer} @ {weights}" if rows_first else f"{weights} @ {layer}") + added
        elif node.op == "affine":
            scale, offset = (
                held(f"{kind}{own}", np.expand_dims(np.atleast_2d(arg.array), 1 if rows_first else 2))
                for kind, arg in zip("ab", node.args[1:], strict=True)
            )
            code = f"{args[0]} * {scale} + {offset}"
        else:
            form = _ARRAY_FORMS.get(node.op) or FORMS.get(node.op)
            code = (form or f"xp.{node.op}({', '.join(f'{{{i}}}' for i in range(len(args)))})").format(*args)
        lines.append(f"{own} = {code}")
    outputs = []
    for name, entries in program.outputs.items():
        columns = [_column(entry, program) for entry in entries.flat]
        joined = f"xp.stack([{', '.join(columns)}], axis=-1)" if entries.ndim else columns[0]
        outputs.append(f"xp.astype({joined}, xp.float32)" if name == "observation" else joined)
    lines.append(f"return [{', '.join(outputs)}], [{', '.join(_name(node) for node in program.next)}]")
    return _defined(f"def step({', '.join(arguments(program))}):", lines, names)


def loop_code(program: Program) -> Callable[..., Any]:
    """Print a program as a loop over states, with a loop over the units in every layer, to be compiled by Numba.

    Returns:
        A function of inputs, given values, arrays for the next values and arrays for the outputs, which it fills;
        values of layers are ``(lead, width, rows)``.
    """
    names: dict[str, Any] = {name: getattr(np, name) for name in ("cos", "sin", "tan", "exp", "log", "tanh", "sqrt")}
    names |= {name: getattr(np, name) for name in ("floor", "isfinite", "empty", "inf", "nan")} | {"atan2": np.arctan2}
    scratch, lines = [], []
    for node in program.given:
        if node.shape:
            scratch.append(f"l{node.number} = empty({node.shape})")
            lines += _over(node, f"l{node.number}[i, j] = {_name(node)}[i, j, row]")
        else:
            lines.append(f"s{node.number} = {_name(node)}[row]")
    for node in program.nodes:
        if node.shape:
            scratch.append(f"l{node.number} = empty({node.shape})")
            lines += _looped_layer(node, names, scratch)
        elif node.op not in ("input", "item"):
            args = list(map(_scalar, node.args))
            form = FORMS.get(node.op) or f"{node.op}({', '.join(f'{{{i}}}' for i in range(len(args)))})"
            lines.append(f"s{node.number} = {form.format(*args)}")
    for i, node in enumerate(program.next):
        code = f"next{i}[i, j, row] = l{node.number}[i, j]"
        lines += _over(node, code) if node.shape else [f"next{i}[row] = {_scalar(node)}"]
    for name, entries in program.outputs.items():
        for i, entry in enumerate(entries.flat):
            lines.append(f"out_{name}[{f'row, {i}' if entries.ndim else 'row'}] = {_scalar(entry)}")
    header = [*arguments(program), *(f"next{i}" for i in range(len(program.next)))]
    header += [f"out_{name}" for name in program.outputs]
    body = [*scratch, f"for row in range({next(iter(program.inputs))}.shape[0]):", *(f"    {line}" for line in lines)]
    return _defined(f"def step({', '.join(header)}):", body, names)


def _looped_layer(node: Node, names: dict[str, Any], scratch: list[str]) -> list[str]:
    own, (lead, width) = f"l{node.number}", node.shape
    if node.op in ("linear", "matmul"):
        read, matrix, bias = node.args
        names |= {f"w{own}": matrix.array, f"b{own}": bias.array}
        lines, layer, count = [], None if node.op == "linear" else f"l{read.number}", len(matrix.array)
        if layer is None:
            layer = f"z{node.number}"
            scratch.append(f"{layer} = empty(({lead}, {count}))")
            lines = [f"{layer}[{k // count}, {k % count}] = {_scalar(scalar)}" for k, scalar in enumerate(read)]
        return [
            *lines,
            f"for i in range({lead}):",
            f"    for j in range({width}): {own}[i, j] = b{own}[j]",
            f"    for k in range({count}):",
            f"        for j in range({width}): {own}[i, j] += {layer}[i, k] * w{own}[k, j]",
        ]
    args = [f"l{arg.number}[i, j]" for arg in node.args if isinstance(arg, Node)]
    if node.op == "affine":
        names |= {
            f"{kind}{own}": np.broadcast_to(arg.array, node.shape) + 0.0
            for kind, arg in zip("ab", node.args[1:], strict=True)
        }
        return _over(node, f"{own}[i, j] = {args[0]} * a{own}[i, j] + b{own}[i, j]")
    form = _NUMBA_ELEMENTWISE.get(node.op, f"{node.op}({', '.join(f'{{{i}}}' for i in range(len(args)))})")
    return _over(node, f"{own}[i, j] = {form.format(*args)}")


def _over(node: Node, code: str) -> list[str]:
    lead, width = node.shape
    return [f"for i in range({lead}):", f"    for j in range({width}): {code}"]


def _stacked(node: Node, program: Program, *, axis: int) -> str:
    """The scalars of a layer's input as one array, ``(lead, inputs, rows)`` or ``(lead, rows, inputs)``."""
    scalars, inputs = node.args[0], len(node.args[1].array)
    rows = [scalars[k : k + inputs] for k in range(0, len(scalars), inputs)]
    stacks = [f"xp.stack([{', '.join(_column(s, program) for s in row)}], axis={axis})" for row in rows]
    return f"xp.stack([{', '.join(stacks)}], axis=0)"


def _column(entry: Any, program: Program) -> str:
    """An entry as code for a column ``(rows,)``, also where it is a constant."""
    if isinstance(entry, Node):
        return _name(entry)
    first = f"{next(iter(program.inputs))}[:, 0]"
    if isinstance(entry, bool):
        return f"({first} {'==' if entry else '!='} {first})"
    return f"(0.0 * {first} + {float(entry)!r})"


def _name(node: Node) -> str:
    return f"t{node.number}"


def _value(value: Any) -> str:
    return _name(value) if isinstance(value, Node) else f"({value!r})"


def _scalar(value: Any) -> str:
    """An argument as code for one number of the state ``row``."""
    if not isinstance(value, Node):
        return f"({value!r})"
    if value.op == "input":
        return f"{value.args[0]}[row, {value.args[1]}]"
    if value.op == "item":
        return f"l{value.args[0].number}[{value.args[1]}, {value.args[2]}]"
    return f"s{value.number}"


def _defined(header: str, lines: list[str], names: dict[str, Any]) -> Callable[..., Any]:
    exec(compile("\n    ".join([header, *lines]), "<printed>", "exec"), names)
    step: Callable[..., Any] = names["step"]
    return step
