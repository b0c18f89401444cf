"""Agents of stable-baselines3 on disk: finished ones as a folder, unfinished trainings as one archive.

Tensors are read by torch's loader for weights alone, arrays by NumPy without pickles: loading executes nothing.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.running_mean_std import RunningMeanStd

from hnn_gym.agents.agent_checkpoint import read_agent, write_agent
from hnn_gym.data.json_values import plain
from hnn_gym.data.spaces import space_from_json, space_to_json
from hnn_gym.errors import InputError
from hnn_gym.files.committed import replace_file
from hnn_gym.files.reading import MOST_ARRAY_BYTES, check_archive, parse_json, parse_zipped_arrays, read_bytes
from hnn_gym.files.seal import sealed_bytes, unsealed_bytes
from hnn_gym.files.storage import storage_errors
from hnn_gym.worlds.devices import on_numpy

KIND = "stable-baselines3"
_FILE = "policy.zip"
_ABOUT, _TENSORS, _ARRAYS = "about.json", "agent.zip", "buffer.npz"
_MOST_BYTES = 2**33
"""Of an unfinished training, which holds the replay buffer."""
_BUFFER = ("observations", "next_observations", "actions", "rewards", "dones", "timeouts")


def write_policy(
    path: str | os.PathLike[str], agent: BaseAlgorithm, card: Mapping[str, Any], *, overwrite: bool
) -> None:
    """Write a trained agent as a folder.

    Raises:
        ExistingPathError: the folder holds an agent and ``overwrite`` is False.
    """
    spaces = {name: space_to_json(getattr(agent, name)) for name in ("observation_space", "action_space")}
    write_agent(path, KIND, {**card, **spaces}, _FILE, _zipped(agent), overwrite=overwrite)


def read_policy(
    path: str | os.PathLike[str], build: Callable[[Mapping[str, Any], gymnasium.Env[Any, Any], int], BaseAlgorithm]
) -> BaseAlgorithm:
    """Read what :func:`write_policy` wrote.

    Args:
        path: the folder.
        build: makes the untrained agent from the card, the spaces, and the size of its tensors in bytes at the most.

    Raises:
        MissingPathError: there is nothing at ``path``.
        InputError: the folder is not such an agent, or is damaged.
    """
    card, data = read_agent(path)
    if card["kind"] != KIND:
        raise InputError(f"{path} is an agent of kind {card['kind']!r}, not of {KIND}.")
    size = check_archive(data, path, at_most=MOST_ARRAY_BYTES)
    try:
        agent = build(card, _Spaces(card), size)
        agent.set_parameters(io.BytesIO(data), device="cpu")  # type: ignore[arg-type]  # files are taken too
    except Exception as error:  # whatever a damaged archive makes the libraries do
        raise InputError(f"The card of {path} does not describe the agent beside it: {error}") from None
    if not all(bool(torch.isfinite(value).all()) for value in agent.policy.state_dict().values()):
        raise InputError(f"The weights of {path} hold NaN or infinity: train the agent again.")
    return agent


def save_unfinished(path: Path, agent: BaseAlgorithm, about: Mapping[str, Any]) -> None:
    """Write a training in progress as one archive, atomically."""
    counters = {"steps": agent.num_timesteps, "updates": agent._n_updates, "episodes": agent._episode_num}
    names = agent._get_torch_save_params()[1]
    arrays: dict[str, Any] = {f"tensor/{name}": on_numpy(getattr(agent, name)) for name in names}
    buffer = getattr(agent, "replay_buffer", None)
    if buffer is not None:
        filled = buffer.buffer_size if buffer.full else buffer.pos
        arrays |= {f"buffer/{name}": getattr(buffer, name)[:filled] for name in _BUFFER}
        arrays["position"] = np.array([buffer.pos, buffer.full])
    for name, statistics in _statistics(agent).items():
        arrays |= {f"{name}/mean": statistics.mean, f"{name}/var": statistics.var, f"{name}/count": statistics.count}
    content, packed = io.BytesIO(), io.BytesIO()
    np.savez(content, **arrays)
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(_ABOUT, json.dumps({"about": plain(about), "counters": counters}))
        archive.writestr(_TENSORS, _zipped(agent))
        archive.writestr(_ARRAYS, content.getvalue())
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, sealed_bytes(packed.getvalue()))


def load_unfinished(path: Path, agent: BaseAlgorithm, about: Mapping[str, Any]) -> None:
    """Restore in an untrained ``agent`` the state that :func:`save_unfinished` wrote.

    Raises:
        InputError: the file belongs to another training, or cannot be read.
    """
    try:
        data = unsealed_bytes(read_bytes(path, at_most=_MOST_BYTES), path)
        check_archive(data, path, at_most=_MOST_BYTES)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            saved = parse_json(archive.read(_ABOUT), path)
            tensors, arrays = (
                archive.read(_TENSORS),
                parse_zipped_arrays(archive.read(_ARRAYS), path, at_most=_MOST_BYTES),
            )
        if saved["about"] == plain(about):
            check_archive(tensors, path, at_most=_MOST_BYTES)
            agent.set_parameters(io.BytesIO(tensors), device="cpu")  # type: ignore[arg-type]
            _restore(agent, saved["counters"], arrays)
            return
    except Exception as error:  # whatever a damaged archive makes the libraries do
        raise InputError(
            f"The unfinished training {path} cannot be read ({error}): remove it to start again."
        ) from None
    raise InputError(f"The unfinished training {path} had other settings: give the same, or remove it to start again.")


def _restore(agent: BaseAlgorithm, counters: Mapping[str, int], arrays: Mapping[str, np.ndarray]) -> None:
    agent.num_timesteps, agent._n_updates = counters["steps"], counters["updates"]
    agent._episode_num = counters["episodes"]
    for name in agent._get_torch_save_params()[1]:
        with torch.no_grad():
            getattr(agent, name).copy_(torch.as_tensor(arrays[f"tensor/{name}"]))
    for name, statistics in _statistics(agent).items():
        statistics.mean, statistics.var = arrays[f"{name}/mean"], arrays[f"{name}/var"]
        statistics.count = float(arrays[f"{name}/count"])
    if isinstance(agent, OffPolicyAlgorithm) and isinstance(agent.replay_buffer, ReplayBuffer):
        buffer = agent.replay_buffer
        for name in _BUFFER:
            kept = arrays[f"buffer/{name}"]
            getattr(buffer, name)[: len(kept)] = kept
        buffer.pos, buffer.full = int(arrays["position"][0]), bool(arrays["position"][1])


def _statistics(agent: BaseAlgorithm) -> dict[str, RunningMeanStd]:
    """What normalizes the agent's observations and returns, if anything does."""
    normalizer = agent.get_vec_normalize_env()
    if normalizer is None:
        return {}
    assert isinstance(normalizer.obs_rms, RunningMeanStd)
    return {"observation": normalizer.obs_rms, "return": normalizer.ret_rms}


def _zipped(agent: BaseAlgorithm) -> bytes:
    """Stable-baselines3's own archive, without the state that only this training needs."""
    content = io.BytesIO()
    agent.save(content, exclude=["lr_schedule", "learning_rate"])
    return content.getvalue()


class _Spaces(gymnasium.Env[Any, Any]):
    """Stands in for an environment: it has only the spaces that an agent was trained for."""

    def __init__(self, card: Mapping[str, Any]) -> None:
        self.observation_space = space_from_json(card["observation_space"])
        self.action_space = space_from_json(card["action_space"])
