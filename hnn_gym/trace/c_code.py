"""Traced functions for one state as C99: one source file without allocation, state or headers beside math.h.

It needs 64-bit doubles. The results differ from NumPy's by the order of sums and by the last bit of sin, exp and their
like.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from hnn_gym.trace.c_like_code import Constants, Dialect, Writer
from hnn_gym.trace.program import Program

_NAMES = {"abs": "fabs"}


def _literal(value: float | bool) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if math.isfinite(value):
        return repr(float(value))
    return "NAN" if math.isnan(value) else "INFINITY" if value > 0 else "-INFINITY"


_C = Dialect(
    function=lambda op: _NAMES.get(op, op),
    literal=_literal,
    number="const double ",
    boolean="const int ",
    variable="double ",
    counter="int ",
    array=lambda name, length: f"double {name}[{length}];",
    truth=lambda code: code,
)
_PRELUDE = """\
#include <math.h>

static inline double modulo(double a, double b) {
  const double r = fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

static inline void product(double *out, const double *rows, const double *matrix, const double *bias, int count,
                           int inputs, int width) {
  for (int r = 0; r < count; r += 1) {
    for (int j = 0; j < width; j += 1) out[r * width + j] = bias[j];
    for (int k = 0; k < inputs; k += 1) {
      const double entry = rows[r * inputs + k];
      for (int j = 0; j < width; j += 1) out[r * width + j] += entry * matrix[k * width + j];
    }
  }
}
"""


def source(programs: Mapping[str, Program]) -> str:
    """Print programs as one C99 file.

    Args:
        programs: traced functions by name.

    Returns:
        The file. Each function is ``void name(const double input[], ..., double output[], ...)``, in the order of the
        program's inputs and outputs; an output that is one number or truth value is an array of one double.
    """
    constants = Constants()
    functions = [_function(name, program, constants) for name, program in programs.items()]
    arrays = []
    for constant, name in constants.names.items():
        values = ", ".join(map(repr, constant.array.ravel().tolist()))
        arrays.append(f"static const double {name}[{constant.array.size}] = {{{values}}};")
    return "\n".join([_PRELUDE, *arrays, *functions, ""])


def _function(name: str, program: Program, constants: Constants) -> str:
    writer = Writer(_C, constants)
    body = writer.body(program)
    arguments = [f"const double {given}[{max(size, 1)}]" for given, size in program.inputs.items()]
    arguments += [f"double next_{output}[{max(entries.size, 1)}]" for output, entries in program.outputs.items()]
    # All results are computed before the first is stored: a caller may pass one array as input and output.
    results: list[str] = []
    stores: list[str] = []
    for output, entries in program.outputs.items():
        for i, entry in enumerate(entries.reshape(-1)):
            results.append(f"const double {output}_{i} = {writer.value(entry)};")
            stores.append(f"next_{output}[{i}] = {output}_{i};")
    arrays = [_C.array(array, length) for array, length in writer.arrays.items()]
    lines = [*arrays, *body, *results, *stores]
    return "\n".join([f"void {name}({', '.join(arguments)}) {{", *(f"  {line}" for line in lines), "}"])
