"""Which model to train: structures are compared by their open-loop error on steps that were held out.

The scheme that made the recording comes first (:mod:`hnn_gym.training.schemes`), because a wrong one costs more than a
wrong structure. Every structure is then trained briefly through that scheme, and judged by how well it predicts
held-out steps far ahead. The candidates are H with a constant mass and with a full M(q), with and without friction; the
best of them with a residual force; and a network without physics. The network is taken only if no H comes near it, and
then the sentences of the choice say that no energy was found.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from hnn_gym.coordinates import Coordinates
from hnn_gym.data import TransitionDataset
from hnn_gym.errors import ConvergenceError
from hnn_gym.physics.integrators import Integrator, integrator_to_json
from hnn_gym.training.dataset_map import dataset_map
from hnn_gym.training.preparation import opened
from hnn_gym.training.schemes import SchemeChoice, choose_scheme
from hnn_gym.training.settings import FitSettings
from hnn_gym.training.splits import split_in_time
from hnn_gym.training.stepping import symplectic_scheme
from hnn_gym.training.worlds import inferred_card, longest_episode, train_world
from hnn_gym.worlds.world_model import WorldModel

HORIZON = 20
"""Steps over which structures are judged, or as many as an episode has."""
_WINDOWS = 60
_STEPS = 300
"""Transitions that structures are compared on."""
_TRIAL = FitSettings(adam_steps=60, lbfgs_steps=0, least_squares_steps=30)
SETTINGS = FitSettings(adam_steps=100, lbfgs_steps=0, least_squares_steps=60)
"""Settings of the fit to the whole recording that follows the choice."""
_BETTER = 0.9
"""A structure with more freedom is taken if its error is smaller by this factor."""
_NO_ENERGY = 0.1
"""The network is taken if its error is smaller by this factor than that of a longer fit of the best H."""
_LONGER = 3
"""How much longer."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Structure:
    """A model that may be chosen.

    Attributes:
        label: for people.
        model: kind of the model.
        options: its hyperparameters.
    """

    label: str
    model: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Selection:
    """What was chosen, and by how much.

    Attributes:
        structure: the model.
        scheme: the scheme that made the recording.
        errors: open-loop error on held-out steps of every structure, by label, in standard deviations.
        horizon: steps over which they were judged.
    """

    structure: Structure
    scheme: SchemeChoice
    errors: Mapping[str, float]
    horizon: int

    @property
    def integrator(self) -> Integrator:
        """The scheme to learn through."""
        return self.scheme.scheme

    @property
    def words(self) -> list[str]:
        """The choice as sentences."""
        listed = ", ".join(f"{label} {error:.2g}" for label, error in self.errors.items())
        sentences = [
            self.scheme.words,
            f"The model is {self.structure.label}. Errors over {self.horizon} held-out steps, in standard deviations: "
            f"{listed}.",
        ]
        if self.structure.model == "second-order":
            best = min((error for label, error in self.errors.items() if label != self.structure.label), default=np.inf)
            ratio = best / self.errors[self.structure.label]
            sentences.append(
                f"No energy was found: the best model with an H errs {ratio:.1f} times as much. Energies, bumps and "
                "reversal do not work in this world."
            )
        return sentences

    def to_json(self) -> dict[str, Any]:
        """JSON-ready entries for the card of the world."""
        return {
            "model": {"kind": self.structure.model, **_plain(self.structure.options)},
            "scheme": {"name": self.scheme.name, "evidence": _plain(self.scheme.evidence)}
            | {"integrator": integrator_to_json(self.integrator)},
            "errors": _plain(self.errors),
            "horizon": self.horizon,
            "words": self.words,
        }


def select_model(
    dataset: TransitionDataset,
    coordinates: Coordinates,
    *,
    dt: float,
    seed: int = 0,
    integrator: Integrator | None = None,
    tell: Tell | None = None,
) -> Selection:
    """Choose scheme and structure for a recording.

    Args:
        dataset: the recording.
        coordinates: what its entries are.
        dt: time step in s.
        seed: of the trials' first weights.
        integrator: the scheme to learn through; None: the one that is found.
        tell: called with a sentence before each trial.

    Raises:
        ConvergenceError: no structure could be trained.
    """
    say = tell or (lambda _: None)
    if integrator is None:
        say("Finding the scheme that made the recording.")
        scheme = choose_scheme(dataset, coordinates, dt=dt, seed=seed)
    else:
        scheme = SchemeChoice(integrator, {}, f"The scheme is {type(integrator).__name__}, as asked for.")
    horizon = max(1, min(HORIZON, longest_episode(dataset) // 5))
    kept, held_out = split_in_time(dataset, horizon=horizon)
    kept = kept.take_steps(min(kept.num_steps, _STEPS))
    errors: dict[str, float] = {}

    def tried(structure: Structure) -> float:
        say(f"Trying {structure.label}.")
        errors[structure.label] = _error(structure, scheme, kept, held_out, coordinates, dt, horizon, seed)
        return errors[structure.label]

    def longer(structure: Structure) -> float:
        say(f"Training {structure.label} for longer.")
        return _error(structure, scheme, kept, held_out, coordinates, dt, horizon, seed, factor=_LONGER)

    best = None
    for structure in _structures(coordinates):
        error = tried(structure)
        if best is None or error < _BETTER * errors[best.label]:
            best = structure
    assert best is not None
    if best.model == "mechanical":
        looser = Structure(f"{best.label} and a residual force", best.model, {**best.options, "residual": (8,)})
        best = looser if tried(looser) < _BETTER * errors[best.label] else best
    network = Structure("a network without physics", "second-order", {"hidden": (32,)})
    if tried(network) < _BETTER * errors[best.label]:  # a network needs fewer steps to converge: give H more of them
        errors[best.label] = min(errors[best.label], longer(best))
        best = network if errors[network.label] < _NO_ENERGY * errors[best.label] else best
    if not np.isfinite(errors[best.label]):
        raise ConvergenceError("No model could be trained on this recording: name one by --model, and record more.")
    return Selection(best, scheme, errors, horizon)


def train_auto(
    dataset: TransitionDataset | str | os.PathLike[str],
    *,
    coordinates: Coordinates | None = None,
    dt: float | None = None,
    settings: FitSettings = SETTINGS,
    tell: Tell | None = None,
) -> WorldModel:
    """Choose scheme and structure, and train the chosen model on the whole recording.

    Args:
        dataset: the recording, or its path.
        coordinates: None takes those that the dataset declares, and infers them where it declares none.
        dt: time step in s; None takes the dataset's, or infers it where the dataset counts steps.
        settings: of the fit to the whole recording.
        tell: called with a sentence for everything that is inferred, and before each trial.

    Raises:
        MissingPathError: there is nothing at the path of the dataset.
        AmbiguousMapError: the coordinates are inferred, and the recording can be read in several ways.
        InputError: as of :func:`hnn_gym.training.train_world`.
        ConvergenceError: no structure could be trained.
    """
    dataset = opened(dataset)
    found = dataset_map(dataset, coordinates, dt)
    for sentence in found.sentences:
        if tell is not None:
            tell(sentence)
    choice = select_model(dataset, found.coordinates, dt=found.dt, seed=settings.seed, tell=tell)
    world = train_world(
        dataset,
        choice.structure.model,
        settings=settings,
        options=choice.structure.options,
        coordinates=found.coordinates,
        integrator=choice.integrator,
        dt=found.dt,
    )
    world = replace(world, card={**world.card, **inferred_card(found)})
    return with_selection(world, choice, dataset)


def with_selection(world: WorldModel, choice: Selection, dataset: TransitionDataset) -> WorldModel:
    """The trained world with the choice, and the scheme of its default environment, on its card."""
    card = {**world.card, "selection": choice.to_json()}
    if world.has_energy:
        card["stepping"] = {"symplectic": integrator_to_json(symplectic_scheme(world, dataset))}
    return replace(world, card=card)


def open_loop_error(world: WorldModel, dataset: TransitionDataset, *, horizon: int, windows: int = _WINDOWS) -> float:
    """Error after ``horizon`` steps from observed states: the median over windows, the worst observation entry.

    In standard deviations of each entry; infinite where the world leaves the finite numbers.
    """
    slices = dataset.windows(horizon, stride=horizon)
    rows = np.linspace(0, len(slices) - 1, min(windows, len(slices))).astype(int)
    coordinates = world.coordinates
    observation = np.asarray(slices.observation, np.float64)[rows]
    action = np.asarray(coordinates.control_vector(slices.action), np.float64)[rows]
    scale = np.asarray(slices.observation, np.float64).std(axis=(0, 1))
    durations = None if slices.duration is None else slices.duration[rows].T
    with np.errstate(all="ignore"):
        try:
            path = world.rollout(
                world.encode(observation[:, 0]),
                action.swapaxes(0, 1) if coordinates.controls else None,
                steps=horizon,
                durations=durations,
            )
        except ConvergenceError:
            return float("inf")
        seen = coordinates.unwrapped(world.decode(path[-1]), observation[:, -1])
    error = np.median(np.abs(seen - observation[:, -1]), axis=0) / np.where(scale > 0, scale, 1.0)
    worst = float(error.max())
    return worst if np.isfinite(worst) else float("inf")


def _structures(coordinates: Coordinates) -> list[Structure]:
    """Structures with an H, from the most to the least constrained."""
    kinds: dict[str, dict[str, Any]] = {"a constant mass and a network for V(q)": {"hidden": (16,)}}
    if coordinates.n - sum(coordinates.fixed) > 1:
        kinds["trigonometric polynomials for M(q) and V(q)"] = {"mass_matrix": "full", "hidden": ()}
        kinds["networks for M(q) and V(q)"] = {"mass_matrix": "full", "hidden": (16,)}
    found = []
    for label, options in kinds.items():
        found.append(Structure(label, "mechanical", {**options, "damping": False}))
        found.append(Structure(f"{label} with viscous friction", "mechanical", {**options, "damping": True}))
    return found


def _error(
    structure: Structure,
    scheme: SchemeChoice,
    kept: TransitionDataset,
    held_out: TransitionDataset,
    coordinates: Coordinates,
    dt: float,
    horizon: int,
    seed: int,
    *,
    factor: int = 1,
) -> float:
    steps = factor * _TRIAL.least_squares_steps
    try:
        world = train_world(
            kept,
            structure.model,
            settings=replace(_TRIAL, seed=seed, least_squares_steps=steps),
            options=structure.options,
            coordinates=coordinates,
            integrator=scheme.scheme,
            dt=dt,
        )
    except ConvergenceError:
        return float("inf")
    return open_loop_error(world, held_out, horizon=horizon)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """JSON-ready: tuples as lists, infinities as None."""
    plain = {}
    for name, value in values.items():
        if isinstance(value, float) and not np.isfinite(value):
            value = None
        plain[name] = list(value) if isinstance(value, tuple) else value
    return plain
