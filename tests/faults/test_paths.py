"""Paths that are not what they seem: links, pipes, folders in place of files, and one path for input and output."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import gymnasium
import numpy as np
import pytest

import hnn_gym
from hnn_gym import command
from hnn_gym.convert import ConvertSettings, convert
from hnn_gym.data import StoreWriter
from hnn_gym.data.sharded_recording import ShardedRecording
from hnn_gym.envs.shipped import WEIGHTS, resolve_pixel_world, resolve_world
from hnn_gym.errors import ExistingPathError, InputError, StorageError
from hnn_gym.evaluation.report import RESULTS, report_folder
from hnn_gym.files.path_lock import PathLock
from hnn_gym.files.single_file import write_file
from hnn_gym.studies import Results, run_cells
from hnn_gym.training.training_folder import TrainingFolder

_COMMAND = "python -m a_study"


@pytest.fixture(autouse=True)
def no_hang() -> Iterator[None]:
    """End a test that waits for ever."""

    def fail(number: int, frame: FrameType | None) -> None:
        raise AssertionError("It waits for ever.")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Three episodes in one store."""
    path = tmp_path / "data.zarr"
    env = gymnasium.make("Pendulum-v1", max_episode_steps=5)
    with hnn_gym.RecordTransitions(env, path, seed=0) as recorder:
        for seed in range(3):
            recorder.reset(seed=seed)
            for _ in range(5):
                recorder.step(np.zeros(1, np.float32))
    return path


def _report(path: Path) -> None:
    with report_folder(path, overwrite=True) as folder:
        (folder / "x").write_text("x")


_WRITERS: dict[str, Callable[[Path], Any]] = {
    "store": lambda path: StoreWriter(path, overwrite=True),
    "shards": lambda path: ShardedRecording(path, overwrite=True),
    "training": lambda path: TrainingFolder(path),
    "report": _report,
    "file": lambda path: write_file(path, b"x"),
    "results": lambda path: Results(path, command=_COMMAND),
}


def test_a_checkpoint_that_was_replaced_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "world"
    for name, n in (("HNNPendulum-v0", 1), ("HNNCartPole-v0", 2)):
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(WEIGHTS / name, path)
        assert resolve_world(str(path)).coordinates.n == n
    for name in ("HNNPixelPendulum-v0", "HNNPixelCartPole-v0"):
        shutil.rmtree(path)
        shutil.copytree(WEIGHTS / name, path)
        found, expected = resolve_pixel_world(str(path)), resolve_pixel_world(name)
        assert found is not None
        assert expected is not None
        assert found.world.coordinates.n == expected.world.coordinates.n


def test_a_world_of_frames_in_the_home_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    shutil.copytree(WEIGHTS / "HNNPixelPendulum-v0", tmp_path / "world")
    assert resolve_pixel_world("~/world") is not None


def test_a_dataset_can_be_converted_into_its_own_place(dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(dataset)
    before = hnn_gym.TransitionDataset.open(dataset).content_hash()
    for source in (dataset, tmp_path / "link"):
        convert(ConvertSettings((source,), dataset, overwrite=True))
        assert hnn_gym.TransitionDataset.open(dataset).content_hash() == before


def test_a_conversion_that_ends_early_leaves_what_was_there(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = hnn_gym.TransitionDataset.open(dataset).content_hash()
    shutil.copytree(dataset, tmp_path / "other.zarr")
    write = StoreWriter.write

    def second_refused(self: StoreWriter, episode: Any) -> None:
        if self._episodes == 1:
            raise KeyboardInterrupt
        write(self, episode)

    monkeypatch.setattr(StoreWriter, "write", second_refused)
    for out in (dataset, tmp_path / "new.zarr"):
        with pytest.raises(KeyboardInterrupt):
            convert(ConvertSettings((tmp_path / "other.zarr",), out, overwrite=True))
    assert hnn_gym.TransitionDataset.open(dataset).content_hash() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.zarr", "other.zarr"]


@pytest.mark.parametrize("writer", _WRITERS)
def test_links_that_lead_in_a_circle_are_refused(tmp_path: Path, writer: str) -> None:
    (tmp_path / "circle").symlink_to("circle")
    for path in (tmp_path / "circle", tmp_path / "circle" / "below"):
        with pytest.raises(StorageError, match="lead in a circle"):
            _WRITERS[writer](path)


@pytest.mark.parametrize("writer", ["report", "file", "results"])
def test_pipes_are_neither_waited_for_nor_replaced(tmp_path: Path, writer: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="is not replaced"):
        _WRITERS[writer](tmp_path / "pipe")
    assert (tmp_path / "pipe").is_fifo()


def test_a_file_is_written_through_a_link_and_not_onto_a_folder(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"old")
    (tmp_path / "link").symlink_to("target")
    write_file(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"new"
    with pytest.raises(InputError, match="is a folder"):
        write_file(tmp_path, b"x")


def test_a_lock_that_cannot_be_made_is_an_error_and_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".x.lock").symlink_to("nowhere")
    for wait in (False, True):
        with pytest.raises(OSError, match="symbolic links"):
            PathLock(tmp_path / "x").acquire(wait=wait)
    if Path("/proc/self").exists():  # a folder in which no file can be made
        with pytest.raises(FileNotFoundError):
            PathLock("/proc/nothing").acquire(wait=True)
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(FileNotFoundError):
        PathLock(Path("x")).acquire(wait=True)
    with pytest.raises(StorageError, match="No such file"):
        write_file("x", b"x")
    monkeypatch.chdir(tmp_path)


def test_a_pipe_in_place_of_the_results_of_a_report_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    os.mkfifo(tmp_path / "report" / RESULTS)
    with pytest.raises(ExistingPathError, match="is not a report"), report_folder(tmp_path / "report"):
        pass


def test_what_is_read_is_not_replaced(dataset: Path, tmp_path: Path) -> None:
    for out in (dataset, tmp_path):
        with (
            pytest.raises(InputError, match="is read"),
            report_folder(out, overwrite=True, reads=("HNNPendulum-v0", str(dataset))),
        ):
            pass
    with (
        TrainingFolder(dataset) as folder,
        pytest.raises(ExistingPathError, match="is a dataset"),
    ):
        folder.begin(overwrite=True)
    with pytest.raises(InputError, match="is named twice"):
        ConvertSettings((tmp_path / "a.csv", tmp_path / "a.csv"), tmp_path / "out")


def test_logs_may_lie_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    settings = ConvertSettings((Path("~/a.csv"), Path("b.csv")), Path("~/out"))
    assert command._with_paths(settings).logs == (tmp_path / "a.csv", Path("b.csv"))


def test_results_that_another_process_has_added_are_kept(tmp_path: Path) -> None:
    first, second = (Results(tmp_path / "results.json", command=_COMMAND) for _ in range(2))
    run_cells(first, {"a": lambda: 1})
    run_cells(second, {"b": lambda: 2})
    run_cells(first, {"b": lambda: 3, "c": lambda: 4})
    assert Results(tmp_path / "results.json", command=_COMMAND).below("") == {"a": 1, "b": 2, "c": 4}


@pytest.mark.parametrize(
    "option",
    [
        {"dt": 10**400},
        {"stepping": np.array([])},
        {"actions": np.array([])},
        {"disagreement_penalty": np.array([])},
        {"controls": np.array(1j)},
    ],
)
def test_arrays_and_enormous_numbers_are_no_options(option: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(option))):
        gymnasium.make("HNNPendulum-v0", **option)


def test_wrong_values_for_methods_of_an_environment_are_refused() -> None:
    env: Any = gymnasium.make("HNNAcrobot-v0").unwrapped
    env.reset(seed=0)
    with pytest.raises(InputError, match="saved state"):
        env.restore_state(None)
    with pytest.raises(InputError, match="annotated"):
        env.annotated = np.array([])
    with pytest.raises(InputError, match="The action"):
        env.step([[1], [1, 2]])
    for option in ({"render_mode": np.array([])}, {"dtype": np.array([])}):
        with pytest.raises(InputError, match=next(iter(option))):
            gymnasium.make_vec("HNNPendulum-v0", 2, **option)
