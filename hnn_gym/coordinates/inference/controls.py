"""What the actions do: which velocities respond to each of them, and how strongly to whole-number actions.

Where one velocity responds, the action is a generalised force on its degree of freedom. Where several do, it is if one
equation of motion alone is explained worse without it; else how it acts on them is left to the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hnn_gym.coordinates import Control
from hnn_gym.coordinates.force_table import Table
from hnn_gym.coordinates.inference.equations import FORMS, Equations
from hnn_gym.coordinates.inference.recording import Recording
from hnn_gym.errors import InputError

_RESPONDS = 0.01
"""A velocity responds if a standard deviation of the action makes this share of its changes,"""
_SIGNIFICANT = 6.0
"""and so many standard errors."""
_EXACT = 0.02
"""Equations are looked at closely where none leaves more than this share of the changes of its velocity."""
_NEEDED = 1.2
"""An equation needs a control if its error is this many times larger without,"""
_CLEARLY = 10.0
"""and it is the one that the control acts in if its error is so many times larger."""
_SAME_LINE = 0.1
"""Effects lie on one line if their part across it is at most this share of their part along it."""
_EVEN = 0.05
"""Values are evenly spaced if they differ from that by this share of their range,"""
_AS_GOOD = 1.5
"""or if no equation is explained so many times worse when they are."""


class ActionMap(NamedTuple):
    """What the actions are.

    Attributes:
        controls: the control vector's entries.
        table: of whole-number actions.
        counts: of whole-number actions of several numbers.
        evidence: for every entry of the action, how it was seen what it does.
    """

    controls: tuple[Control, ...]
    table: Table | None
    counts: tuple[int, ...] | None
    evidence: tuple[str, ...]


def check_varied(recording: Recording) -> None:
    """Refuse actions whose effects cannot be inferred.

    Raises:
        InputError: an entry is the same in all transitions, or a whole-number action was never taken.
    """
    if recording.action_counts is None:
        still = [k for k in range(recording.action_size) if np.ptp(recording.action[:, k]) == 0]
        if still:
            which = "The action is" if recording.action_size == 1 else f"Action entry {still[0]} is"
            raise InputError(
                f"{which} {recording.action[0, still[0]]:g} in every transition, so that its effect cannot be found: "
                "record with a policy that varies it, such as --policy bang-bang, or declare what it does in a "
                "coordinates file."
            )
        return
    for k, count in enumerate(recording.action_counts):
        never = sorted(set(range(count)) - set(recording.action[:, k].tolist()))
        if never:
            where = "" if len(recording.action_counts) == 1 else f" of number {k}"
            raise InputError(
                f"The actions {never}{where} were never taken, so what they do cannot be found: record with a policy "
                "that takes all, such as --policy random --hold 20, or declare a force_table in a coordinates file."
            )


def indicators(recording: Recording) -> np.ndarray:
    """Actions as columns ``(N, m)`` of a regression: of whole numbers, whether each value but the first was taken."""
    if recording.action_counts is None:
        return recording.action
    return np.concatenate(
        [
            (recording.action[:, k, None] == np.arange(1, count)).astype(np.float64)
            for k, count in enumerate(recording.action_counts)
        ],
        axis=1,
    )


def action_map(recording: Recording, equations: Equations, angles: Sequence[bool], degrees: Sequence[int]) -> ActionMap:
    """Find what the actions do.

    Args:
        recording: what was recorded.
        equations: made with the :func:`indicators`.
        angles: which of their degrees of freedom are angles.
        degrees: the number of each among the degrees of freedom of the coordinates.
    """
    judge = _Judge(equations, angles, degrees)
    if recording.action_counts is None:
        controls, evidence = [], []
        for k in range(recording.action_size):
            degree, reason = judge.degree([k])
            bound = None if recording.action_bounds is None else recording.action_bounds[k]
            controls.append(Control(degree, limit=bound if bound is not None and np.isfinite(bound) else None))
            evidence.append(reason)
        return ActionMap(tuple(controls), None, None, tuple(evidence))
    return _table(recording.action_counts, judge, len(degrees))


class _Judge:
    """Responses of velocities to the columns of the actions, and the equations of motion to look closer."""

    def __init__(self, equations: Equations, angles: Sequence[bool], degrees: Sequence[int]) -> None:
        self._equations, self._angles, self._degrees = equations, angles, degrees
        forms = equations.forms or FORMS[:1]
        errors = [(form, equations.errors(angles, form)) for form in forms]
        self._exact = [(form, each) for form, each in errors if each.max() < _EXACT]
        self._rich, self._all = errors[-1]
        self.responses = equations.responses(angles, forms[-1])

    def degree(self, columns: list[int]) -> tuple[int | None, str]:
        """The degree of freedom that the controls of these columns act on, None where it is not known, and why."""
        share, significance = (np.abs(x[columns]).max(axis=0) for x in self.responses[:2])
        responding = [i for i in range(len(share)) if share[i] > _RESPONDS and significance[i] > _SIGNIFICANT]
        if not responding:
            return None, "no velocity that is observed responds to it"
        names = ", ".join(f"{100 * min(share[i], 1.0):.0f} % of the changes of v{self._degrees[i]}" for i in responding)
        if len(responding) == 1:
            return self._degrees[responding[0]], f"it makes {names}, and no other velocity responds"
        for form, errors in self._exact:
            others = np.delete(np.eye(len(self.responses.share)), columns, axis=1)
            ratio = self._equations.errors(self._angles, form, mixed=others) / errors
            needing = np.flatnonzero(ratio > _NEEDED)
            if len(needing) == 1 and ratio[needing[0]] > _CLEARLY and needing[0] in responding:
                only = self._degrees[needing[0]]
                times = f"{ratio.max():.3g}"
                return only, f"it makes {names}; without it the equation of q{only} alone is off, {times} times as much"
        return None, f"it makes {names}"

    def worse(self, columns: list[int], values: np.ndarray) -> float:
        """How many times worse the worst equation is explained if whole numbers count by ``values`` ``(count,)``."""
        m = len(self.responses.share)
        mixed = np.concatenate([np.delete(np.eye(m), columns, axis=1), np.zeros((m, 1))], axis=1)
        mixed[columns, -1] = values[1:] - values[0]
        return float((self._equations.errors(self._angles, self._rich, mixed=mixed) / self._all).max())


def _table(counts: tuple[int, ...], judge: _Judge, n: int) -> ActionMap:
    controls: list[Control] = []
    blocks: list[np.ndarray] = []
    evidence = []
    first = 0
    for count in counts:
        columns = list(range(first, first + count - 1))
        first += count - 1
        effects = np.concatenate([np.zeros((1, n)), judge.responses.effect[columns]])
        even = np.linspace(-1.0, 1.0, count)
        values = even[:, None] if judge.worse(columns, even) < _AS_GOOD else _values(effects)
        degree, reason = judge.degree(columns)
        controls += [Control(degree)] * values.shape[1]
        blocks.append(values)
        evidence.append(reason)
    rows, total, done = [], len(controls), 0
    for block in blocks:
        whole = np.zeros((len(block), total))
        whole[:, done : done + block.shape[1]] = block
        done += block.shape[1]
        rows += [tuple(float(value) for value in row) for row in whole]
    return ActionMap(tuple(controls), tuple(rows), None if len(counts) == 1 else tuple(counts), tuple(evidence))


def _values(effects: np.ndarray) -> np.ndarray:
    """Control vectors ``(count, 1)`` of actions whose effects ``(count, n)`` lie on a line; else one column each.

    Values that are evenly spaced become so exactly, and the mean of the actions is the one that does nothing.
    """
    count = len(effects)
    centred = effects - effects.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    if sizes[0] == 0 or (len(sizes) > 1 and sizes[1] > _SAME_LINE * sizes[0]):
        return np.eye(count)
    values = left[:, 0] * (1 if left[-1, 0] >= left[0, 0] else -1)
    values = values / np.abs(values).max()
    order = np.argsort(np.argsort(values))
    even = 2 * order / (count - 1) - 1
    if np.abs(values - even).max() < _EVEN * np.ptp(values):
        return even[:, None].astype(np.float64)
    nearest = values[np.argmin(np.abs(values))]
    return np.round(values - nearest, 3)[:, None]
