"""Several worlds from one dataset, each on a resampling of it, fitted as one batch.

Where data are few, worlds that explain them equally well differ elsewhere: their disagreement shows what is not known.
Member i weights the squared error at every moment with a number of its own, drawn from the exponential distribution of
mean 1. This is the Bayesian bootstrap: like drawing with replacement it weights moments unequally, but it leaves none
out, so that no estimated state is without data. The objectives are summed: one fit minimises all of them, and every
array has a leading axis of members. Sources: Rubin, *The Bayesian bootstrap*, Annals of Statistics 9 (1981) 130; for
worlds to plan in, Chua et al., *Deep reinforcement learning in a handful of trials*, NeurIPS 2018.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from functools import partial
from typing import Any

import numpy as np
import torch

from hnn_gym.coordinates import Coordinates
from hnn_gym.data import TransitionDataset
from hnn_gym.errors import InputError, instance, whole_number
from hnn_gym.physics.integrators import Integrator
from hnn_gym.training.fit import FitReport, FitState
from hnn_gym.training.least_squares import Linearisation, Residual
from hnn_gym.training.objective import Objective
from hnn_gym.training.preparation import Preparation, opened
from hnn_gym.training.rounds import fit_by_rounds
from hnn_gym.training.settings import FitSettings
from hnn_gym.training.streaming import sample_of
from hnn_gym.training.terms import Terms
from hnn_gym.training.worlds import card_of, inferred_card, longest_episode
from hnn_gym.worlds.world_model import WorldModel


def train_ensemble(
    dataset: TransitionDataset | str | os.PathLike[str],
    model: str = "mechanical",
    *,
    members: int = 5,
    settings: FitSettings | None = None,
    options: Mapping[str, Any] | None = None,
    coordinates: Coordinates | None = None,
    integrator: Integrator | None = None,
    dt: float | None = None,
    state: FitState | None = None,
    report: FitReport | None = None,
    executor: Executor | None = None,
    device: str = "cpu",
) -> tuple[WorldModel, ...]:
    """Learn ``members`` worlds that differ in how they weigh the data and in their first weights.

    Arguments, worlds and errors are those of :func:`hnn_gym.training.train_world`, but that of a recording larger than
    ``settings.stream_above`` a sample alone is used.

    Without an ``executor`` all members are fitted here as one batch, whose optimisers share the lengths of their steps.
    An executor, such as :class:`hnn_gym.studies.Processes` or :class:`hnn_gym.studies.RayExecutor`, fits each member by
    itself. That takes more work and ends at other numbers, which are the same whatever the executor.

    Raises:
        InputError: as there; fewer than 2 members; or ``state`` or ``report`` together with an executor.
    """
    if whole_number(members, "members", at_least=1) < 2:
        raise InputError(f"An ensemble needs at least 2 members, got {members}: for one world use train_world().")
    settings = instance(FitSettings() if settings is None else settings, "settings", FitSettings)
    prepared = Preparation.of(
        sample_of(opened(dataset), settings),
        model,
        options=options,
        coordinates=coordinates,
        integrator=integrator,
        dt=dt,
        device=device,
    )
    if executor is None:
        return _fitted(prepared, settings, range(members), members, state=state, report=report)
    if state is not None or report is not None:
        raise InputError("Members that an executor fits cannot be continued or reported: leave state and report out.")
    with ExitStack() as waiting:
        works = [executor.submit(_fitted, prepared, settings, [member], members) for member in range(members)]
        for work in works:
            waiting.callback(work.cancel)  # of those that wait, if one fails
        return tuple(world for work in works for world in work.result())


def _fitted(
    prepared: Preparation,
    settings: FitSettings,
    chosen: Sequence[int],
    members: int,
    *,
    state: FitState | None = None,
    report: FitReport | None = None,
) -> tuple[WorldModel, ...]:
    """Fit some of the members as one batch."""

    def objective(settings: FitSettings, gap_weight: float = 0.0) -> EnsembleObjective:
        return EnsembleObjective(prepared.objective(settings, gap_weight), members, chosen)

    rounds = settings.rounds(longest_episode(prepared.dataset))
    state = fit_by_rounds(objective, rounds, settings, state=state, report=report)
    whole, worlds = prepared.objective(settings), []
    for i, number in enumerate(chosen):
        member = {name: value[i] for name, value in state.parameters.items()}
        parameters = whole.model_parameters(member)
        card = card_of(whole.world(parameters), prepared.dataset, settings, state, noise=whole.sensor_noise(member))
        card |= {"member": number, "members": members} | inferred_card(prepared.found)
        worlds.append(whole.world(parameters, card=card))
    return tuple(worlds)


class EnsembleObjective:
    """The sum of the objectives of the members; parameters have a leading axis of members."""

    def __init__(self, objective: Objective, members: int, chosen: Sequence[int]) -> None:
        """Draw each member's weights of all moments, by the seed of the settings of ``objective``.

        Args:
            objective: of a single world.
            members: of the whole ensemble.
            chosen: which of them are fitted.

        Raises:
            InputError: the settings ask for batches, or for several starts.
        """
        if objective.settings.batch_size is not None:
            raise InputError("An ensemble is fitted on all windows at once: leave batch_size out.")
        if objective.settings.starts > 1:
            raise InputError("Every member of an ensemble has a start of its own already: leave starts out.")
        self.settings, self.device = objective.settings, objective.device
        self.windows, self.local, self.chained = objective.windows, objective.local, objective.chained
        self.scaling, self.differences = objective.scaling, objective.differences
        self.underdetermined = objective.underdetermined
        self.together = None  # members are fitted one after the other
        self._objective = objective
        rng = np.random.default_rng([objective.settings.seed, members])
        moments = objective.observation.shape[:2]
        roots = np.sqrt(rng.exponential(size=(members, *moments, 1)))[list(chosen)]
        self._roots, self._chosen = torch.tensor(roots, device=self.device), tuple(chosen)

    def initial_parameters(self) -> dict[str, np.ndarray]:
        """First weights of every member, and the first states of the windows where they are estimated."""
        seeds = [(self.settings.seed, i) for i in self._chosen]
        members = [self._objective.initial_parameters(np.random.default_rng(seed)) for seed in seeds]
        return {name: np.stack([member[name] for member in members]) for name in members[0]}

    def parameters_after(
        self, before: EnsembleObjective, parameters: Mapping[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """Where the fit begins after that of other windows of the same episodes."""
        members = ({name: value[i] for name, value in parameters.items()} for i in range(len(self._roots)))
        carried = [self._objective.parameters_after(before._objective, member) for member in members]
        return {name: np.stack([member[name] for member in carried]) for name in carried[0]}

    def __call__(
        self, parameters: Mapping[str, torch.Tensor], batch: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the sums of (objective, loss) of the members."""

        def one(parameters: dict[str, torch.Tensor], roots: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return self._objective.value_of(self._weighed(parameters, roots))

        value, loss = torch.func.vmap(one)(dict(parameters), self._roots)
        return value.sum(), loss.sum()

    def residuals_by_member(self) -> tuple[Residual, ...]:
        """One function a member, of its own parameters, whose sum of squares is its objective."""

        def of(roots: torch.Tensor) -> Residual:
            return lambda parameters: self._objective.residuals_of(self._weighed(parameters, roots))

        return tuple(of(roots) for roots in self._roots)

    def linearised_by_member(self) -> tuple[Linearisation | None, ...]:
        """One function a member, of its own parameters, to its residuals with their derivatives."""
        (alone,) = self._objective.linearised_by_member()
        return tuple(alone and partial(self._objective.linearised, roots=roots) for roots in self._roots)

    def _weighed(self, parameters: Mapping[str, torch.Tensor], roots: torch.Tensor) -> Terms:
        terms = self._objective.terms(parameters)
        # A prediction has no error at the first moment of a window.
        errors = tuple(roots[:, roots.shape[1] - error.shape[1] :] * error for error in terms.errors)
        return terms._replace(errors=errors)
