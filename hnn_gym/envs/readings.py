"""The values that a Python function reads besides its arguments, so that a compiled copy is never out of date.

A traced reward runs once, on arrays that record the operations on them. Any other value that it reads (a number of its
module, of its closure or of its object) becomes a constant of the compiled step. The step therefore finds these values
(:mod:`hnn_gym.envs.byte_code`), and compares them with the present ones before each use.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reading:
    """One thing that was read.

    Attributes:
        what: its name in messages.
        source: expression of ``box`` that reads it again.
        box: the namespace, cell or object that holds it.
        value: what was read, or a copy of it.
        test: expression of the present value ``now`` and the ``value``.
    """

    what: str
    source: str
    box: Any
    value: Any
    test: str


class Readings:
    """All readings of some functions, with the values that they had.

    Attributes:
        names: names of the values, such as "PendulumSwingUp.weight".
        unchanged: returns whether all of them still have the same value.
    """

    def __init__(self, found: list[Reading]) -> None:
        """Compile the comparison with the present values."""
        self.names = tuple(reading.what for reading in found)
        boxes: dict[str, Any] = {}
        tests = []
        for i, reading in enumerate(found):
            boxes |= {f"box{i}": reading.box, f"value{i}": reading.value}
            source = reading.source.format(box=f"box{i}")
            tests.append(reading.test.format(now=source, value=f"value{i}"))
        self._each = [_compiled(test, boxes) for test in tests]
        self.unchanged = _compiled(" and ".join(f"({test})" for test in tests) or "True", boxes)

    def changed(self) -> list[str]:
        """The names of the values that have changed."""
        return [name for name, unchanged in zip(self.names, self._each, strict=True) if not unchanged()]


def _compiled(test: str, boxes: dict[str, Any]) -> Callable[[], bool]:
    """A function that evaluates a test; False also where something is no longer there or cannot be compared."""
    names = dict(boxes)
    code = f"def holds():\n try:\n  return bool({test})\n except Exception:\n  return False"
    exec(compile(code, "<what was read>", "exec"), names)
    holds: Callable[[], bool] = names["holds"]
    return holds
