"""Choose decay and width of a contender by held-out error, until no neighbour of the choice is clearly better.

First some decays are tried, then with the best of them some widths. From the best of these the search walks: it tries
all neighbours, those with a tenth and ten times the decay and with half and twice the units, and goes to the best of
them if its error is lower by more than one per cent. Otherwise it stops, and where it stands is the choice. So a
choice lies at no end of a grid, except where a wider network would have more than 4,096 units, and the search does not
follow decays that are too small to change anything.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from experiments.sample_efficiency.contenders import CONTENDERS, EPISODE, HELD_OUT_SEED, Choice, learned, recorded
from hnn_gym.errors import ConvergenceError
from hnn_gym.training import held_out_error

_EXACT_DECADES, _NOISY_DECADES = (-13, -12, -11), (-4, -3, -2, -1, 0)
"""Powers of ten of the decays that are tried first; with noise, as shares of its variance, comparable priors."""
_WIDEST = 4096
_GAIN = 0.01
"""Share of the error by which a neighbour has to be better for the search to go there."""


class Candidate(NamedTuple):
    """Settings to try: a power of ten of the decay, and the units of the hidden layer."""

    decade: int
    width: int

    @classmethod
    def of(cls, choice: Choice, noise: float) -> Candidate:
        """The candidate that a choice at a noise was."""
        return cls(round(math.log10(choice.decay / noise**2 if noise else choice.decay)), choice.hidden)

    def choice(self, noise: float) -> Choice:
        """The settings at a noise."""
        decay = float(f"1e{self.decade}")
        return Choice(decay * noise**2, self.width, EPISODE) if noise else Choice(decay, self.width, 1)

    def neighbours(self) -> dict[str, Candidate]:
        """The candidates beside it, in words."""
        return {
            "a tenth of the decay": self._replace(decade=self.decade - 1),
            "ten times the decay": self._replace(decade=self.decade + 1),
            "half the units": self._replace(width=self.width // 2),
            "twice the units": self._replace(width=2 * self.width),
        }


class Progress(NamedTuple):
    """Where a search stands: it has ended if nothing is left to try.

    Attributes:
        best: the candidate from which it goes on, and the choice once it has ended; None before all first decays and
            widths were tried.
        to_try: the candidates whose errors it needs next.
    """

    best: Candidate | None
    to_try: list[Candidate]


def search(name: str, noise: float, errors: Mapping[Candidate, float]) -> Progress:
    """Follow the search through the held-out errors that are known.

    Args:
        name: of the contender.
        noise: share of observation noise.
        errors: of the candidates that were tried.
    """
    widths = CONTENDERS[name].widths
    first = [Candidate(decade, widths[0]) for decade in (_NOISY_DECADES if noise else _EXACT_DECADES)]
    if missing := [one for one in first if one not in errors]:
        return Progress(None, missing)
    decade = min(first, key=errors.__getitem__).decade
    second = [Candidate(decade, width) for width in widths]
    if missing := [one for one in second if one not in errors]:
        return Progress(None, missing)
    best = min(second, key=errors.__getitem__)
    while True:
        beside = [one for one in best.neighbours().values() if 1 <= one.width <= _WIDEST]
        if missing := [one for one in beside if one not in errors]:
            return Progress(best, missing)
        better = min(beside, key=errors.__getitem__)
        if not errors[better] < (1 - _GAIN) * errors[best]:
            return Progress(best, [])
        best = better


def error_of(
    name: str, noise: float, candidate: Candidate, *, steps: int, seeds: Sequence[int], held_out_steps: int
) -> float:
    """The mean held-out error of a candidate; infinite where a fit diverged.

    Args:
        name: of the contender.
        noise: share of observation noise.
        candidate: its settings.
        steps: transitions of each recording.
        seeds: of the recordings.
        held_out_steps: transitions of the recording on which errors are measured.
    """
    held_out, errors = recorded(noise, steps=held_out_steps, seed=HELD_OUT_SEED), []
    for seed in seeds:
        dataset = recorded(noise, steps=steps, seed=seed)
        try:
            (world,) = learned(CONTENDERS[name], candidate.choice(noise), dataset, noise=noise)
            errors.append(held_out_error(world, held_out))
        except ConvergenceError:
            return float("inf")
    return float(np.mean(errors))
