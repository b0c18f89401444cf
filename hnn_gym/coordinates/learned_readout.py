"""An observation entry that was learned as a function of the state: o = c + w tanh(b + W f(q, v)).

The inputs f are terms as :mod:`hnn_gym.coordinates.readout` reads them, such as "cos(q0)" or "v1". The numbers are data
of the coordinates, like those of a readout that is known.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from hnn_gym.coordinates.readout import Readout
from hnn_gym.errors import InputError, check_fields
from hnn_gym.physics.phase import Array, namespace

_FIELDS = ("entry", "inputs", "hidden", "hidden_bias", "output", "output_bias")


@dataclass(frozen=True)
class LearnedReadout:
    """An observation entry as a small network of the state.

    Attributes:
        entry: index of the observation entry.
        inputs: the terms f.
        hidden: W, one row for every input with one number for every hidden unit.
        hidden_bias: b, one number for every hidden unit.
        output: w, one number for every hidden unit.
        output_bias: c.

    Raises:
        InputError: a term cannot be read, the shapes do not fit, or a number is not finite.
    """

    entry: int
    inputs: tuple[str, ...]
    hidden: tuple[tuple[float, ...], ...]
    hidden_bias: tuple[float, ...]
    output: tuple[float, ...]
    output_bias: float

    def __post_init__(self) -> None:
        """Check shapes and numbers."""
        check_fields(self)
        self.read  # noqa: B018 (reading the terms checks them)
        units = len(self.hidden_bias)
        rows = [len(row) for row in self.hidden]
        if not units or rows != [units] * len(self.inputs) or not rows or len(self.output) != units:
            raise InputError(
                f"A learned readout needs one row of weights for each of its {len(self.inputs)} inputs and one column "
                f"for each of its {units} hidden units, and the rows have {rows} numbers."
            )
        numbers = [*self.hidden_bias, *self.output, self.output_bias, *(w for row in self.hidden for w in row)]
        if not all(isinstance(number, int | float) and math.isfinite(number) for number in numbers):
            raise InputError(f"A learned readout needs finite numbers: entry {self.entry} has others.")

    @cached_property
    def read(self) -> tuple[Readout, ...]:
        """The inputs, read."""
        return tuple(Readout(self.entry, ((term, 1.0),)) for term in self.inputs)

    @cached_property
    def _weights(self) -> tuple[np.ndarray, ...]:
        return tuple(np.array(part, np.float64) for part in (self.hidden, self.hidden_bias, self.output))

    @property
    def size(self) -> int:
        """The smallest number of degrees of freedom that a state needs."""
        return max(readout.size for readout in self.read)

    @property
    def velocities(self) -> tuple[int, ...]:
        """The degrees of freedom whose velocity it depends on."""
        return tuple({i for readout in self.read for i in readout.velocities})

    def __call__(self, q: Array, v: Array) -> Array:
        """Values ``(..., 1)`` at states ``(..., n)``."""
        xp = namespace(q)
        place = {"dtype": q.dtype, "device": getattr(q, "device", None)}
        hidden, bias, output = (xp.asarray(part, **place) for part in self._weights)
        inputs = xp.concat([readout(q, v) for readout in self.read], axis=-1)
        return xp.tanh(inputs @ hidden + bias) @ output[:, None] + self.output_bias

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-ready dict that :meth:`from_json` reads."""
        return {name: _lists(getattr(self, name)) for name in _FIELDS}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> LearnedReadout:
        """Read what :meth:`to_json` wrote."""
        if set(data) != set(_FIELDS):
            raise InputError(f"A learned readout has {', '.join(_FIELDS)}, not {', '.join(sorted(map(str, data)))}.")
        return cls(**{name: _tuples(value) for name, value in data.items()})


def _lists(value: Any) -> Any:
    return [_lists(part) for part in value] if isinstance(value, tuple) else value


def _tuples(value: Any) -> Any:
    return tuple(_tuples(part) for part in value) if isinstance(value, list | tuple) else value
