"""The terms that the objective of a fit is made of, and a change of the observations that is learned with a model."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
import torch


class Correction(Protocol):
    """A change of the observations that is learned with the model, such as :class:`hnn_gym.training.warp.Warp`."""

    name: str
    """Name of its array among the parameters."""
    decay: float
    """Factor of the sum of its squares in the objective."""
    own_units: bool
    """Whether its amounts are far from 1 in size, so that each is damped by its own scale."""

    def initial(self) -> np.ndarray:
        """The array that changes nothing."""

    def carried(self, amounts: np.ndarray) -> np.ndarray:
        """Where the fit of other windows of the same episodes begins."""

    def __call__(self, amounts: torch.Tensor) -> torch.Tensor:
        """Return the corrected observations ``(N, k + 1, d)`` of all windows."""


class Terms(NamedTuple):
    """The terms that an objective is made of.

    Attributes:
        errors: the loss is the sum of their mean squares; 0 where nothing was observed.
        counts: numbers of observed values in each of them.
        gaps: between every window and the next ``(N, g)``, 0 where they do not join; None: no windows have to join.
        decayed: pairs of a factor and an array whose sum of squares, times the factor, is added.
    """

    errors: tuple[torch.Tensor, ...]
    counts: tuple[int, ...]
    gaps: torch.Tensor | None
    decayed: tuple[tuple[float, torch.Tensor], ...]
