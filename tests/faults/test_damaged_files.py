"""Files that are damaged, foreign or bombs are refused by one error, before anything large is allocated."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import shutil
import time
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box
from safetensors.numpy import save

from hnn_gym import PixelWorld, TransitionDataset, WorldModel
from hnn_gym.agents.load import load_agent
from hnn_gym.agents.sb3 import AgentRecipe, save_agent, train_agent
from hnn_gym.agents.shac_policy import ShacPolicy
from hnn_gym.collect import CollectSettings, collect
from hnn_gym.envs.shipped import WEIGHTS, resolve_pixel_world, resolve_world
from hnn_gym.errors import InputError
from hnn_gym.files import reading
from hnn_gym.files.checkpoint import write_checkpoint


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """A checkpoint."""
    resolve_world("HNNPendulum-v0").save(tmp_path / "world")
    return tmp_path / "world"


def edited(folder: Path, name: str, value: object) -> Path:
    """Set an entry of a card, given its place as names joined by dots."""
    card = json.loads((folder / "world.json").read_text())
    *outer, last = name.split(".")
    inner = card
    for key in outer:
        inner = inner[key]
    inner[last] = value
    del card["seal"]
    (folder / "world.json").write_text(json.dumps(card))
    return folder


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dt", -1),
        ("dt", "0.05"),
        ("dt", 1e300),
        ("dt", True),
        ("provenance.data", None),
        ("provenance.data.provenance", [1]),
        ("provenance.data.longest_episode", "long"),
        ("provenance.figures", 3),
        ("model.hidden", [20_000, 20_000]),
        ("model.hidden", [10**9]),
        ("model.hidden", [2**40]),
        ("variables.angles", None),
    ],
)
def test_an_entry_of_a_card_that_cannot_be_is_refused_without_allocating_its_size(world, name, value):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError, match="does not describe a world"):
        WorldModel.load(edited(world, name, value))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB; the weights would take 3 GB


@pytest.mark.parametrize("place", ["world/world.json", "agent/agent.json", "data.zarr/zarr.json"])
def test_a_value_that_was_changed_is_noticed_unless_the_seal_was_removed(world, recorded, tmp_path, place):
    shutil.copytree(recorded, tmp_path / "data.zarr")
    spaces = Box(-np.inf, np.inf, (3,), np.float32), Box(-2, 2, (1,), np.float32)
    ShacPolicy(ARRAYS, *spaces).save(tmp_path / "agent", about={"seed": 0})
    content = json.loads((tmp_path / place).read_text())
    holder = content if "seal" in content else content["attributes"]
    holder["note"] = 1
    readers = {"world": WorldModel.load, "agent": load_agent, "data.zarr": TransitionDataset.open}
    folder = place.partition("/")[0]
    (tmp_path / place).write_text(json.dumps(content))
    with pytest.raises(InputError, match="changed after it was written"):
        readers[folder](tmp_path / folder)
    del holder["seal"]
    (tmp_path / place).write_text(json.dumps(content))
    readers[folder](tmp_path / folder)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"n": ' + "1" * 6_000 + "}", '{"dt": NaN}', '{"dt": 1e999}', "\x00", " " * 9_000_000]
)
def test_json_that_python_cannot_hold_is_refused(world, text):
    (world / "world.json").write_text(text)
    with pytest.raises(InputError, match=r"world\.json is not JSON"):
        WorldModel.load(world)


@pytest.mark.parametrize("name", ["world.json", "world.safetensors"])
def test_a_pipe_in_place_of_a_file_is_refused_and_not_waited_for(world, name):
    (world / name).unlink()
    os.mkfifo(world / name)
    with pytest.raises(InputError, match="not a regular file"):
        WorldModel.load(world)


@pytest.mark.parametrize("place", [os.mkfifo, os.mkdir])
def test_the_last_chunk_of_the_ends_of_episodes_is_a_file_or_is_not_read(tmp_path, place):
    collect(CollectSettings(env="Pendulum-v1", steps=3, out=tmp_path / "d"))  # one episode, one row
    chunk = tmp_path / "d" / "episode_ends" / "c" / "0"
    chunk.unlink()
    place(chunk)
    with pytest.raises(InputError, match="damaged dataset"):
        TransitionDataset.open(tmp_path / "d")


def test_a_file_that_is_larger_than_any_of_ours_is_not_read(world):
    with (world / "world.safetensors").open("wb") as file:
        file.truncate(2**40)  # takes no room on the disk
    with pytest.raises(InputError, match="at most"):
        WorldModel.load(world)


def test_a_dtype_that_numpy_lacks_is_refused():
    header = json.dumps({"a": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}).encode()
    with pytest.raises(InputError, match="arrays cannot be read"):
        reading.parse_arrays(len(header).to_bytes(8, "little") + header + bytes(4), "x.safetensors")


@pytest.mark.parametrize("parts", [True, None, [], "frames", {"frames": 1}])
def test_a_card_whose_parts_are_of_another_kind_is_refused(tmp_path, parts):
    resolve_pixel_world("HNNPixelPendulum-v0").save(tmp_path / "world")
    with pytest.raises(InputError):
        PixelWorld.load(edited(tmp_path / "world", "parts", parts))


@pytest.mark.parametrize("part", ["frames", "frames/world.json", "frames/world.safetensors"])
def test_the_frames_of_another_world_are_refused(tmp_path, part):
    seen = resolve_pixel_world("HNNPixelPendulum-v0")
    for name, dt in (("one", 0.05), ("two", 0.1)):
        about = {**seen.about, "note": name}
        PixelWorld(seen.world.with_dt(dt), seen.codec, seen.reward, seen.starts * dt, about).save(tmp_path / name)
    for file in (tmp_path / "two").rglob("*"):
        if file.is_file() and str(file.relative_to(tmp_path / "two")).startswith(part):
            shutil.copy(file, tmp_path / "one" / file.relative_to(tmp_path / "two"))
    with pytest.raises(InputError, match="belongs to another folder"):
        PixelWorld.load(tmp_path / "one")


def test_a_world_that_replaces_one_with_frames_has_no_frames(tmp_path):
    resolve_pixel_world("HNNPixelPendulum-v0").save(tmp_path / "world")
    resolve_world("HNNPendulum-v0").save(tmp_path / "world", overwrite=True)
    with pytest.raises(InputError, match="not learned from frames"):
        PixelWorld.load(tmp_path / "world")


def test_a_checkpoint_without_names_of_its_parts_is_read_as_before():
    card = json.loads((WEIGHTS / "HNNPixelPendulum-v0" / "world.json").read_text())
    assert "parts" not in card, "the shipped world was written by this release: take another example"
    assert PixelWorld.load(WEIGHTS / "HNNPixelPendulum-v0").codec is not None


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of three episodes."""
    path = tmp_path_factory.mktemp("recorded") / "data.zarr"
    collect(CollectSettings(env="Pendulum-v1", out=path, steps=600))
    return path


@pytest.fixture
def dataset(recorded: Path, tmp_path: Path) -> Path:
    """A copy of it to damage."""
    shutil.copytree(recorded, tmp_path / "data.zarr")
    return tmp_path / "data.zarr"


@pytest.mark.parametrize("name", ["observation", "reward", "episode_ends", "episode_checks"])
def test_a_chunk_that_was_replaced_by_a_folder_is_refused(dataset, name):
    chunk = next(file for file in sorted((dataset / name / "c").rglob("*")) if file.is_file())
    chunk.unlink()
    chunk.mkdir()
    with pytest.raises(InputError, match=f"{name}.*is missing"):
        TransitionDataset.open(dataset)


def test_a_chunk_of_another_recording_is_noticed_when_it_is_read(dataset, tmp_path):
    collect(CollectSettings(env="Pendulum-v1", out=tmp_path / "other.zarr", steps=600, seed=1))
    shutil.copy(tmp_path / "other.zarr" / "action" / "c" / "0" / "0", dataset / "action" / "c" / "0" / "0")
    data = TransitionDataset.open(dataset)
    with pytest.raises(InputError, match="episode 0 of its array 'action' is not what was recorded"):
        data.transitions()
    with pytest.raises(InputError, match="episode 2 of its array 'action' is not what was recorded"):
        data.episode(2)


def test_rows_in_any_order_are_checked(dataset):
    data = TransitionDataset.open(dataset)
    expected = data.episode(1).action, data.episode(2).action
    data = TransitionDataset.open(dataset).select([2, 1])
    np.testing.assert_array_equal(data.episode(0).action, expected[1])
    np.testing.assert_array_equal(data.transitions().action, np.concatenate(expected[::-1]))
    np.testing.assert_array_equal(data.windows(200).action, np.stack(expected[::-1]))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("episode_ends", {"shape": [500_000_000]}),
        ("episode_ends", {"shape": [10**400]}),
        ("observation", {"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [0, 3]}}}),
        ("reward", {"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [10**9]}}}),
        ("observation", {"data_type": "complex64"}),
        ("observation", {"shape": [603, 4]}),
        ("action", {"data_type": "int32"}),
        ("reward", {"codecs": []}),
    ],
)
def test_an_array_of_another_form_is_refused_without_allocating_its_size(dataset, name, change):
    place = dataset / name / "zarr.json"
    place.write_text(json.dumps(json.loads(place.read_text()) | change))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError, match="damaged dataset"):
        TransitionDataset.open(dataset)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB


def test_a_dataset_without_checks_is_read_and_appended_to_as_before(dataset):
    place = dataset / "zarr.json"
    group = json.loads(place.read_text())
    del group["attributes"]["checks"], group["attributes"]["seal"]
    place.write_text(json.dumps(group))
    shutil.rmtree(dataset / "episode_checks")
    data = collect(CollectSettings(env="Pendulum-v1", out=dataset, steps=200, append=True))
    assert data.num_episodes == 4
    assert data.transitions().action.shape == (800, 1)


def agent(folder: Path, arrays: dict[str, np.ndarray], **card: object) -> Path:
    """Write an agent's folder with anything in it."""
    data = save(arrays)
    space = {"kind": "Box", "low": -2.0, "high": 2.0, "shape": [1], "dtype": "float32"}
    seen = {"kind": "Box", "low": "-inf", "high": "inf", "shape": [3], "dtype": "float32"}
    content = {"format": "hnn_gym.agent", "version": 2, "kind": "shac", "file": "policy.safetensors"}
    content |= {"sha256": hashlib.sha256(data).hexdigest(), "observation_space": seen, "action_space": space, **card}
    folder.mkdir()
    (folder / "policy.safetensors").write_bytes(data)
    (folder / "agent.json").write_text(json.dumps(content))
    return folder


ARRAYS = {"policy.w0": np.ones((1, 3)), "scale": np.ones(3)}


@pytest.mark.parametrize(
    ("arrays", "card"),
    [
        ({**ARRAYS, "policy.w0": np.full((1, 3), np.nan)}, {}),
        ({**ARRAYS, "scale": np.array([1, np.inf, 1])}, {}),
        (ARRAYS, {"action_space": {"kind": "Box", "low": "nan", "high": 2.0, "shape": [1], "dtype": "float32"}}),
        (ARRAYS, {"action_space": {"kind": "Box", "low": -2.0, "high": 2.0, "shape": [10**9], "dtype": "float32"}}),
        (ARRAYS, {"kind": ["shac"]}),
        ({"policy.w0": np.ones((1, 3))}, {}),
    ],
)
def test_an_agent_whose_numbers_or_spaces_cannot_be_is_refused(tmp_path, arrays, card):
    assert load_agent(agent(tmp_path / "sound", ARRAYS)).predict(np.zeros((1, 3)))[0].shape == (1, 1)
    with pytest.raises(InputError, match="damaged"):
        load_agent(agent(tmp_path / "damaged", arrays, **card))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An agent of stable-baselines3."""
    folder = tmp_path_factory.mktemp("agents") / "ppo"
    recipe = AgentRecipe(2, 8, 1e-3, hidden=(4,), arguments={"n_steps": 4, "batch_size": 8, "n_epochs": 1})
    save_agent(folder, train_agent("HNNPendulum-v0", "ppo", recipe=recipe), algo="ppo", recipe=recipe)
    return folder


@pytest.mark.parametrize(
    ("place", "value", "refused"),
    [
        (("recipe", "hidden"), [20_000, 20_000], True),
        (("recipe", "num_envs"), 10**7, False),
        (("recipe", "arguments", "n_steps"), 10**8, False),
        (("observation_space", "shape"), [10**8], True),
    ],
)
def test_the_card_of_an_agent_cannot_ask_for_more_memory_than_its_numbers_take(
    trained, tmp_path, place, value, refused
):
    shutil.copytree(trained, tmp_path / "agent")
    card = json.loads((tmp_path / "agent" / "agent.json").read_text())
    del card["seal"]
    *outer, last = place
    inner = card
    for name in outer:
        inner = inner[name]
    inner[last] = value
    (tmp_path / "agent" / "agent.json").write_text(json.dumps(card))
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    if refused:
        with pytest.raises(InputError, match="does not describe the agent"):
            load_agent(tmp_path / "agent")
    else:  # an agent that is not trained needs neither dreams nor memory
        assert load_agent(tmp_path / "agent").predict(np.zeros((1, 3), np.float32))[0].shape == (1, 1)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB
    assert time.process_time() - began < 2


@pytest.mark.parametrize("content", [b"", b"PK", b"\x80\x04.", bytes(100), b"PK\x05\x06" + bytes(18)])
def test_an_archive_of_stable_baselines3_that_is_none_is_refused(tmp_path, content):
    folder = agent(tmp_path / "damaged", ARRAYS, kind="stable-baselines3", algo="sac", recipe={})
    (folder / "policy.safetensors").write_bytes(content)
    card = json.loads((folder / "agent.json").read_text()) | {"sha256": hashlib.sha256(content).hexdigest()}
    (folder / "agent.json").write_text(json.dumps(card))
    with pytest.raises(InputError, match="damaged"):
        load_agent(folder)


def test_a_world_whose_learned_reward_cannot_be_computed_is_refused_when_the_environment_is_made(tmp_path):
    source = resolve_world("HNNPendulum-v0")
    card, arrays = source.as_checkpoint()
    provenance = {**card["provenance"], "data": {**card["provenance"]["data"], "provenance": {}}}
    write_checkpoint(tmp_path / "world", {**card, "provenance": provenance | {"task": {"reward": 3}}}, arrays)
    with pytest.raises(InputError):
        gymnasium.make("HNN-v0", world_model=str(tmp_path / "world"))
