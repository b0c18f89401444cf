"""Environments that show positions alone, wrapped so that they show the states that a filter estimates.

A machine has encoders and no tachometers, and a policy that was trained in a learned world wants velocities. Between
them stands a Kalman filter in that world: it sees positions and actions, and what it shows looks as in the world.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper

from hnn_gym.agents.kalman_filter import Belief, KalmanFilter, chosen
from hnn_gym.coordinates import Coordinates
from hnn_gym.coordinates.velocities import with_velocities, without_velocities
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.errors import InputError, checked_arguments
from hnn_gym.worlds.world_model import WorldModel


class EstimatedStates(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Shows observations of a world, velocities included, for an environment that shows its positions alone.

    Example:
        >>> import gymnasium, hnn_gym
        >>> from gymnasium.wrappers import TransformObservation
        >>> pendulum = gymnasium.make("Pendulum-v1")
        >>> encoder = gymnasium.spaces.Box(-1.0, 1.0, (2,))
        >>> blind = TransformObservation(pendulum, lambda observation: observation[:2], encoder)
        >>> env = EstimatedStates(blind, "HNNPendulum-v0", std=1e-3)
        >>> env.reset(seed=0)[0].shape
        (3,)

    Args:
        env: observations are those of the world without its velocities, in the same order. The filter does not estimate
            zeros of encoders (``FitSettings.zeros``): subtract those of this episode from the positions before.
        world: true or learned, the id of a shipped one, or the path of a checkpoint. Where its own observations show no
            velocities, as of a world learned from a log of positions, the estimates of all velocities follow them.
        std: standard deviation of the noise of every observation entry of the environment; one number for all. None:
            the noise on the card of the world.
        velocity_std: see :class:`KalmanFilter`.

    Raises:
        MissingPathError: there is no such checkpoint.
        InputError: the observations of the environment have another size, or the filter cannot be made.
    """

    @checked_arguments
    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        world: WorldModel | str | os.PathLike[str],
        std: float | Sequence[float] | np.ndarray | None = None,
        *,
        velocity_std: Sequence[float] | np.ndarray | None = None,
    ) -> None:
        RecordConstructorArgs.__init__(self, world=world, std=std, velocity_std=velocity_std, _disable_deepcopy=True)
        gymnasium.Wrapper.__init__(self, env)
        self._sensors = _Sensors(world, env.observation_space, std, velocity_std)
        self.observation_space = Box(-np.inf, np.inf, (self._sensors.size,), np.float32)
        self._belief: Belief | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Reset the environment; velocities are estimated as 0 until a step has shown more."""
        observation, info = self.env.reset(seed=seed, options=options)
        self._belief = self._sensors.filter.start(np.asarray(observation)[None])
        return self._sensors.shown(self._belief)[0], info

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Step the environment, and show the state that is estimated from all its observations since the reset."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        if self._belief is None:
            raise InputError("Reset the environment before the first step.")
        self._belief = self._sensors.filter.update(
            self._belief, np.asarray(action)[None], np.asarray(observation)[None]
        )
        return self._sensors.shown(self._belief)[0], float(reward), terminated, truncated, info


class VectorEstimatedStates(VectorWrapper):
    """The same for a vector environment, which resets its copies in the step after the last one of an episode.

    Args:
        env: a vector environment in the autoreset mode NEXT_STEP, which is Gymnasium's own, or DISABLED.
        world: see :class:`EstimatedStates`, as for all that follow.
        std: noise of the observations.
        velocity_std: size of the velocities.

    Raises:
        InputError: the vector environment resets its copies in the same step; or see :class:`EstimatedStates`.
    """

    @checked_arguments
    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        world: WorldModel | str | os.PathLike[str],
        std: float | Sequence[float] | np.ndarray | None = None,
        *,
        velocity_std: Sequence[float] | np.ndarray | None = None,
    ) -> None:
        super().__init__(env)
        if env.metadata.get("autoreset_mode", AutoresetMode.NEXT_STEP) == AutoresetMode.SAME_STEP:
            raise InputError(
                "The last observation of an episode would be lost to the filter: make the vector environment with "
                "autoreset_mode=AutoresetMode.NEXT_STEP."
            )
        self._sensors = _Sensors(world, env.single_observation_space, std, velocity_std)
        self.single_observation_space = Box(-np.inf, np.inf, (self._sensors.size,), np.float32)
        self.observation_space = Box(-np.inf, np.inf, (env.num_envs, self._sensors.size), np.float32)
        self._belief: Belief | None = None
        self._ended = np.zeros(env.num_envs, bool)

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        """Reset all copies, or those that the option "reset_mask" picks."""
        picked = None if options is None else options.get("reset_mask")
        observation, info = self.env.reset(seed=seed, options=options)
        fresh = self._sensors.filter.start(observation)
        self._belief = fresh if picked is None or self._belief is None else chosen(picked, fresh, self._belief)
        self._ended = np.zeros(self.num_envs, bool) if picked is None else self._ended & ~picked
        return self._sensors.shown(self._belief), info

    def step(self, actions: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Step all copies; one whose episode had ended starts with a belief of its own."""
        observation, reward, terminated, truncated, info = self.env.step(actions)
        if self._belief is None:
            raise InputError("Reset the environment before the first step.")
        followed = self._sensors.filter.update(self._belief, np.asarray(actions), observation)
        self._belief = chosen(self._ended, self._sensors.filter.start(observation), followed)
        self._ended = np.asarray(terminated | truncated)
        return self._sensors.shown(self._belief), reward, terminated, truncated, info


class _Sensors:
    """The filter of a world whose velocities are hidden, and what its estimates look like."""

    def __init__(
        self,
        world: WorldModel | str | os.PathLike[str],
        space: gymnasium.Space[Any],
        std: float | Sequence[float] | np.ndarray | None,
        velocity_std: Sequence[float] | np.ndarray | None,
    ) -> None:
        whole = resolve_world(world)
        seen, entries = without_velocities(whole.coordinates)
        if space.shape != (seen.observation_size,):
            raise InputError(
                f"The world shows {seen.observation_size} entries beside velocities, and the observations of the "
                f"environment have the shape {space.shape}."
            )
        noise = whole.card.get("figures", {}).get("sensor_noise")
        if std is None and noise is not None:
            std = [noise[entry] for entry in entries]
        self.filter = KalmanFilter(replace(whole, coordinates=seen), std, velocity_std=velocity_std)
        self._coordinates: Coordinates = with_velocities(whole.coordinates)
        self.size = self._coordinates.observation_size

    def shown(self, belief: Belief) -> np.ndarray:
        """Observations with velocities, float32 ``(rows, size)``."""
        shown: np.ndarray = self._coordinates.observation(*self.filter.state(belief)).astype(np.float32)
        return shown
