"""A traced function as an ONNX graph for a batch of states, for any runtime of that format.

A number of the trace is a tensor ``(batch,)``, a layer ``(batch, rows, width)``. The results differ from NumPy's by the
order of sums and by the last bits of sin, exp and their like. onnxruntime has no cosine of float64: it is a sine there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from types import ModuleType
from typing import Any

import numpy as np

from hnn_gym.errors import InputError
from hnn_gym.trace.nodes import Constant, Node
from hnn_gym.trace.program import Program

_OPSET, _IR = 18, 9
_OPERATORS = {
    "add": "Add",
    "sub": "Sub",
    "mul": "Mul",
    "div": "Div",
    "pow": "Pow",
    "neg": "Neg",
    "abs": "Abs",
    "not": "Not",
    "and": "And",
    "or": "Or",
    "lt": "Less",
    "le": "LessOrEqual",
    "gt": "Greater",
    "ge": "GreaterOrEqual",
    "eq": "Equal",
    "where": "Where",
    "min": "Min",
    "max": "Max",
    "sin": "Sin",
    "exp": "Exp",
    "log": "Log",
    "tanh": "Tanh",
    "sqrt": "Sqrt",
    "floor": "Floor",
}
"""ONNX's operators by the name of the operation; the others are made of several."""


def onnx_package() -> ModuleType:
    """The package ``onnx``.

    Raises:
        InputError: it is not installed.
    """
    try:
        import onnx
    except ImportError:
        raise InputError('Writing ONNX needs the package onnx: pip install "hnn-gym[onnx]".') from None
    return onnx


def model(program: Program, *, dtype: str = "float64", words: str = "") -> Any:
    """Return an ``onnx.ModelProto`` of a program.

    Args:
        program: the traced function.
        dtype: "float64" or "float32", of inputs, constants and outputs.
        words: a description, kept in the file.

    Returns:
        A model with inputs ``(batch, size)`` and outputs ``(batch, k)`` or ``(batch,)`` by the names of the program.

    Raises:
        InputError: ``onnx`` is not installed, the dtype is another one, or ONNX lacks an operation.
    """
    if dtype not in ("float64", "float32"):
        raise InputError(f"ONNX is written in 'float64' or 'float32', not {dtype!r}.")
    onnx = onnx_package()
    builder = _Builder(onnx, np.dtype(dtype))
    kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    inputs = [onnx.helper.make_tensor_value_info(name, kind, ["batch", size]) for name, size in program.inputs.items()]
    builder.batch = next(iter(program.inputs))
    builder.compute(program.nodes)
    outputs = []
    for name, entries in program.outputs.items():
        builder.output(name, entries)
        shape = ["batch"] if entries.ndim == 0 else ["batch", len(entries)]
        outputs.append(onnx.helper.make_tensor_value_info(name, kind, shape))
    graph = onnx.helper.make_graph(builder.nodes, "traced", inputs, outputs, builder.initializers, doc_string=words)
    opset = [onnx.helper.make_opsetid("", _OPSET)]
    made = onnx.helper.make_model(graph, opset_imports=opset, ir_version=_IR, producer_name="hnn_gym")
    onnx.checker.check_model(made)
    return made


class _Builder:
    """Collects the nodes and constants of a graph.

    Attributes:
        nodes: ONNX nodes so far.
        initializers: constant tensors so far.
        batch: name of an input, whose first axis is the batch's.
    """

    def __init__(self, onnx: ModuleType, dtype: np.dtype[Any]) -> None:
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self.batch = ""
        self._onnx, self._dtype = onnx, dtype
        self._constants: dict[Any, str] = {}
        self._names: dict[int, str] = {}
        self._count = 0

    def add(self, operator: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        """Add a node with one output; returns the name of the output."""
        self._count += 1
        output = name or f"v{self._count}"
        self.nodes.append(self._onnx.helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def constant(self, value: Any, dtype: Any = None) -> str:
        """The name of a constant tensor."""
        kind = np.dtype(dtype if dtype is not None else bool if isinstance(value, bool | np.bool_) else self._dtype)
        array = np.asarray(value, kind)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            name = self._constants[key] = f"c{len(self._constants)}"
            self.initializers.append(
                self._onnx.numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name)
            )
        return self._constants[key]

    def value(self, value: Any) -> str:
        """The name of a node's tensor, or of a constant."""
        if isinstance(value, Constant):
            return self.constant(value.array)
        return self._names[value.number] if isinstance(value, Node) else self.constant(value)

    def compute(self, nodes: Iterable[Node]) -> None:
        """Add what computes nodes of the trace."""
        for node in nodes:
            self._names[node.number] = self._computed(node)

    def output(self, name: str, entries: np.ndarray) -> None:
        """Add an output: a vector or a single entry, of floats."""
        columns = [self._full(entry) for entry in entries.reshape(-1)]
        if entries.ndim == 0:
            self.add("Identity", columns[0], name=name)
        else:
            self._concatenated(columns, name=name)

    def _full(self, entry: Any) -> str:
        """An entry as floats ``(batch,)``."""
        name = self.value(entry)
        if isinstance(entry, bool) or (isinstance(entry, Node) and (entry.boolean or entry.op == "isfinite")):
            name = self._as_float(name)
        if isinstance(entry, Node):
            return name
        shape = self.add("Slice", self.add("Shape", self.batch), *(self.constant([k], np.int64) for k in (0, 1)))
        return self.add("Expand", name, shape)

    def _as_float(self, name: str) -> str:
        return self.add("Cast", name, to=self._onnx.helper.np_dtype_to_tensor_dtype(self._dtype))

    def _concatenated(self, columns: list[str], *, name: str | None = None) -> str:
        """Tensors ``(batch,)`` side by side, ``(batch, k)``."""
        one = self.constant([1], np.int64)
        wide = [self.add("Unsqueeze", column, one) for column in columns]
        return self.add("Concat", *wide, name=name, axis=1)

    def _computed(self, node: Node) -> str:
        op = node.op
        if op == "input":
            return self.add("Gather", str(node.args[0]), self.constant(node.args[1], np.int64), axis=1)
        if op == "epsilon":
            return self._full(float(np.finfo(self._dtype).eps))
        if op == "variable":
            return f"variable{node.args[0]}_{node.args[1]}_in"
        if op == "loop":
            return self._loop(node)
        if op == "item":
            return self._item(node)
        if op in ("linear", "matmul"):
            return self._product(node)
        values = [self.value(arg) for arg in node.args]
        if op == "affine":
            return self.add("Add", self.add("Mul", values[0], values[1]), values[2])
        if op in ("mul", "div") and self._nearly_one(node.args[1]):
            factor = node.args[1] if op == "mul" else 1 / node.args[1]
            return self.add("Add", values[0], self.add("Mul", values[0], self.constant(factor - 1)))
        if op in _OPERATORS:
            return self.add(_OPERATORS[op], *values)
        made = getattr(self, f"_{op}", None)
        if made is None:
            raise InputError(f"ONNX has no operation for {op}, which this function uses.")
        result: str = made(*values)
        return result

    def _nearly_one(self, factor: Any) -> bool:
        """Whether onnxruntime would leave out a factor, since it is 1 in float32, though not in float64."""
        return isinstance(factor, float) and factor != 1.0 and np.float32(factor) == 1.0 and self._dtype == np.float64

    def _cos(self, x: str) -> str:
        if self._dtype == np.float32:
            return self.add("Cos", x)
        return self.add("Sin", self.add("Add", x, self.constant(math.pi / 2)))

    def _tan(self, x: str) -> str:
        return self.add("Div", self.add("Sin", x), self._cos(x))

    def _ne(self, a: str, b: str) -> str:
        return self.add("Not", self.add("Equal", a, b))

    def _isfinite(self, x: str) -> str:
        return self.add("Less", self.add("Abs", x), self.constant(math.inf))

    def _clip(self, x: str, low: str, high: str) -> str:
        return self.add("Min", self.add("Max", x, low), high)

    def _mod(self, a: str, b: str) -> str:
        turns = self.add("Floor", self.add("Div", a, b))
        return self.add("Sub", a, self.add("Mul", b, turns))

    def _wrap(self, x: str, half: str) -> str:
        turn = self.add("Add", half, half)
        return self.add("Sub", self._mod(self.add("Add", x, half), turn), half)

    def _item(self, node: Node) -> str:
        layer, i, j = node.args
        if layer.op == "loop":
            variables = layer.args[2].variables
            name = f"loop{layer.number}_{j}"
            return name if j < len(variables) else self._as_float(name)
        row = self.add("Gather", self.value(layer), self.constant(i, np.int64), axis=1)
        return self.add("Gather", row, self.constant(j, np.int64), axis=1)

    def _product(self, node: Node) -> str:
        read, matrix, bias = node.args
        if node.op == "linear":
            rows, inputs = node.shape[0], len(matrix.array)
            flat = self._concatenated([self._full(entry) for entry in read])
            read_name = self.add("Reshape", flat, self.constant([0, rows, inputs], np.int64))
        else:
            read_name = self.value(read)
        product = self.add("MatMul", read_name, self.value(matrix))
        return self.add("Add", product, self.value(bias)) if bias.array.any() else product

    def _loop(self, node: Node) -> str:
        """Iterations until every state of the batch is done."""
        initial, _, body = node.args
        helper, kinds = self._onnx.helper, self._onnx.TensorProto
        kind = helper.np_dtype_to_tensor_dtype(self._dtype)
        starts = [self._full(value) for value in initial]
        never = self.add("Expand", self.constant(False), self.add("Shape", starts[0]))
        outside, self.nodes = self.nodes, []
        self.compute([*body.variables, *body.nodes])
        results = [self.add("Identity", self._full(value)) for value in body.results]
        done = self.add("Identity", self.value(body.done) if isinstance(body.done, Node) else never)
        every = self.add("ReduceMin", self.add("Cast", done, to=kinds.INT32), keepdims=0)
        more = self.add("Not", self.add("Cast", every, to=kinds.BOOL))
        inside, self.nodes = self.nodes, outside
        number, going, before = (f"loop{node.number}_{word}" for word in ("number", "going", "before"))
        variables = [self.value(variable) for variable in body.variables]
        arguments: list[tuple[str, int, list[str]]] = [(number, kinds.INT64, []), (going, kinds.BOOL, [])]
        arguments += [(name, kind, ["batch"]) for name in variables] + [(before, kinds.BOOL, ["batch"])]
        returned = [
            (more, kinds.BOOL, []),
            *((name, kind, ["batch"]) for name in results),
            (done, kinds.BOOL, ["batch"]),
        ]
        graph = helper.make_graph(
            inside,
            f"iteration{node.number}",
            [helper.make_tensor_value_info(*argument) for argument in arguments],
            [helper.make_tensor_value_info(*result) for result in returned],
        )
        outputs = [f"loop{node.number}_{j}" for j in range(len(variables) + 1)]
        given = [self.constant(body.most, np.int64), self.constant(True), *starts, never]
        self.nodes.append(helper.make_node("Loop", given, outputs, body=graph))
        return outputs[0]
