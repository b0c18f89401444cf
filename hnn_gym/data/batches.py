"""The samples that training reads: single transitions and windows of k consecutive steps, all or in minibatches."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from hnn_gym.errors import InputError

S = TypeVar("S", bound="Samples")


class Samples:
    """Arrays with one row per sample: the base of :class:`Transitions` and :class:`Windows`."""

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(next(iter(self._arrays().values())))

    def __getitem__(self: S, index: slice | np.ndarray) -> S:
        """Return the samples that a slice, a mask or an array of integers picks."""
        return type(self)(**{name: array[index] for name, array in self._arrays().items()})

    def batches(self: S, batch_size: int, rng: np.random.Generator) -> Iterator[S]:
        """Iterate over minibatches in a random order that visits every sample once.

        The last one is smaller where ``batch_size`` does not divide the number of samples.

        Raises:
            InputError: ``batch_size`` is below one.
        """
        if batch_size < 1:
            raise InputError(f"A minibatch needs at least one sample, and batch_size is {batch_size}.")
        order = rng.permutation(len(self))
        return (self[order[start : start + batch_size]] for start in range(0, len(order), batch_size))

    def _arrays(self) -> dict[str, np.ndarray]:
        named = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}  # type: ignore[arg-type]
        return {name: array for name, array in named.items() if array is not None}


@dataclass(frozen=True)
class Transitions(Samples):
    """N single transitions.

    Attributes:
        observation: ``(N, *observation_shape)``, before the step.
        action: ``(N, *action_shape)``, and ``(N, 1)`` for Discrete actions, so that there is an axis of action entries.
        next_observation: ``(N, *observation_shape)``, after the step.
        reward: float64 ``(N,)``.
        terminated: bool ``(N,)``.
        truncated: bool ``(N,)``.
    """

    observation: np.ndarray
    action: np.ndarray
    next_observation: np.ndarray
    reward: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray


@dataclass(frozen=True)
class Windows(Samples):
    """N windows of k consecutive steps, each within one episode.

    Attributes:
        observation: ``(N, k + 1, *observation_shape)``.
        action: ``(N, k, *action_shape)``, and ``(N, k, 1)`` for Discrete actions; action t leads from observation t to
            observation t + 1.
        duration: time that each step takes in s, float64 ``(N, k)``; None: all take the time step of the dataset.
    """

    observation: np.ndarray
    action: np.ndarray
    duration: np.ndarray | None = None
