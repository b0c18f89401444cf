"""Learn a world whose scheme and structure are found from the recording; the card says what was tried and chosen."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from hnn_gym.coordinates import Coordinates
from hnn_gym.coordinates.inference import InferredMap
from hnn_gym.data import TransitionDataset
from hnn_gym.data.excitation import require_changing_actions, require_enough, require_motion
from hnn_gym.errors import ConvergenceError, instance, whole_number
from hnn_gym.models import MechanicalHNN
from hnn_gym.models.formula import formula
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.integrators import Integrator, integrator_to_json, scheme_name
from hnn_gym.training.dataset_map import dataset_map, require_fitting
from hnn_gym.training.evidence import Evidence
from hnn_gym.training.fit import FitState
from hnn_gym.training.preparation import opened
from hnn_gym.training.scheme_search import SchemeSearch
from hnn_gym.training.selection import Selection, explains_little
from hnn_gym.training.settings import FitSettings
from hnn_gym.training.streaming import sample_of
from hnn_gym.training.trials import AS_GOOD, Trial, Trials, best_of
from hnn_gym.training.worlds import card_of, inferred_card
from hnn_gym.worlds.stepping import symplectic_scheme
from hnn_gym.worlds.world_model import WorldModel

_BEYOND = 2.0
"""A world without an energy may be so many times as fast as its recording."""

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
    """Learn a world whose scheme and structure are found from the recording.

    Args:
        dataset: what to learn from, or its path. Of more than 20,000 transitions so many are used, from episodes
            everywhere in the recording; the one-step error on the card is that of all of them.
        coordinates: None takes those that the dataset declares, and infers them where it declares none.
        integrator: the scheme that made the recording; where M depends on q an explicit one acts in velocities. None
            finds it.
        dt: time step in s; None takes the dataset's, or infers it where the dataset counts steps.
        seed: of initial weights and of what is held out.
        tell: called with a sentence for everything that is inferred and chosen.

    Returns:
        The world, on NumPy in float64. Its card says under "selection" what was tried, what was chosen and by how much,
        and under "stepping" by which schemes the world is stepped.

    Raises:
        MissingPathError: there is nothing at the path of the dataset.
        AmbiguousMapError: the coordinates are inferred, and the recording can be read in several ways.
        InputError: there are too few steps, nothing moves, an action never changes, velocities are not observed, or an
            argument has the wrong type.
        ConvergenceError: no model could be fitted.
    """
    dataset = opened(dataset)
    seed = whole_number(seed, "seed", at_least=0)
    if integrator is not None:
        instance(integrator, "integrator", Integrator)  # type: ignore[type-abstract]
    found = dataset_map(sample_of(dataset, FitSettings()), coordinates, dt)
    return train_found(dataset, found, integrator=integrator, seed=seed, tell=tell)


def train_found(
    dataset: TransitionDataset,
    found: InferredMap,
    *,
    integrator: Integrator | None = None,
    seed: int = 0,
    tell: Tell | None = None,
) -> WorldModel:
    """As :func:`train_auto`, where the coordinates are known already, with what was inferred of them."""
    say = tell or (lambda sentence: None)
    for sentence in found.sentences:
        say(sentence)
    sample = sample_of(dataset, FitSettings())
    if sample is not dataset:
        say(
            f"The recording is large: schemes and models are compared and fitted on {sample.num_steps:,} of its "
            f"{dataset.num_steps:,} transitions, from episodes everywhere in it. A named --model learns from all."
        )
    require_fitting(sample, found.coordinates)
    require_motion(sample)
    require_enough(sample, found.coordinates)
    if found.coordinates.controls:
        require_changing_actions(sample, known_forces=found.coordinates.in_physical_units)
    trials = Trials(Evidence.of(sample, found.coordinates, found.dt, seed=seed), say)
    selection = Selection(trials, seed=seed)
    if integrator is None:
        say("Comparing the schemes that may have made the recording.")
    scheme = integrator or SchemeSearch(trials, seed=seed).scheme()
    say(f"Comparing models through the scheme {scheme_name(scheme)}.")
    best = selection.structure(scheme)
    if not np.isfinite(best.merit):
        raise ConvergenceError("No model could be fitted to this recording: name one by --model, and record more.")
    final = selection.refined(best)
    evidence = selection.trials.evidence
    world = final.world if final.world.has_energy else limited(final.world, evidence)
    card = card_of(world, dataset, FitSettings(seed=seed), FitState({}), noise=None)
    card["training"] = {"auto": True, "seed": seed, "transitions": sample.num_steps}
    card["selection"] = selection_card(final, selection.trials)
    symplectic = symplectic_scheme(world, evidence.held_out, error=final.one_step)
    card["stepping"] = {
        "recorded": integrator_to_json(world.integrator),
        "symplectic": integrator_to_json(symplectic),
    }
    words = list(sentences(final, selection.trials, symplectic))
    card["selection"]["words"] = words
    for sentence in words:
        say(sentence)
    return replace(world, card=card | inferred_card(found))


def limited(world: WorldModel, evidence: Evidence) -> WorldModel:
    """The world with speed limits of twice what was recorded, where it has none: nothing else bounds a network."""
    fastest = np.maximum(np.abs(evidence.whole.v), np.abs(evidence.whole.next_v)).max(axis=0)
    degrees = tuple(
        replace(degree, speed_limit=_BEYOND * float(top)) if top > 0 and degree.speed_limit is None else degree
        for degree, top in zip(world.coordinates.degrees, fastest, strict=True)
    )
    return replace(world, coordinates=replace(world.coordinates, degrees=degrees))


def selection_card(final: Trial, trials: Trials) -> dict[str, Any]:
    """What a card says of the search."""
    content: dict[str, Any] = {
        "chosen": final.to_json(),
        "scheme": scheme_name(final.scheme),
        "steps_ahead": trials.evidence.horizon,
        "tried": [trial.to_json() for trial in trials.done],
    }
    share = residual_share(final.world, trials.evidence)
    if share is not None:
        content["residual_share_of_force"] = share
    return content


def sentences(final: Trial, trials: Trials, symplectic: Integrator) -> Iterator[str]:
    """What was chosen, and by how much."""
    horizon = trials.evidence.horizon
    yield (
        f"The model is: {final.label}, learned through the scheme {scheme_name(final.scheme)}. On steps that were held "
        f"out its median error is {final.one_step:.2g} of a typical change after one step, and {final.many_steps:.2g} "
        f"standard deviations over {horizon} steps."
    )
    others = [trial for trial in trials.done if trial.world.has_energy != final.world.has_energy]
    if others:
        second = best_of(others)
        kind = "with" if second.world.has_energy else "without"
        times = f", {second.merit / final.merit:.2g} times as much on the whole" if final.merit else ""
        yield (
            f"The best model {kind} an energy is: {second.name}. Its errors are {second.one_step:.2g} and "
            f"{second.many_steps:.2g}{times}."
            if np.isfinite(second.merit)
            else f"No model {kind} an energy could be fitted."
        )
        if second.world.has_energy and second.merit <= AS_GOOD * final.merit:
            yield "It is not taken, since what errs so much says nothing of an energy."
    found = formula(final.architecture, final.parameters) if isinstance(final.architecture, MechanicalHNN) else ()
    if found:
        yield f"The formula that was found: {', '.join(found)}."
    share = residual_share(final.world, trials.evidence)
    if share is not None:
        yield f"The residual force is {share:.1%} of the total force."
    if explains_little(final):
        yield (
            "None of the models explains this recording well. Contacts, forces that are not observed, noise or too few "
            "transitions may be the reason. Do not trust forecasts of many steps."
        )
    if not final.world.has_energy:
        yield (
            "No energy was found: energies, bumps and reversal do not work in this world. Its speeds end at twice what "
            "was recorded, so that it cannot leave the finite numbers."
        )
    elif symplectic != final.world.integrator:
        yield (
            f"Environments step it by {scheme_name(symplectic)}, which is symplectic, and with "
            f'stepping="recorded" by {scheme_name(final.scheme)}.'
        )


def residual_share(world: WorldModel, evidence: Evidence) -> float | None:
    """Root mean square of the residual force as a share of that of all forces; None where the model has none."""
    architecture, dynamics = world.architecture, world.dynamics
    if not isinstance(architecture, MechanicalHNN) or not architecture.residual:
        return None
    assert isinstance(dynamics, PortHamiltonian)
    data = evidence.held_out
    u = data.u if data.u.shape[-1] else None
    force = dynamics.forces[-1](data.q, data.v, u)
    whole = dynamics.momentum(data.q, dynamics.acceleration(data.q, data.v, u)) - dynamics.momentum(data.q, 0 * data.v)
    return float(np.sqrt(np.mean(force**2) / np.mean(whole**2)))
