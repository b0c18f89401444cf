"""The starts of many copies, each from a generator of its own, as the single environment seeded alike draws them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium.utils import seeding

from hnn_gym.envs.tasks import NumberedStarts, Task
from hnn_gym.world_model import WorldModel

_AHEAD = 32
"""Starts that a copy's generator draws at a time: ``random((k, n))`` is the stream of k times ``random(n)``."""


class Draws:
    """The generators of ``count`` copies, made when they are first needed, and what they have drawn ahead.

    Nothing else draws from these generators, so that how far ahead they are cannot be seen.
    """

    def __init__(self, world: WorldModel, task: Task, count: int) -> None:
        """Prepare to draw the starts of ``task`` in ``world``."""
        self._world, self._task = world, task
        self._generators: list[np.random.Generator | None] = [None] * count
        self._numbered: NumberedStarts | None = None
        # A subclass with an ``initial`` of its own draws as that says.
        if isinstance(task, NumberedStarts) and type(task).initial is NumberedStarts.initial:
            self._numbered = task
            self._numbers = np.empty((count, _AHEAD, task.start_numbers))
            self._points = np.empty((count * _AHEAD, 2 * world.coordinates.n))  # where reset is given no options
            self._used = np.full(count, _AHEAD)

    def seed(self, seeds: Sequence[int | None]) -> None:
        """Seed every copy; None leaves one as it is."""
        for i, seed in enumerate(seeds):
            if seed is not None:
                self._generators[i] = seeding.np_random(seed)[0]
                if self._numbered is not None:
                    self._used[i] = _AHEAD

    def starts(self, rows: np.ndarray, options: Mapping[str, Any]) -> np.ndarray:
        """Draw a start for every copy of ``rows`` ``(k,)``; return phase points ``(k, 2n)``.

        Raises:
            InputError: the task refuses the options; nothing has been drawn then.
        """
        if self._numbered is None:
            drawn = [self._task.initial(self._generator(i), options) for i in rows.tolist()]
            q, v = (np.array(part, np.float64) for part in zip(*drawn, strict=True))
            return self._world.phase_point(q, v)
        used = self._used.take(rows)
        empty = used == _AHEAD
        if np.count_nonzero(empty):
            self._draw_ahead(self._numbered, rows[empty])
            used[empty] = 0
        if options:
            points: np.ndarray = self._world.phase_point(*self._numbered.start(self._numbers[rows, used], options))
        else:
            points = self._points.take(rows * _AHEAD + used, 0)
        self._used[rows] = used + 1
        return points

    def _draw_ahead(self, task: NumberedStarts, rows: np.ndarray) -> None:
        for i in rows.tolist():
            self._generator(i).random(out=self._numbers[i])
        points = self._world.phase_point(*task.start(self._numbers[rows], {}))
        self._points.reshape(len(self._used), _AHEAD, -1)[rows] = points
        self._used[rows] = 0

    def _generator(self, i: int) -> np.random.Generator:
        found = self._generators[i]
        if found is None:
            found = self._generators[i] = seeding.np_random(None)[0]
        return found
