"""Kills of trainings, of a world and of an agent: the same command goes on, to the same bits where that is promised."""

from __future__ import annotations

import inspect
import shutil
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.faults.cases import Case
from benchmarks.faults.written import OLD, collected


def _trained(path: Path, *, seed: int = 0, **options: Any) -> Any:
    """Train with the function behind the command line, and save the state of the fit after every step."""
    from hnn_gym import FitSettings, train

    train._SAVE_EVERY_S = -1.0  # type: ignore[attr-defined]
    fit = FitSettings(adam_steps=2, lbfgs_steps=2, least_squares_steps=2, seed=seed)
    settings = train.TrainSettings(
        path / "data.zarr", path / "world", model="mechanical", hidden=(4,), fit=fit, **options
    )  # type: ignore[attr-defined]
    return train.train(settings)  # type: ignore[attr-defined]


def _prepare_training(path: Path) -> None:
    from hnn_gym import WorldModel

    collected(path, seed=OLD, steps=200)
    for seed, name in ((0, "new"), (1, "old")):
        _trained(path, seed=seed)
        (path / "world").rename(path / name)
        WorldModel.load(path / name)


def _same(one: Any, other: Any) -> bool:
    import numpy as np

    return all(np.array_equal(value, other.parameters[name]) for name, value in one.parameters.items())


def _check_training(path: Path) -> None:
    """Go on as a user would: resume, and where nothing is to be resumed, start."""
    from hnn_gym import WorldModel
    from hnn_gym.errors import InputError, MissingPathError

    try:
        _trained(path, resume=True)
    except MissingPathError:
        _trained(path)
    except InputError as error:
        if "has finished" not in str(error):
            raise
    assert _same(WorldModel.load(path / "new"), WorldModel.load(path / "world")), "the weights are others"
    assert not (path / "world" / "unfinished").exists()


def _check_overwriting_training(path: Path) -> None:
    from hnn_gym import WorldModel
    from hnn_gym.errors import InputError

    old, new, now = (WorldModel.load(path / name) for name in ("old", "new", "world"))
    assert _same(old, now) or _same(new, now), "the old world is lost"
    try:
        _trained(path, resume=True)
    except InputError as error:
        if "has finished" not in str(error):
            raise
        if _same(old, now):
            _trained(path, overwrite=True)
    assert _same(new, WorldModel.load(path / "world")), "the weights are others"


TRAININGS = (
    Case("train, new", _prepare_training, _trained, _check_training),
    Case(
        "train --overwrite",
        lambda path: (_prepare_training(path), shutil.copytree(path / "old", path / "world")),
        lambda path: _trained(path, overwrite=True),
        _check_overwriting_training,
    ),
)


_WINDOWS = 3
"""Updates of a training by shac, and rollouts of one by PPO."""


def _agent_trained(path: Path, algo: str, *, seed: int = 0, overwrite: bool = False) -> None:
    """Train with the function behind the command line, save the state after every step, and film two moments."""
    from hnn_gym.agents import sb3, shac, train, transfer_report

    transfer_report._FRAMES = 2
    for function in (sb3.train_agent, shac.train_shac):
        inspect.unwrap(function).__kwdefaults__["save_every"] = -1.0  # type: ignore[attr-defined]
    sb3.RECIPES["ppo"] = sb3.AgentRecipe(8, 2, 1e-3, hidden=(4,), arguments={"n_steps": 4, "batch_size": 8})
    steps = 2 * (shac.ShacSettings().window if algo == "shac" else 4) * _WINDOWS
    train.train(
        train.TrainAgentSettings(
            world="HNNPendulum-v0",
            out=path / "agent",
            algo=algo,  # type: ignore[arg-type]
            steps=steps,
            num_envs=2,
            episodes=1,
            seed=seed,
            overwrite=overwrite,
        )
    )


def _prepare_agents(path: Path, algo: str, *, there: bool) -> None:
    for seed, name in ((0, "new"), (1, "old")):
        _agent_trained(path, algo, seed=seed)
        (path / "agent").rename(path / name)
    if there:
        shutil.copytree(path / "old", path / "agent")


def _weights(path: Path) -> list[Any]:
    from hnn_gym.agents.load import load_agent

    agent: Any = load_agent(path)
    found = (
        agent.parameters if hasattr(agent, "predict") and not hasattr(agent, "policy") else agent.policy.state_dict()
    )
    return [found[name].tolist() for name in sorted(found)]


def _check_agent_training(path: Path, algo: str, *, overwrite: bool) -> None:
    from hnn_gym.errors import ExistingPathError, MissingPathError

    old, new = _weights(path / "old"), _weights(path / "new")
    if overwrite:
        assert algo != "shac" or _weights(path / "agent") in (old, new), "the old agent is lost"
    try:
        _agent_trained(path, algo)
    except ExistingPathError:  # it had finished, or the old agent is there as it was
        if overwrite and _weights(path / "agent") == old:
            _agent_trained(path, algo, overwrite=True)
    except MissingPathError:
        _agent_trained(path, algo)
    now = _weights(path / "agent")
    assert now == new if algo == "shac" else now != old, "the weights are others"
    assert (path / "agent" / "transfer").exists(), "there is no report"
    left = [file.name for pattern in ("unfinished*", "*.partial", "*.next") for file in path.rglob(pattern)]
    assert not left, f"left over: {left}"


def _agents(algo: str, *, overwrite: bool) -> Case:
    return Case(
        f"agents.train --algo {algo}{' --overwrite' if overwrite else ''}",
        partial(_prepare_agents, algo=algo, there=overwrite),
        partial(_agent_trained, algo=algo, overwrite=overwrite),
        partial(_check_agent_training, algo=algo, overwrite=overwrite),
    )


AGENTS = (
    _agents("shac", overwrite=False),
    _agents("shac", overwrite=True),
    _agents("ppo", overwrite=False),
    _agents("ppo", overwrite=True),
)
