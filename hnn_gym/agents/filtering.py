"""Acting on noisy sensors: a Kalman filter in the learned world, between what is seen and an agent.

A world that forecasts the next state tells what a sensor should read, and the two are weighed by what is known of
each: belief (z, P) of the state z = (q, v), carried through the world by 2 * 2n equally weighted points, which need no
derivative of it (cubature: Arasaratnam and Haykin, *Cubature Kalman Filters*, IEEE Trans. Automatic Control 54, 2009).
For the world's own errors the past is forgotten: P grows by 1 / ``memory`` in every step (fading memory: Sorenson and
Sacks, *Recursive fading memory filtering*, Information Sciences 3, 1971).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hnn_gym.agents.evaluate import Policy
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.errors import InputError
from hnn_gym.world_model import WorldModel

_IGNORANCE = 1e6
"""A forecast whose variance is so many times that of a single reading is none."""


@dataclass(frozen=True)
class Belief:
    """What is believed of the states of several rows.

    Attributes:
        mean: (q, v) ``(rows, 2n)``; angles are not wrapped.
        covariance: ``(rows, 2n, 2n)``.
    """

    mean: np.ndarray
    covariance: np.ndarray


class Filter:
    """Beliefs of states from noisy observations, forecast by a world; rows are filtered side by side.

    Example:
        >>> import numpy as np, hnn_gym
        >>> sensors = Filter("HNNPendulum-v0", std=(0.05, 0.05, 0.4))
        >>> belief = sensors.start(np.array([[1.0, 0.0, 0.0]]))
        >>> belief = sensors.update(belief, np.array([[0.5]]), np.array([[0.98, 0.05, 0.1]]))
        >>> sensors.observation(belief).shape
        (1, 3)
    """

    def __init__(
        self,
        world: WorldModel | str | os.PathLike[str],
        std: float | Sequence[float] | np.ndarray | None = None,
        *,
        memory: float = 0.98,
    ) -> None:
        """Filter for one kind of sensor.

        Args:
            world: true or learned, the id of a shipped one, or the path of a checkpoint.
            std: standard deviation of the noise of every observation entry ``(d,)``, in the entry's unit; one number
                for all. :attr:`hnn_gym.ObservationNoise.std` is that of noise which the package makes. None: what the
                world itself found when it was learned from noisy data by shooting.
            memory: what is left of an observation's weight a step later, in (0, 1]; 1 for a world without error.

        Raises:
            MissingPathError: there is no such checkpoint.
            InputError: there is no such world, a number is out of range, or the world knows of no noise.
        """
        self.world = resolve_world(world)
        size = self.world.coordinates.observation_size
        known = self.world.card.get("figures", {}).get("sensor_noise") if std is None else std
        if known is None:
            raise InputError("This world was not learned from noisy data by shooting: give a filter the noise as std.")
        given = np.asarray(known, np.float64)
        if given.shape not in {(), (size,)} or not np.isfinite(given).all() or not (given > 0).all():
            raise InputError(f"A filter needs the noise of {size} observation entries, finite and > 0, not {known!r}.")
        if not 0 < memory <= 1:
            raise InputError(f"A filter's memory is a share in (0, 1], not {memory!r}.")
        self._std = np.broadcast_to(given, size)
        self._memory = memory

    def start(self, observation: np.ndarray) -> Belief:
        """What one observation ``(rows, d)`` tells of a state."""
        seen = np.asarray(observation, np.float64)
        q, v = self.world.coordinates.state(seen)
        variance = np.zeros((len(seen), 2 * self.world.coordinates.n))
        for i, degree in enumerate(self.world.coordinates.degrees):
            if degree.cos is None or degree.sin is None:
                variance[:, i] = self._std[degree.position or 0] ** 2
            else:
                across = np.stack([np.sin(q[:, i]) * self._std[degree.cos], np.cos(q[:, i]) * self._std[degree.sin]])
                variance[:, i] = (across**2).sum(0)
            variance[:, self.world.coordinates.n + i] = self._std[degree.velocity] ** 2
        return Belief(np.concatenate([q, v], -1), variance[:, :, None] * np.eye(variance.shape[-1]))

    def update(self, belief: Belief, action: np.ndarray, observation: np.ndarray) -> Belief:
        """The belief a step later, after actions ``(rows, m)``, when ``observation`` ``(rows, d)`` is seen.

        A row of which the world's forecast says nothing, or nothing finite, starts anew.
        """
        seen = np.asarray(observation, np.float64)
        anew = self.start(seen)
        with np.errstate(all="ignore"):  # a bad world may leave the finite numbers
            points = self._forecast(_points(belief), np.asarray(action, np.float64))
            mean, covariance = _moments(points, points)
            known = _variances(covariance) <= _IGNORANCE * _variances(anew.covariance)
        lost = np.asarray(~known.all(1))
        expected = _chosen(lost, anew, Belief(mean, covariance / self._memory))
        points = _points(expected)
        shown = self._shown(points)
        forecast, spread = _moments(shown, shown)
        shared = _moments(points, shown)[1]
        gain = np.linalg.solve(spread + np.diag(self._std**2), shared.swapaxes(1, 2)).swapaxes(1, 2)
        mean = expected.mean + (gain @ (seen - forecast)[..., None])[..., 0]
        covariance = expected.covariance - gain @ shared.swapaxes(1, 2)
        return _chosen(lost, anew, Belief(mean, (covariance + covariance.swapaxes(1, 2)) / 2))

    def observation(self, belief: Belief) -> np.ndarray:
        """What perfect sensors would read, float32 ``(rows, d)``."""
        shown: np.ndarray = self._shown(belief.mean).astype(np.float32)
        return shown

    def _forecast(self, points: np.ndarray, action: np.ndarray) -> np.ndarray:
        """States ``(rows, points, 2n)`` a step later."""
        world, n = self.world, self.world.coordinates.n
        action = np.broadcast_to(action[:, None], (*points.shape[:2], action.shape[-1]))
        after = world.step(world.phase_point(points[..., :n], points[..., n:]), action)
        return np.concatenate(world.state(after), -1)

    def _shown(self, state: np.ndarray) -> np.ndarray:
        """Observations ``(..., d)`` of states ``(..., 2n)``, speeds within their limits."""
        coordinates = self.world.coordinates
        q, v = state[..., : coordinates.n], state[..., coordinates.n :]
        limits = coordinates.speed_limits
        return coordinates.observation(q, v if limits is None else v.clip(-np.array(limits), limits))


class Filtered:
    """An agent that acts on what a filter believes, and speaks stable-baselines3's ``predict`` as before.

    Example:
        >>> import gymnasium, hnn_gym
        >>> from hnn_gym.agents.evaluate import episode_returns
        >>> noisy = hnn_gym.ObservationNoise(gymnasium.make("Pendulum-v1"), 0.05)
        >>> steady = Filtered(agent, Filter(world, noisy.std))  # doctest: +SKIP
        >>> episode_returns(steady, lambda: noisy)  # doctest: +SKIP
    """

    def __init__(self, policy: Policy, sensors: Filter) -> None:
        """Put ``sensors`` before ``policy``, which acts in the environment that the filter's world was learned from."""
        self.policy, self.sensors = policy, sensors

    def predict(
        self, observation: np.ndarray, state: Any = None, episode_start: Any = None, deterministic: bool = True
    ) -> tuple[np.ndarray, Any]:
        """Return the policy's actions for observations ``(rows, d)`` or ``(d,)``; the state is the belief's too.

        Without the state that the last call returned every observation is filtered as the first of an episode.
        """
        observation = np.asarray(observation)
        seen = np.atleast_2d(observation)
        belief, own = self.sensors.start(seen), None
        if state is not None:
            known, action, own = state
            begins = np.zeros(len(seen), bool) if episode_start is None else np.asarray(episode_start, bool)
            belief = _chosen(begins, belief, self.sensors.update(known, action, seen))
        actions, own = self.policy.predict(
            self.sensors.observation(belief), state=own, episode_start=episode_start, deterministic=deterministic
        )
        return (actions if observation.ndim > 1 else actions[0]), (belief, actions, own)


def _points(belief: Belief) -> np.ndarray:
    """Points ``(rows, 2 * size, size)`` with the belief's mean and covariance."""
    size = belief.mean.shape[-1]
    variances, axes = np.linalg.eigh(belief.covariance)
    root = axes * np.sqrt(size * variances.clip(0))[:, None, :]
    steps = root.swapaxes(1, 2)
    return belief.mean[:, None] + np.concatenate([steps, -steps], 1)


def _moments(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean of the second's points ``(rows, b)``, and the covariance of both ``(rows, a, b)``."""
    mean = second.mean(1)
    apart = first - first.mean(1, keepdims=True)
    return mean, apart.swapaxes(1, 2) @ (second - mean[:, None]) / first.shape[1]


def _variances(covariance: np.ndarray) -> np.ndarray:
    return np.diagonal(covariance, axis1=1, axis2=2)


def _chosen(rows: np.ndarray, there: Belief, elsewhere: Belief) -> Belief:
    """The first belief in ``rows`` ``(rows,)``, the second elsewhere."""
    return Belief(
        np.where(rows[:, None], there.mean, elsewhere.mean),
        np.where(rows[:, None, None], there.covariance, elsewhere.covariance),
    )
