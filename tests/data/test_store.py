"""The store on disk: what is written is read back, damage is reported, and a killed run keeps its finished episodes."""

import contextlib
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import zarr

from hnn_gym.data import StoreWriter, TransitionDataset
from hnn_gym.data.episode import FIELDS
from hnn_gym.errors import ExistingPathError, InputError, MissingPathError


def write(path, episodes, provenance, **options):
    writer = StoreWriter(path, **options)
    writer.begin(provenance, tuple(FIELDS))
    for episode in episodes:
        writer.write(episode)
    writer.close()


def contents(path):
    """Return every file below a folder, by name."""
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}


@pytest.fixture
def store(tmp_path, episodes, provenance):
    write(tmp_path / "data.zarr", episodes([3, 5, 4]), provenance)
    return tmp_path / "data.zarr"


def test_written_arrays_are_read_bit_for_bit(store, episodes, provenance, dataset):
    data = TransitionDataset.open(store)
    assert data.provenance == provenance
    assert data.content_hash() == dataset([3, 5, 4]).content_hash()
    for got, want in zip(data, episodes([3, 5, 4]), strict=True):
        for name, array in want.arrays().items():
            assert got.arrays()[name].dtype == array.dtype
            assert got.arrays()[name].tobytes() == array.tobytes()


def test_views_on_disk_equal_views_in_memory(store, dataset):
    disk, memory = TransitionDataset.open(store), dataset([3, 5, 4])
    for view in (lambda data: data.select([2, 0]), lambda data: data.take_steps(6), lambda data: data.select([])):
        assert view(disk).content_hash() == view(memory).content_hash()
        np.testing.assert_array_equal(
            view(disk).transitions().next_observation, view(memory).transitions().next_observation
        )
    np.testing.assert_array_equal(disk.windows(4).observation, memory.windows(4).observation)


def test_opening_reads_no_array_but_the_ends(store):
    for chunk in store.rglob("c/*"):
        if chunk.is_file() and "episode_ends" not in str(chunk):
            chunk.write_bytes(b"not a chunk")
    assert TransitionDataset.open(store).select([1]).num_steps == 5


def test_zarr_alone_can_read_the_store_and_its_units(store):
    group = zarr.open_group(store, mode="r")
    np.testing.assert_array_equal(group["episode_ends"][:], [3, 8, 12])
    assert group["observation"].shape == (15, 2)
    assert group["action"].shape == (12, 1)
    assert (group["time"].attrs["unit"], group["energy"].attrs["unit"]) == ("s", "J")


def test_appended_episodes_follow_those_that_are_there(tmp_path, episodes, provenance):
    everything = episodes([3, 5, 4])
    write(tmp_path / "parts.zarr", everything[:1], provenance)
    write(tmp_path / "parts.zarr", everything[1:], provenance, append=True)
    write(tmp_path / "whole.zarr", everything, provenance)
    assert contents(tmp_path / "parts.zarr") == contents(tmp_path / "whole.zarr")


def test_episodes_larger_than_a_chunk_are_written_over_its_end(tmp_path, episodes, provenance, dataset):
    lengths = [4000, 3000, 2000]
    write(tmp_path / "data.zarr", episodes(lengths), provenance)
    assert TransitionDataset.open(tmp_path / "data.zarr").content_hash() == dataset(lengths).content_hash()


def test_an_existing_path_is_kept_unless_overwriting_is_requested(store, tmp_path, provenance):
    before = contents(tmp_path)
    with pytest.raises(ExistingPathError, match="exists already"):
        write(store, [], provenance)
    with pytest.raises(InputError, match="not both"):
        StoreWriter(store, append=True, overwrite=True)
    assert contents(tmp_path) == before


def test_overwriting_keeps_the_old_dataset_until_the_new_one_has_an_episode(store, tmp_path, episodes, provenance):
    before = contents(tmp_path)
    writer = StoreWriter(store, overwrite=True)
    writer.begin(provenance, tuple(FIELDS))
    assert TransitionDataset.open(store).num_steps == 12
    writer.close()
    assert contents(tmp_path) == before
    write(store, episodes([2]), provenance, overwrite=True)
    assert TransitionDataset.open(store).num_steps == 2
    assert [path.name for path in tmp_path.iterdir()] == ["data.zarr"]


def test_a_writer_that_got_no_episode_leaves_nothing(tmp_path, provenance):
    write(tmp_path / "data.zarr", [], provenance)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["folder", "file", "group"])
def test_a_folder_that_is_not_a_dataset_is_never_overwritten(tmp_path, provenance, kind):
    path = tmp_path / "precious"
    if kind == "file":
        path.write_text("thesis")
    elif kind == "group":
        zarr.create_group(path)
    else:
        path.mkdir()
        (path / "thesis.tex").write_text("thesis")
    before = contents(tmp_path)
    with pytest.raises(InputError, match="not a dataset of hnn_gym and will not be overwritten"):
        write(path, [], provenance, overwrite=True)
    assert contents(tmp_path) == before


def test_a_place_where_no_folder_can_be_made_is_named_at_once(tmp_path, provenance):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot be written: Not a directory|cannot be written: File exists"):
        write(tmp_path / "file" / "data.zarr", [], provenance)


def test_only_the_same_arrays_are_appended(store, provenance):
    before = contents(store)
    with pytest.raises(InputError, match="a recording of observation, action cannot be appended"):
        StoreWriter(store, append=True).begin(provenance, ("observation", "action"))
    with pytest.raises(MissingPathError, match="no dataset at"):
        write(store.with_name("none.zarr"), [], provenance, append=True)
    assert contents(store) == before


def damage_version(path):
    rewrite_attributes(path, version=3)


def damage_format(path):
    rewrite_attributes(path, format="somebody.else")


def damage_fields(path):
    rewrite_attributes(path, fields=["action"])


def damage_provenance(path):
    rewrite_attributes(path, provenance={"env_id": "Pendulum-v1"})


def rewrite_attributes(path, **changes):
    metadata = json.loads((path / "zarr.json").read_text())
    metadata["attributes"].update(changes)
    metadata["attributes"].pop("seal", None)
    (path / "zarr.json").write_text(json.dumps(metadata))


def damage_array_missing(path):
    shutil.rmtree(path / "reward")


def damage_array_short(path):
    zarr.open_array(path / "action", mode="r+").resize((11, 1))


def damage_chunk_missing(path):
    (path / "terminated" / "c" / "0").unlink()


def damage_ends_missing(path):
    (path / "episode_ends" / "c" / "0").unlink()


def damage_ends_order(path):
    zarr.open_array(path / "episode_ends", mode="r+")[:] = [3, 8, 5]


def damage_metadata_cut(path):
    (path / "zarr.json").write_text('{"attributes": {"form')


def damage_array_metadata_cut(path):
    (path / "energy" / "zarr.json").write_text("{")


def damage_into_array(path):
    shutil.rmtree(path)
    zarr.create_array(path, shape=(3,), dtype="f8")


def damage_into_file(path):
    shutil.rmtree(path)
    path.write_text("a file")


def damage_into_empty_folder(path):
    shutil.rmtree(path)
    path.mkdir()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damage_version, "is a dataset of version 3, and this hnn_gym reads versions 1 and 2"),
        (damage_format, "not a dataset of hnn_gym .its format is 'somebody.else'"),
        (damage_fields, "damaged dataset: its attributes name"),
        (damage_provenance, "damaged dataset: its provenance"),
        (damage_array_missing, "damaged dataset: its array 'reward' is missing"),
        (damage_array_short, "'action' has 11 rows where 3 episodes need 12"),
        (damage_chunk_missing, "chunk c/0 of its array 'terminated' is missing"),
        (damage_ends_missing, "episode_ends. is missing"),
        (damage_ends_order, "out of order"),
        (damage_metadata_cut, "is not a Zarr v3 group"),
        (damage_array_metadata_cut, "'energy' is missing or cannot be read"),
        (damage_into_array, "is not a Zarr v3 group"),
        (damage_into_file, "is not a Zarr v3 group"),
        (damage_into_empty_folder, "is not a Zarr v3 group"),
    ],
)
def test_a_damaged_or_foreign_dataset_is_refused_when_it_is_opened(store, damage, message):
    damage(store)
    with pytest.raises(InputError, match=message):
        TransitionDataset.open(store)


def test_a_missing_dataset_is_a_missing_path(tmp_path):
    with pytest.raises(MissingPathError, match="no dataset at"):
        TransitionDataset.open(tmp_path / "none.zarr")


def test_a_truncated_or_changed_chunk_is_reported_when_it_is_read(store):
    chunk = store / "observation" / "c" / "0" / "0"
    content = chunk.read_bytes()
    data = TransitionDataset.open(store)
    expected = data.transitions().observation
    changed = [content[:at] + bytes([content[at] ^ 0x10]) + content[at + 1 :] for at in range(len(content))]
    unnoticed = 0
    for damaged in (content[:-5], b"", *changed):
        chunk.write_bytes(damaged)
        with contextlib.suppress(InputError):
            # Some bytes of a Zstandard header change no number.
            np.testing.assert_array_equal(data.transitions().observation, expected)
            unnoticed += 1
    assert unnoticed <= 2
    chunk.write_bytes(changed[-1])
    with pytest.raises(InputError, match="damaged dataset: its array 'observation' cannot be decoded"):
        data.transitions()


class Killed(BaseException):
    """Stands for the death of the process."""


def dies_at_write(monkeypatch, number):
    """Let the process die when it would write array rows for the ``number``-th time, counted from 0."""
    calls = iter(range(10**6))
    original = zarr.Array.__setitem__

    def dying(array, selection, value):
        if next(calls) >= number:
            raise Killed
        original(array, selection, value)

    monkeypatch.setattr(zarr.Array, "__setitem__", dying)


@pytest.mark.parametrize("number", range(34))
def test_whenever_the_writer_dies_the_finished_episodes_stay_and_can_be_continued(
    tmp_path, monkeypatch, episodes, provenance, dataset, number
):
    lengths, path = [3, 6, 4], tmp_path / "data.zarr"
    finished = number // 11  # nine arrays, the checks and the ends are written for every episode
    with monkeypatch.context() as patch:
        dies_at_write(patch, number)
        if finished < 3:
            with pytest.raises(Killed):
                write(path, episodes(lengths), provenance)
        else:
            write(path, episodes(lengths), provenance)
    if finished == 0:
        assert not path.exists()
        write(path, episodes(lengths), provenance)
    else:
        assert TransitionDataset.open(path).content_hash() == dataset(lengths[:finished]).content_hash()
        # A shorter episode than the one that was lost: its rows have to end the arrays.
        lengths[finished:] = [1, 2]
        write(path, episodes(lengths)[finished:], provenance, append=True)
    assert TransitionDataset.open(path).content_hash() == dataset(lengths).content_hash()
    assert zarr.open_array(path / "action", mode="r").shape == (sum(lengths), 1)
    assert [entry.name for entry in tmp_path.iterdir()] == ["data.zarr"]


RECORD_FOR_EVER = """
import sys, gymnasium
from hnn_gym.data import PolicyChoice, RecordTransitions, drive
env = RecordTransitions(gymnasium.make("Pendulum-v1", max_episode_steps=20), sys.argv[1], record_state=True)
policy = PolicyChoice("random").policy(env.action_space)
for step, _ in enumerate(drive(env, policy, steps=10**9, seed=3), start=1):
    if step % 20 == 0:
        print(step, flush=True)
"""


def test_a_run_that_is_killed_leaves_every_episode_it_had_finished(tmp_path):
    path = tmp_path / "data.zarr"
    process = subprocess.Popen(
        [sys.executable, "-c", RECORD_FOR_EVER, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= 200:
            break
    process.send_signal(signal.SIGKILL)
    announced = [int(line), *map(int, process.stdout.read().split())][-1]
    process.wait()
    process.stdout.close()

    data = TransitionDataset.open(path)
    assert data.num_steps >= announced
    assert data.transitions().truncated.sum() == data.num_episodes == data.num_steps // 20
    last = data.episode(data.num_episodes - 1)
    np.testing.assert_allclose(np.cos(last.state[:, 0]), last.observation[:, 0], atol=1e-6)  # float32
