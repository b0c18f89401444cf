"""Classify an entry that no relation and no function of the others explains: a velocity, a position, or neither.

The change of a velocity is a function of the state, itself and the action. A position without an observed velocity
continues with the change of the step before. An entry that is neither may still be carried on from step to step.
"""

from __future__ import annotations

from enum import Enum
from itertools import combinations_with_replacement
from math import comb
from typing import NamedTuple

import numpy as np

from hnn_gym.coordinates.inference.recording import Recording
from hnn_gym.coordinates.inference.regression import held_out_share

_EXPLAINED = 0.5
_BETTER = 0.5
_KNOWN = 0.1
"""A change that is explained so well needs no change before it."""
_ROWS = 2000
_ROWS_PER_COLUMN = 5


class Kind(Enum):
    """The kind of an entry."""

    VELOCITY = "velocity"
    POSITION = "position"
    UNKNOWN = "unknown"


class Leftover(NamedTuple):
    """The kind of an entry, and the errors from which it follows, as shares of the median deviation.

    Attributes:
        kind: the decision.
        velocity: error of its change as a function of the state, itself and the action.
        position: the same given its change in the step before too.
        carried: the first as a share of the deviation of the entry itself; infinite where it hardly ever deviates.
    """

    kind: Kind
    velocity: float
    position: float
    carried: float


def kind_of(recording: Recording, entry: int, known: list[int], columns: np.ndarray) -> Leftover:
    """Decide the kind of an entry.

    Args:
        recording: what was recorded.
        entry: the entry.
        known: the entries that are explained.
        columns: actions of the transitions ``(N, m)``.
    """
    now, change, earlier, u, before = [], [], [], [], []
    begin = 0
    for seen in recording.observations:
        steps = len(seen) - 1
        acted = columns[begin : begin + steps]
        begin += steps
        if steps > 1:
            moves = np.diff(seen[:, entry])
            now.append(seen[1:-1])
            change.append(moves[1:])
            earlier.append(moves[:-1])
            u.append(acted[1:])
            before.append(acted[:-1])
    if not now:
        return Leftover(Kind.UNKNOWN, 1.0, 1.0, np.inf)
    rows = np.random.default_rng(0).permutation(sum(map(len, now)))[:_ROWS]
    seen, moved, went, acting, acted = (np.concatenate(x)[rows] for x in (now, change, earlier, u, before))
    itself = seen[:, [entry]]
    velocity = held_out_share(_powers(np.hstack([seen[:, known], itself, acting])), moved)
    position = held_out_share(_powers(np.hstack([seen[:, known], itself, acting, acted, went[:, None]])), moved)
    if velocity > _KNOWN and position < _BETTER * velocity and position < _EXPLAINED:
        kind = Kind.POSITION
    elif velocity < _EXPLAINED:
        kind = Kind.VELOCITY
    else:
        kind = Kind.UNKNOWN
    usual, step = (float(np.median(np.abs(values - np.median(values)))) for values in (itself, moved))
    return Leftover(kind, velocity, position, velocity * step / usual if usual > 0 else np.inf)


def _powers(values: np.ndarray) -> np.ndarray:
    """1, the columns, and, if there are enough rows, their products in pairs and threes ``(N, columns)``."""
    scaled = (values - values.mean(axis=0)) / np.maximum(values.std(axis=0), 1e-300)
    columns = [np.ones(len(values))]
    n = scaled.shape[1]
    for degree in (1, 2, 3):
        if degree > 1 and len(columns) + comb(n + degree - 1, degree) > len(values) // _ROWS_PER_COLUMN:
            break
        chosen = combinations_with_replacement(range(n), degree)
        columns += [np.prod(scaled[:, list(which)], axis=1) for which in chosen]
    return np.stack(columns, axis=1)
