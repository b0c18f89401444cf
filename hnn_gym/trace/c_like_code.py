"""A traced function for one state as source text of a language that writes arithmetic as C does.

JavaScript and C differ in how they declare a number and how they name a function, so a :class:`Dialect` holds that and
the writer here does the rest. Layers of networks become loops over constant arrays; all else is straight-line code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hnn_gym.trace.nodes import Constant, Node
from hnn_gym.trace.program import Program

FORMS = {
    "add": "{0} + {1}",
    "sub": "{0} - {1}",
    "mul": "{0} * {1}",
    "div": "{0} / {1}",
    "mod": "modulo({0}, {1})",
    "wrap": "modulo({0} + {1}, 2 * {1}) - {1}",
    "neg": "-{0}",
    "not": "!{0}",
    "and": "{0} && {1}",
    "or": "{0} || {1}",
    "lt": "{0} < {1}",
    "le": "{0} <= {1}",
    "gt": "{0} > {1}",
    "ge": "{0} >= {1}",
    "ne": "{0} != {1}",
    "where": "{0} ? {1} : {2}",
    "clip": "{0} < {1} ? {1} : {0} > {2} ? {2} : {0}",
    "min": "{1} < {0} ? {1} : {0}",
    "max": "{1} > {0} ? {1} : {0}",
}
"""Code of an operation on numbers, by the operation's name; all other operations are functions of the language."""
_LONGEST = 400
"""Longer code of a number gets a statement of its own, so that lines can be read."""


@dataclass(frozen=True)
class Dialect:
    """What differs between the languages.

    Attributes:
        function: name of the function of an operation such as "cos".
        literal: code of a float or a bool.
        number: how a constant number is declared, with the blank after it.
        boolean: the same of a truth value.
        variable: the same of a number that changes.
        counter: the same of a number that counts.
        array: declaration of a local array, from its name and length.
        truth: code of a truth value as a number, from the code of the truth value.
    """

    function: Callable[[str], str]
    literal: Callable[[float | bool], str]
    number: str
    boolean: str
    variable: str
    counter: str
    array: Callable[[str, int], str]
    truth: Callable[[str], str]


@dataclass
class Constants:
    """Constant arrays that several functions share.

    Attributes:
        names: name of each array.
    """

    names: dict[Constant, str] = field(default_factory=dict)

    def name(self, constant: Constant) -> str:
        """The name of an array, given at its first use."""
        return self.names.setdefault(constant, f"c{len(self.names)}")


class Writer:
    """Writes the statements of one program.

    Attributes:
        arrays: lengths of the local arrays by name.
    """

    def __init__(self, dialect: Dialect, constants: Constants) -> None:
        """Write in ``dialect``, with arrays from ``constants``."""
        self.arrays: dict[str, int] = {}
        self._dialect, self._constants = dialect, constants
        self._code: dict[int, str] = {}

    def body(self, program: Program) -> list[str]:
        """The statements that compute all nodes of a program."""
        return self._statements(program.nodes, program.uses)

    def value(self, value: Any) -> str:
        """The code of a node's value or of a constant."""
        if not isinstance(value, Node):
            literal = self._dialect.literal(value)
            return f"({literal})" if literal.startswith("-") else literal
        if value.op == "input":
            return f"{value.args[0]}[{value.args[1]}]"
        return self._code.get(value.number, f"t{value.number}")

    def _statements(self, nodes: Iterable[Node], uses: Mapping[int, int]) -> list[str]:
        lines: list[str] = []
        for node in nodes:
            if node.op == "loop":
                lines += self._loop(node)
            elif node.shape:
                lines += self._layer(node)
            elif node.op not in ("input", "variable"):
                code = self._number(node)
                if uses[node.number] == 1 and len(code) < _LONGEST:
                    self._code[node.number] = f"({code})"
                else:
                    kind = self._dialect.boolean if node.boolean else self._dialect.number
                    lines.append(f"{kind}t{node.number} = {code};")
        return lines

    def _number(self, node: Node) -> str:
        if node.op == "epsilon":
            return repr(float(np.finfo(np.float64).eps))
        if node.op == "item" and node.args[0].op == "loop":
            loop, _, j = node.args
            variables = loop.args[2].variables
            return self.value(variables[j]) if j < len(variables) else self._dialect.truth(f"done{loop.number}")
        if node.op == "item":
            layer, i, j = node.args
            return f"w{layer.number}[{i * layer.shape[1] + j}]"
        values = [self.value(arg) for arg in node.args]
        if node.op in FORMS:
            return FORMS[node.op].format(*values)
        return f"{self._dialect.function(node.op)}({', '.join(values)})"

    def _loop(self, node: Node) -> list[str]:
        initial, _, body = node.args
        names = [self.value(variable) for variable in body.variables]
        inner = self._statements(body.nodes, body.uses)
        inner.append(f"done{node.number} = {self.value(body.done)};")
        inner += [
            f"{self._dialect.number}next{name} = {self.value(new)};"
            for name, new in zip(names, body.results, strict=True)
        ]
        inner += [f"{name} = next{name};" for name in names]
        inner.append(f"if (done{node.number}) break;")
        lines = [f"{self._dialect.variable}{name} = {self.value(at)};" for name, at in zip(names, initial, strict=True)]
        lines.append(f"{self._dialect.counter}done{node.number} = 0;")
        counter = f"{self._dialect.counter}k = 0; k < {body.most}; k += 1"
        return [*lines, f"for ({counter}) {{", *(f"  {line}" for line in inner), "}"]

    def _layer(self, node: Node) -> list[str]:
        rows, width = node.shape
        own = f"w{node.number}"
        self.arrays[own] = rows * width
        if node.op in ("linear", "matmul"):
            read, matrix, bias = node.args
            inputs = len(matrix.array)
            lines = []
            array = f"z{node.number}" if node.op == "linear" else f"w{read.number}"
            if node.op == "linear":
                self.arrays[array] = rows * inputs
                lines = [f"{array}[{i}] = {self.value(scalar)};" for i, scalar in enumerate(read)]
            named = f"{self._constants.name(matrix)}, {self._constants.name(bias)}"
            return [*lines, f"product({own}, {array}, {named}, {rows}, {inputs}, {width});"]
        values = [f"w{arg.number}[i]" if isinstance(arg, Node) else self._entry(arg, width) for arg in node.args]
        form = "{0} * {1} + {2}" if node.op == "affine" else FORMS.get(node.op)
        code = form.format(*values) if form else f"{self._dialect.function(node.op)}({', '.join(values)})"
        counter = f"{self._dialect.counter}i = 0; i < {rows * width}; i += 1"
        return [f"for ({counter}) {own}[i] = {code};"]

    def _entry(self, constant: Constant, width: int) -> str:
        """The code of a constant's entry that belongs to entry i of a layer."""
        return f"{self._constants.name(constant)}[{'i' if constant.array.ndim > 1 else f'i % {width}'}]"
