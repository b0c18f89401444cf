"""A checkpoint is plain data: it is read as it was written, foreign files are refused, and nothing is executed."""

import hashlib
import json
import os
import pickle
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from hnn_gym.errors import ExistingPathError, InputError, MissingPathError
from hnn_gym.files.checkpoint import CARD as CARD_NAME
from hnn_gym.files.checkpoint import VERSION, read_checkpoint, write_checkpoint
from hnn_gym.files.path_lock import PathLock

CARD = {"dt": 0.05, "note": "größer als 5 °"}
ARRAYS = {"a.w0": np.arange(6.0).reshape(2, 3), "b": np.array([-0.0, 1e-308])}


@pytest.fixture
def folder(tmp_path):
    """A checkpoint on disk."""
    write_checkpoint(tmp_path / "world", CARD, ARRAYS)
    return tmp_path / "world"


def content(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_a_card_and_its_arrays_come_back_bit_for_bit(folder):
    card, found = read_checkpoint(folder)
    assert {key: card[key] for key in CARD} == CARD
    assert found.keys() == ARRAYS.keys()
    for name, value in ARRAYS.items():
        assert found[name].tobytes() == value.tobytes()


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(arrays(st.sampled_from([np.float32, np.float64]), array_shapes(min_dims=0, max_dims=3, max_side=4, min_side=0)))
def test_any_float_array_of_any_memory_order_comes_back(tmp_path, value):
    write_checkpoint(tmp_path / "w", {}, {"x": np.asfortranarray(value)}, overwrite=True)
    found = read_checkpoint(tmp_path / "w")[1]["x"]
    assert found.dtype == value.dtype
    np.testing.assert_array_equal(found, value)


def test_a_folder_holds_two_files_and_no_scraps(folder):
    assert sorted(content(folder)) == ["world.json", "world.safetensors"]


def test_what_a_kill_had_begun_in_a_folder_is_removed_by_the_next_writer(folder):
    for name in ("world.json.partial", "world.safetensors.next", "frames/world.safetensors.next", "frames/x.partial"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"begun")
    write_checkpoint(folder, {"dt": 1.0}, {}, overwrite=True)
    left = sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())
    assert left == ["world.json", "world.safetensors"]


def test_a_checkpoint_is_not_written_while_another_writer_holds_it(folder):
    before, other = content(folder), PathLock(folder / CARD_NAME)
    other.acquire(wait=False)
    with pytest.raises(InputError, match="is being written by process"):  # another process would wait
        write_checkpoint(folder, {"dt": 1.0}, {}, overwrite=True)
    other.release()
    assert content(folder) == before


def test_an_existing_checkpoint_is_kept_unless_overwriting_is_asked_for(folder):
    before = content(folder)
    with pytest.raises(ExistingPathError, match="overwrite=True"):
        write_checkpoint(folder, {"dt": 1.0}, {})
    assert content(folder) == before
    write_checkpoint(folder, {"dt": 1.0}, {}, overwrite=True)
    assert read_checkpoint(folder)[0]["dt"] == 1.0


def test_a_file_in_the_way_is_kept(tmp_path):
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(ExistingPathError, match="is a file"):
        write_checkpoint(tmp_path / "notes", CARD, ARRAYS, overwrite=True)
    assert (tmp_path / "notes").read_text() == "mine"


def test_a_folder_with_other_files_takes_a_checkpoint_beside_them(tmp_path):
    (tmp_path / "notes").write_text("mine")
    write_checkpoint(tmp_path, CARD, ARRAYS)
    read_checkpoint(tmp_path)
    assert (tmp_path / "notes").read_text() == "mine"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.zeros(2), object()])
def test_a_card_that_is_not_json_is_refused_before_anything_is_written(folder, value):
    before = content(folder)
    with pytest.raises(InputError, match="cannot be written as JSON"):
        write_checkpoint(folder, {"figure": value}, {}, overwrite=True)
    assert content(folder) == before
    with pytest.raises(InputError, match="cannot be written as JSON"):
        write_checkpoint(folder.parent / "new", {"figure": value}, {})
    assert not (folder.parent / "new").exists()


def test_a_missing_path_says_how_to_make_one(tmp_path):
    with pytest.raises(MissingPathError, match=r"nowhere: `python -m hnn_gym.train`"):
        read_checkpoint(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["world.json", "world.safetensors"])
def test_a_file_of_a_checkpoint_in_place_of_its_folder_names_the_folder(folder, name):
    with pytest.raises(InputError, match=f"give its folder, {folder}"):
        read_checkpoint(folder / name)


@pytest.mark.parametrize("name", ["world.json", "world.safetensors"])
def test_half_a_checkpoint_names_what_is_missing(folder, name):
    (folder / name).unlink()
    with pytest.raises(InputError, match=f"has no {name}"):
        read_checkpoint(folder)


def test_arrays_cut_short_anywhere_are_noticed(folder):
    whole = (folder / "world.safetensors").read_bytes()
    for size in (0, 7, 8, len(whole) // 2, len(whole) - 1):
        (folder / "world.safetensors").write_bytes(whole[:size])
        with pytest.raises(InputError, match="truncated"):
            read_checkpoint(folder)


def test_one_flipped_bit_in_the_arrays_is_noticed(folder):
    damaged = bytearray((folder / "world.safetensors").read_bytes())
    damaged[-1] ^= 1
    (folder / "world.safetensors").write_bytes(damaged)
    with pytest.raises(InputError, match="not what its card describes"):
        read_checkpoint(folder)


def test_a_card_cut_short_is_noticed(folder):
    text = (folder / "world.json").read_text()
    for size in (0, 1, len(text) // 2, len(text) - 3):
        (folder / "world.json").write_text(text[:size])
        with pytest.raises(InputError, match=r"world.json is not JSON"):
            read_checkpoint(folder)


@pytest.mark.parametrize("text", ["null", "[]", "3", "{}", '{"format": "other"}', '{"model": "hnn"}'])
def test_foreign_json_is_not_the_card_of_a_world(folder, text):
    (folder / "world.json").write_text(text)
    with pytest.raises(InputError, match=r"not the card of a world model|holds no JSON object"):
        read_checkpoint(folder)


def test_bytes_that_are_not_text_are_not_a_card(folder):
    (folder / "world.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not JSON"):
        read_checkpoint(folder)


@pytest.mark.parametrize("version", [VERSION + 1, 0, None, "1"])
def test_another_version_is_refused_and_named(folder, version):
    card = json.loads((folder / "world.json").read_text()) | {"version": version}
    (folder / "world.json").write_text(json.dumps(card))
    with pytest.raises(InputError, match=f"version {version}, and this release reads versions 1 and {VERSION}"):
        read_checkpoint(folder)


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def raw(path, bomb):
    path.write_bytes(pickle.dumps(bomb))


def oldest(path, bomb):
    path.write_bytes(pickle.dumps(bomb, protocol=0))


def by_torch(path, bomb):
    torch.save(bomb, path)


def zipped(path, bomb):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.pkl", pickle.dumps(bomb))


@pytest.mark.parametrize("name", ["world.pt", "world.pth", "world.pkl", "world.ckpt", "world", "world.bin"])
@pytest.mark.parametrize("write", [raw, by_torch, zipped])
def test_a_pickle_is_refused_under_any_name_and_never_run(tmp_path, write, name):
    write(tmp_path / name, Bomb(tmp_path / "exploded"))
    with pytest.raises(InputError, match="is a pickle, which can execute code when loaded, and is refused"):
        read_checkpoint(tmp_path / name)
    assert not (tmp_path / "exploded").exists()
    if write is raw:  # the bomb does work: the test would notice
        pickle.loads((tmp_path / name).read_bytes())
        assert (tmp_path / "exploded").exists()


@pytest.mark.parametrize("name", ["world.json", "world.safetensors"])
@pytest.mark.parametrize("write", [raw, oldest, by_torch, zipped])
def test_a_pickle_in_place_of_a_file_of_a_checkpoint_is_never_run(folder, write, name):
    write(folder / name, Bomb(folder / "exploded"))
    with pytest.raises(InputError):
        read_checkpoint(folder)
    assert not (folder / "exploded").exists()


def test_a_pickle_whose_hash_is_on_the_card_is_never_run_either(folder):
    raw(folder / "world.safetensors", Bomb(folder / "exploded"))
    digest = hashlib.sha256((folder / "world.safetensors").read_bytes()).hexdigest()
    card = json.loads((folder / "world.json").read_text()) | {"sha256": digest}
    del card["seal"]
    (folder / "world.json").write_text(json.dumps(card))
    with pytest.raises(InputError, match="cannot be read"):
        read_checkpoint(folder)
    assert not (folder / "exploded").exists()


def test_any_other_file_is_not_a_checkpoint_folder(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="is a file, not a checkpoint folder"):
        read_checkpoint(tmp_path / "notes.txt")
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(InputError, match="is a file, not a checkpoint folder"):
        read_checkpoint(tmp_path / "empty")
