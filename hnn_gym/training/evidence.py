"""A recording cut in two: steps that are fitted, and steps and windows that are held out to judge models by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

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
        rounding: relative rounding of the observations, that of single precision where all of them fit into it.
        durations: the time of their steps in s ``(W, k)``; None: all take the time step of the recording.
    """

    coordinates: Coordinates
    variables: Variables
    whole: Transitions
    fitted: Transitions
    held_out: Transitions
    states: np.ndarray
    forces: np.ndarray
    rounding: float
    durations: np.ndarray | None = None

    @classmethod
    def of(cls, dataset: TransitionDataset, coordinates: Coordinates, dt: float, *, seed: int = 0) -> Evidence:
        """Hold out a fifth of the episodes, or the last fifth of each where there are fewer than five.

        Raises:
            InputError: velocities are not observed.
        """
        if any(coordinates.unobserved):
            raise InputError(
                "model='auto' compares models step by step, and here velocities are not observed: name a model, and "
                "fit it with FitSettings.for_noisy_data(), or --noisy on the command line."
            )
        episodes, durations = [], dataset.durations()
        lengths = [len(episode.action) for episode in dataset]
        seconds = [None] * len(lengths) if durations is None else np.split(durations, np.cumsum(lengths)[:-1])
        for episode, own in zip(dataset, seconds, strict=True):
            action = episode.action if episode.action.ndim > 1 else episode.action[:, None]
            observation = np.asarray(episode.observation, np.float64).reshape(len(episode.observation), -1)
            episodes.append(_Steps(observation, np.asarray(coordinates.control_vector(action), np.float64), own))
        fitted, held_out = _cut(episodes, np.random.default_rng(seed))
        whole, one, other = (_steps(part, coordinates, dt) for part in (episodes, fitted, held_out))
        before, after = np.concatenate([one.q, one.v], axis=-1), np.concatenate([one.next_q, one.next_v], axis=-1)
        actions = np.concatenate([part.action for part in fitted])[:, None]
        variables = Variables.measured(coordinates, np.stack([before, after], axis=1), actions, dt=dt)
        states, forces, own = _windows(held_out, coordinates)
        return cls(coordinates, variables, whole, one, other, states, forces, _rounding(episodes), own)

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
                own = None if self.durations is None else self.durations[:, k]
                x = world.advance(x, self.forces[:, k] if self.forces.shape[-1] else None, duration=own)
                q, v = world.state(x)
                missed = turn(q - self.states[:, k + 1, :n], self.variables.angles), v - self.states[:, k + 1, n:]
                errors.append((np.concatenate(missed, axis=-1) / self.spread)[:, seen])
            rms = np.sqrt(np.mean(np.stack(errors) ** 2, axis=(0, 2)))
        return float(np.median(np.nan_to_num(rms, nan=np.inf)))


class _Steps(NamedTuple):
    """Steps that follow each other.

    Attributes:
        observation: ``(T + 1, d)``.
        action: control vectors ``(T, m)``.
        duration: time of each in s ``(T,)``; None: the time step of the recording.
    """

    observation: np.ndarray
    action: np.ndarray
    duration: np.ndarray | None

    def part(self, begin: int, end: int) -> _Steps:
        """The steps from ``begin`` to ``end``."""
        own = None if self.duration is None else self.duration[begin:end]
        return _Steps(self.observation[begin : end + 1], self.action[begin:end], own)


def _rounding(episodes: Sequence[_Steps]) -> float:
    single = all(np.array_equal(one.observation, one.observation.astype(np.float32)) for one in episodes)
    return float(np.finfo(np.float32 if single else np.float64).eps) / 2


def _steps(episodes: Sequence[_Steps], coordinates: Coordinates, dt: float) -> Transitions:
    observations, actions = [one.observation for one in episodes], [one.action for one in episodes]
    durations = [one.duration for one in episodes if one.duration is not None]
    return Transitions.of(observations, actions, coordinates=coordinates, dt=dt, duration=durations or None)


def _cut(episodes: Sequence[_Steps], rng: np.random.Generator) -> tuple[list[_Steps], list[_Steps]]:
    """Episodes to fit, and episodes that are held out."""
    if len(episodes) < 5:
        places = [max(int((1 - _HELD_OUT) * len(one.action)), 1) for one in episodes]
        first = [one.part(0, t) for one, t in zip(episodes, places, strict=True)]
        last = [one.part(t, len(one.action)) for one, t in zip(episodes, places, strict=True) if t < len(one.action)]
        return first, last
    wanted, found = _HELD_OUT * sum(len(one.action) for one in episodes), 0
    chosen: set[int] = set()
    for index in rng.permutation(len(episodes)):
        if found >= wanted or len(chosen) == len(episodes) - 1:
            break
        chosen.add(int(index))
        found += len(episodes[index].action)
    fitted = [episode for i, episode in enumerate(episodes) if i not in chosen]
    return fitted, [episodes[i] for i in sorted(chosen)]


def _windows(episodes: Sequence[_Steps], coordinates: Coordinates) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Windows of equal length, as long as half the episodes allow: states, forces and durations."""
    lengths = sorted(len(one.action) for one in episodes)
    horizon = min(_LONGEST_WINDOW, max(lengths[len(lengths) // 2] // 2, 1))
    windows = [
        one.part(t, t + horizon)
        for one in episodes
        for t in range(0, len(one.action) - horizon + 1, max(horizon // 4, 1))
    ]
    kept = [windows[i] for i in np.linspace(0, len(windows) - 1, min(_MOST_WINDOWS, len(windows))).astype(int)]
    q, v = coordinates.state(np.stack([one.observation for one in kept]))
    durations = [one.duration for one in kept if one.duration is not None]
    forces = coordinates.force(np.stack([one.action for one in kept]))
    return np.concatenate([q, v], axis=-1), forces, np.stack(durations) if durations else None
