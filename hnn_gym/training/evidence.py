"""A recording cut in two: steps that are fitted, and steps and windows that are held out to judge models by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hnn_gym.coordinates import Coordinates
from hnn_gym.data import TransitionDataset
from hnn_gym.errors import InputError
from hnn_gym.models import Architecture, Variables
from hnn_gym.physics.integrators import Integrator
from hnn_gym.training.transitions import Transitions, turn
from hnn_gym.worlds.world_model import WorldModel

_HELD_OUT = 0.2
_LONGEST_WINDOW = 50
_FEWEST = 20
_MOST_WINDOWS = 200


@dataclass(frozen=True)
class Evidence:
    """What models are fitted to and judged by.

    Attributes:
        coordinates: what the observations and actions are.
        variables: of the system.
        whole: all steps.
        fitted: steps to fit.
        held_out: steps to judge by.
        states: windows of states [q, v] ``(W, k + 1, 2n)`` that are held out.
        forces: the forces in them ``(W, k, m)``.
    """

    coordinates: Coordinates
    variables: Variables
    whole: Transitions
    fitted: Transitions
    held_out: Transitions
    states: np.ndarray
    forces: np.ndarray

    @classmethod
    def of(cls, dataset: TransitionDataset, coordinates: Coordinates, dt: float, *, seed: int = 0) -> Evidence:
        """Hold out a fifth of the episodes, or the last fifth of each where there are fewer than five.

        Raises:
            InputError: there are too few steps, or velocities are not observed.
        """
        if any(coordinates.unobserved):
            raise InputError(
                "model='auto' compares models step by step, and here velocities are not observed: name a model, and "
                "fit it with FitSettings.for_noisy_data(), or --noisy on the command line."
            )
        if dataset.num_steps < _FEWEST:
            raise InputError(
                f"model='auto' needs at least {_FEWEST} transitions to hold some of them out, and the dataset has "
                f"{dataset.num_steps}: record more, or name a model."
            )
        episodes = []
        for episode in dataset:
            action = episode.action if episode.action.ndim > 1 else episode.action[:, None]
            observation = np.asarray(episode.observation, np.float64).reshape(len(episode.observation), -1)
            episodes.append((observation, np.asarray(coordinates.control_vector(action), np.float64)))
        fitted, held_out = _cut(episodes, np.random.default_rng(seed))
        whole, one, other = (_steps(part, coordinates, dt) for part in (episodes, fitted, held_out))
        before, after = np.concatenate([one.q, one.v], axis=-1), np.concatenate([one.next_q, one.next_v], axis=-1)
        actions = np.concatenate([action for _, action in fitted])[:, None]
        variables = Variables.measured(coordinates, np.stack([before, after], axis=1), actions, dt=dt)
        return cls(coordinates, variables, whole, one, other, *_windows(held_out, coordinates))

    @property
    def horizon(self) -> int:
        """Steps of a window."""
        return self.forces.shape[1]

    @cached_property
    def spread(self) -> np.ndarray:
        """Standard deviations of the states ``(2n,)``, 1 for an angle: the unit of errors in windows."""
        deviation = self.states.reshape(-1, self.states.shape[-1]).std(axis=0)
        n = self.variables.n
        deviation[:n] = np.where(self.variables.angles, 1.0, deviation[:n])
        return np.where(deviation > 0, deviation, 1.0)

    def world(self, architecture: Architecture, parameters: Mapping[str, np.ndarray], scheme: Integrator) -> WorldModel:
        """The world of a model of this recording."""
        return WorldModel.built(
            architecture, parameters, coordinates=self.coordinates, integrator=scheme, dt=self.whole.dt
        )

    def many_steps(self, world: WorldModel) -> float:
        """Median over windows of the root mean square error of all their steps, in standard deviations."""
        n, seen = self.variables.n, self.held_out.seen
        with np.errstate(all="ignore"):
            x = world.phase_point(self.states[:, 0, :n], self.states[:, 0, n:])
            errors = []
            for k in range(self.horizon):
                x = world.advance(x, self.forces[:, k] if self.forces.shape[-1] else None)
                q, v = world.state(x)
                missed = turn(q - self.states[:, k + 1, :n], self.variables.angles), v - self.states[:, k + 1, n:]
                errors.append((np.concatenate(missed, axis=-1) / self.spread)[:, seen])
            rms = np.sqrt(np.mean(np.stack(errors) ** 2, axis=(0, 2)))
        return float(np.median(np.nan_to_num(rms, nan=np.inf)))


Episode = tuple[np.ndarray, np.ndarray]
"""Observations ``(T + 1, d)`` and control vectors ``(T, m)``."""


def _steps(episodes: Sequence[Episode], coordinates: Coordinates, dt: float) -> Transitions:
    observations, actions = [o for o, _ in episodes], [a for _, a in episodes]
    return Transitions.of(observations, actions, coordinates=coordinates, dt=dt)


def _cut(episodes: Sequence[Episode], rng: np.random.Generator) -> tuple[list[Episode], list[Episode]]:
    """Episodes to fit, and episodes that are held out."""
    if len(episodes) < 5:
        places = [max(int((1 - _HELD_OUT) * len(action)), 1) for _, action in episodes]
        first = [(o[: t + 1], a[:t]) for (o, a), t in zip(episodes, places, strict=True)]
        last = [(o[t:], a[t:]) for (o, a), t in zip(episodes, places, strict=True) if t < len(a)]
        return first, last
    wanted, found = _HELD_OUT * sum(len(action) for _, action in episodes), 0
    chosen: set[int] = set()
    for index in rng.permutation(len(episodes)):
        if found >= wanted or len(chosen) == len(episodes) - 1:
            break
        chosen.add(int(index))
        found += len(episodes[index][1])
    fitted = [episode for i, episode in enumerate(episodes) if i not in chosen]
    return fitted, [episodes[i] for i in sorted(chosen)]


def _windows(episodes: Sequence[Episode], coordinates: Coordinates) -> tuple[np.ndarray, np.ndarray]:
    """Windows of equal length, as long as half the episodes allow."""
    lengths = sorted(len(action) for _, action in episodes)
    horizon = min(_LONGEST_WINDOW, max(lengths[len(lengths) // 2] // 2, 1))
    starts = [
        (o[t : t + horizon + 1], a[t : t + horizon])
        for o, a in episodes
        for t in range(0, len(a) - horizon + 1, max(horizon // 4, 1))
    ]
    kept = [starts[i] for i in np.linspace(0, len(starts) - 1, min(_MOST_WINDOWS, len(starts))).astype(int)]
    q, v = coordinates.state(np.stack([o for o, _ in kept]))
    return np.concatenate([q, v], axis=-1), coordinates.force(np.stack([a for _, a in kept]))
