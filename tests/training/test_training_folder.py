"""A training folder is in one of four states after a kill at any moment, and each has a way on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hnn_gym.envs.shipped import resolve_world
from hnn_gym.errors import ExistingPathError, InputError, MissingPathError
from hnn_gym.training import FitState
from hnn_gym.training.training_folder import Situation, TrainingFolder

ABOUT = {"model": "mechanical"}
STATE = FitState({"b": np.ones(2), "a": np.zeros(3)}, adam_step=3, stage="lbfgs", stage_start={"b": np.zeros(2)})


def folder_in(situation: Situation, path: Path) -> TrainingFolder:
    """Make a folder in one of the states."""
    folder = TrainingFolder(path)
    if situation is Situation.FINISHED:
        resolve_world("HNNPendulum-v0").save(path)
    if situation in (Situation.INTERRUPTED, Situation.DONE):
        folder.begin(overwrite=False)
        folder.keep(STATE, ABOUT)
    if situation is Situation.DONE:
        resolve_world("HNNPendulum-v0").save(path)
    return TrainingFolder(path)


@pytest.mark.parametrize("situation", Situation)
def test_every_state_is_recognised_and_a_start_is_refused_where_it_would_lose_something(tmp_path, situation):
    folder = folder_in(situation, tmp_path / "world")
    assert folder.situation() is situation
    if situation is Situation.EMPTY:
        folder.begin(overwrite=False)
    else:
        with pytest.raises(ExistingPathError, match="--overwrite"):
            folder.begin(overwrite=False)
    folder.begin(overwrite=True)
    assert folder.replaces is (situation in (Situation.FINISHED, Situation.DONE))


@pytest.mark.parametrize("situation", Situation)
def test_every_state_has_one_answer_to_resume(tmp_path, situation):
    folder = folder_in(situation, tmp_path / "world")
    match situation:
        case Situation.EMPTY:
            with pytest.raises(MissingPathError, match="without --resume"):
                folder.resume(ABOUT)
        case Situation.FINISHED:
            with pytest.raises(InputError, match="has finished"):
                folder.resume(ABOUT)
        case Situation.INTERRUPTED:
            with pytest.raises(InputError, match="other data or settings"):
                folder.resume({"model": "hnn"})
            found = folder.resume(ABOUT)
            assert list(found.parameters) == ["b", "a"]  # the order, on which the last digits of sums depend
            assert (found.adam_step, found.stage, list(found.stage_start)) == (3, "lbfgs", ["b"])
        case Situation.DONE:
            assert folder.resume(ABOUT) is None
            assert folder.situation() is Situation.FINISHED


def test_a_kill_before_the_first_saved_state_leaves_an_empty_folder(tmp_path):
    (tmp_path / "world" / "unfinished").mkdir(parents=True)
    (tmp_path / "world" / "unfinished" / "fit.safetensors.partial").write_bytes(b"half")
    folder = TrainingFolder(tmp_path / "world")
    assert folder.situation() is Situation.EMPTY
    folder.begin(overwrite=False)


def test_what_a_kill_leaves_while_a_state_is_written_or_removed_is_cleaned_by_the_next_training(tmp_path):
    folder = folder_in(Situation.FINISHED, tmp_path / "world")
    left = tmp_path / "world" / "unfinished"
    for name in (None, "fit.safetensors.partial"):
        left.mkdir()
        if name is not None:
            (left / name).write_bytes(b"half")
        with folder:
            assert not left.exists()
            assert folder.situation() is Situation.FINISHED


def test_a_training_that_replaces_a_world_is_resumed_and_replaces_it(tmp_path):
    resolve_world("HNNPendulum-v0").save(tmp_path / "world")
    folder = TrainingFolder(tmp_path / "world")
    folder.begin(overwrite=True)
    folder.keep(STATE, ABOUT)
    again = TrainingFolder(tmp_path / "world")
    assert again.situation() is Situation.INTERRUPTED
    assert again.resume(ABOUT) is not None
    assert again.replaces


def test_two_processes_cannot_train_in_one_folder(tmp_path):
    with (
        TrainingFolder(tmp_path / "world"),
        pytest.raises(InputError, match="is being written"),
        TrainingFolder(tmp_path / "world"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"\x00" * 8, b"\xff" * 100])
def test_a_damaged_state_is_refused(tmp_path, content):
    folder = folder_in(Situation.INTERRUPTED, tmp_path / "world")
    (tmp_path / "world" / "unfinished" / "fit.safetensors").write_bytes(content)
    with pytest.raises(InputError, match=r"fit\.safetensors"):
        folder.resume(ABOUT)


@pytest.mark.parametrize("part", [b"mechanical", b"lbfgs", np.ones(2).tobytes()])
def test_a_bit_that_flipped_in_a_state_is_noticed(tmp_path, part):
    folder = folder_in(Situation.INTERRUPTED, tmp_path / "world")
    file = tmp_path / "world" / "unfinished" / "fit.safetensors"
    content = bytearray(file.read_bytes())
    content[content.index(part)] ^= 1
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"fit\.safetensors is damaged"):
        folder.resume(ABOUT)
