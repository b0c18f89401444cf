"""Plan by sampling: draw plans around the best so far, imagine them, and move towards those with high returns.

At every decision S plans of H actions are drawn, clip(mean + std * noise), with noise that is correlated in time,
because white noise does not swing up a pendulum. Their returns R come from :class:`Imagination`; the mean is then

- :class:`Mppi`: the average with weights exp((R - max R) / temperature);
- :class:`Cem`: the average of the best, whose spread is the next std, repeated a few times.

The first action of the mean is taken, and the next decision begins with the rest. Where actions are whole numbers,
plans are drawn between the rows of the table of forces, and every drawn vector is moved to the nearest row.
Sources: Williams et al., *Information theoretic MPC for model-based reinforcement learning*, ICRA 2017; Rubinstein,
*The cross-entropy method for combinatorial and continuous optimization*, 1999; for coloured noise, Pinneri et al.,
*Sample-efficient cross-entropy method for real-time planning*, CoRL 2020, with the noise of Timmer and Koenig, Astron.
Astrophys. 300 (1995) 707.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from hnn_gym.agents.imagination import Imagination
from hnn_gym.agents.observed import observed
from hnn_gym.envs.core import Simulator
from hnn_gym.errors import InputError, check_fields, checked_arguments, finite_number, whole_number

_LOST = -1e30


class Rule(Protocol):
    """Computes the next mean and std from plans and their returns."""

    @property
    def rounds(self) -> int:
        """How often plans are drawn for one decision."""

    def improved(self, plans: np.ndarray, returns: np.ndarray, std: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and std, each ``(rows, H, k)``, of plans ``(rows, S, H, k)`` with returns ``(rows, S)``."""


@dataclass(frozen=True)
class Mppi:
    """Model-predictive path integral control.

    Attributes:
        temperature: in units of reward; a plan whose return is lower than the best by this much weighs 1/e of it.
        rounds: how often plans are drawn for one decision.
    """

    temperature: float = 1.0
    rounds: int = 1

    def __post_init__(self) -> None:
        """Check the numbers."""
        check_fields(self)
        if not self.temperature > 0 or self.rounds < 1:
            raise InputError(f"MPPI needs a temperature > 0 and at least 1 round, not {self}.")

    def improved(self, plans: np.ndarray, returns: np.ndarray, std: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Average the plans, weighted by their returns; the std stays."""
        weights = np.exp((returns - returns.max(-1, keepdims=True)) / self.temperature)
        weights /= weights.sum(-1, keepdims=True)
        return np.einsum("bs,bshk->bhk", weights, plans), std


@dataclass(frozen=True)
class Cem:
    """The cross-entropy method.

    Attributes:
        elites: share of the plans from which the next mean and std are computed.
        rounds: how often plans are drawn for one decision.
    """

    elites: float = 0.1
    rounds: int = 3

    def __post_init__(self) -> None:
        """Check the numbers."""
        check_fields(self)
        if not 0 < self.elites <= 1 or self.rounds < 1:
            raise InputError(f"CEM needs a share of elites in (0, 1] and at least 1 round, not {self}.")

    def improved(self, plans: np.ndarray, returns: np.ndarray, std: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Average the plans with the highest returns; their spread is the new std."""
        count = max(2, round(self.elites * returns.shape[1]))
        best = np.argpartition(returns, -count, axis=1)[:, -count:]
        elites = np.take_along_axis(plans, best[:, :, None, None], axis=1)
        return elites.mean(1), elites.std(1)


class SamplingPlanner:
    """Replans at every step, with the ``predict`` of stable-baselines3, for one observation or many at once.

    Attributes:
        imagined: the simulator in which it plans.
    """

    @checked_arguments
    def __init__(
        self,
        simulator: Simulator,
        *,
        rule: Rule | None = None,
        horizon: int = 40,
        samples: int = 512,
        std: float = 1.0,
        colour: float = 2.0,
        value: Callable[[np.ndarray], np.ndarray] | None = None,
        seed: int = 0,
    ) -> None:
        """Plan in a simulator.

        Args:
            simulator: world, task and action channel.
            rule: how plans are improved: ``Mppi()``, the default, or ``Cem()``.
            horizon: actions of a plan, H.
            samples: number of plans that are drawn at a time, S. All rows of a batch use the same noise.
            std: of the noise, as a share of half the range of actions.
            colour: exponent b of the noise's spectrum f^-b; 0 is white.
            value: returns the values ``(rows,)`` of the phase points ``(rows, 2n)`` where plans end; None: 0.
            seed: of the noise.

        Raises:
            InputError: horizon below 1, fewer than 2 samples, std not positive, actions without bounds, or whole-number
                actions of too many combinations.
        """
        horizon = whole_number(horizon, "horizon", at_least=1)
        samples = whole_number(samples, "samples", at_least=2)
        std = finite_number(std, "std", above=0.0)
        self.imagined = Imagination(simulator)
        self._rule: Rule = rule or Mppi()
        self._horizon, self._samples, self._colour, self._value = horizon, samples, colour, value
        self._rng = np.random.default_rng(whole_number(seed, "seed", at_least=0))
        low, high = self.imagined.low, self.imagined.high
        self._rest, self._std = np.clip(0.0, low, high).astype(np.float32), np.float32(std) * (high - low) / 2

    def predict(
        self, observation: np.ndarray, state: Any = None, episode_start: Any = None, deterministic: bool = True
    ) -> tuple[np.ndarray, Any]:
        """Return actions for observations ``(rows, d)``, and a state: the steps done and the plans ``(rows, H, k)``.

        Actions are ``(rows, k)`` of a Box and ``(rows,)`` of a Discrete space. Pass the state to the next call: where
        the goal of the task moves, it says what time it is in the episode.
        """
        observation = observed(observation, self.imagined.observation_size)
        x = self.imagined.encode(np.atleast_2d(observation))
        rest = np.broadcast_to(self._rest, (len(x), self._horizon, len(self._rest)))
        done, mean = (np.zeros(len(x), np.int64), rest) if state is None else state
        if episode_start is not None:
            mean = np.where(np.reshape(episode_start, (-1, 1, 1)), rest, mean)
            done = np.where(episode_start, 0, done)
        std = np.broadcast_to(self._std, mean.shape)
        for _ in range(self._rule.rounds):
            mean, std = self._round(x, mean, std, done * abs(self.imagined.world.dt))
        following = np.concatenate([mean[:, 1:], rest[:, :1]], axis=1)
        action = self.imagined.actions.actions(mean[:, 0])
        return (action if observation.ndim > 1 else action[0]), (done + 1, following)

    def _round(self, x: np.ndarray, mean: np.ndarray, std: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rows, size = len(x), mean.shape[2]
        noise = coloured_noise(self._rng, (self._samples, size, self._horizon), exponent=self._colour)
        noise = np.moveaxis(noise, 1, 2).astype(np.float32)
        noise[0] = 0.0  # the mean itself competes
        plans = np.clip(mean[:, None] + std[:, None] * noise, self.imagined.low, self.imagined.high)
        plans = self.imagined.actions.nearest(plans)
        returns = self.imagined.returns(
            np.repeat(x, self._samples, axis=0),
            plans.reshape(rows * self._samples, self._horizon, size),
            t=np.repeat(t, self._samples),
            value=self._value,
        )
        # A plan that overflows in imagination counts as the worst, not as the best.
        returns = np.where(np.isfinite(returns), returns, _LOST).reshape(rows, self._samples)
        return self._rule.improved(plans, returns, std)


def coloured_noise(rng: np.random.Generator, shape: tuple[int, ...], *, exponent: float) -> np.ndarray:
    """Gaussian noise of variance 1, with a spectrum f^-exponent along the last axis.

    Args:
        rng: source of the noise.
        shape: of the noise.
        exponent: 0 for white noise, 1 for pink, 2 for red.
    """
    steps = shape[-1]
    if steps == 1:
        return rng.standard_normal(shape)
    frequency = np.fft.rfftfreq(steps)
    frequency[0] = frequency[1]  # the mean has the variance of the slowest wave
    spectrum = rng.standard_normal((*shape[:-1], len(frequency), 2)) @ np.array([1, 1j])
    amplitude = frequency ** (-exponent / 2)
    real = np.zeros(len(frequency), bool)
    real[0], real[-1] = True, steps % 2 == 0
    spectrum = np.where(real, spectrum.real * np.sqrt(2), spectrum) * amplitude
    power = (amplitude**2 * np.where(real, 2, 4)).sum() / steps**2
    return np.asarray(np.fft.irfft(spectrum, n=steps) / np.sqrt(power))
