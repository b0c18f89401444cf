"""Files of release 0.1 can still be read: a checkpoint and a dataset of version 1, as that release wrote them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import zarr
from safetensors.numpy import save

import hnn_gym
from hnn_gym import WorldModel
from hnn_gym.data import StoreWriter, TransitionDataset
from hnn_gym.data.store import VERSION
from hnn_gym.files import release_0_1
from hnn_gym.systems import SpringHold

COORDINATES = {
    "degrees": [{"velocity": 1, "position": 0, "cos": None, "sin": None, "speed_limit": None}],
    "controls": [{"degree": 0, "limit": 0.2, "unit": "N", "scale": 0.2}],
}
PROVENANCE = {
    "env_id": "HNN-v0",
    "observation_space": {"low": "-inf", "high": "inf", "shape": [2], "dtype": "float32"},
    "action_space": {"low": -1.0, "high": 1.0, "shape": [1], "dtype": "float32"},
    "env_kwargs": {"world_model": "runs/spring", "bump_price": 0.1, "disagreement_price": 2.0},
    "dt": 0.05,
    "seed": 0,
    "policy": "random",
    "coordinates": COORDINATES,
    "versions": {"python": "3.11.7", "hnn_gym": "0.1.0"},
    "appended": [],
    "stands_for": {"id": "Spring-v0", "arguments": {}},
}
CARD = {
    "format": "hnn_gym.world",
    "version": 1,
    "model": {"kind": "mechanical", "hidden": [2], "damping": False},
    "variables": {
        "angles": [False],
        "position_scales": [0.5],
        "velocity_scales": [1.0],
        "acceleration_scales": [2.0],
        "control_degrees": [0],
        "force_scales": [0.1],
        "in_physical_units": True,
    },
    "coordinates": COORDINATES,
    "integrator": {"scheme": "Yoshida4"},
    "dt": 0.05,
    "energy_unit": "J",
    "provenance": {"data": {"provenance": PROVENANCE, "sha256": "0" * 64, "episodes": 1, "steps": 2}},
}
ARRAYS = {
    "potential.w0": np.array([[0.5], [-0.25]]),
    "potential.b0": np.array([0.0, 1.0]),
    "potential.w1": np.array([[1.0, 2.0]]),
    "inertia.log": np.array([-0.75]),
}


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    data = save(ARRAYS)
    (tmp_path / "world.safetensors").write_bytes(data)
    (tmp_path / "world.json").write_text(json.dumps(CARD | {"sha256": hashlib.sha256(data).hexdigest()}))
    return tmp_path


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """A recording whose attributes are those that release 0.1 wrote."""
    path = tmp_path / "spring.zarr"
    recorded = hnn_gym.record_steps(gymnasium.make("Spring-v0"), steps=6, seed=0)
    writer = StoreWriter(path)
    writer.begin(recorded.provenance, recorded.fields)
    writer.write(recorded.episode(0))
    spring = {"env_id": "Spring-v0", "env_kwargs": {"world_model": "Spring-v0"}}
    old = {name: value for name, value in PROVENANCE.items() if name != "stands_for"} | spring
    group = zarr.open_group(path, mode="r+")
    later = ("seal", "checks")  # which release 0.1 did not write
    kept = {name: value for name, value in group.attrs.items() if name not in later}
    group.attrs.put({**kept, "version": 1, "provenance": old})
    return path


def test_a_checkpoint_opens_with_its_arrays_and_its_task(checkpoint: Path) -> None:
    world = WorldModel.load(checkpoint)
    assert world.parameters is not None
    for name, value in ARRAYS.items():
        np.testing.assert_array_equal(world.parameters[name], value)
    provenance = world.card["data"]["provenance"]
    assert provenance["task_source"] == {"id": "Spring-v0", "arguments": {}}
    assert provenance["env_kwargs"] == {"world_model": "runs/spring", "bump_cost": 0.1, "disagreement_penalty": 2.0}
    env = gymnasium.make("HNN-v0", world_model=checkpoint)
    assert isinstance(env.unwrapped.task, SpringHold)  # type: ignore[attr-defined]


def test_a_checkpoint_that_was_opened_is_saved_in_todays_version(checkpoint: Path, tmp_path: Path) -> None:
    WorldModel.load(checkpoint).save(tmp_path / "again")
    card = json.loads((tmp_path / "again" / "world.json").read_text())
    assert card["version"] == 2
    assert WorldModel.load(tmp_path / "again").card == WorldModel.load(checkpoint).card


def test_a_dataset_opens_and_says_where_it_comes_from_in_todays_words(dataset: Path) -> None:
    opened = TransitionDataset.open(dataset)
    assert opened.num_steps == 6
    assert opened.provenance.coordinates == {
        "degrees": [{"velocity": 1, "position": 0}],
        "controls": [{"degree": 0, "limit": 0.2, "unit": "N", "scale": 0.2}],
    }


def test_a_dataset_can_be_appended_to_and_then_has_todays_version(dataset: Path) -> None:
    with hnn_gym.RecordTransitions(gymnasium.make("Spring-v0"), dataset, append=True, seed=1, policy="random") as env:
        env.reset(seed=1)
        env.step(np.zeros(1, np.float32))
    assert TransitionDataset.open(dataset).num_steps == 7
    assert zarr.open_group(dataset, mode="r").attrs["version"] == VERSION


@pytest.mark.parametrize(
    ("upgrade", "old", "new"),
    [
        (release_0_1.agent_card, {"kind": "analytic"}, {"kind": "shac"}),
        (release_0_1.agent_card, {"kind": "sb3"}, {"kind": "sb3"}),
        (
            release_0_1.world_card,
            {"about": {"provenance": {"stands_for": {}, "env_kwargs": {"episode_steps": 5}}}},
            {"about": {"provenance": {"task_source": {}, "env_kwargs": {"max_episode_steps": 5}}}},
        ),
        (release_0_1.world_card, {"provenance": {"note": 1}}, {"provenance": {"note": 1}}),
        (release_0_1.world_card, {"provenance": "damaged"}, {"provenance": "damaged"}),
        (release_0_1.dataset_attributes, {"provenance": {"coordinates": None}}, {"provenance": {"coordinates": None}}),
        (release_0_1.dataset_attributes, {}, {}),
    ],
)
def test_names_are_brought_up_to_date_and_all_else_is_kept(upgrade: Any, old: Any, new: Any) -> None:
    assert upgrade(old) == new
