"""One episode: T steps stand between T + 1 moments.

Arrays of moments (observation, time, state, frame, energy) have T + 1 rows; arrays of the steps between them
(action, reward, terminated, truncated) have T. So the next observation of step t is observation row t + 1, and is
stored only once.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from hnn_gym.errors import InputError, check_fields


@dataclass(frozen=True)
class Field:
    """The form of a recorded array: ``extra`` rows beyond the number of steps (0 or 1), and its unit."""

    extra: int
    unit: str | None = None

    def rows(self, steps: int, episodes: int) -> int:
        """Return the number of rows of ``episodes`` whole episodes with ``steps`` steps in total."""
        return steps + self.extra * episodes


FIELDS = {
    "observation": Field(1),
    "action": Field(0),
    "reward": Field(0),
    "terminated": Field(0),
    "truncated": Field(0),
    "time": Field(1),  # its unit is in the provenance
    "state": Field(1),
    "frame": Field(1),
    "energy": Field(1, "J"),
}
"""Every array a dataset can hold, in the order in which they are written."""

REQUIRED = ("observation", "action", "reward", "terminated", "truncated")
"""The arrays that every dataset holds."""


@dataclass(frozen=True)
class Episode:
    """The recorded arrays of one episode of T >= 1 steps.

    Attributes:
        observation: ``(T + 1, *observation_shape)``, in the dtype of the observation space.
        action: ``(T, *action_shape)``, in the dtype of the action space, as the environment receives them; int64
            ``(T,)`` for Discrete actions.
        reward: float64 ``(T,)``.
        terminated: bool ``(T,)``.
        truncated: bool ``(T,)``.
        time: float64 ``(T + 1,)`` since the reset, in the unit that the provenance names, or None.
        state: float64 ``(T + 1, *state_shape)``, the simulator's state, or None.
        frame: uint8 ``(T + 1, H, W, C)``, or None. Under a :class:`~hnn_gym.data.frames.FrameRule`, H = W = its size.
        energy: float64 ``(T + 1,)`` in J, or None.

    Raises:
        InputError: an array has another number of rows, or there is no step.
    """

    observation: np.ndarray
    action: np.ndarray
    reward: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    time: np.ndarray | None = None
    state: np.ndarray | None = None
    frame: np.ndarray | None = None
    energy: np.ndarray | None = None

    def __post_init__(self) -> None:
        """Check types and lengths."""
        check_fields(self)
        steps = len(self.action)
        if steps == 0:
            raise InputError("An episode needs at least one step, and this one has none.")
        for name, array in self.arrays().items():
            expected = FIELDS[name].rows(steps, 1)
            if len(array) != expected:
                raise InputError(
                    f"An episode of {steps} steps needs {expected} rows of {name!r}, and got {len(array)}: "
                    "moments have one row more than steps."
                )

    @property
    def num_steps(self) -> int:
        """The number of steps T."""
        return len(self.action)

    def first(self, steps: int) -> Episode:
        """Return the first ``steps`` steps, at most all, as an episode."""
        kept = min(steps, self.num_steps)
        return Episode(**{name: array[: FIELDS[name].rows(kept, 1)] for name, array in self.arrays().items()})

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays that were recorded, by name, in the order of ``FIELDS``."""
        named = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: array for name, array in named.items() if array is not None}
