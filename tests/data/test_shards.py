"""A folder of shards is one dataset: the same rows whatever the number of workers, and nothing that did not land."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import BrokenExecutor, Executor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hnn_gym.collect import CollectSettings, collect
from hnn_gym.data import TransitionDataset, sharded_recording
from hnn_gym.data.shards import MANIFEST, read_manifest, write_manifest
from hnn_gym.errors import ExistingPathError, InputError, MissingPathError
from hnn_gym.studies import Execution


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards are recorded by threads, which start at once, in place of processes."""

    def opened(self: Execution) -> Executor:
        return ThreadPoolExecutor(self.workers)

    monkeypatch.setattr(Execution, "opened", opened)


def settings(path: Path, **changes: object) -> CollectSettings:
    chosen = CollectSettings(env="CartPole-v1", out=path, steps=300, seed=3, executor="processes", workers=2)
    return replace(chosen, **changes)


def rows(path: Path) -> str:
    return TransitionDataset.open(path).content_hash()


def test_processes_record_the_rows_of_a_single_process(tmp_path: Path) -> None:
    one = collect(settings(tmp_path / "one", executor="none", workers=1))
    two = collect(settings(tmp_path / "two"))
    assert len(read_manifest(tmp_path / "two")) > 2
    assert two.num_steps == 300
    assert two.content_hash() == one.content_hash()


@pytest.mark.usefixtures("threads")
def test_shards_hold_the_rows_of_one_store_whatever_the_number_of_workers(tmp_path: Path) -> None:
    one = collect(settings(tmp_path / "one", executor="none", workers=1, state=True))
    some = collect(settings(tmp_path / "some", workers=3, state=True))
    assert some.content_hash() == one.content_hash()
    order = np.random.default_rng(0).permutation(len(one))  # rows in any order, over all shards
    assert some.select(order).content_hash() == one.select(order).content_hash()
    windows = some.windows(3), one.windows(3)
    np.testing.assert_array_equal(windows[0].observation, windows[1].observation)
    assert some.take_steps(123).content_hash() == one.take_steps(123).content_hash()
    assert sorted(p.name for p in (tmp_path / "some").iterdir() if p.is_dir()) == sorted(
        shard.folder for shard in read_manifest(tmp_path / "some")
    )


@pytest.mark.usefixtures("threads")
def test_appended_shards_continue_as_one_store_does(tmp_path: Path) -> None:
    for path, executor in ((tmp_path / "one", "none"), (tmp_path / "some", "processes")):
        collect(settings(path, executor=executor, workers=1, steps=100))
        collect(settings(path, executor=executor, workers=1, append=True, seed=None, steps=50))
        collect(settings(path, executor=executor, workers=1, append=True, seed=9, steps=50))
    one, some = (TransitionDataset.open(tmp_path / name) for name in ("one", "some"))
    assert some.content_hash() == one.content_hash()
    assert some.provenance.appended == one.provenance.appended
    assert len(some.provenance.appended) == 1


@pytest.mark.usefixtures("threads")
def test_an_interrupted_recording_keeps_the_shards_that_landed_and_is_continued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = collect(settings(tmp_path / "whole"))
    landed = 0
    land = sharded_recording.ShardedRecording._land

    def interrupted(self: object, *shard: object) -> object:
        nonlocal landed
        landed += 1
        if landed == 3:
            raise KeyboardInterrupt
        return land(self, *shard)

    with monkeypatch.context() as patch:
        patch.setattr(sharded_recording.ShardedRecording, "_land", interrupted)
        with pytest.raises(KeyboardInterrupt):
            collect(settings(tmp_path / "cut"))
    kept = TransitionDataset.open(tmp_path / "cut")
    assert kept.content_hash() == whole.select(range(len(kept))).content_hash()
    assert len([path for path in (tmp_path / "cut").iterdir() if path.is_dir()]) == 2
    collect(settings(tmp_path / "cut", append=True, seed=None, steps=300 - kept.num_steps))
    assert rows(tmp_path / "cut") == whole.content_hash()


@pytest.mark.usefixtures("threads")
def test_an_overwritten_dataset_stays_until_the_first_shard_lands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "data"
    before = collect(settings(path, executor="none", workers=1)).content_hash()
    with pytest.raises(ExistingPathError, match="exists already"):
        collect(settings(path))
    with monkeypatch.context() as patch:
        patch.setattr(sharded_recording, "_record", failing)
        with pytest.raises(RuntimeError, match="no shard"):
            collect(settings(path, overwrite=True, seed=4))
    assert rows(path) == before
    collect(settings(path, overwrite=True, seed=4))
    assert rows(path) != before
    collect(settings(path, executor="none", workers=1, overwrite=True))  # and one store replaces shards
    assert rows(path) == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["data"]


def failing(*_: object) -> None:
    raise RuntimeError("no shard")


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("executor", ["none", "processes"])
def test_a_dataset_is_put_back_where_its_replacement_by_shards_was_killed(tmp_path: Path, executor: str) -> None:
    path, aside = tmp_path / "data", tmp_path / ".data.old"
    before = collect(settings(path, executor="none", workers=1)).content_hash()
    path.rename(aside)
    (path / "shard-000000000").mkdir(parents=True)  # one that has not landed
    with pytest.raises(ExistingPathError, match="exists already"):
        collect(settings(path, executor=executor))
    assert rows(path) == before
    shutil.copytree(path, aside)
    (aside / "zarr.json").unlink()  # what is half removed, because the new one is there
    with pytest.raises(ExistingPathError, match="exists already"):
        collect(settings(path, executor=executor))
    assert rows(path) == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["data"]


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("executor", ["none", "processes"])
def test_shards_of_which_none_has_landed_are_no_dataset_and_are_removed(tmp_path: Path, executor: str) -> None:
    (tmp_path / "data" / "shard-000000000").mkdir(parents=True)
    with pytest.raises(MissingPathError):
        collect(settings(tmp_path / "data", executor=executor, append=True))
    (tmp_path / "data" / "shard-000000000").mkdir(parents=True)
    assert collect(settings(tmp_path / "data", executor=executor)).num_steps == 300


def test_a_list_of_shards_that_was_changed_is_refused(recorded: Path) -> None:
    content = json.loads((recorded / MANIFEST).read_text())
    content["shards"][0]["steps"] -= 1
    (recorded / MANIFEST).write_text(json.dumps(content))
    with pytest.raises(InputError, match="was changed after it was written"):
        TransitionDataset.open(recorded)


@pytest.mark.usefixtures("threads")
def test_a_process_that_is_ended_from_outside_is_said_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(*_: object) -> None:
        raise BrokenExecutor("terminated abruptly")

    monkeypatch.setattr(sharded_recording, "_record", ended)
    with pytest.raises(InputError, match="ended from outside"):
        collect(settings(tmp_path / "data"))
    assert not list(tmp_path.iterdir())


@pytest.fixture
def recorded(tmp_path: Path, threads: None) -> Path:
    collect(settings(tmp_path / "data", workers=1))
    return tmp_path / "data"


def test_a_missing_shard_is_named(recorded: Path) -> None:
    shard = read_manifest(recorded)[1].folder
    shutil.rmtree(recorded / shard)
    with pytest.raises(MissingPathError, match=f"The shard {shard} of the dataset .* is missing: restore it"):
        TransitionDataset.open(recorded)


def test_two_shards_that_have_exchanged_their_names_are_noticed(recorded: Path) -> None:
    collect(settings(recorded, env="Pendulum-v1", workers=1, steps=800, overwrite=True))
    first, second, *_ = read_manifest(recorded)
    assert (first.episodes, first.steps) == (second.episodes, second.steps)
    (recorded / first.folder).rename(recorded / "aside")
    (recorded / second.folder).rename(recorded / first.folder)
    (recorded / "aside").rename(recorded / second.folder)
    with pytest.raises(InputError, match=f"{first.folder} is not the shard that {MANIFEST} lists under this name"):
        TransitionDataset.open(recorded)


def test_a_shard_of_another_environment_is_named(recorded: Path, tmp_path: Path) -> None:
    shard = read_manifest(recorded)[1].folder
    shutil.rmtree(recorded / shard)
    collect(settings(recorded / shard, executor="none", workers=1, env="Acrobot-v1"))
    with pytest.raises(InputError, match=f"The shard .*{shard} is of another environment"):
        TransitionDataset.open(recorded)


def test_a_shard_with_other_episodes_than_listed_is_refused(recorded: Path) -> None:
    first, *others = read_manifest(recorded)
    write_manifest(recorded, [replace(first, episodes=first.episodes + 1, steps=first.steps + 1), *others])
    with pytest.raises(InputError, match=r"where shards\.json lists"):
        TransitionDataset.open(recorded)


@pytest.mark.parametrize(
    "content",
    ['{"format": "hnn_gym.shards", "version": 3, "shards": []}', "[]", '{"format": "hnn_gym.shards", "version": 2}'],
)
def test_a_damaged_list_is_refused(recorded: Path, content: str) -> None:
    (recorded / MANIFEST).write_text(content)
    with pytest.raises(InputError):
        TransitionDataset.open(recorded)
    shards = [{"folder": "../elsewhere", "episodes": 1, "steps": 2, "check": 3}]
    (recorded / MANIFEST).write_text(json.dumps({"format": "hnn_gym.shards", "version": 2, "shards": shards}))
    with pytest.raises(InputError, match="damaged list of shards"):
        TransitionDataset.open(recorded)


def test_one_store_and_shards_are_not_appended_to_each_other(recorded: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="append to it with --executor processes"):
        collect(settings(recorded, executor="none", workers=1, append=True))
    collect(settings(tmp_path / "one", executor="none", workers=1))
    with pytest.raises(InputError, match="leave --executor out"):
        collect(settings(tmp_path / "one", append=True))
    with pytest.raises(InputError, match=r"env_id .*cannot be appended"):
        collect(settings(recorded, append=True, env="Acrobot-v1"))


def test_nothing_but_a_dataset_is_overwritten(recorded: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter").touch()
    with pytest.raises(InputError, match="is not a dataset of hnn_gym and will not be overwritten"):
        collect(settings(tmp_path / "thesis", overwrite=True))
