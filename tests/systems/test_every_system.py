"""Every system that ships is one file whose parts fit each other, and its id stands in that file alone."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import gymnasium
import numpy as np
import pytest

import hnn_gym
from hnn_gym.envs.shipped import WEIGHTS
from hnn_gym.systems import SYSTEMS, System
from hnn_gym.systems.shipped import FILES
from hnn_gym.training import FitSettings

PACKAGE = Path(str(hnn_gym.__file__)).parent
SHIPPED = [import_module(f"hnn_gym.systems.{name}").SYSTEM for name in FILES]
MINE = [pytest.param(system, id=system.id) for system in SHIPPED]
TWINS = {f"{prefix}{system.name}-v0": twin for system in SHIPPED for prefix, twin in system.twins.items()}


def strings_of(file: Path) -> set[str]:
    return {
        node.value
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_every_file_with_a_system_is_listed() -> None:
    found = {file.stem for file in (PACKAGE / "systems").glob("*.py") if "\nSYSTEM = System(" in file.read_text()}
    assert found == set(FILES)


def test_the_id_of_an_environment_stands_in_its_own_file_alone() -> None:
    files = [file for file in PACKAGE.rglob("*.py") if file.parent.name != "quickstart"]  # which is about one
    strings = {file: strings_of(file) for file in files}
    places = {system.id: [file.stem for file, found in strings.items() if system.id in found] for system in SHIPPED}
    assert places == {system.id: [name] for name, system in zip(FILES, SHIPPED, strict=True)}


@pytest.mark.parametrize("system", MINE)
def test_the_parts_of_a_system_fit_each_other(system: System) -> None:
    task, coordinates = system.task_for(), system.coordinates_for()
    assert task is not None
    assert coordinates is not None
    assert task.observation_space.shape == (coordinates.observation_size + task.goal_size,)
    q, v = task.initial(np.random.default_rng(0), {})
    assert q.shape == v.shape == (coordinates.n,)
    # The observation of a start lies in the space, but for the rounding of float32.
    observation = coordinates.observation(q, v).astype(task.observation_space.dtype)
    assert (observation >= task.observation_space.low).all()
    assert (observation <= task.observation_space.high).all()
    assert not task.terminated(q, v)


@pytest.mark.parametrize("system", [one for one in SHIPPED if one.truth is not None], ids=lambda system: system.id)
def test_the_true_world_of_a_system_has_its_coordinates_and_its_time_step(system: System) -> None:
    world = system.true_world()
    assert (world.coordinates, world.dt) == (system.coordinates_for(), system.dt)
    assert world.card["environment"] == {"id": system.id, "arguments": {}}


@pytest.mark.parametrize("env_id", TWINS)
def test_a_twin_has_weights_and_a_recipe_that_the_fit_understands(env_id: str) -> None:
    assert (WEIGHTS / env_id / "world.json").is_file()
    assert env_id in gymnasium.registry
    FitSettings(**TWINS[env_id].fit)


def test_only_what_a_system_declares_has_weights() -> None:
    pixels = {f"{prefix}Pixel{system.name}-v0" for system in SHIPPED for prefix in system.pixel_twins}
    assert {folder.name for folder in WEIGHTS.iterdir()} == {*TWINS, *pixels}


def test_the_arguments_of_an_environment_reach_coordinates_task_and_truth() -> None:
    system = SYSTEMS["NBody-v0"]
    arguments = {"masses": np.array([2.0, 1.0]), "softening": 0.3}
    assert system.arguments() == ("n", "masses", "softening")
    world, task = system.true_world(arguments), system.task_for(arguments)
    assert world.coordinates.n == 4
    assert world.dynamics.hamiltonian == task.truth  # type: ignore[union-attr]
    assert world.card["environment"] == {"id": "NBody-v0", "arguments": {"masses": [2.0, 1.0], "softening": 0.3}}


def test_the_truth_of_a_learned_pendulum_has_the_gravity_that_was_recorded() -> None:
    dataset = hnn_gym.record_steps(gymnasium.make("Pendulum-v1", g=3.0), steps=20, seed=0)
    world = hnn_gym.train_world(dataset, "mechanical", settings=FitSettings(adam_steps=1, lbfgs_steps=1))
    env = gymnasium.make("HNN-v0", world_model=world, actions="bump").unwrapped
    truth = env._simulator.truth  # type: ignore[attr-defined]
    assert truth.dynamics.hamiltonian.gravity_torque == -1.5
