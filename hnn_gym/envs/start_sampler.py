"""Starts for many copies, each from its own generator, equal to those of single environments with the same seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium.utils import seeding

from hnn_gym.envs.tasks.wrapper import TaskWrapper
from hnn_gym.systems.task import NumberedStarts, Task
from hnn_gym.worlds.world_model import WorldModel

_AHEAD = 64
"""Starts that a copy's generator draws at a time: ``random((k, n))`` is the stream of k times ``random(n)``."""
_BLOCK = _AHEAD + 1
"""Starts lie in a block of rows; a row of NaN behind them marks that they are used up."""


class Draws:
    """The generators of ``count`` copies, made when they are first needed, and the starts they have drawn ahead.

    Nothing else draws from these generators, so that drawing ahead has no visible effect.
    """

    def __init__(self, world: WorldModel, task: Task, count: int) -> None:
        """Prepare to draw the starts of ``task`` in ``world``."""
        self._world, self._task = world, task
        self._generators: list[np.random.Generator | None] = [None] * count
        self._numbered = _numbered(task)
        if self._numbered is not None:
            self._ahead = np.full((count * _BLOCK, 2 * world.coordinates.n), np.nan)
        self._next = np.arange(count) * _BLOCK + _AHEAD

    def seed(self, seeds: Sequence[int | None]) -> None:
        """Seed every copy; None leaves one as it is."""
        for i, seed in enumerate(seeds):
            if seed is not None:
                self._generators[i], self._next[i] = seeding.np_random(seed)[0], i * _BLOCK + _AHEAD

    def starts(self, rows: np.ndarray, options: Mapping[str, Any]) -> np.ndarray:
        """Draw a start for every copy of ``rows`` ``(k,)``; return phase points ``(k, 2n)``.

        Raises:
            InputError: the task refuses the options; nothing has been drawn then.
        """
        if self._numbered is None or options:
            drawn = [self._task.initial(self._wound_back(i), options) for i in rows.tolist()]
            q, v = (np.array(part, np.float64) for part in zip(*drawn, strict=True))
            return self._world.phase_point(q, v)
        at = self._next.take(rows)
        points = self._ahead.take(at, 0)
        first = points[:, 0]
        if not math.isfinite(first.dot(first)) and (empty := np.isnan(first)).any():
            self._draw_ahead(self._numbered, rows[empty])
            at[empty] -= _AHEAD
            points = self._ahead.take(at, 0)
        self._next[rows] = at + 1
        return points

    def _draw_ahead(self, task: NumberedStarts, rows: np.ndarray) -> None:
        numbers = np.stack([self._generator(i).random((_AHEAD, task.start_numbers)) for i in rows.tolist()])
        blocks = self._ahead.reshape(len(self._next), _BLOCK, -1)
        blocks[rows, :_AHEAD] = self._world.phase_point(*task.start(numbers, {}))

    def _wound_back(self, i: int) -> np.random.Generator:
        """The generator of copy i, wound back to where it had drawn nothing ahead."""
        generator, end = self._generator(i), i * _BLOCK + _AHEAD
        if self._numbered is not None and self._next[i] < end:
            unused = end - int(self._next[i])
            generator.bit_generator.advance(-unused * self._numbered.start_numbers)  # type: ignore[attr-defined]
            self._next[i] = end
        return generator

    def _generator(self, i: int) -> np.random.Generator:
        found = self._generators[i]
        if found is None:
            found = self._generators[i] = seeding.np_random(None)[0]
        return found


def _numbered(task: Task) -> NumberedStarts | None:
    """The task, if its starts are functions of uniform numbers; None if it draws them in an ``initial`` of its own."""
    while isinstance(task, TaskWrapper) and type(task).initial is TaskWrapper.initial:
        task = task.task
    return task if isinstance(task, NumberedStarts) and type(task).initial is NumberedStarts.initial else None
