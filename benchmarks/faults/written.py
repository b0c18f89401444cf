"""What is written at once: datasets, worlds and agents. A kill loses and mixes nothing, and there is a way on."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest import mock

from benchmarks.faults.cases import Case

ENV = "Pendulum-v1"
OLD, NEW, LATER = 3, 4, 5
"""Seeds of a dataset that is there, of one that is written, and of one that is recorded after a kill."""
_STEPS = 250
_EPISODE, _REFERENCE = 200, 8


def collected(path: Path, *, seed: int, steps: int = _STEPS, **options: Any) -> None:
    """Record with the function behind the command line."""
    from hnn_gym.collect import CollectSettings, collect

    collect(CollectSettings(env=ENV, out=path / "data.zarr", steps=steps, seed=seed, **options))


class _Here(Executor):
    """Computes in this process, where a kill can be counted."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """See :class:`concurrent.futures.Executor`."""
        done: Future[Any] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


@contextmanager
def _here(execution: Any) -> Iterator[Executor]:
    yield _Here()


def in_shards(path: Path, *, seed: int, **options: Any) -> None:
    """Record shards, in this process."""
    from hnn_gym.studies import Execution

    with mock.patch.object(Execution, "opened", _here):
        collected(path, seed=seed, executor="processes", **options)


@cache
def _reference(seed: int) -> list[dict[str, Any]]:
    """The arrays of the first episodes that are recorded with a seed."""
    import gymnasium

    from hnn_gym.data import PolicyChoice, record_steps

    env = gymnasium.make(ENV)
    recorded = record_steps(env, steps=_REFERENCE * _EPISODE, seed=seed, policy=PolicyChoice("random"))
    env.close()
    return [episode.arrays() for episode in recorded]


def recorded_seeds(path: Path) -> list[int]:
    """Which recordings the episodes of a dataset belong to, by their first observations.

    Raises:
        AssertionError: an episode mixes two recordings, or belongs to none.
    """
    import numpy as np

    from hnn_gym import TransitionDataset

    found = []
    for number, episode in enumerate(TransitionDataset.open(path / "data.zarr")):
        for seed in (OLD, NEW, LATER):
            whole = _reference(seed)[number]
            if all(
                np.array_equal(value, whole[name][: len(value)])
                for name, value in episode.arrays().items()
                if name != "truncated"
            ):
                found.append(seed)
                break
        else:
            raise AssertionError(f"episode {number} of {path} belongs to no recording: rows are lost or mixed")
    return found


def _check_new(path: Path, record: Callable[..., None] = collected) -> None:
    from hnn_gym.errors import InputError

    try:
        seeds = recorded_seeds(path)
    except InputError:  # nothing was committed
        collected(path, seed=LATER)
        assert set(recorded_seeds(path)) == {LATER}
    else:
        assert set(seeds) == {NEW}
        record(path, seed=NEW, steps=10, append=True)
    _check_no_scraps(path)


def _check_append(path: Path, record: Callable[..., None] = collected) -> None:
    seeds = recorded_seeds(path)
    assert seeds[:2] == [OLD, OLD], f"old episodes are lost: {seeds}"
    record(path, seed=LATER, steps=10, append=True)
    assert recorded_seeds(path) == [*seeds, LATER]
    _check_no_scraps(path)


def _check_overwrite(path: Path) -> None:
    from hnn_gym.errors import ExistingPathError

    try:  # what is not there is put back by the next writer, which then refuses to replace it
        collected(path, seed=LATER)
    except ExistingPathError:
        pass
    else:
        raise AssertionError("a plain recording replaced what was there")
    seeds = set(recorded_seeds(path))
    assert seeds in ({OLD}, {NEW}), f"episodes are mixed: {seeds}"
    _check_no_scraps(path)


def _check_no_scraps(path: Path) -> None:
    left = [file.name for file in path.rglob(".*") if not file.name.endswith(".lock")]
    assert not left, f"left over: {left}"


DATASETS = (
    Case("collect, new", lambda path: None, lambda path: collected(path, seed=NEW), _check_new),
    Case(
        "collect --append",
        lambda path: collected(path, seed=OLD),
        lambda path: collected(path, seed=NEW, append=True),
        _check_append,
    ),
    Case(
        "collect --overwrite",
        lambda path: collected(path, seed=OLD),
        lambda path: collected(path, seed=NEW, overwrite=True),
        _check_overwrite,
    ),
)

SHARDS = (
    Case(
        "collect --executor processes, new",
        lambda path: None,
        lambda path: in_shards(path, seed=NEW),
        lambda path: _check_new(path, in_shards),
    ),
    Case(
        "collect --executor processes --append",
        lambda path: in_shards(path, seed=OLD),
        lambda path: in_shards(path, seed=NEW, append=True),
        lambda path: _check_append(path, in_shards),
    ),
    Case(
        "collect --executor processes --overwrite",
        lambda path: collected(path, seed=OLD),
        lambda path: in_shards(path, seed=NEW, overwrite=True),
        _check_overwrite,
    ),
    Case(
        "collect --overwrite of shards",
        lambda path: in_shards(path, seed=OLD),
        lambda path: collected(path, seed=NEW, overwrite=True),
        _check_overwrite,
    ),
)


def _report(path: Path, value: int) -> None:
    from hnn_gym.evaluation.report import report_folder, write_results

    with report_folder(path / "report") as folder:
        (folder / "report.md").write_text(str(value))
        write_results(folder, {"value": value})


def _check_report(path: Path) -> None:
    from hnn_gym.evaluation.report import report_folder

    with contextlib.suppress(RuntimeError), report_folder(path / "report"):
        raise RuntimeError  # the next command puts back what was set aside
    value = json.loads((path / "report" / "results.json").read_text())["value"]
    assert value in (1, 2)
    assert (path / "report" / "report.md").read_text() == str(value), "a report is mixed"
    _check_no_scraps(path)


def _page(path: Path, name: str) -> None:
    from hnn_gym.page import write_page

    write_page("HNNPendulum-v0", path / "world.html", name=name, overwrite=True)


def _check_page(path: Path) -> None:
    text = (path / "world.html").read_text()
    assert text.count("</html>") == 1, "half a page"
    assert "<title>old" in text or "<title>new" in text
    _page(path, "later")
    assert [file.name for file in path.iterdir() if not file.name.endswith(".lock")] == ["world.html"]


RESULTS = (
    Case("a report that replaces one", lambda path: _report(path, 1), lambda path: _report(path, 2), _check_report),
    Case("page --overwrite", lambda path: _page(path, "old"), lambda path: _page(path, "new"), _check_page),
)


def _worlds() -> tuple[Any, Any]:
    """Two learned worlds that differ."""
    import numpy as np

    from hnn_gym.envs.shipped import resolve_world

    old = resolve_world("HNNPendulum-v0")
    assert old.parameters is not None
    return old, replace(old, parameters={name: np.asarray(value) * 1.5 for name, value in old.parameters.items()})


def _check_world(path: Path) -> None:
    import numpy as np

    from hnn_gym import WorldModel

    worlds = [one.parameters for one in _worlds()]
    found = WorldModel.load(path / "world").parameters
    assert any(all(np.array_equal(one[name], found[name]) for name in one) for one in worlds), "a world is mixed"
    _worlds()[1].save(path / "world", overwrite=True)
    assert sorted(file.name for file in (path / "world").iterdir()) == ["world.json", "world.safetensors"]


def _pixel_worlds() -> tuple[Any, Any]:
    from hnn_gym.envs.shipped import resolve_pixel_world

    old = resolve_pixel_world("HNNPixelPendulum-v0")
    assert old is not None
    reward = replace(old.reward, mean=old.reward.mean + 1)
    return old, replace(old, world=old.world.with_dt(old.world.dt * 2), reward=reward)


def _check_pixel_world(path: Path) -> None:
    from hnn_gym import PixelWorld

    old, new = _pixel_worlds()
    found = PixelWorld.load(path / "world")
    pairs = [(one.world.dt, one.reward.mean) for one in (old, new)]
    assert (found.world.dt, found.reward.mean) in pairs, "halves of two worlds"
    new.save(path / "world", overwrite=True)
    assert not [*path.rglob("*.next"), *path.rglob("*.partial")]


def _agent(path: Path, size: float) -> None:
    import numpy as np
    from gymnasium.spaces import Box

    from hnn_gym.agents.shac_policy import ShacPolicy
    from hnn_gym.models.mlp import initial_mlp

    arrays = initial_mlp("policy", (3, 4, 1), rng=np.random.default_rng(0)) | {"scale": np.full(3, size)}
    spaces = Box(-np.inf, np.inf, (3,), np.float32), Box(-2, 2, (1,), np.float32)
    ShacPolicy(arrays, *spaces).save(path / "agent", about={"size": size}, overwrite=True)


def _check_agent(path: Path) -> None:
    from hnn_gym.agents.agent_checkpoint import read_agent
    from hnn_gym.agents.load import load_agent

    size = read_agent(path / "agent")[0]["size"]
    assert load_agent(path / "agent").parameters["scale"][0] == size  # type: ignore[attr-defined]
    _agent(path, 3.0)
    assert sorted(file.name for file in (path / "agent").iterdir()) == ["agent.json", "policy.safetensors"]


CHECKPOINTS = (
    Case(
        "WorldModel.save(overwrite=True)",
        lambda path: _worlds()[0].save(path / "world"),
        lambda path: _worlds()[1].save(path / "world", overwrite=True),
        _check_world,
    ),
    Case(
        "PixelWorld.save(overwrite=True)",
        lambda path: _pixel_worlds()[0].save(path / "world"),
        lambda path: _pixel_worlds()[1].save(path / "world", overwrite=True),
        _check_pixel_world,
    ),
    Case(
        "an agent's save(overwrite=True)", lambda path: _agent(path, 1.0), lambda path: _agent(path, 2.0), _check_agent
    ),
)


def preload() -> None:
    """Import what the children need, so that a fork costs little; nothing here starts a thread."""
    for module in ("agents.load", "agents.train", "agents.transfer_report", "collect", "evaluation.plots", "train"):
        import_module(f"hnn_gym.{module}")
    for module in ("matplotlib.pyplot", "scipy.optimize", "torch._dynamo", "torch.utils.tensorboard"):  # used later
        import_module(module)
    import_module("torch").set_num_threads(1)
    for seed in (OLD, NEW, LATER):
        _reference(seed)
