"""Choose decay and width of a contender by held-out error, until every neighbour of the choice is worse.

First some decays are tried, then with the best of them some widths. Then the neighbours of the best candidate are
tried, those with a tenth and ten times its decay and with half and twice its units, as long as one of them is better.
So a choice lies at no end of a grid, except where a wider network would have more than 256 units.
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
_WIDEST = 256


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


def to_try(name: str, noise: float, errors: Mapping[Candidate, float]) -> list[Candidate]:
    """The candidates that are to be tried next, given the held-out errors of earlier ones; none: the best is chosen.

    Args:
        name: of the contender.
        noise: share of observation noise.
        errors: of the candidates that were tried.
    """
    widths = CONTENDERS[name].widths
    decays = [Candidate(decade, widths[0]) for decade in (_NOISY_DECADES if noise else _EXACT_DECADES)]
    missing = [one for one in decays if one not in errors]
    if not missing:
        first = min(decays, key=errors.__getitem__)
        missing = [one for one in (first._replace(width=width) for width in widths) if one not in errors]
    if not missing:
        beside = best(errors).neighbours().values()
        missing = [one for one in beside if one not in errors and 1 <= one.width <= _WIDEST]
    return missing


def best(errors: Mapping[Candidate, float]) -> Candidate:
    """The candidate with the least error."""
    return min(errors, key=errors.__getitem__)


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
