"""Energy bumps in a world that has none: a request of dE joules becomes bounded force over the next steps.

The wrapper knows the real environment only through its learned world model. After a request it holds a target,
E* = H(now) + dE, and in every step it applies the force, among those that the real controls allow, whose learned
outcome comes closest to E*. Work is u v dt, which is 0 at rest, so that a request can take many steps.
"""

from __future__ import annotations

import math
import os
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box

from hnn_gym.envs.energy_tracking import CANDIDATES, force_bounds, force_towards
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.errors import InputError, checked_arguments
from hnn_gym.worlds.world_model import WorldModel


class BumpByForce(gymnasium.Wrapper[np.ndarray, np.ndarray, np.ndarray, np.ndarray]):
    """Gives a force-driven environment the action space of ``actions="bump"``.

    A request other than 0 sets a new target; 0 keeps the previous one. ``info`` contains, by the learned H in J,
    ``bump_requested`` (in this step), ``bump_realised`` (change of H in this step) and ``bump_outstanding``.

    Example:
        >>> import gymnasium, hnn_gym
        >>> env = BumpByForce(gymnasium.make("Pendulum-v1"), "HNNPendulum-v0")
        >>> observation, info = env.reset(seed=0)
        >>> observation, reward, terminated, truncated, info = env.step(np.array([1.0]))
    """

    @checked_arguments
    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        world: WorldModel | str | os.PathLike[str],
        *,
        limit: float = 1.0,
        candidates: int = CANDIDATES,
    ) -> None:
        """Wrap ``env``.

        Args:
            env: an environment with the spaces the world was learned from.
            world: a learned world with an H and controls that have limits, the id of a shipped one, or the path of a
                checkpoint.
            limit: largest abs(dE) of a request, in J.
            candidates: forces tried in each step.

        Raises:
            MissingPathError: there is no such checkpoint.
            InputError: the world has no H or no bounded control, the spaces do not fit, or a number is out of range.
        """
        super().__init__(env)
        if not 0 < limit < math.inf or candidates < 1:
            raise InputError(f"Bumps need a finite limit > 0 J and candidates >= 1, got {limit!r} and {candidates!r}.")
        world = resolve_world(world)
        controls = len(force_bounds(world))
        if env.observation_space.shape != (world.coordinates.observation_size,):
            raise InputError(
                f"The world expects observations of {world.coordinates.observation_size} entries, and the environment "
                f"gives {env.observation_space.shape}."
            )
        if env.action_space.shape != (controls,):
            raise InputError(f"The world has {controls} controls, the environment {env.action_space.shape}.")
        self.world = world
        self.action_space = Box(-limit, limit, (1,), np.float32)
        self._candidates = candidates
        self._x: np.ndarray | None = None
        self._target: float | None = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start an episode, with nothing outstanding."""
        observation, info = self.env.reset(seed=seed, options=options)
        self._x, self._target = self.world.encode(np.asarray(observation, np.float64)), None
        return observation, {**info, "bump_requested": 0.0, "bump_realised": 0.0, "bump_outstanding": 0.0}

    def step(self, action: np.ndarray) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Take one step of the environment towards a request of dE J ``(1,)``.

        Raises:
            InputError: the request is not finite or of another shape, or reset() was not called.
        """
        request = np.asarray(action, np.float64)
        if request.shape != (1,) or not np.isfinite(request).all():
            raise InputError(f"A bump request is one finite number of joules, shape (1,), not {action!r}.")
        if self._x is None:
            raise InputError("The environment has no state yet: call reset() first.")
        before = float(self.world.energy(self._x))
        if request[0] != 0:
            self._target = before + float(request[0])
        observation, reward, terminated, truncated, info = self.env.step(self._force())
        self._x = self.world.encode(np.asarray(observation, np.float64))
        after = float(self.world.energy(self._x))
        bumped = {
            "bump_requested": float(request[0]),
            "bump_realised": after - before,
            "bump_outstanding": 0.0 if self._target is None else self._target - after,
        }
        return observation, reward, terminated, truncated, {**info, **bumped}

    def _force(self) -> np.ndarray:
        """The action whose learned outcome is closest to the target; zeros while there is no target."""
        assert self._x is not None
        space = self.env.action_space
        if self._target is None:
            return np.zeros(space.shape or (), space.dtype)
        action = force_towards(self.world, self._x, np.asarray(self._target), candidates=self._candidates)
        return np.asarray(action, space.dtype)
