"""From a dataset and a few names to the objective of a fit: coordinates, windows, scales, model."""

from __future__ import annotations

import os
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import torch

from hnn_gym.arguments import finite_number, instance, true_or_false, whole_number
from hnn_gym.coordinates import Coordinates
from hnn_gym.data import TransitionDataset
from hnn_gym.data.excitation import require_changing_actions, require_motion
from hnn_gym.data.simulator import STEP
from hnn_gym.errors import InputError
from hnn_gym.models import MODELS, Architecture, Variables
from hnn_gym.physics.integrators import Integrator
from hnn_gym.training.objective import Objective
from hnn_gym.training.settings import FitSettings
from hnn_gym.training.windows import TrainingWindows


def opened(dataset: TransitionDataset | str | os.PathLike[str]) -> TransitionDataset:
    """Return a dataset, opened if it is the path of one.

    Raises:
        MissingPathError: there is nothing at the path.
        InputError: it is neither a dataset nor the path of one.
    """
    if isinstance(dataset, str | os.PathLike):
        return TransitionDataset.open(os.fspath(dataset))
    if not isinstance(dataset, TransitionDataset):
        raise InputError(f"dataset must be a TransitionDataset or the path of one, got {reprlib.repr(dataset)}.")
    return dataset


def declared(
    dataset: TransitionDataset, coordinates: Coordinates | None, dt: float | None
) -> tuple[Coordinates, float]:
    """Return the coordinates and the time step in s: those given, or those that the dataset declares.

    Raises:
        InputError: neither is known, or what is given has the wrong type.
    """
    provenance = dataset.provenance
    if coordinates is None:
        if provenance.coordinates is None:
            raise InputError(
                f"It is not known which observations of {provenance.env_id} are angles, positions and velocities: "
                "pass coordinates=Coordinates(...)."
            )
        coordinates = Coordinates.from_json(provenance.coordinates)
    instance(coordinates, "coordinates", Coordinates)
    if dt is None:
        dt = provenance.dt
        in_steps = provenance.time_unit == STEP and coordinates.in_physical_units
        if dt is None or in_steps:
            why = ", so that forces in N or N m give no energy in J" if in_steps else ""
            raise InputError(f"The time step of {provenance.env_id} is not known in s{why}: pass dt in s.")
    return coordinates, finite_number(dt, "dt", above=0.0)


def architecture_of(model: str, variables: Variables, options: Mapping[str, Any] | None) -> Architecture:
    """Return the model of a kind.

    Raises:
        InputError: there is no such kind, or it does not take the options or their values.
    """
    if not isinstance(model, str) or model not in MODELS:
        raise InputError(f"There is no model {reprlib.repr(model)}: choose from {', '.join(sorted(MODELS))}.")
    kind = MODELS[model]
    known = {field.name: str(field.type) for field in fields(kind) if field.name != "variables"}  # type: ignore[arg-type]
    options = instance({} if options is None else options, "options", Mapping)  # type: ignore[type-abstract]
    unknown = [name for name in options if name not in known]
    if unknown:
        raise InputError(f"Model {model!r} does not take the option {unknown[0]!r}: it takes {', '.join(known)}.")
    checked = {name: _CHECKS.get(known[name], _as_it_is)(value, name) for name, value in options.items()}
    return kind(variables=variables, **checked)  # type: ignore[call-arg]


def prepared(
    dataset: TransitionDataset,
    model: str,
    settings: FitSettings,
    gap_weight: float = 0.0,
    *,
    options: Mapping[str, Any] | None,
    coordinates: Coordinates | None,
    integrator: Integrator | None,
    dt: float | None,
    device: str | torch.device = "cpu",
) -> Objective:
    """Make the objective of a fit; arguments and errors are those of :func:`hnn_gym.training.train_world`.

    Args:
        dataset: what to learn from.
        model: kind of the model.
        settings: of the fit, or of one of its rounds.
        gap_weight: of the gaps between windows, for shooting.
        options: hyperparameters of the model.
        coordinates: None takes those that the dataset declares.
        integrator: None takes the model's own.
        dt: None takes that of the dataset.
        device: where the objective is computed.
    """
    coordinates, dt = declared(dataset, coordinates, dt)
    require_motion(dataset)
    if coordinates.controls and not coordinates.in_physical_units:  # the gains are learned
        require_changing_actions(dataset)
    windows = windows_of(dataset, coordinates, dt, settings)
    variables = Variables.measured(coordinates, windows.states, windows.action, dt=dt)
    architecture = architecture_of(model, variables, options)
    if integrator is not None:
        instance(integrator, "integrator", Integrator)  # type: ignore[type-abstract]
    return Objective(
        architecture,
        coordinates,
        windows,
        integrator=integrator or architecture.integrator,
        dt=dt,
        settings=settings,
        gap_weight=gap_weight,
        device=device,
    )


def windows_of(
    dataset: TransitionDataset, coordinates: Coordinates, dt: float, settings: FitSettings
) -> TrainingWindows:
    """Read the windows that the loss of the settings compares.

    Raises:
        InputError: the recorded arrays do not fit the coordinates, are not finite or shorter than a window.
    """
    first = dataset.select([0]).windows(1)  # actions with an axis of entries, also where they are single numbers
    for name, array, size in (
        ("observations", first.observation[:, 0], coordinates.observation_size),
        ("actions", coordinates.control_vector(first.action[:, 0]), len(coordinates.controls)),
    ):
        if array.ndim != 2:
            raise InputError(
                f"The {name} of the dataset have the shape {array.shape[1:]}, and a world is learned from vectors: "
                "record them flat (gymnasium.wrappers.FlattenObservation), or use train_pixel_world for frames."
            )
        if array.shape[1] != size:
            raise InputError(f"The dataset has {name} of {array.shape[1]} entries, and the coordinates declare {size}.")
    if settings.loss != "shooting":
        if any(coordinates.unobserved):
            raise InputError(
                f"loss={settings.loss!r} begins at observed states, and here velocities are not observed: use "
                "FitSettings.for_noisy_data(), or --noisy on the command line, which estimates them."
            )
        slices = dataset.windows(settings.horizon)
        observation = np.asarray(slices.observation, np.float64)
        action = np.asarray(coordinates.control_vector(slices.action), np.float64)
        return TrainingWindows.of(observation, action, coordinates=coordinates, dt=dt)
    steps = dataset.transitions()  # which checks that the numbers are finite
    ends = np.cumsum([len(episode.action) for episode in dataset])[:-1]
    before, after, actions = (
        np.split(np.asarray(rows, np.float64), ends)
        for rows in (steps.observation, steps.next_observation, coordinates.control_vector(steps.action))
    )
    return TrainingWindows.cut(
        [np.concatenate([b, a[-1:]]) for b, a in zip(before, after, strict=True)],
        actions,
        coordinates=coordinates,
        dt=dt,
        horizon=settings.horizon,
    )


def _as_it_is(value: Any, name: str) -> Any:
    return value


def _whole_numbers(value: Any, name: str) -> tuple[int, ...]:
    if not isinstance(value, tuple | list):
        raise InputError(f"{name} must be a tuple of whole numbers, such as (32,), got {reprlib.repr(value)}.")
    return tuple(whole_number(entry, f"every entry of {name}", at_least=1) for entry in value)


_CHECKS: Mapping[str, Callable[[Any, str], Any]] = {
    "bool": true_or_false,
    "tuple[int, ...]": _whole_numbers,
    "float": finite_number,
}
"""How the value of an option is checked, by the type that the model declares."""
