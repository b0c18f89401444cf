"""The contenders and their training: the same method for all, with settings chosen by held-out error.

On clean data a world is fitted to single steps, on noisy data by shooting over whole episodes with estimated starts,
begun with windows of 10 steps that are made to join. Weight decay and width are chosen for every contender, noise and
number of transitions (:mod:`experiments.sample_efficiency.choosing`), on recordings that are used for nothing else, by
the error of predictions on another such recording. No return in the real environment influences the choice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import gymnasium

from hnn_gym.data import ObservationNoise, TransitionDataset, record_steps
from hnn_gym.systems import coordinates_of
from hnn_gym.training import FitSettings, train_ensemble, train_world
from hnn_gym.worlds.world_model import WorldModel

_FIRST_HORIZON, EPISODE = 10, 200
_EXACT_STEPS = 400
TUNING_SEEDS, HELD_OUT_SEED, HELD_OUT_STEPS = (1000, 1001), 1002, 4000


@dataclass(frozen=True)
class Contender:
    """A kind of world.

    Attributes:
        model: one of :data:`hnn_gym.models.MODELS`.
        members: number of learned worlds; more than one make an ensemble.
        widths: hidden units that are tried first.
    """

    model: str
    members: int = 1
    widths: tuple[int, ...] = (16, 32)


CONTENDERS = {
    "HNN": Contender("mechanical"),
    "second-order MLP": Contender("second-order", widths=(32, 16)),
    "first-order MLP": Contender("baseline", widths=(32, 64)),
    "MLP ensemble": Contender("second-order", members=5, widths=(32, 16)),
}


@dataclass(frozen=True)
class Choice:
    """Settings that were chosen for a contender, a noise and a number of transitions.

    Attributes:
        decay: of the weights.
        hidden: units of the hidden layer.
        horizon: steps of a window.
    """

    decay: float
    hidden: int
    horizon: int

    def settings(self, noise: float, steps: int, *, seed: int = 0) -> FitSettings:
        """The settings of a fit to ``steps`` transitions."""
        optimiser = FitSettings(adam_steps=100, lbfgs_steps=0, least_squares_steps=60, decay=self.decay, seed=seed)
        if noise == 0:
            return optimiser
        horizon = min(self.horizon, steps)
        return replace(optimiser, loss="shooting", horizon=horizon, first_horizon=_FIRST_HORIZON)


def tuning_steps(noise: float, steps: int) -> int:
    """Transitions of the recordings for choosing settings: with noise as many as worlds are learned from.

    On exact data decay only breaks ties, and 400 transitions are enough for all.
    """
    return steps if noise else _EXACT_STEPS


def recorded(noise: float, *, steps: int, seed: int) -> TransitionDataset:
    """Random torques in Pendulum-v1, observed through sensors with this noise."""
    coordinates = coordinates_of("Pendulum-v1")
    assert coordinates is not None
    env: gymnasium.Env[Any, Any] = gymnasium.make("Pendulum-v1")
    if noise:
        env = ObservationNoise(env, noise)
    return record_steps(env, steps=steps, seed=seed, coordinates=coordinates.to_json())


def learned(
    contender: Contender,
    choice: Choice,
    dataset: TransitionDataset,
    *,
    noise: float,
    seed: int = 0,
) -> tuple[WorldModel, ...]:
    """Learn a contender's worlds from a recording."""
    settings = choice.settings(noise, dataset.num_steps, seed=seed)
    options = {"hidden": (choice.hidden,)}
    if contender.members == 1:
        return (train_world(dataset, contender.model, settings=settings, options=options),)
    return train_ensemble(dataset, contender.model, members=contender.members, settings=settings, options=options)
