"""A Kalman filter in the learned world, between noisy sensors and an agent.

The filter holds a mean and a covariance P of the state z = (q, v). The world forecasts both one step ahead, by 2 * 2n
equally weighted points, which need no derivatives (cubature: Arasaratnam and Haykin, *Cubature Kalman filters*, IEEE
Transactions on Automatic Control 54, 2009). The forecast of the sensors is then compared with their reading, and each
is weighted by its precision.

A learned world is accurate in some regions and wrong in others. Several filters therefore run side by side, which
differ in how fast they forget: P grows by 1 / memory in every step. The weight of a filter follows from the likelihood
of the readings under its forecasts, and the filters exchange their estimates (interacting multiple models: Blom and
Bar-Shalom, IEEE Transactions on Automatic Control 33, 1988).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hnn_gym.agents.evaluate import Policy
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.errors import InputError, checked_arguments
from hnn_gym.worlds.world_model import WorldModel

MEMORIES = (0.98, 0.8, 0.5, 0.1)
"""These values and ``_STAYS`` maximise the likelihood of a held-out recording in worlds learned from recordings 100 to
105 with 1 and 5 % of noise. No published figure uses those recordings."""
_STAYS = 0.99
"""Probability that the filter that is right in one step is right in the next."""
_ROWS = 2
"""Axes of observations."""
_IGNORANCE = 1e6
"""A forecast whose variance exceeds that of a single reading by this factor carries no information."""


@dataclass(frozen=True)
class Belief:
    """Estimates of the states of several rows, one for each filter.

    Attributes:
        mean: (q, v) ``(rows, filters, 2n)``; angles are not wrapped.
        covariance: ``(rows, filters, 2n, 2n)``.
        weight: probability of each filter ``(rows, filters)``; they add up to 1.
    """

    mean: np.ndarray
    covariance: np.ndarray
    weight: np.ndarray


class KalmanFilter:
    """Estimates states from noisy observations and the forecasts of a world; rows are filtered side by side.

    Example:
        >>> import numpy as np, hnn_gym
        >>> sensors = KalmanFilter("HNNPendulum-v0", std=(0.05, 0.05, 0.4))
        >>> belief = sensors.start(np.array([[1.0, 0.0, 0.0]]))
        >>> belief = sensors.update(belief, np.array([[0.5]]), np.array([[0.98, 0.05, 0.1]]))
        >>> sensors.observation(belief).shape
        (1, 3)
    """

    @checked_arguments
    def __init__(
        self,
        world: WorldModel | str | os.PathLike[str],
        std: float | Sequence[float] | np.ndarray | None = None,
        *,
        memories: Sequence[float] = MEMORIES,
        velocity_std: Sequence[float] | np.ndarray | None = None,
    ) -> None:
        """Prepare a filter for one kind of sensor.

        Args:
            world: true or learned, the id of a shipped one, or the path of a checkpoint.
            std: standard deviation of the noise of every observation entry ``(d,)``, in the entry's unit; one number
                for all. :attr:`hnn_gym.ObservationNoise.std` holds that of noise which the package makes. None: the
                noise that training estimated, for a world trained on noisy data by shooting.
            memories: for each filter, the share of a reading's weight that is left a step later, in (0, 1].
                ``(1.0,)`` is a single filter for a world without error.
            velocity_std: size of every velocity ``(n,)`` before anything is known of it, for those that no observation
                shows. None: what training measured, or the speed limit.

        Raises:
            MissingPathError: there is no such checkpoint.
            InputError: there is no such world, a number is out of range, the card of the world states no noise, or it
                is not known how large a velocity is that no observation shows.
        """
        self.world = resolve_world(world)
        self._velocity_std = _velocity_sizes(self.world, velocity_std)
        size = self.world.coordinates.observation_size
        known = self.world.card.get("figures", {}).get("sensor_noise") if std is None else std
        if known is None:
            raise InputError(
                "This world was not trained on noisy data by shooting, so that its card states no noise: give std."
            )
        given = np.asarray(known, np.float64)
        if given.shape not in {(), (size,)} or not np.isfinite(given).all() or not (given > 0).all():
            raise InputError(f"A filter needs the noise of {size} observation entries, finite and > 0, not {known!r}.")
        if not memories or not all(0 < memory <= 1 for memory in memories):
            raise InputError(f"The memories of filters are shares in (0, 1], and at least one, not {memories!r}.")
        self._std = np.broadcast_to(given, size)
        self._memories = np.array(memories, np.float64)
        count = len(self._memories)
        gives_way = (1 - _STAYS) / max(count - 1, 1)
        self._follows = np.full((count, count), gives_way) + np.eye(count) * (1 - count * gives_way)

    def start(self, observation: np.ndarray) -> Belief:
        """The belief after a single observation ``(rows, d)``.

        Raises:
            InputError: observations have another shape, or are not finite.
        """
        seen = np.asarray(observation, np.float64)
        if seen.ndim != _ROWS or seen.shape[1] != len(self._std) or not np.isfinite(seen).all():
            odd = np.unique(np.nonzero(~np.isfinite(seen))[0])[:10].tolist()
            fault = f"rows {odd} are not finite" if odd else f"their shape is {seen.shape}"
            raise InputError(f"A filter needs finite observations (rows, {len(self._std)}), and {fault}.")
        coordinates = self.world.coordinates
        q, v = coordinates.state(seen)
        variance = np.zeros((len(seen), 2 * coordinates.n))
        for i, degree in enumerate(coordinates.degrees):
            if degree.position is not None:
                variance[:, i] = self._std[degree.position] ** 2
            elif degree.cos is not None:
                across = np.stack([np.sin(q[:, i]) * self._std[degree.cos], np.cos(q[:, i]) * self._std[degree.sin]])
                variance[:, i] = (across**2).sum(0)
            if coordinates.unobserved[i]:
                variance[:, coordinates.n + i] = self._velocity_std[i] ** 2
            if degree.velocity is not None:
                variance[:, coordinates.n + i] = (self._std[degree.velocity] / degree.velocity_scale) ** 2
        count = len(self._memories)
        return Belief(
            np.repeat(np.concatenate([q, v], -1)[:, None], count, 1),
            np.repeat((variance[:, :, None] * np.eye(variance.shape[-1]))[:, None], count, 1),
            np.full((len(seen), count), 1 / count),
        )

    def update(self, belief: Belief, action: np.ndarray, observation: np.ndarray) -> Belief:
        """The belief a step later, after actions and the observation ``(rows, d)`` that followed.

        Actions are control vectors ``(rows, m)``; where the world has a table of forces, they are whole numbers
        ``(rows,)`` or ``(rows, numbers)``, counted from 0.

        A filter restarts from the observation if its forecast is not finite or carries no information.

        Raises:
            InputError: observations or actions have another shape, or observations are not finite.
        """
        seen = np.asarray(observation, np.float64)
        if self.world.coordinates.force_table is None:
            force = np.asarray(action, np.float64)
        else:
            force = self.world.coordinates.control_vector(np.asarray(action).reshape(len(seen), -1))
        fresh, mixed = self.start(seen), self._mixed(belief)
        with np.errstate(all="ignore"):  # a bad world may leave the finite numbers
            points = self._forecast(_points(mixed.mean, mixed.covariance), force)
            mean, covariance = _moments(points, points)
            known = _variances(covariance) <= _IGNORANCE * _variances(fresh.covariance)
        lost = np.asarray(~known.all(-1, keepdims=True))
        mean = np.where(lost, fresh.mean, mean)
        covariance = np.where(lost[..., None], fresh.covariance, covariance / self._memories[:, None, None])
        points = _points(mean, covariance)
        shown = self._shown(points)
        forecast, spread = _moments(shown, shown)
        shared = _moments(points, shown)[1]
        error, spread = seen[:, None] - forecast, spread + np.diag(self._std**2)
        gain = np.linalg.solve(spread, shared.swapaxes(-1, -2)).swapaxes(-1, -2)
        mean = mean + (gain @ error[..., None])[..., 0]
        covariance = covariance - gain @ shared.swapaxes(-1, -2)
        weight = _reweighted(mixed.weight, error, spread)
        return Belief(mean, (covariance + covariance.swapaxes(-1, -2)) / 2, weight)

    def observation(self, belief: Belief) -> np.ndarray:
        """What perfect sensors would read, float32 ``(rows, d)``."""
        shown: np.ndarray = self.world.coordinates.observation(*self.state(belief)).astype(np.float32)
        return shown

    def state(self, belief: Belief) -> tuple[np.ndarray, np.ndarray]:
        """The estimate (q, v) of a belief, each ``(rows, n)``, speeds within their limits."""
        return self._limited((belief.weight[..., None] * self._near(belief.mean)).sum(1))

    def _mixed(self, belief: Belief) -> Belief:
        """The estimate that each filter continues from: a mixture of all, by their weights and ``_STAYS``."""
        share = belief.weight[:, :, None] * self._follows  # from the second axis to the third
        weight = share.sum(1)
        share = share / weight[:, None]
        means = self._near(belief.mean)
        mean = np.einsum("rij,rix->rjx", share, means)
        spread = means[:, :, None] - mean[:, None]
        covariance = np.einsum("rij,rixy->rjxy", share, belief.covariance)
        return Belief(mean, covariance + np.einsum("rij,rijx,rijy->rjxy", share, spread, spread), weight)

    def _near(self, mean: np.ndarray) -> np.ndarray:
        """Means ``(rows, filters, 2n)`` with every angle within half a turn of the first filter's.

        Filters may have counted different numbers of turns, and the mean of two angles a turn apart is their opposite.
        """
        angles = np.array([*self.world.coordinates.angles, *[False] * self.world.coordinates.n])
        difference = mean - mean[:, :1]
        return np.where(angles, mean - 2 * np.pi * np.round(difference / (2 * np.pi)), mean)

    def _forecast(self, points: np.ndarray, action: np.ndarray) -> np.ndarray:
        """States ``(rows, filters, points, 2n)`` a step later."""
        world, n = self.world, self.world.coordinates.n
        action = np.broadcast_to(action[:, None, None], (*points.shape[:-1], action.shape[-1]))
        after = world.step(world.phase_point(points[..., :n], points[..., n:]), action)
        return np.concatenate(world.state(after), -1)

    def _shown(self, state: np.ndarray) -> np.ndarray:
        """Observations ``(..., d)`` of states ``(..., 2n)``, speeds within their limits."""
        shown: np.ndarray = self.world.coordinates.observation(*self._limited(state))
        return shown

    def _limited(self, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(q, v) of states ``(..., 2n)``, speeds within their limits."""
        n, limits = self.world.coordinates.n, self.world.coordinates.speed_limits
        q, v = state[..., :n], state[..., n:]
        return q, v if limits is None else v.clip(-np.array(limits), limits)


class Filtered:
    """An agent that acts on the estimates of a filter, with the ``predict`` of stable-baselines3.

    Example:
        >>> import gymnasium, hnn_gym
        >>> from hnn_gym.agents.evaluate import episode_returns
        >>> noisy = hnn_gym.ObservationNoise(gymnasium.make("Pendulum-v1"), 0.05)
        >>> steady = Filtered(agent, KalmanFilter(world, noisy.std))  # doctest: +SKIP
        >>> episode_returns(steady, lambda: noisy)  # doctest: +SKIP
    """

    @checked_arguments
    def __init__(self, policy: Policy, sensors: KalmanFilter) -> None:
        """Put ``sensors`` before ``policy``, whose actions are those that the filter's world takes.

        What an observation shows of a moving goal, behind the entries of the state, is passed on as it is.
        """
        self.policy, self.sensors = policy, sensors

    def predict(
        self, observation: np.ndarray, state: Any = None, episode_start: Any = None, deterministic: bool = True
    ) -> tuple[np.ndarray, Any]:
        """Return the policy's actions for observations ``(rows, d)`` or ``(d,)``, and a state with the belief.

        Pass that state to the next call. Without it an observation is filtered as the first of an episode.
        """
        observation = np.asarray(observation)
        size = self.sensors.world.coordinates.observation_size
        seen, goal = np.split(np.atleast_2d(observation), [size], axis=1)
        belief, own = self.sensors.start(seen), None
        if state is not None:
            known, action, own = state
            begins = np.zeros(len(seen), bool) if episode_start is None else np.asarray(episode_start, bool)
            belief = chosen(begins, belief, self.sensors.update(known, action, seen))
        shown = np.concatenate([self.sensors.observation(belief), goal], axis=1)
        actions, own = self.policy.predict(shown, state=own, episode_start=episode_start, deterministic=deterministic)
        return (actions if observation.ndim > 1 else actions[0]), (belief, actions, own)


def _velocity_sizes(world: WorldModel, given: Sequence[float] | np.ndarray | None) -> np.ndarray:
    """The size of every velocity ``(n,)``; 0 where an observation shows it."""
    coordinates = world.coordinates
    hidden = np.array(coordinates.unobserved, bool)
    if given is not None:
        sizes = np.asarray(given, np.float64)
    elif not hidden.any():
        return np.zeros(coordinates.n)
    elif world.architecture is not None:
        sizes = np.array(world.architecture.variables.velocity_scales)
    else:
        sizes = np.array(coordinates.speed_limits or [np.inf] * coordinates.n)
    if sizes.shape != (coordinates.n,) or not np.isfinite(sizes[hidden]).all() or not (sizes[hidden] > 0).all():
        raise InputError(
            f"A velocity is not observed, and its size is not known: give velocity_std, {coordinates.n} numbers > 0."
        )
    return np.where(hidden, sizes, 0.0)


def _points(mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Points ``(..., 2 * size, size)`` of equal weight with means ``(..., size)`` and covariances."""
    size = mean.shape[-1]
    variances, axes = np.linalg.eigh(covariance)
    steps = (axes * np.sqrt(size * variances.clip(0))[..., None, :]).swapaxes(-1, -2)
    return mean[..., None, :] + np.concatenate([steps, -steps], -2)


def _moments(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean of the second's points ``(..., b)``, and the covariance of both ``(..., a, b)``."""
    mean = second.mean(-2)
    centred = first - first.mean(-2, keepdims=True)
    return mean, centred.swapaxes(-1, -2) @ (second - mean[..., None, :]) / first.shape[-2]


def _variances(covariance: np.ndarray) -> np.ndarray:
    return np.diagonal(covariance, axis1=-2, axis2=-1)


def _reweighted(weight: np.ndarray, error: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Weights ``(rows, filters)`` after errors ``(rows, filters, d)`` of forecasts with those covariances."""
    squares = (error * np.linalg.solve(spread, error[..., None])[..., 0]).sum(-1)
    likelihood = np.log(weight) - (squares + np.linalg.slogdet(spread)[1]) / 2
    weight = np.exp(likelihood - likelihood.max(-1, keepdims=True))
    return np.asarray(weight / weight.sum(-1, keepdims=True))


def chosen(rows: np.ndarray, there: Belief, elsewhere: Belief) -> Belief:
    """The first belief in ``rows`` ``(rows,)``, the second elsewhere."""
    return Belief(
        np.where(rows[:, None, None], there.mean, elsewhere.mean),
        np.where(rows[:, None, None, None], there.covariance, elsewhere.covariance),
        np.where(rows[:, None], there.weight, elsewhere.weight),
    )
