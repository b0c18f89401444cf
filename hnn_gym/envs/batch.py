"""Many copies of a simulator stepped as one batch: the state behind the vector shells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium.utils import seeding

from hnn_gym.envs.core import Simulator, Transition
from hnn_gym.errors import ConvergenceError, InputError


class Batch:
    """Phase points, step counters and random generators of ``num_envs`` copies.

    A copy that is seeded with s starts where the single environment seeded with s starts.

    Attributes:
        simulator: the world and the task.
        x: phase points, float64 ``(num_envs, 2n)``.
        steps: steps of the present episode, int64 ``(num_envs,)``.
    """

    def __init__(self, simulator: Simulator, num_envs: int, *, max_episode_steps: int | None) -> None:
        """Hold ``num_envs`` copies, none of which has a state before :meth:`start`.

        Raises:
            InputError: ``num_envs`` or ``max_episode_steps`` is below 1.
        """
        if num_envs < 1:
            raise InputError(f"num_envs must be at least 1, got {num_envs}.")
        if max_episode_steps is not None and max_episode_steps < 1:
            raise InputError(f"max_episode_steps must be at least 1, got {max_episode_steps}.")
        self.simulator, self.num_envs, self._limit = simulator, num_envs, max_episode_steps
        self.action_shape = (num_envs, *(simulator.channel.space(simulator.task).shape or ()))
        self.x = np.full((num_envs, 2 * simulator.world.coordinates.n), np.nan)
        self.steps = np.zeros(num_envs, np.int64)
        self._generators: list[np.random.Generator | None] = [None] * num_envs

    def seed(self, seeds: Sequence[int | None]) -> None:
        """Seed every copy; None leaves one as it is."""
        for i, seed in enumerate(seeds):
            if seed is not None:
                self._generators[i] = seeding.np_random(seed)[0]

    def start(self, which: np.ndarray, options: Mapping[str, Any] | None = None) -> None:
        """Begin an episode in the copies that the bool ``which`` ``(num_envs,)`` marks."""
        task, world = self.simulator.task, self.simulator.world
        for i in np.flatnonzero(which):
            generator = self._generators[i]
            if generator is None:
                generator = self._generators[i] = seeding.np_random(None)[0]
            self.x[i] = world.phase_point(*task.initial(generator, options or {}))
        self.steps[which] = 0

    def stagger(self, rng: np.random.Generator) -> None:
        """Count the present episodes as begun at different times, so that they end at different times."""
        if self._limit is not None:
            self.steps = rng.integers(0, self._limit, self.num_envs)

    def advance(self, actions: Any, active: np.ndarray | None = None) -> tuple[Transition, np.ndarray]:
        """Step all copies, or those that ``active`` ``(num_envs,)`` marks; return the transition and ``truncated``.

        Raises:
            InputError: actions of another shape or not finite, or a copy without a state; nothing has changed then.
            ConvergenceError: a copy left the finite numbers.
        """
        array = np.asarray(actions, dtype=np.float64)
        if array.shape != self.action_shape:
            raise InputError(f"The actions have shape {array.shape}, and must have {self.action_shape}.")
        bad = ~np.isfinite(array).all(axis=tuple(range(1, array.ndim)))
        if active is not None:
            bad &= active
        if bad.any():
            raise InputError(f"The actions of the environments {np.flatnonzero(bad)[:8].tolist()} are not finite.")
        if np.isnan(self.x[0, 0]):
            raise InputError("The environments have no state yet: call reset() first.")
        if active is not None:
            array = np.where(active[:, None], array, 0.0)
        transition = self.simulator.transition(self.x, array)
        finite = np.isfinite(transition.x).all(axis=-1)
        if not finite.all():
            raise ConvergenceError(
                f"The environments {np.flatnonzero(~finite)[:8].tolist()} left the finite numbers: reset them."
            )
        stepped = np.ones(self.num_envs, bool) if active is None else active
        self.x = transition.x if active is None else np.where(active[:, None], transition.x, self.x)
        self.steps = self.steps + stepped
        truncated = np.zeros(self.num_envs, bool) if self._limit is None else stepped & (self.steps >= self._limit)
        return transition, truncated

    def observation(self) -> np.ndarray:
        """Observations ``(num_envs, d)`` in the type of the task's space, freshly made."""
        space = self.simulator.task.observation_space
        return np.ascontiguousarray(self.simulator.world.decode(self.x), dtype=space.dtype)
