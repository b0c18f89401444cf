"""From a dataset to a world: windows, scales, model, fit, card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch

from hnn_gym.coordinates import Coordinates
from hnn_gym.data import TransitionDataset
from hnn_gym.data.excitation import require_changing_actions, require_motion
from hnn_gym.data.provenance import installed_versions
from hnn_gym.data.simulator import STEP
from hnn_gym.devices import checked_device
from hnn_gym.errors import InputError
from hnn_gym.models import MODELS, Variables
from hnn_gym.physics.integrators import Integrator
from hnn_gym.training.fit import FitReport, FitState, Fittable, fit
from hnn_gym.training.losses import prediction_loss
from hnn_gym.training.objective import STARTS, Joints, Objective, observation_scale
from hnn_gym.training.settings import GAP_WEIGHTS, FitSettings
from hnn_gym.worlds.world_model import WorldModel

_STARTS_KEPT = 256


def train_world(
    dataset: TransitionDataset,
    model: str = "mechanical",
    *,
    settings: FitSettings | None = None,
    options: Mapping[str, Any] | None = None,
    coordinates: Coordinates | None = None,
    integrator: Integrator | None = None,
    dt: float | None = None,
    state: FitState | None = None,
    report: FitReport | None = None,
    device: str = "cpu",
) -> WorldModel:
    """Learn a world from recorded transitions.

    Args:
        dataset: what to learn from; all of it is used.
        model: a kind from :data:`hnn_gym.models.MODELS`.
        settings: of the fit; None takes the defaults.
        options: hyperparameters of the model, such as ``{"hidden": (64, 64), "damping": True}``.
        coordinates: None takes those the dataset declares.
        integrator: None takes the model's own.
        dt: time step in s; None takes the dataset's.
        state: of an interrupted fit, to go on from.
        report: called after every step of the fit.
        device: where it is fitted, "cpu" or "cuda"; a fit may be gone on with on another.

    Returns:
        The world, on NumPy in float64, with a card that tells data, settings and one-step error.

    Raises:
        InputError: unknown model or option; coordinates or dt are not known; the data do not fit them;
            or there is no such device.
        ConvergenceError: the fit diverged.
    """
    place = checked_device(device)
    settings = settings or FitSettings()

    objective = partial(
        prepared,
        dataset,
        model,
        options=options,
        coordinates=coordinates,
        integrator=integrator,
        dt=dt,
        device=place,
    )
    state = fit_by_rounds(objective, dataset, settings, state=state, report=report)
    whole = objective(settings)
    parameters = {name: value for name, value in state.parameters.items() if name != STARTS}
    card = card_of(whole.world(parameters), dataset, settings, state, noise=whole.sensor_noise(state.parameters))
    return whole.world(parameters, card=card)


class ObjectiveMaker(Protocol):
    """Makes an objective of the windows that settings ask for; its parameters may have an axis of members in front."""

    def __call__(self, settings: FitSettings, joints: Joints | None = None) -> Fittable:
        """Return it; ``joints``: where windows are to join, and how much that weighs."""


def fit_by_rounds(
    objective: ObjectiveMaker,
    dataset: TransitionDataset,
    settings: FitSettings,
    *,
    state: FitState | None,
    report: FitReport | None,
) -> FitState:
    """Fit windows of the first horizon, where the settings ask for it, until they join, then those of the horizon.

    Every short window sees few steps, in which no error grows: all can be fitted from anywhere near. A model that is
    wrong leaves gaps between them, each round lets these weigh 30 times as much, and the last, of long windows, begins
    where they are closed. Source: Bock, *Recent advances in parameter identification techniques for ODE*, 1983,
    whose gaps are equations; here they are penalties that grow.

    Args:
        objective: makes those of the rounds.
        dataset: what the windows are of.
        settings: of the fit.
        state: where to go on from; None starts anew.
        report: called after every step.
    """
    if settings.rounds > 1:
        short = settings.beginning
        followed = _followed(dataset, short.horizon)
        for number, weight in enumerate(GAP_WEIGHTS):
            if state is None or state.round == number:
                parameters = fit(objective(short, Joints(followed, weight)), state=state, report=report).parameters
                if number == len(GAP_WEIGHTS) - 1:
                    starts = parameters[STARTS][..., _begins(dataset, settings.horizon, short.horizon), :]
                    parameters = parameters | {STARTS: starts}
                state = FitState(parameters, round=number + 1, adam_step=settings.adam_steps)
    return fit(objective(settings), state=state, report=report)


def _followed(dataset: TransitionDataset, horizon: int) -> np.ndarray:
    """Numbers of the windows that are not the last of their episode."""
    found, before = [], 0
    for episode in dataset:
        count = episode.num_steps // horizon
        found += list(range(before, before + count - 1))
        before += count
    return np.array(found, np.int64)


def _begins(dataset: TransitionDataset, horizon: int, short: int) -> np.ndarray:
    """Numbers of the short windows that the long ones begin with."""
    found, before = [], 0
    for episode in dataset:
        found += [before + k * (horizon // short) for k in range(episode.num_steps // horizon)]
        before += episode.num_steps // short
    return np.array(found, np.int64)


def prepared(
    dataset: TransitionDataset,
    model: str,
    settings: FitSettings,
    joints: Joints | None = None,
    *,
    options: Mapping[str, Any] | None,
    coordinates: Coordinates | None,
    integrator: Integrator | None,
    dt: float | None,
    device: str | torch.device = "cpu",
) -> Objective:
    """Make the objective of a fit: windows, scales, model. Arguments and errors as of :func:`train_world`."""
    if model not in MODELS:
        raise InputError(f"There is no model {model!r}: choose from {', '.join(sorted(MODELS))}.")
    coordinates, dt = declared(dataset, coordinates, dt)
    require_motion(dataset)
    if coordinates.controls and not coordinates.in_physical_units:  # the gains are learned
        require_changing_actions(dataset)
    stride = settings.horizon if settings.loss == "shooting" else 1
    windows = dataset.windows(settings.horizon, stride=stride)
    observation = np.asarray(windows.observation, np.float64)
    action = np.asarray(coordinates.control_vector(windows.action), np.float64)
    if observation.shape[-1] != coordinates.observation_size or action.shape[-1] != len(coordinates.controls):
        raise InputError(
            f"The dataset has observations of {observation.shape[-1]} and actions of {action.shape[-1]} entries; the "
            f"coordinates declare {coordinates.observation_size} and {len(coordinates.controls)}."
        )
    variables = Variables.measured(coordinates, observation, action, dt=dt)
    try:
        architecture = MODELS[model](variables=variables, **(options or {}))  # type: ignore[call-arg]
    except TypeError as error:
        raise InputError(f"Model {model!r} does not take these options: {error}.") from None
    return Objective(
        architecture,
        coordinates,
        observation,
        action,
        integrator=integrator or architecture.integrator,
        dt=dt,
        settings=settings,
        joints=joints,
        device=device,
    )


def declared(
    dataset: TransitionDataset, coordinates: Coordinates | None, dt: float | None
) -> tuple[Coordinates, float]:
    """The coordinates and the time step in s: those given, or those the dataset declares.

    Raises:
        InputError: neither is known.
    """
    provenance = dataset.provenance
    if coordinates is None:
        if provenance.coordinates is None:
            raise InputError(
                f"It is not known which observations of {provenance.env_id} are angles, positions and velocities: "
                "pass coordinates=Coordinates(...)."
            )
        coordinates = Coordinates.from_json(provenance.coordinates)
    if dt is None:
        dt = provenance.dt
        in_steps = provenance.time_unit == STEP and coordinates.in_physical_units
        if dt is None or in_steps:
            why = ", so that forces in N or N m give no energy in J" if in_steps else ""
            raise InputError(f"The time step of {provenance.env_id} is not known in s{why}: pass dt in s.")
    return coordinates, float(dt)


def card_of(
    world: WorldModel,
    dataset: TransitionDataset,
    settings: FitSettings,
    state: FitState,
    *,
    noise: list[float] | None,
) -> dict[str, Any]:
    """What the card of a learned world tells: data, training, one-step error, noise of the sensors, versions."""
    figures: dict[str, Any] = {"one_step_rms_on_training_data": one_step_rms(world, dataset)}
    if noise is not None:
        figures["sensor_noise"] = noise
    return {
        "data": {
            "provenance": dataset.provenance.to_json(),
            "sha256": dataset.content_hash(),
            "episodes": dataset.num_episodes,
            "steps": dataset.num_steps,
            "longest_episode": max(len(episode.action) for episode in dataset),
            "starts": [
                [float(value) for value in dataset.episode(i).observation[0]]
                for i in range(min(dataset.num_episodes, _STARTS_KEPT))
            ],
        },
        "training": {"settings": asdict(settings), "adam": state.adam_step, "lbfgs": state.lbfgs_step},
        "figures": figures,
        "versions": installed_versions(("hnn_gym", "torch", "numpy", "scipy")),
    }


def one_step_rms(world: WorldModel, dataset: TransitionDataset) -> float:
    """Root mean square of the one-step error over all transitions and observation entries.

    In units of the scale of each entry (cos and sin: 1; a velocity with a limit: the limit).
    """
    windows = dataset.windows(1)
    observation = np.asarray(windows.observation, np.float64)
    action = np.asarray(world.coordinates.control_vector(windows.action), np.float64)
    scale = observation_scale(world.coordinates, observation)
    return float(np.sqrt(prediction_loss(world, observation, action, scale=scale)))
