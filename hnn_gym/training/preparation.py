"""From a dataset and a few names to the objective of a fit: coordinates, windows, scales, model."""

from __future__ import annotations

import os
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch

from hnn_gym.coordinates import Coordinates
from hnn_gym.coordinates.inference import InferredMap
from hnn_gym.data import TransitionDataset
from hnn_gym.data.excitation import require_changing_actions, require_enough, require_motion
from hnn_gym.data.logs.convert import LOG
from hnn_gym.errors import InputError, instance
from hnn_gym.models import MODELS, Architecture, Variables
from hnn_gym.physics.integrators import Integrator, InVelocities, Leapfrog, SymplecticEuler
from hnn_gym.training.dataset_map import dataset_map, require_fitting
from hnn_gym.training.objective import Objective, observation_scale
from hnn_gym.training.settings import FitSettings
from hnn_gym.training.windows import TrainingWindows
from hnn_gym.training.zeros import Zeros
from hnn_gym.worlds.devices import checked_device

_KNOWN_FORM = "chain"
"""The model whose M(q) and V(q) are known up to some ten numbers."""


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


def architecture_of(model: str, variables: Variables, options: Mapping[str, Any] | None) -> Architecture:
    """Return the model of a kind.

    Raises:
        InputError: there is no such kind, or it does not take the options or their values.
    """
    if not isinstance(model, str) or model not in MODELS:
        raise InputError(f"There is no model {reprlib.repr(model)}: choose from {', '.join(sorted(MODELS))}.")
    kind = MODELS[model]
    known = [field.name for field in fields(kind) if field.name != "variables"]  # type: ignore[arg-type]
    options = instance({} if options is None else options, "options", Mapping)  # type: ignore[type-abstract]
    unknown = [name for name in options if name not in known]
    if unknown:
        raise InputError(f"Model {model!r} does not take the option {unknown[0]!r}: it takes {', '.join(known)}.")
    return kind(variables=variables, **options)  # type: ignore[call-arg]


@dataclass(frozen=True)
class Preparation:
    """A recording whose coordinates are known, and the model that is fitted to it.

    Attributes:
        dataset: what to learn from.
        found: its coordinates and time step, and what was inferred of them.
        model: kind of the model.
        options: hyperparameters of the model.
        integrator: None takes the model's own, and for a log leapfrog in the place of symplectic Euler.
        device: where objectives are computed.
    """

    dataset: TransitionDataset
    found: InferredMap
    model: str
    options: Mapping[str, Any] | None
    integrator: Integrator | None
    device: torch.device

    @classmethod
    def of(
        cls,
        dataset: TransitionDataset | str | os.PathLike[str],
        model: str,
        *,
        options: Mapping[str, Any] | None = None,
        coordinates: Coordinates | None = None,
        integrator: Integrator | None = None,
        dt: float | None = None,
        device: str = "cpu",
    ) -> Preparation:
        """Open the dataset and find its coordinates.

        Arguments and errors are those of :func:`hnn_gym.training.train_world`.
        """
        place = checked_device(device)
        dataset = opened(dataset)
        if integrator is not None:
            instance(integrator, "integrator", Integrator)  # type: ignore[type-abstract]
        return cls(dataset, dataset_map(dataset, coordinates, dt), model, options, integrator, place)

    @property
    def _of_a_log(self) -> bool:
        return self.dataset.provenance.policy == LOG

    def _scheme(self, architecture: Architecture) -> Integrator:
        """The scheme to learn through: a machine moves as no Euler scheme does, so that leapfrog is nearer to a log."""
        own = architecture.integrator
        nearer = {SymplecticEuler(): Leapfrog(), InVelocities(): InVelocities(Leapfrog())} if self._of_a_log else {}
        return self.integrator or nearer.get(own, own)

    def objective(self, settings: FitSettings, gap_weight: float = 0.0) -> Objective:
        """Make the objective of a fit, or of one of its rounds.

        Args:
            settings: of the fit, or of the round.
            gap_weight: of the gaps between windows, for shooting.

        Raises:
            InputError: nothing moves in the recording, or it has too few steps; it does not fit the coordinates; or the
                model is unknown.
        """
        coordinates, dt = self.found.coordinates, self.found.dt
        require_motion(self.dataset)
        require_enough(self.dataset, coordinates, known_form=self.model == _KNOWN_FORM)
        known = coordinates.in_physical_units
        if coordinates.controls and not (known and self._of_a_log):  # the card of a log's world names what is left open
            require_changing_actions(self.dataset, known_forces=known)
        windows = windows_of(self.dataset, coordinates, dt, settings)
        variables = Variables.measured(coordinates, windows.states, windows.action, dt=windows.step_time(dt))
        architecture = architecture_of(self.model, variables, self.options)
        zeros = None
        if settings.zeros:
            scale = observation_scale(coordinates, windows.filled(coordinates))
            zeros = Zeros(windows, coordinates, scale=scale, device=self.device)
        return Objective(
            architecture,
            coordinates,
            windows,
            integrator=self._scheme(architecture),
            dt=dt,
            settings=settings,
            gap_weight=gap_weight,
            correction=zeros,
            device=self.device,
        )


def windows_of(
    dataset: TransitionDataset, coordinates: Coordinates, dt: float, settings: FitSettings
) -> TrainingWindows:
    """Read the windows that the loss of the settings compares.

    Raises:
        InputError: the recorded arrays do not fit the coordinates, are not finite or shorter than a window.
    """
    require_fitting(dataset, coordinates)
    if settings.loss != "shooting":
        if any(coordinates.unobserved):
            raise InputError(
                f"loss={settings.loss!r} begins at observed states, and here velocities are not observed: use "
                "FitSettings.for_noisy_data(), or --noisy on the command line, which estimates them."
            )
        slices = dataset.windows(settings.horizon)
        observation = np.asarray(slices.observation, np.float64)
        action = np.asarray(coordinates.control_vector(slices.action), np.float64)
        return TrainingWindows.of(observation, action, coordinates=coordinates, dt=dt, duration=slices.duration)
    steps = dataset.transitions()  # which checks that the numbers are finite
    ends = np.cumsum([len(episode.action) for episode in dataset])[:-1]
    before, after, actions = (
        np.split(np.asarray(rows, np.float64), ends)
        for rows in (steps.observation, steps.next_observation, coordinates.control_vector(steps.action))
    )
    durations = dataset.durations()
    return TrainingWindows.cut(
        [np.concatenate([b, a[-1:]]) for b, a in zip(before, after, strict=True)],
        actions,
        coordinates=coordinates,
        dt=dt,
        horizon=settings.horizon,
        duration=None if durations is None else np.split(durations, ends),
    )
