"""Pure functions of arrays as straight-line code: one definition of the physics, at the speed of code written for it.

A step of an environment is a hundred operations on arrays of two or three numbers, and almost all of its time is what
NumPy needs to begin each operation. So the step runs once on arrays that write down what is done with them
(:func:`trace`), and the resulting graph is compiled to Python code for one state (``scalar_code.compiled``) or for a
batch (``batch_code.compiled``). The same graph is printed as source text for other places: ``javascript_code.source``
for a browser and ``c_code.source`` for a microcontroller.
"""

from hnn_gym.trace import batch_code, c_code, javascript_code, scalar_code
from hnn_gym.trace.loops import checked, iterate, repeat
from hnn_gym.trace.nodes import NotTraceable
from hnn_gym.trace.program import Program, trace

__all__ = [
    "NotTraceable",
    "Program",
    "batch_code",
    "c_code",
    "checked",
    "iterate",
    "javascript_code",
    "repeat",
    "scalar_code",
    "trace",
]
