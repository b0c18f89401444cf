"""The starts of many copies, each from a generator of its own, as the single environment seeded alike draws them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium.utils import seeding

from hnn_gym.envs.tasks import NumberedStarts, Task

_AHEAD = 16
"""Starts that a copy's generator draws at a time: ``random((k, n))`` is the stream of k times ``random(n)``."""


class Draws:
    """The generators of ``count`` copies, made when they are first needed, and the numbers they have drawn ahead.

    Nothing else draws from these generators, so that how far ahead they are cannot be seen.
    """

    def __init__(self, task: Task, count: int) -> None:
        """Prepare to draw the starts of ``task``."""
        self._task = task
        self._generators: list[np.random.Generator | None] = [None] * count
        self._numbers: np.ndarray | None = None
        # A subclass with an ``initial`` of its own draws as that says.
        if isinstance(task, NumberedStarts) and type(task).initial is NumberedStarts.initial:
            self._numbers = np.empty((count, _AHEAD, task.start_numbers))
            self._used = np.full(count, _AHEAD)

    def seed(self, seeds: Sequence[int | None]) -> None:
        """Seed every copy; None leaves one as it is."""
        for i, seed in enumerate(seeds):
            if seed is not None:
                self._generators[i] = seeding.np_random(seed)[0]
                if self._numbers is not None:
                    self._used[i] = _AHEAD

    def starts(self, rows: np.ndarray, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Draw a start (q, v), each ``(k, n)``, for every copy of ``rows`` ``(k,)``.

        Raises:
            InputError: the task refuses the options.
        """
        if self._numbers is None:
            drawn = [self._task.initial(self._generator(i), options) for i in rows.tolist()]
            q, v = (np.array(part, np.float64) for part in zip(*drawn, strict=True))
            return q, v
        used = self._used[rows]
        empty = used == _AHEAD
        if np.count_nonzero(empty):
            for i in rows[empty].tolist():
                self._generator(i).random(out=self._numbers[i])
            used[empty] = 0
        assert isinstance(self._task, NumberedStarts)
        found = self._task.start(self._numbers[rows, used], options)
        self._used[rows] = used + 1
        return found

    def _generator(self, i: int) -> np.random.Generator:
        found = self._generators[i]
        if found is None:
            found = self._generators[i] = seeding.np_random(None)[0]
        return found
