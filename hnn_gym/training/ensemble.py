"""Several worlds from one dataset, each on windows drawn from it with replacement, fitted as one batch.

Where data are few, worlds that explain them equally well differ elsewhere: their disagreement says what is not known.
Their losses are summed, so that one fit minimises all of them, and every array has a leading axis of members.
Source: Breiman, *Bagging predictors*, Machine Learning 24 (1996) 123; for worlds to plan in, Chua et al., *Deep
reinforcement learning in a handful of trials*, NeurIPS 2018.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from hnn_gym.coordinates import Coordinates
from hnn_gym.data import TransitionDataset
from hnn_gym.errors import InputError
from hnn_gym.integrators import Integrator
from hnn_gym.training.fit import FitState, Report, fit
from hnn_gym.training.learn import card_of, prepared
from hnn_gym.training.objective import STARTS, Objective
from hnn_gym.training.settings import FitSettings
from hnn_gym.world_model import WorldModel


def learn_ensemble(
    dataset: TransitionDataset,
    model: str = "mechanical",
    *,
    members: int = 5,
    settings: FitSettings | None = None,
    options: Mapping[str, Any] | None = None,
    coordinates: Coordinates | None = None,
    integrator: Integrator | None = None,
    dt: float | None = None,
    state: FitState | None = None,
    report: Report | None = None,
) -> tuple[WorldModel, ...]:
    """Learn ``members`` worlds that differ in the windows they saw and in their first weights.

    Arguments, worlds and errors are those of :func:`hnn_gym.training.learn`.

    Raises:
        InputError: as there, or fewer than 2 members.
    """
    if members < 2:
        raise InputError(f"An ensemble needs at least 2 members, got {members}: for one world use learn().")
    objective = prepared(
        dataset,
        model,
        settings=settings or FitSettings(),
        options=options,
        coordinates=coordinates,
        integrator=integrator,
        dt=dt,
    )
    state = fit(EnsembleObjective(objective, members), state=state, report=report)
    worlds = []
    for i in range(members):
        parameters = {name: value[i] for name, value in state.parameters.items() if name != STARTS}
        world = objective.world(parameters)
        card = card_of(world, dataset, objective.settings, state) | {"member": i, "members": members}
        worlds.append(objective.world(parameters, card=card))
    return tuple(worlds)


class EnsembleObjective:
    """The sum of the objectives of the members; parameters have a leading axis of members."""

    def __init__(self, objective: Objective, members: int) -> None:
        """Draw each member's windows from those of ``objective``, by the seed of its settings.

        Raises:
            InputError: the settings ask for batches.
        """
        if objective.settings.batch_size is not None:
            raise InputError("An ensemble is fitted on all windows at once: leave batch_size out.")
        self.settings = objective.settings
        self._objective = objective
        self._rng = np.random.default_rng([objective.settings.seed, members])
        self._drawn = self._rng.integers(objective.windows, size=(members, objective.windows))

    @property
    def windows(self) -> int:
        """Number of windows of a member."""
        return self._objective.windows

    def initial_parameters(self) -> dict[str, np.ndarray]:
        """First weights of every member, and the first states of its windows where they are estimated."""
        seeds = [(self.settings.seed, i) for i in range(len(self._drawn))]
        members = [self._objective.initial_parameters(np.random.default_rng(seed)) for seed in seeds]
        stacked = {name: np.stack([member[name] for member in members]) for name in members[0]}
        if STARTS in stacked:
            stacked[STARTS] = stacked[STARTS][0][self._drawn]
        return stacked

    def __call__(
        self, parameters: Mapping[str, torch.Tensor], batch: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the sums of (objective, loss) of the members on their windows."""
        drawn = torch.tensor(self._drawn)
        every = torch.func.vmap(self._objective.on)
        value, loss = every(dict(parameters), self._objective.observation[drawn], self._objective.action[drawn])
        return value.sum(), loss.sum()
