"""From a dataset to a world: windows, scales, model, fit, card."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from hnn_gym.coordinates import Coordinates
from hnn_gym.coordinates.inference import InferredMap
from hnn_gym.data import TransitionDataset
from hnn_gym.data.provenance import installed_versions
from hnn_gym.data.window_stream import group_bounds
from hnn_gym.errors import checked_arguments, instance
from hnn_gym.physics.integrators import Integrator
from hnn_gym.training.determination import determination_card
from hnn_gym.training.fit import FitReport, FitState
from hnn_gym.training.losses import prediction_loss
from hnn_gym.training.objective import observation_scale
from hnn_gym.training.preparation import Preparation, opened
from hnn_gym.training.settings import FitSettings
from hnn_gym.training.several_starts import fit_from_starts
from hnn_gym.training.streaming import is_streamed, sample_of, settings_of_all, stream
from hnn_gym.training.task_heads import task_card
from hnn_gym.training.zeros import Zeros
from hnn_gym.worlds.world_model import WorldModel

_STARTS_KEPT = 256
_ONE_STEP_BLOCK = 2**17


def train_world(
    dataset: TransitionDataset | str | os.PathLike[str],
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
        dataset: what to learn from, or its path; all of it is used.
        model: a kind from :data:`hnn_gym.models.MODELS`.
        settings: of the fit; None takes :meth:`FitSettings.for_model`.
        options: hyperparameters of the model, such as ``{"hidden": (64, 64), "damping": True}``.
        coordinates: None takes those that the dataset declares, and infers them from the recording where it declares
            none; what was inferred is on the card in sentences.
        integrator: None takes the model's own, and for a log leapfrog in the place of symplectic Euler.
        dt: time step in s; None takes the dataset's, or infers it from velocities where the dataset counts steps.
        state: of an interrupted fit, to continue it.
        report: called after every step of the fit.
        device: where it is fitted, "cpu" or "cuda"; an interrupted fit may be continued on another.

    Returns:
        The world, on NumPy in float64, with a card that holds data, settings and one-step error.

    Raises:
        MissingPathError: there is nothing at the path of the dataset.
        AmbiguousMapError: the coordinates are inferred, and the recording can be read in several ways.
        InputError: an argument has the wrong type; the model or an option is unknown; the recording does not determine
            the coordinates; the data do not fit them; or there is no such device.
        ConvergenceError: the fit diverged.
    """
    settings = instance(FitSettings.for_model(model) if settings is None else settings, "settings", FitSettings)
    state = None if state is None else instance(state, "state", FitState)
    dataset = opened(dataset)
    prepared = Preparation.of(
        sample_of(dataset, settings),
        model,
        options=options,
        coordinates=coordinates,
        integrator=integrator,
        dt=dt,
        device=device,
    )
    rounds = settings.rounds(longest_episode(prepared.dataset))
    if state is None or state.stage not in ("stream", "final"):
        state = fit_from_starts(prepared, rounds, settings, state=state, report=report)
    whole = prepared.objective(settings)
    if is_streamed(dataset, settings):
        state = stream(prepared.objective(settings_of_all(dataset, settings)), dataset, state, report=report)
    parameters = whole.model_parameters(state.parameters)
    noise = whole.sensor_noise(state.parameters)
    card = card_of(whole.world(parameters), dataset, settings, state, noise=noise)
    if settings.least_squares_steps and not is_streamed(dataset, settings):
        card |= determination_card(whole, state.parameters)
    if isinstance(whole.correction, Zeros):
        card["zeros"] = whole.correction.in_units(state.parameters[Zeros.name]).tolist()
    return whole.world(parameters, card=card | inferred_card(prepared.found))


def inferred_card(found: InferredMap) -> dict[str, Any]:
    """Return the part of a card that says what was inferred, in sentences; empty where everything was declared."""
    return {"inferred": list(found.sentences)} if found.sentences else {}


def longest_episode(dataset: TransitionDataset) -> int:
    """Return the steps of the longest episode."""
    return int(dataset.lengths.max())


def card_of(
    world: WorldModel,
    dataset: TransitionDataset,
    settings: FitSettings,
    state: FitState,
    *,
    noise: list[float] | None,
) -> dict[str, Any]:
    """Return the card of a learned world: data, training, one-step error, noise of the sensors, versions."""
    figures: dict[str, Any] = {}
    if not any(world.coordinates.unobserved):  # a step needs a state to begin with
        figures["one_step_rms_on_training_data"] = one_step_rms(world, dataset)
    if noise is not None:
        figures["sensor_noise"] = noise
    return {
        "data": {
            "provenance": dataset.provenance.to_json(),
            "sha256": dataset.content_hash(),
            "episodes": dataset.num_episodes,
            "steps": dataset.num_steps,
            "longest_episode": longest_episode(dataset),
            "starts": [
                [float(value) for value in dataset.episode(i).observation[0]]
                for i in range(min(dataset.num_episodes, _STARTS_KEPT))
            ],
        },
        "training": {
            "settings": asdict(settings),
            "adam": state.adam_step,
            "lbfgs": state.lbfgs_step,
            "minibatches": state.stream_step,
        },
        "figures": figures,
        **task_card(sample_of(dataset, settings), world.coordinates, seed=settings.seed),
        "versions": installed_versions(("hnn_gym", "torch", "numpy", "scipy")),
    }


@checked_arguments
def one_step_rms(world: WorldModel, dataset: TransitionDataset) -> float:
    """Root mean square of the one-step error over all transitions and observation entries.

    In units of the scale of each entry (cos and sin: 1; a velocity with a limit: the limit).
    """
    scale: np.ndarray | None = None
    squares = 0.0
    bounds = group_bounds(dataset.lengths, _ONE_STEP_BLOCK)
    for first, last in itertools.pairwise(bounds):  # a block after the other, for large recordings
        windows = dataset.select(np.arange(first, last)).windows(1)
        observation = np.asarray(windows.observation, np.float64)
        action = np.asarray(world.coordinates.control_vector(windows.action), np.float64)
        if scale is None:
            scale = observation_scale(world.coordinates, _scale_observations(dataset, observation))
        loss = prediction_loss(world, observation, action, scale=scale, duration=windows.duration)
        squares += float(loss) * len(windows)
    return float(np.sqrt(squares / dataset.num_steps))


def _scale_observations(dataset: TransitionDataset, first_block: np.ndarray) -> np.ndarray:
    """The observations whose size is the scale of errors: all, or an even sample of a large recording."""
    if len(first_block) == dataset.num_steps:
        return first_block
    sample = sample_of(dataset, FitSettings(stream_above=_ONE_STEP_BLOCK))
    return np.asarray(sample.windows(1).observation, np.float64)
