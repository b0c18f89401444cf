"""A smooth change of an observed position that is learned with the dynamics.

    g(q) = q + sum_j a_j cos j q + b_j sin j q   (circle),      g(q) = q + sum_j a_j l(sin j pi s)   (line)

A first guess of an angle from frames is only some increasing function of the angle, and in no other coordinate than the
angle itself (from any origin) is the inertia constant. On a line the scale of q is free, and the errors would shrink
with it: l takes from a function its straight line of regression over the data, so that the slope of g over them is 1
for every a.
"""

from __future__ import annotations

import numpy as np
import torch

from hnn_gym.coordinates import Coordinates
from hnn_gym.training.windows import TrainingWindows


class Warp:
    """The correction of the observations of an objective whose positions come from frames."""

    name = "warp"
    decay = 2e-10
    """It only breaks ties."""
    own_units = True

    def __init__(
        self,
        windows: TrainingWindows,
        coordinates: Coordinates,
        *,
        harmonics: int,
        span: tuple[float, float],
        device: str | torch.device = "cpu",
    ) -> None:
        """Correct the positions of windows.

        Args:
            windows: of one degree of freedom, whose velocities were not observed.
            coordinates: what the observations are.
            harmonics: the largest j.
            span: ends of the line, where s is 0 and 1; not used on a circle.
            device: where the observations are needed.
        """
        q = windows.states[..., 0]
        self._coordinates = coordinates
        known = bends(q[np.isfinite(q)], harmonics, span=None if coordinates.angles[0] else span)
        functions = np.zeros((*q.shape, known.shape[-1]))
        functions[np.isfinite(q)] = known
        self._functions = torch.tensor(functions, device=device)
        self._q = torch.tensor(np.nan_to_num(q), device=device)

    def initial(self) -> np.ndarray:
        """The amounts that change nothing."""
        return np.zeros(self._functions.shape[-1])

    def carried(self, amounts: np.ndarray) -> np.ndarray:
        """Where the fit of other windows begins: their positions are already those that the fit before has found."""
        return self.initial()

    def __call__(self, amounts: torch.Tensor) -> torch.Tensor:
        """Return observations ``(N, k + 1, d)`` of the changed positions, with velocities of 0."""
        q = (self._q + self._functions @ amounts)[..., None]
        return self._coordinates.observation(q, torch.zeros_like(q))


def bends(q: np.ndarray, count: int, *, span: tuple[float, float] | None) -> np.ndarray:
    """Return functions of positions ``(M,)`` to add to the coordinate.

    Their shape is ``(M, 2 count)`` on a circle, else ``(M, count)``.

    Args:
        q: positions.
        count: harmonics.
        span: ends of the line, None on a circle. On a line every function is orthogonal to 1 and q over the positions.
    """
    k = np.arange(1, count + 1)
    if span is None:
        phase = q[:, None] * k
        return np.concatenate([np.cos(phase), np.sin(phase)], axis=-1)
    waves = np.sin((q[:, None] - span[0]) / (span[1] - span[0]) * np.pi * k)
    straight = np.column_stack([np.ones(q.size), q])
    left: np.ndarray = waves - straight @ np.linalg.lstsq(straight, waves, rcond=None)[0]
    return left
