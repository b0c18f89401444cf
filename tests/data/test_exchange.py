"""Datasets go to Minari and Parquet and return equal bit for bit; foreign datasets are read or refused."""

from __future__ import annotations

import json
import os
from itertools import pairwise
from pathlib import Path

import gymnasium
import numpy as np
import pytest

from hnn_gym.convert import ConvertSettings, convert
from hnn_gym.data import LogSettings, TransitionDataset, record_steps
from hnn_gym.data.exchange.minari_datasets import read_minari, write_minari
from hnn_gym.data.exchange.parquet_files import read_parquet, write_parquet
from hnn_gym.data.logs.parquet import open_parquet
from hnn_gym.errors import ExistingPathError, InputError, MissingPathError


def log() -> TransitionDataset:
    t = np.cumsum(np.random.default_rng(0).uniform(0.008, 0.012, 50))
    q = np.stack([np.sin(t), np.cos(t)], axis=1)
    return TransitionDataset.from_arrays([t, t], [q, 2 * q], action=[q, q], settings=LogSettings(name="arm"))


def recordings() -> dict[str, TransitionDataset]:
    """A log, a recording with states and float32 observations, whole-number actions, and frames."""
    return {
        "log": log(),
        "pendulum": record_steps(gymnasium.make("Pendulum-v1"), steps=250, record_state=True),
        "cart": record_steps(gymnasium.make("CartPole-v1"), steps=60),
    }


@pytest.fixture
def minari_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    pytest.importorskip("minari")
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))
    return tmp_path / "minari"


def test_a_parquet_dataset_that_was_changed_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    path = tmp_path / "log.parquet"
    write_parquet(log(), path)
    whole, refused = path.read_bytes(), []
    for place in range(100, len(whole), len(whole) // 9):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            assert read_parquet(path).content_hash() == log().content_hash()  # not every byte means something
        except InputError as error:
            refused.append(str(error))
    assert len(refused) > 5
    assert all("log.parquet" in message for message in refused)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(InputError, match="not a regular file"):
        read_parquet(path)


def test_a_small_parquet_file_that_claims_many_rows_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pa.table({"episode": pa.array(np.zeros(10**6, np.int8))}), tmp_path / "bomb.parquet")
    assert (tmp_path / "bomb.parquet").stat().st_size < 8_000
    open_parquet(tmp_path / "bomb.parquet")
    monkeypatch.setattr("hnn_gym.data.logs.parquet._MOST_BYTES", 10**6)  # it is a GiB, which takes seconds to write
    with pytest.raises(InputError, match="claims 1,000,000 rows"):
        open_parquet(tmp_path / "bomb.parquet")


@pytest.mark.usefixtures("minari_home")
@pytest.mark.filterwarnings("ignore::UserWarning:minari", "ignore::UserWarning:gymnasium")
def test_a_minari_dataset_that_was_changed_or_set_aside_is_refused_or_put_back(minari_home: Path) -> None:
    write_minari(log(), "arm/log-v0")
    expected, folder = log().content_hash(), minari_home / "arm" / "log-v0"
    folder.rename(folder.with_name(".log-v0.old"))  # as one that is killed while it overwrites leaves it
    with pytest.raises(ExistingPathError, match="--overwrite"):
        write_minari(log(), "arm/log-v0")
    assert read_minari("arm/log-v0").content_hash() == expected
    assert [path.name for path in folder.parent.iterdir()] == ["log-v0"]
    (store,) = (folder / "data").glob("*.hdf5")
    data = store.read_bytes()
    place = data.index(log().episode(0).observation[:1].tobytes())
    for damage in (data[: len(data) // 2], data[:place] + b"\0" + data[place + 1 :]):
        store.write_bytes(damage)
        with pytest.raises(InputError, match="The Minari dataset arm/log-v0"):
            read_minari("arm/log-v0")
    store.unlink()
    os.mkfifo(store)
    with pytest.raises(InputError, match="not a regular file"):
        read_minari("arm/log-v0")


@pytest.mark.usefixtures("minari_home")
@pytest.mark.filterwarnings("ignore::UserWarning:minari", "ignore::UserWarning:gymnasium")
@pytest.mark.parametrize("name", ["log", "pendulum", "cart"])
def test_minari_there_and_back_is_equal_bit_for_bit(name, tmp_path) -> None:
    import minari

    dataset = recordings()[name]
    write_minari(dataset, f"{name}/test-v0")
    back = read_minari(f"{name}/test-v0")
    assert back.content_hash() == dataset.content_hash()
    assert back.provenance == dataset.provenance
    theirs = minari.load_dataset(f"{name}/test-v0")
    assert theirs.total_steps == dataset.num_steps
    if name != "log":
        assert theirs.env_spec.id == dataset.provenance.env_id
        assert theirs.recover_environment().observation_space == dataset.provenance.observation_space
    with pytest.raises(ExistingPathError, match="--overwrite"):
        write_minari(dataset, f"{name}/test-v0")
    write_minari(dataset.take_steps(20), f"{name}/test-v0", overwrite=True)
    converted, _ = convert(ConvertSettings((Path(f"minari:{name}/test-v0"),), tmp_path / "d.zarr"))
    assert converted.num_steps == 20


@pytest.mark.usefixtures("minari_home")
@pytest.mark.filterwarnings("ignore::UserWarning:minari", "ignore::UserWarning:gymnasium")
def test_a_minari_dataset_of_another_program_has_the_map_of_its_environment() -> None:
    import minari
    from minari.data_collector import EpisodeBuffer

    rng = np.random.default_rng(0)
    buffer = EpisodeBuffer(
        id=0,
        observations=rng.normal(size=(11, 3)).astype(np.float32),
        actions=rng.normal(size=(10, 1)).astype(np.float32),
        rewards=np.zeros(10),
        terminations=np.zeros(10, bool),
        truncations=np.zeros(10, bool),
        infos={},
    )
    minari.create_dataset_from_buffers("foreign/test-v0", [buffer], env="Pendulum-v1")
    provenance = read_minari("foreign/test-v0").provenance
    assert (provenance.env_id, provenance.dt) == ("Pendulum-v1", 0.05)
    assert provenance.coordinates is not None
    with pytest.raises(MissingPathError, match="python -m minari download none/test-v0"):
        read_minari("none/test-v0")


@pytest.mark.usefixtures("minari_home")
@pytest.mark.filterwarnings("ignore::UserWarning:minari", "ignore::UserWarning:gymnasium")
def test_a_minari_dataset_with_spaces_that_cannot_be_recorded_is_refused() -> None:
    import minari
    from minari.data_collector import EpisodeBuffer

    buffer = EpisodeBuffer(
        id=0,
        observations=np.zeros(3, np.int64),
        actions=np.zeros(2, np.int64),
        rewards=np.zeros(2),
        terminations=np.zeros(2, bool),
        truncations=np.zeros(2, bool),
        infos={},
    )
    space = gymnasium.spaces.Discrete(2)
    minari.create_dataset_from_buffers("discrete/test-v0", [buffer], observation_space=space, action_space=space)
    with pytest.raises(InputError, match="Recording needs a Box observation space"):
        read_minari("discrete/test-v0")


@pytest.mark.filterwarnings("ignore::UserWarning:minari", "ignore::UserWarning:gymnasium")
def test_a_minari_dataset_is_written_whole_or_not_at_all(minari_home, monkeypatch) -> None:
    dataset, before = recordings()["log"], sorted(minari_home.rglob("*"))
    with pytest.raises(InputError, match="give one with a version, such as robot/log-v0"):
        write_minari(dataset, "whole/test")
    assert sorted(minari_home.rglob("*")) == before
    write_minari(dataset, "whole/test-v0")
    kept = sorted(minari_home.rglob("*"))

    def fails(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("minari.dataset.minari_storage.MinariStorage.update_metadata", fails)
    with pytest.raises(OSError, match="disk full"):
        write_minari(dataset, "whole/test-v0", overwrite=True)
    assert sorted(minari_home.rglob("*")) == kept
    assert read_minari("whole/test-v0").content_hash() == dataset.content_hash()


@pytest.mark.parametrize("name", ["log", "pendulum", "cart"])
def test_parquet_there_and_back_is_equal_bit_for_bit(name, tmp_path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    dataset = recordings()[name]
    write_parquet(dataset, tmp_path / "d.parquet")
    back = read_parquet(tmp_path / "d.parquet")
    assert back.content_hash() == dataset.content_hash()
    assert back.provenance == dataset.provenance
    table = parquet.read_table(tmp_path / "d.parquet")
    assert table.num_rows == dataset.num_steps + dataset.num_episodes
    assert table["reward"].null_count == dataset.num_episodes
    with pytest.raises(ExistingPathError, match="--overwrite"):
        write_parquet(dataset, tmp_path / "d.parquet")
    write_parquet(dataset, tmp_path / "d.parquet", overwrite=True)
    parquet.write_table(table.replace_schema_metadata({}), tmp_path / "other.parquet")
    with pytest.raises(InputError, match="not a dataset that hnn_gym wrote"):
        read_parquet(tmp_path / "other.parquet")
    with pytest.raises(MissingPathError):
        read_parquet(tmp_path / "none.parquet")


def lerobot(folder: Path, *, version: str = "v3.0", names: object = None) -> Path:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    rng = np.random.default_rng(0)
    (folder / "meta").mkdir(parents=True)
    features = {"observation.state": {"dtype": "float32", "shape": [2], "names": names}}
    (folder / "meta" / "info.json").write_text(json.dumps({"codebase_version": version, "features": features}))
    for number in range(2):
        frames = 40
        t = np.arange(frames) / 50
        state = np.stack([np.sin(t + number), np.cos(t)], axis=1).astype(np.float32)
        table = pa.table(
            {
                "observation.state": pa.array(list(state), pa.list_(pa.float32())),
                "action": pa.array(list(rng.normal(size=(frames, 2))), pa.list_(pa.float64(), 2)),
                "timestamp": t,
                "episode_index": np.repeat([2 * number, 2 * number + 1], frames // 2),
                "task": ["reach"] * frames,
            }
        )
        file = folder / "data" / "chunk-000" / f"file-{number:03d}.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        parquet.write_table(table, file)
    return folder


def test_a_lerobot_dataset_of_states_and_actions_is_a_log_with_numbered_episodes(tmp_path) -> None:
    dataset, sentences = convert(ConvertSettings((lerobot(tmp_path / "arm"),), tmp_path / "d.zarr"))
    assert [episode.num_steps for episode in dataset] == [19, 19, 19, 19]
    assert dataset.provenance.observation_names == ("observation.state[0]", "observation.state[1]")
    assert dataset.provenance.dt == pytest.approx(0.02)
    assert dataset.episode(0).action.shape == (19, 2)
    assert "position: observation.state[0], observation.state[1], guessed from the names." in sentences
    arm = lerobot(tmp_path / "named", names={"motors": ["shoulder.pos", "elbow.pos"]})
    named = convert(ConvertSettings((arm,), tmp_path / "n.zarr"))[0]
    assert named.provenance.observation_names == ("observation.state/shoulder.pos", "observation.state/elbow.pos")
    np.testing.assert_array_equal(named.episode(3).observation, dataset.episode(3).observation)
    with pytest.raises(InputError, match=r"of version v2\.1"):
        convert(ConvertSettings((lerobot(tmp_path / "old", version="v2.1"),), tmp_path / "e.zarr"))


def test_the_command_that_reads_logs_also_writes_a_dataset_as_parquet_and_reads_it_back(tmp_path) -> None:
    pytest.importorskip("pyarrow")
    stamps = np.arange(60) * 0.01
    table = np.stack([stamps, np.sin(stamps), np.cos(stamps)], axis=1)
    np.savetxt(tmp_path / "log.csv", table, delimiter=",", header="t,q,u", comments="")
    steps = [tmp_path / name for name in ("log.csv", "log.zarr", "table.parquet", "back.zarr")]
    datasets = []
    for source, target in pairwise(steps):
        roles = {"position": ("q",), "action": ("u",)} if source.suffix == ".csv" else {}
        dataset, sentences = convert(ConvertSettings((source,), target, **roles))
        datasets.append(dataset)
        assert target.exists()
        assert bool(sentences) == bool(roles)
    assert len({dataset.content_hash() for dataset in datasets}) == 1
    assert datasets[0].provenance == datasets[-1].provenance
    with pytest.raises(InputError, match="converted alone"):
        convert(ConvertSettings((steps[1], steps[3]), tmp_path / "e.zarr"))
