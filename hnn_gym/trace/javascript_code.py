"""Traced functions for one state as JavaScript, whose numbers are the same float64 as NumPy's.

The results differ from NumPy's by the order of sums and by the last bit of sin, exp and their like.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping

import numpy as np

from hnn_gym.trace.c_like_code import Constants, Dialect, Writer
from hnn_gym.trace.program import Program

_NAMES = {"isfinite": "Number.isFinite"}


def _literal(value: float | bool) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if math.isfinite(value):
        return repr(float(value)).removesuffix(".0")
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


_JAVASCRIPT = Dialect(
    function=lambda op: _NAMES.get(op, f"Math.{op}"),
    literal=_literal,
    number="const ",
    boolean="const ",
    variable="let ",
    counter="let ",
    array=lambda name, length: f"const {name} = new Float64Array({length});",
    truth=lambda code: f"+{code}",
)
_PRELUDE = """\
const modulo = (a, b) => { const r = a % b; return r !== 0 && (r < 0) !== (b < 0) ? r + b : r; };
const product = (out, rows, matrix, bias, count, inputs, width) => {
  for (let r = 0; r < count; r += 1) {
    for (let j = 0; j < width; j += 1) out[r * width + j] = bias[j];
    for (let k = 0; k < inputs; k += 1) {
      const entry = rows[r * inputs + k];
      for (let j = 0; j < width; j += 1) out[r * width + j] += entry * matrix[k * width + j];
    }
  }
};
const numbers = (text) => new Float64Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);"""


def source(programs: Mapping[str, Program]) -> str:
    """Print programs as one JavaScript expression.

    Args:
        programs: traced functions by name.

    Returns:
        An expression whose value is an object with one function for each name. A function takes arrays of numbers, one
        for each input, and returns an object of numbers, booleans and arrays by the names of the outputs. Where NumPy
        would return infinity or NaN, so does the function.
    """
    constants = Constants()
    functions = [_function(name, program, constants) for name, program in programs.items()]
    arrays = [f'const {name} = numbers("{_base64(constant.array)}");' for constant, name in constants.names.items()]
    names = ", ".join(programs)
    return "\n".join(["(() => {", _PRELUDE, *arrays, *functions, f"return {{ {names} }};", "})()"])


def _function(name: str, program: Program, constants: Constants) -> str:
    writer = Writer(_JAVASCRIPT, constants)
    body = writer.body(program)
    outputs = []
    for output, entries in program.outputs.items():
        codes = ", ".join(writer.value(entry) for entry in entries.reshape(-1))
        outputs.append(f"{output}: {codes}" if entries.ndim == 0 else f"{output}: [{codes}]")
    arrays = [_JAVASCRIPT.array(array, length) for array, length in writer.arrays.items()]
    lines = [*body, f"return {{ {', '.join(outputs)} }};"]
    head = f"return ({', '.join(program.inputs)}) => {{"
    return "\n".join([f"const {name} = (() => {{", *arrays, head, *lines, "}; })();"])


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(array.astype("<f8").tobytes()).decode("ascii")
