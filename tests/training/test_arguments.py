"""What training refuses: every argument of the wrong type or range is one clear InputError before any work is done."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

import hnn_gym
from hnn_gym.data import Episode, Provenance, TransitionDataset, record_steps
from hnn_gym.errors import InputError, MissingPathError
from hnn_gym.models import MODELS, Variables
from hnn_gym.systems import coordinates_of
from hnn_gym.training import FitSettings, FitState, PixelSettings, train_ensemble, train_pixel_world, train_world
from hnn_gym.training.objective import STARTS
from hnn_gym.training.preparation import Preparation

PENDULUM = coordinates_of("Pendulum-v1")
QUICK = FitSettings(adam_steps=1, lbfgs_steps=0)


@pytest.fixture(scope="module")
def dataset() -> TransitionDataset:
    assert PENDULUM is not None
    return record_steps(gymnasium.make("Pendulum-v1"), steps=20, seed=0, coordinates=PENDULUM.to_json())


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("horizon", "1"),
        ("horizon", 1.5),
        ("horizon", True),
        ("horizon", None),
        ("first_horizon", 0),
        ("first_horizon", "10"),
        ("adam_steps", 10.0),
        ("lbfgs_steps", -1),
        ("least_squares_steps", float("nan")),
        ("batch_size", 0),
        ("seed", -1),
        ("seed", "0"),
        ("decay", "1e-5"),
        ("decay", float("inf")),
        ("decay", 1j),
        ("learning_rate", float("inf")),
        ("learning_rate", [1e-2]),
        ("learning_rate", True),
    ],
)
def test_a_setting_of_a_fit_of_another_type_or_range_is_named(setting: str, value: Any) -> None:
    with pytest.raises(InputError, match=f"^{setting} must be a (whole|finite) number"):
        FitSettings(loss="shooting" if setting == "first_horizon" else "prediction", **{setting: value})


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("horizons", ()),
        ("horizons", 5),
        ("horizons", (5, 1)),
        ("horizons", ("5",)),
        ("steps", 0),
        ("adam_steps", -1),
        ("learning_rate", float("nan")),
        ("decay", -1.0),
        ("blur", 0.0),
        ("reward_hidden", (0,)),
        ("seed", None),
    ],
)
def test_a_setting_for_frames_of_another_type_or_range_is_named(setting: str, value: Any) -> None:
    with pytest.raises(InputError, match=f"{setting} must be a"):
        PixelSettings(**{setting: value})


def test_numbers_of_numpy_become_those_of_python_which_a_card_can_hold() -> None:
    settings = FitSettings(horizon=np.int64(3), decay=np.float32(0.5), seed=np.uint8(1))  # type: ignore[arg-type]
    assert (type(settings.horizon), type(settings.decay), type(settings.seed)) == (int, float, int)
    assert (settings.horizon, settings.decay, settings.seed) == (3, 0.5, 1)
    variables = Variables((True,), (1.0,), (1.0,), (1.0,))
    (width,) = MODELS["mechanical"](variables, hidden=[np.int64(4)]).hidden  # type: ignore[call-arg,attr-defined]
    assert type(width) is int


@pytest.mark.parametrize("train", [train_world, train_ensemble, train_pixel_world])
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"dataset": [1, 2]}, r"dataset must be a TransitionDataset or the path of one, got \[1, 2\]"),
        ({"dataset": None}, "dataset must be a TransitionDataset or the path of one, got None"),
        ({"model": 3}, "There is no model 3: choose from baseline"),
        ({"model": ["mechanical"]}, r"There is no model \['mechanical'\]"),
        ({"settings": {}}, r"settings must be a (Fit|Pixel)Settings, got \{\}"),
        ({"settings": "fast"}, "settings must be a (Fit|Pixel)Settings, got 'fast'"),
        ({"options": {"width": 3}}, "Model 'mechanical' does not take the option 'width': it takes hidden, "),
        ({"options": [32]}, r"options must be a Mapping, got \[32\]"),
        ({"options": {"hidden": 32}}, "hidden to be a tuple of whole numbers, got 32"),
        ({"options": {"hidden": (32.0,)}}, r"hidden to be a tuple of whole numbers, got \(32.0,\)"),
        ({"options": {"damping": "yes"}}, "damping to be True or False, got 'yes'"),
        ({"coordinates": {"degrees": []}}, "coordinates must be a Coordinates, got "),
        ({"dt": True}, "dt must be a finite number greater than 0, got True"),
        ({"dt": "0.05"}, "dt must be a finite number greater than 0, got '0.05'"),
        ({"dt": -0.05}, "dt must be a finite number greater than 0, got -0.05"),
        ({"dt": float("inf")}, "dt must be a finite number greater than 0, got inf"),
    ],
)
def test_an_argument_of_training_of_another_type_is_named(
    train: Any, arguments: dict[str, Any], words: str, dataset: TransitionDataset, pendulum_film: TransitionDataset
) -> None:
    recorded = pendulum_film if train is train_pixel_world else dataset
    with pytest.raises(InputError, match=words):
        train(**({"dataset": recorded} | arguments))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"integrator": "leapfrog"}, "integrator must be an Integrator, got 'leapfrog'"),
        ({"state": {}}, r"state must be a FitState, got \{\}"),
        ({"device": 3.5}, 'device must be "cpu" or "cuda"'),
    ],
)
def test_an_argument_of_a_fit_of_states_of_another_type_is_named(
    arguments: dict[str, Any], words: str, dataset: TransitionDataset
) -> None:
    with pytest.raises(InputError, match=words):
        train_world(dataset, settings=QUICK, **arguments)


@pytest.mark.parametrize("members", [1, 2.0, "5", True])
def test_members_of_an_ensemble_are_a_whole_number_of_at_least_two(members: Any, dataset: TransitionDataset) -> None:
    with pytest.raises(InputError, match="members"):
        train_ensemble(dataset, members=members)


def test_the_path_of_a_dataset_is_opened(dataset: TransitionDataset, tmp_path: Path) -> None:
    env = hnn_gym.RecordTransitions(gymnasium.make("Pendulum-v1", max_episode_steps=10), tmp_path / "base.zarr", seed=0)
    for _ in range(2):
        env.reset(seed=0)
        for _ in range(10):
            env.step(env.action_space.sample())
    env.close()
    world = train_world(str(tmp_path / "base.zarr"), settings=QUICK, coordinates=PENDULUM, dt=0.05)
    assert world.card["data"]["steps"] == 20
    with pytest.raises(MissingPathError, match="nowhere"):
        train_world(tmp_path / "nowhere.zarr")


def test_observations_with_two_axes_are_refused_with_a_remedy(dataset: TransitionDataset) -> None:
    stacked = TransitionDataset.from_episodes(
        [
            Episode(
                observation=np.repeat(episode.observation[:, None], 4, axis=1),
                action=episode.action,
                reward=episode.reward,
                terminated=episode.terminated,
                truncated=episode.truncated,
            )
            for episode in dataset
        ],
        replace(dataset.provenance, observation_space=gymnasium.spaces.Box(-8, 8, (4, 3))),
    )
    for settings in (QUICK, FitSettings.for_noisy_data()):
        with pytest.raises(
            InputError, match=r"observations of the dataset have the shape \(4, 3\).*FlattenObservation"
        ):
            train_world(stacked, settings=settings)


def test_parameters_of_other_shapes_than_those_of_the_model_are_refused(dataset: TransitionDataset) -> None:
    arrays = {"potential.w0": np.zeros((2, 3))}
    with pytest.raises(InputError, match="do not fit the model 'mechanical'"):
        train_world(dataset, settings=QUICK, state=FitState(arrays))


@pytest.mark.parametrize("model", [model for model in MODELS if model != "chain"])  # which needs links
def test_every_model_begins_shooting_with_parameters_of_its_own_shapes(model: str, dataset: TransitionDataset) -> None:
    provenance: Provenance = dataset.provenance
    rng = np.random.default_rng(0)
    t = np.linspace(0, 1, 25)[:, None]
    bodies = rng.uniform(-1, 1, 4) + rng.normal(size=4) * t + rng.normal(size=4) * t**2
    controls = tuple(hnn_gym.Control(degree=i, unit="N") for i in range(4)) if model != "helmholtz" else ()
    coordinates = hnn_gym.Coordinates(
        tuple(hnn_gym.DegreeOfFreedom(position=i, velocity=4 + i) for i in range(4)), controls
    )
    episode = Episode(
        observation=np.concatenate([bodies, np.gradient(bodies, 0.05, axis=0)], axis=-1),
        action=rng.normal(size=(24, len(controls))),
        reward=np.zeros(24),
        terminated=np.zeros(24, bool),
        truncated=np.zeros(24, bool),
    )
    moving = TransitionDataset.from_episodes([episode], provenance)
    settings = FitSettings(loss="shooting", horizon=10)
    of = Preparation.of(moving, model, coordinates=coordinates, dt=0.05).objective(settings)
    initial = of.initial_parameters()
    expected = of.architecture.initial_parameters(np.random.default_rng(0))
    assert {n: v.shape for n, v in initial.items() if n != STARTS} == {n: v.shape for n, v in expected.items()}
    of.world(of.model_parameters(initial))
