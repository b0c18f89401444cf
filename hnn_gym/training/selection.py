"""Which structure and which scheme a recording asks for: found by what was held out.

First the scheme, with models that are cheap to fit: what made the data decides everything else. Then structures, from
the one that says most to the one that says nothing:

    rigid bodies    M(q) and V(q) trigonometric polynomials of the joint angles, polynomials of positions
    network         M constant or a network of q, V a network
    + friction that sticks, + magnetic forces, + learned friction, + a residual force, where these explain more
    second-order    a network for the acceleration: no energy

All with viscous friction, which is left out again where it explains nothing. A model without an energy is chosen only
where it is better by more than a tenth.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hnn_gym.arguments import instance
from hnn_gym.coordinates import Coordinates
from hnn_gym.data import TransitionDataset
from hnn_gym.models import Architecture, MechanicalHNN, SecondOrderBaseline, Variables
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.integrators import (
    Euler,
    Integrator,
    Leapfrog,
    RungeKutta4,
    Substeps,
    SymplecticEuler,
    integrator_to_json,
    scheme_name,
)
from hnn_gym.training.dataset_map import dataset_map
from hnn_gym.training.evidence import Evidence
from hnn_gym.training.fit import FitState
from hnn_gym.training.one_step import OneStepSettings, fit_one_step
from hnn_gym.training.preparation import opened
from hnn_gym.training.settings import FitSettings
from hnn_gym.training.trials import Trial, Trials
from hnn_gym.training.worlds import card_of, inferred_card
from hnn_gym.worlds.stepping import symplectic_scheme
from hnn_gym.worlds.world_model import WorldModel

FIRST_SCHEMES: tuple[Integrator, ...] = (Euler(), SymplecticEuler(), RungeKutta4(), Leapfrog())
"""What most recordings are made by; a later one has to be better by :data:`_MARGIN` than an earlier one."""

FINER_SCHEMES: tuple[Integrator, ...] = (
    Substeps(RungeKutta4(), 2),
    Substeps(RungeKutta4(), 5),
    Substeps(SymplecticEuler(), 2),
    Substeps(SymplecticEuler(), 5),
)
"""What is tried where none of the first explains the data to the last digits."""

_MARGIN = 1.3
_BETTER = 0.8
_FLOOR = 30.0
"""Errors below so many roundings of the observations are not worth another model, ..."""
_EXACT = 1e-5
"""... nor are networks where rigid bodies explain all but this share of a typical change, ..."""
_GOOD = 1e-4
"""... or additions to a model that explains all but this."""

QUICK = OneStepSettings(steps=12, rows=300, most_rows=300)
POLYNOMIAL = OneStepSettings(steps=40, rows=300, most_rows=1000)
NETWORK = OneStepSettings(steps=120, rows=400, most_rows=2000, patience=8)

Tell = Callable[[str], None]


def train_auto(
    dataset: TransitionDataset | str | os.PathLike[str],
    *,
    coordinates: Coordinates | None = None,
    integrator: Integrator | None = None,
    dt: float | None = None,
    seed: int = 0,
    tell: Tell | None = None,
) -> WorldModel:
    """Learn a world whose structure and scheme are found from the recording.

    Args:
        dataset: what to learn from, or its path.
        coordinates: None takes those that the dataset declares, or infers them.
        integrator: the scheme that made the data, as its name says; None finds it.
        dt: time step in s; None takes that of the dataset, or infers it.
        seed: of initial weights and of what is held out.
        tell: called with a sentence for everything that is found.

    Returns:
        The world, on NumPy in float64. Its card says under "selection" what was tried, what was chosen and by how much,
        and under "stepping" by which schemes the world can be stepped.

    Raises:
        MissingPathError: there is nothing at the path of the dataset.
        AmbiguousMapError: the coordinates are inferred, and the recording can be read in several ways.
        InputError: the dataset is too small, or velocities are not observed; or an argument has the wrong type.
    """
    dataset = opened(dataset)
    found = dataset_map(dataset, coordinates, dt)
    say = tell or (lambda sentence: None)
    evidence = Evidence.of(dataset, found.coordinates, found.dt, seed=seed)
    selection = Selection(Trials(evidence), seed=seed)
    scheme = instance(integrator, "integrator", Integrator) if integrator else selection.scheme()  # type: ignore[type-abstract]
    if integrator is None:
        say(f"The data were made by {scheme_name(scheme)}.")
    final = selection.refined(selection.structure(scheme))
    world = final.world
    card = card_of(world, dataset, FitSettings(seed=seed), FitState({}), noise=None)
    card["training"] = {"one_step": True, "seed": seed}
    card |= inferred_card(found) | {
        "selection": selection.card(final),
        "stepping": {
            "recorded": integrator_to_json(world.integrator),
            "symplectic": integrator_to_json(selection.symplectic(final)),
        },
    }
    for sentence in selection.sentences(final):
        say(sentence)
    return replace(world, card=card)


@dataclass
class Selection:
    """The search on one recording.

    Attributes:
        trials: what was tried.
        seed: of initial weights.
    """

    trials: Trials
    seed: int = 0

    @property
    def _variables(self) -> Variables:
        """Of the system; constants of the episode are not seen by the first models."""
        variables = self.trials.evidence.variables
        if not variables.fixed:
            return variables
        ignored = variables.ignored or (False,) * variables.n
        return replace(variables, ignored=tuple(a or b for a, b in zip(ignored, variables.fixed, strict=True)))

    def scheme(self) -> Integrator:
        """The scheme that made the data: the first in order of which no other is much better."""
        scores = {scheme: self._score(scheme) for scheme in FIRST_SCHEMES}
        if min(scores.values()) > self._floor:
            scores |= {scheme: self._score(scheme) for scheme in FINER_SCHEMES}
        best = min(scores.values())
        return next(scheme for scheme, score in scores.items() if score <= _MARGIN * best)

    def _score(self, scheme: Integrator) -> float:
        """The smaller error of two models that are cheap to fit."""
        quick = replace(QUICK, seed=self.seed)
        network = SecondOrderBaseline(self._variables, hidden=(24,))
        return min(
            self.trials.attempt("rigid bodies, quickly", _rigid(self._variables), scheme, quick).one_step,
            self.trials.attempt("second-order network, quickly", network, scheme, quick).one_step,
        )

    @property
    def _floor(self) -> float:
        """Errors of the size of rounding, with which single-precision observations come."""
        evidence = self.trials.evidence
        size = np.concatenate([np.abs(evidence.held_out.q), np.abs(evidence.held_out.v)], axis=1).mean(axis=0)
        return _FLOOR * float(np.sqrt(np.mean((6e-8 * size / evidence.held_out.change) ** 2)))

    def structure(self, scheme: Integrator) -> Trial:
        """The best model, after all that may explain more."""
        network = replace(NETWORK, seed=self.seed)
        coarse = scheme.inner if isinstance(scheme, Substeps) and isinstance(scheme.inner, RungeKutta4) else None
        candidates = [self.trials.attempt("rigid bodies", _rigid(self._variables), scheme, self._polynomial)]
        others = list(_without_energy(self._variables))
        if candidates[0].one_step > max(self._floor, _EXACT):
            others = [*_networks(self._variables), *others]
        for label, architecture in others:
            candidates.append(self.trials.attempt(label, architecture, scheme, network, through=coarse))
        best = _chosen(candidates)
        if best.one_step > max(self._floor, _GOOD):
            best = self._extended(best, candidates)
        return self._simplified(best)

    @property
    def _polynomial(self) -> OneStepSettings:
        return replace(POLYNOMIAL, seed=self.seed)

    def _extended(self, best: Trial, candidates: list[Trial]) -> Trial:
        """The best model with what explains more beside it."""
        structured = min((t for t in candidates if t.world.has_energy), key=_merit)
        for label, extended, scheme in _extensions(structured, self.trials.evidence.variables):
            settings = replace(NETWORK, seed=self.seed, steps=40)
            trial = self.trials.attempt(label, extended, scheme, settings, start=structured.parameters)
            if _merit(trial) < _BETTER * _merit(structured):
                structured = trial
        if _merit(structured) > 0.9 * _merit(best) and structured is not best:
            architecture = structured.architecture
            assert isinstance(architecture, MechanicalHNN)
            with_residual = replace(architecture, residual=(24,))
            settings = replace(NETWORK, seed=self.seed, residual_penalty=_penalty(with_residual))
            residual = self.trials.attempt(
                f"{structured.label} with a residual force",
                with_residual,
                structured.scheme,
                settings,
                start=structured.parameters,
            )
            if _merit(residual) < _BETTER * _merit(structured):
                structured = residual
        return _chosen([best, structured])

    def _simplified(self, best: Trial) -> Trial:
        """The same without viscous friction, where that is as good."""
        architecture = best.architecture
        if not isinstance(architecture, MechanicalHNN) or not architecture.damping:
            return best
        settings = self._polynomial if not architecture.hidden else replace(NETWORK, seed=self.seed, steps=20)
        start = best.parameters
        plain = self.trials.attempt(
            best.label, replace(architecture, damping=False), best.scheme, settings, start=start
        )
        worse = max(1.1 * _merit(best), self._floor / 100)
        return plain if _merit(plain) <= worse else replace(best, label=f"{best.label} with viscous friction")

    def refined(self, best: Trial) -> Trial:
        """The best model fitted to all of the recording."""
        evidence = self.trials.evidence
        settings = POLYNOMIAL if best.architecture.hyperparameters().get("hidden") == () else NETWORK
        parameters = fit_one_step(
            best.architecture,
            best.world.integrator,
            evidence.whole,
            best.parameters,
            settings=replace(settings, steps=8, seed=self.seed, residual_penalty=_penalty(best.architecture)),
        )
        world = WorldModel.built(
            best.architecture,
            parameters,
            coordinates=evidence.coordinates,
            integrator=best.world.integrator,
            dt=evidence.whole.dt,
        )
        return replace(best, world=world)

    def symplectic(self, final: Trial) -> Integrator:
        """The symplectic scheme by which the world is stepped, finely enough for the error of the model."""
        return symplectic_scheme(final.world, self.trials.evidence.held_out, error=final.one_step)

    def card(self, final: Trial) -> dict[str, Any]:
        """What a card says of the search."""
        content: dict[str, Any] = {
            "chosen": final.to_json(),
            "scheme": scheme_name(final.scheme),
            "steps_ahead": self.trials.evidence.horizon,
            "tried": [trial.to_json() for trial in self.trials.done],
        }
        share = residual_share(final.world, self.trials.evidence)
        if share is not None:
            content["residual_share_of_force"] = share
        return content

    def sentences(self, final: Trial) -> Iterator[str]:
        """What was chosen, and by how much."""
        horizon = self.trials.evidence.horizon
        yield (
            f"Chosen: {final.label}, with {scheme_name(final.scheme)}. Its median error on what was held out is "
            f"{final.one_step:.2g} of a typical change after one step, and {final.many_steps:.2g} standard deviations "
            f"over {horizon} steps."
        )
        others = [
            trial for trial in self.trials.done if trial.label.split(" with ")[0] != final.label.split(" with ")[0]
        ]
        if others:
            second = min(others, key=_merit)
            yield (
                f"The best of the others, {second.label} with {scheme_name(second.scheme)}, has {second.one_step:.2g} "
                f"and {second.many_steps:.2g}."
            )
        if not final.world.has_energy:
            yield "No energy was found: bumps, and whatever else needs H, do not work in this world."


def residual_share(world: WorldModel, evidence: Evidence) -> float | None:
    """Root mean square of the residual force as a share of that of all forces; None where the model has none."""
    architecture, dynamics = world.architecture, world.dynamics
    if not isinstance(architecture, MechanicalHNN) or not architecture.residual:
        return None
    assert isinstance(dynamics, PortHamiltonian)
    data = evidence.held_out
    force = u = data.u if data.u.shape[-1] else None
    force = dynamics.forces[-1](data.q, data.v, u)
    whole = dynamics.momentum(data.q, dynamics.acceleration(data.q, data.v, u)) - dynamics.momentum(data.q, 0 * data.v)
    return float(np.sqrt(np.mean(force**2) / np.mean(whole**2)))


def _penalty(architecture: Architecture) -> float:
    """What keeps a residual force small: a millionth of its mean square, in units of the forces."""
    return 1e-6 if isinstance(architecture, MechanicalHNN) and architecture.residual else 0.0


def _merit(trial: Trial) -> float:
    """One number to compare trials by: the geometric mean of the errors in one step and over many."""
    return float(np.sqrt(trial.one_step * trial.many_steps))


def _chosen(trials: list[Trial]) -> Trial:
    """The best trial; one with an energy unless another is better by more than a tenth."""
    best = min(trials, key=_merit)
    structured = [trial for trial in trials if trial.world.has_energy]
    if not structured:
        return best
    second = min(structured, key=_merit)
    return second if _merit(second) <= 1.1 * _merit(best) else best


def _moving(variables: Variables) -> int:
    return int(variables.moving.sum())


def _rigid(variables: Variables) -> MechanicalHNN:
    return MechanicalHNN(
        variables, hidden=(), damping=True, mass_matrix="full" if _moving(variables) > 1 else "constant"
    )


def _networks(variables: Variables) -> Iterator[tuple[str, Architecture]]:
    yield "constant masses, V a network", MechanicalHNN(variables, hidden=(16,), damping=True)
    if _moving(variables) > 1:
        yield "M(q) and V networks", MechanicalHNN(variables, hidden=(16,), damping=True, mass_matrix="full")


def _without_energy(variables: Variables) -> Iterator[tuple[str, Architecture]]:
    yield "second-order network", SecondOrderBaseline(variables, hidden=(32,))


def _extensions(best: Trial, seen: Variables) -> Iterator[tuple[str, MechanicalHNN, Integrator]]:
    """What may explain more than a model does: each beside the model."""
    architecture = best.architecture
    assert isinstance(architecture, MechanicalHNN)
    if seen != architecture.variables:
        yield f"{best.label} and constants of the episode", replace(architecture, variables=seen), best.scheme
    if _moving(seen) > 1:
        yield f"{best.label} and magnetic forces", replace(architecture, magnetic=True), best.scheme
    for scheme in (best.scheme,) if isinstance(best.scheme, SymplecticEuler) else (Substeps(Leapfrog(), 4),):
        yield f"{best.label} and dry friction", replace(architecture, dry=True), scheme
    yield f"{best.label} and learned friction", replace(architecture, friction=(12,)), best.scheme
