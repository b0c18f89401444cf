"""Pure functions of arrays as straight-line code: one definition of the physics, at the speed of code written for it.

A step of an environment is a hundred operations on arrays of two or three numbers, and NumPy's cost of starting an
operation is all it costs. So the step is run once on arrays that only note what is done with them (:func:`trace`), and
the note is turned into Python for one state (``scalar_code.compiled``) or for many (``batch_code.compiled``).
"""

from hnn_gym.trace import batch_code, scalar_code
from hnn_gym.trace.nodes import NotTraceable
from hnn_gym.trace.program import Program, trace

__all__ = ["NotTraceable", "Program", "batch_code", "scalar_code", "trace"]
