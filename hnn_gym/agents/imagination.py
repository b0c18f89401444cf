"""Many imagined steps at once: (x, action, t) -> (x', reward, terminated), and the returns of whole plans.

The time t of the episode matters where the goal of the task moves. A planner needs neither observations nor info, so
that these are not computed. The rest of the step is traced where possible (:mod:`hnn_gym.trace`). Plans run block by
block: each block completes its plans before the next begins, so that it stays in the cache.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hnn_gym.agents.planned_actions import PlannedActions
from hnn_gym.envs.compiling import StepProgram, program_of
from hnn_gym.envs.core import Simulator
from hnn_gym.errors import InputError, checked_arguments
from hnn_gym.trace import batch_code
from hnn_gym.worlds.world_model import WorldModel

_BLOCK = 512
"""States of a block: few enough for the second-level cache, enough to spread the cost of a call."""

Stepped = tuple[np.ndarray, np.ndarray, np.ndarray]
Step = Callable[[np.ndarray, np.ndarray, np.ndarray], Stepped]


class Imagination:
    """A simulator to plan in, on NumPy.

    Attributes:
        simulator: world, task and action channel.
        actions: what the vectors of a plan stand for.
        low: smallest vector ``(k,)``.
        high: largest vector ``(k,)``.
    """

    @checked_arguments
    def __init__(self, simulator: Simulator, *, dtype: Any = np.float32) -> None:
        """Prepare to imagine in ``dtype``. Not for two threads at once.

        Raises:
            InputError: there is no simulator, or ``dtype`` is neither float32 nor float64.
        """
        if not isinstance(dtype, type | str | np.dtype) or dtype not in (np.float32, np.float64):
            raise InputError(f"Imagination computes in numpy.float32 or numpy.float64, not in {dtype!r}.")
        self.simulator, self._dtype = simulator, np.dtype(dtype)
        self.actions = PlannedActions.of(simulator)
        self.low, self.high = self.actions.low.astype(self._dtype), self.actions.high.astype(self._dtype)
        made = program_of(simulator)
        self._made: StepProgram | None = None if made is None or made.outside else made
        self._block: Step | None = None
        if self._made is not None:
            program = self._made.program.select_outputs(("x", "reward", "terminated"))
            run = batch_code.compiled(program, _BLOCK, self._dtype)
            after = np.empty((_BLOCK, 2 * simulator.world.coordinates.n), self._dtype, order="F")
            reward, terminated = np.empty(_BLOCK, self._dtype), np.empty(_BLOCK, np.bool_)
            timed = "t" in program.inputs

            def block(x: np.ndarray, action: np.ndarray, t: np.ndarray) -> Stepped:
                run(x, action, *([t[:, None]] if timed else []), after, reward, terminated)
                return after, reward, terminated

            self._block = block

    @property
    def world(self) -> WorldModel:
        """The world that is imagined."""
        return self.simulator.world

    @property
    def observation_size(self) -> int:
        """Entries of an observation, with the goal of the task."""
        return self.world.coordinates.observation_size + self.simulator.task.goal_size

    def encode(self, observation: np.ndarray) -> np.ndarray:
        """Phase points ``(rows, 2n)`` of observations ``(rows, d)``."""
        return self.world.encode(np.asarray(observation, np.float64)).astype(self._dtype)

    def step(self, x: np.ndarray, action: np.ndarray, t: np.ndarray | None = None) -> Stepped:
        """Step phase points ``(rows, 2n)`` under vectors ``(rows, k)``, t seconds ``(rows,)`` into their episodes.

        None: at their beginning.

        Returns:
            Next phase points ``(rows, 2n)``, rewards ``(rows,)`` and whether the episode ended ``(rows,)``.
        """
        rows = len(x)
        moment = np.zeros(rows) if t is None else t
        outcome = np.empty((rows, x.shape[1]), self._dtype), np.empty(rows, self._dtype), np.empty(rows, np.bool_)
        for begin in range(0, rows, _BLOCK):
            part = slice(begin, min(begin + _BLOCK, rows))
            for whole, found in zip(
                outcome, self._stepped(*self._padded(x[part], action[part], moment[part])), strict=True
            ):
                whole[part] = found[: part.stop - begin]
        return outcome

    def returns(
        self,
        x: np.ndarray,
        actions: np.ndarray,
        *,
        t: np.ndarray | None = None,
        value: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> np.ndarray:
        """Sums of rewards ``(rows,)`` of following vectors ``(rows, H, k)`` from phase points ``(rows, 2n)``.

        Args:
            x: where the plans begin.
            actions: the plans.
            t: seconds of the episodes ``(rows,)`` at which the plans begin; None: 0.
            value: returns the values ``(rows,)`` of the phase points ``(rows, 2n)`` where they end; None: 0.
        """
        total, step = np.empty(len(x), self._dtype), abs(self.world.dt)
        start = np.zeros(len(x)) if t is None else t
        for begin in range(0, len(x), _BLOCK):
            part = slice(begin, min(begin + _BLOCK, len(x)))
            point, plan, moment = self._padded(x[part], actions[part], start[part])
            point = np.asfortranarray(point)  # its columns are read again and again
            gained, alive = np.zeros(len(point), self._dtype), np.ones(len(point), self._dtype)
            for action in np.ascontiguousarray(np.moveaxis(plan, 1, 0)):
                after, reward, terminated = self._stepped(point, action, moment)
                gained += alive * reward
                alive *= ~terminated
                point[...] = after
                moment = moment + self._dtype.type(step)
            if value is not None:
                gained += alive * value(point)
            total[part] = gained[: part.stop - begin]
        return total

    def _stepped(self, x: np.ndarray, action: np.ndarray, t: np.ndarray) -> Stepped:
        if self._made is not None and not self._made.readings.unchanged():
            self._made.later(self.simulator)  # for its warning
            self._made = self._block = None
        if self._block is not None:
            return self._block(x, action, t)
        outcome = self.simulator.transition(x, action, t)
        return outcome.x, outcome.reward, outcome.terminated

    def _padded(self, *arrays: np.ndarray) -> Stepped:
        """Fill a whole block of rows: copies of the first row pad it, and their results are not used."""
        missing = _BLOCK - len(arrays[0]) if self._block is not None else 0
        return tuple(
            np.concatenate([array, np.broadcast_to(array[:1], (missing, *array.shape[1:]))]).astype(self._dtype)
            for array in arrays
        )  # type: ignore[return-value]
