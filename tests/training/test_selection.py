"""Scheme and structure are chosen right where the truth is known, by held-out error, and said in sentences."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import gymnasium
import numpy as np
import pytest

import hnn_gym
from hnn_gym import train as command
from hnn_gym.coordinates import Coordinates
from hnn_gym.data import TransitionDataset
from hnn_gym.errors import InputError, MissingPathError
from hnn_gym.physics.integrators import RungeKutta4
from hnn_gym.systems import true_world
from hnn_gym.training import FitSettings, selection, train_world
from hnn_gym.training.schemes import EXPLICIT_EULER, choose_scheme
from hnn_gym.training.selection import open_loop_error, select_model, train_auto, with_selection
from hnn_gym.training.splits import split_in_time


def recorded(env_id: str, steps: int, policy: str = "random") -> TransitionDataset:
    return hnn_gym.record_steps(gymnasium.make(env_id), steps=steps, seed=0, policy=policy)


def coordinates_of(dataset: TransitionDataset) -> Coordinates:
    assert dataset.provenance.coordinates is not None
    return Coordinates.from_json(dataset.provenance.coordinates)


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> FitSettings:
    """Trials that take a moment."""
    settings = FitSettings(adam_steps=30, lbfgs_steps=0, least_squares_steps=3)
    monkeypatch.setattr(selection, "_TRIAL", settings)
    monkeypatch.setattr(selection, "_LONGER", 1)
    return settings


@pytest.mark.parametrize(
    ("env_id", "policy", "name"),
    [
        ("CartPole-v1", "random", "explicit Euler"),
        ("Pendulum-v1", "random", "semi-implicit Euler"),
        ("MountainCar-v0", "random", "semi-implicit Euler"),
        ("MountainCarContinuous-v0", "bang-bang", "semi-implicit Euler"),
    ],
)
def test_first_order_schemes_are_named_from_the_drift_alone(env_id: str, policy: str, name: str) -> None:
    dataset = recorded(env_id, 300, policy)
    choice = choose_scheme(dataset, coordinates_of(dataset), dt=dataset.provenance.dt or 1.0)
    assert choice.name == name
    assert name in choice.words


def test_a_finely_integrated_recording_is_not_learned_by_a_first_order_scheme() -> None:
    dataset = recorded("IdealPendulum-v0", 200)  # a scheme of order four, which is not among the candidates
    choice = choose_scheme(dataset, coordinates_of(dataset), dt=0.05)
    assert choice.scheme.order == RungeKutta4().order


def test_the_open_loop_error_of_the_true_world_is_rounding_and_of_another_is_not() -> None:
    dataset = recorded("Pendulum-v1", 400)
    true = true_world("Pendulum-v1")
    assert open_loop_error(true, dataset, horizon=20) < 1e-4  # float32 observations over 20 steps
    assert open_loop_error(true.with_dt(0.06), dataset, horizon=20) > 0.05


def test_a_recording_is_split_by_episodes_or_else_in_time() -> None:
    many = recorded("CartPole-v1", 300)
    kept, judged = split_in_time(many, horizon=5)
    assert kept.num_episodes + judged.num_episodes == many.num_episodes
    few = recorded("Pendulum-v1", 300)
    kept, judged = split_in_time(few, horizon=20)
    assert kept.num_steps + judged.num_steps == few.num_steps
    last = few.episode(0).observation[-judged.episode(0).num_steps - 1 :]
    np.testing.assert_array_equal(judged.episode(0).observation, last)


@pytest.mark.usefixtures("brief")
def test_the_pendulum_is_learned_by_its_own_scheme_with_an_energy() -> None:
    dataset = recorded("Pendulum-v1", 200)
    choice = select_model(dataset, coordinates_of(dataset), dt=0.05)
    assert choice.scheme.name == "semi-implicit Euler"
    assert choice.structure.model == "mechanical"
    assert set(choice.errors) >= {choice.structure.label, "a network without physics"}
    assert any(choice.structure.label in sentence for sentence in choice.words)


def test_a_world_chosen_automatically_steps_symplectically_unless_asked_for_its_recording(brief: FitSettings) -> None:
    dataset = recorded("CartPole-v1", 200)
    world = train_world(
        dataset,
        "mechanical",
        settings=replace(brief, least_squares_steps=8),
        options={"mass_matrix": "full", "hidden": ()},
        integrator=EXPLICIT_EULER,
    )
    structure = selection.Structure("H", "mechanical")
    choice = selection.Selection(structure, choose_scheme(dataset, coordinates_of(dataset), dt=0.02), {"H": 1.0}, 5)
    world = with_selection(world, choice, dataset)
    default = gymnasium.make("HNN-v0", world_model=world).unwrapped
    twin = gymnasium.make("HNN-v0", world_model=world, stepping="recorded").unwrapped
    assert default.world.integrator.symplectic
    assert twin.world.integrator == EXPLICIT_EULER
    x = world.phase_point(np.array([0.0, 0.1]), np.zeros(2))
    kept = default.world.energy(default.world.rollout(x, steps=300))
    gained = twin.world.energy(twin.world.rollout(x, steps=300))
    assert np.ptp(kept) < 0.05 * np.ptp(gained)
    with pytest.raises(InputError, match="'symplectic' or 'recorded'"):
        gymnasium.make("HNN-v0", world_model=world, stepping="sideways")


@pytest.mark.usefixtures("brief")
def test_the_command_line_chooses_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "AUTO_FIT", FitSettings(adam_steps=20, lbfgs_steps=0, least_squares_steps=4))
    recording = tmp_path / "p.zarr"
    writer = hnn_gym.RecordTransitions(gymnasium.make("Pendulum-v1"), recording)
    writer.reset(seed=0)
    rng = np.random.default_rng(0)
    for _ in range(150):
        writer.step(rng.uniform(-2, 2, 1).astype(np.float32))
    writer.close()
    monkeypatch.setattr("sys.argv", ["train", str(recording), "--model", "auto", "--out", str(tmp_path / "run")])
    command.main()
    printed = capsys.readouterr().out
    assert "semi-implicit Euler" in printed
    assert "The model is" in " ".join(printed.split())
    env = gymnasium.make("HNN-v0", world_model=str(tmp_path / "run"))
    env.reset(seed=0)
    env.step(env.action_space.sample())


@pytest.mark.usefixtures("brief")
def test_in_python_the_choice_is_one_call() -> None:
    dataset = recorded("Pendulum-v1", 150)
    world = train_auto(dataset, settings=FitSettings(adam_steps=20, lbfgs_steps=0, least_squares_steps=4))
    assert world.card["selection"]["scheme"]["name"] == "semi-implicit Euler"
    assert world.card["stepping"]["symplectic"]["scheme"] == "SymplecticEuler"


@pytest.mark.usefixtures("brief")
def test_in_python_nothing_has_to_be_declared() -> None:
    known = recorded("Pendulum-v1", 300)
    declared = coordinates_of(known)
    unknown = replace(known.provenance, coordinates=None)
    dataset = TransitionDataset.from_episodes(list(known), unknown)
    told: list[str] = []
    settings = FitSettings(adam_steps=20, lbfgs_steps=0, least_squares_steps=4)
    world = train_auto(dataset, settings=settings, tell=told.append)
    (degree,), (expected,) = world.coordinates.degrees, declared.degrees
    assert (degree.cos, degree.sin, degree.velocity) == (expected.cos, expected.sin, expected.velocity)
    assert world.card["inferred"]
    assert told[: len(world.card["inferred"])] == world.card["inferred"]


def test_a_recording_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingPathError, match=r"nothing\.zarr"):
        train_auto(tmp_path / "nothing.zarr")


def test_options_of_a_structure_do_not_go_with_auto(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="chooses the structure"):
        command.TrainSettings(tmp_path / "a.zarr", out=tmp_path / "b", model="auto", damping=True)
