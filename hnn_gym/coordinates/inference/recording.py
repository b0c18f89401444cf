"""The input of an inference: episodes as arrays, and facts from the spaces and the time step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hnn_gym.coordinates.describe import entry_name
from hnn_gym.errors import InputError


@dataclass(frozen=True)
class Recording:
    """Recorded episodes as plain arrays.

    Attributes:
        observations: of every episode ``(T + 1, d)``.
        actions: of every episode: ``(T, m)``, or whole numbers ``(T,)`` or ``(T, k)``.
        dt: time between two observations in s, or None where it is not known.
        action_bounds: largest abs of every action entry ``(m,)``, infinite where there is no bound; None: not known.
        action_counts: of whole-number actions, how many values each number can take; None for other actions.
        names: of the observation entries, or empty.

    Raises:
        InputError: there is no transition, the shapes do not fit, or a number is not finite.
    """

    observations: tuple[np.ndarray, ...]
    actions: tuple[np.ndarray, ...]
    dt: float | None = None
    action_bounds: tuple[float, ...] | None = None
    action_counts: tuple[int, ...] | None = None
    names: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        observations: Sequence[np.ndarray],
        actions: Sequence[np.ndarray],
        *,
        dt: float | None = None,
        action_bounds: Sequence[float] | None = None,
        action_counts: Sequence[int] | None = None,
        names: Sequence[str] = (),
    ) -> Recording:
        """Hold episodes, in float64 and without those that have no step; arguments as the attributes."""
        kept = [i for i, action in enumerate(actions) if len(action)]
        if not kept:
            raise InputError("There is no recorded transition to infer a map from: record some steps.")
        held = [np.asarray(actions[i]) for i in kept]
        if action_counts is None:
            held = [np.asarray(a, np.float64).reshape(len(a), -1) for a in held]
        else:
            held = [np.asarray(a, np.int64).reshape(len(a), len(tuple(action_counts))) for a in held]
        return cls(
            tuple(np.asarray(observations[i], np.float64).reshape(len(observations[i]), -1) for i in kept),
            tuple(held),
            None if dt is None else float(dt),
            None if action_bounds is None else tuple(float(bound) for bound in action_bounds),
            None if action_counts is None else tuple(int(count) for count in action_counts),
            tuple(names),
        )

    def __post_init__(self) -> None:
        """Check that the arrays fit each other."""
        for seen, done in zip(self.observations, self.actions, strict=True):
            if len(seen) != len(done) + 1 or seen.shape[1] != self.size or done.shape[1] != self.action_size:
                raise InputError(
                    f"An episode has observations {seen.shape} and actions {done.shape}: there must be one observation "
                    "more than actions, and every episode must have the same entries."
                )
            if not (np.isfinite(seen).all() and np.isfinite(done).all()):
                raise InputError("The recording holds NaN or infinity: leave that episode out, or record it again.")

    @property
    def size(self) -> int:
        """Entries of an observation."""
        return int(self.observations[0].shape[1])

    @property
    def action_size(self) -> int:
        """Numbers in an action."""
        return int(self.actions[0].shape[1])

    @cached_property
    def before(self) -> np.ndarray:
        """The observations that transitions start from ``(N, d)``."""
        return np.concatenate([seen[:-1] for seen in self.observations])

    @cached_property
    def after(self) -> np.ndarray:
        """The observations that they lead to ``(N, d)``."""
        return np.concatenate([seen[1:] for seen in self.observations])

    @cached_property
    def action(self) -> np.ndarray:
        """Their actions ``(N, m)``."""
        return np.concatenate(self.actions)

    @cached_property
    def spread_within(self) -> np.ndarray:
        """The largest range of every entry ``(d,)`` within one episode."""
        return np.max([np.ptp(seen, axis=0) for seen in self.observations], axis=0)

    @cached_property
    def spread(self) -> np.ndarray:
        """The range of every entry ``(d,)`` over all episodes."""
        return np.ptp(np.concatenate(self.observations), axis=0)

    @cached_property
    def size_of_entries(self) -> np.ndarray:
        """The largest abs of every entry ``(d,)``."""
        return np.abs(np.concatenate(self.observations)).max(axis=0)

    def name(self, entry: int) -> str:
        """How a message calls an observation entry."""
        return f"entry {entry_name(entry, self.names)}"
