"""The map of a dataset, inferred from what it holds; and the file that a user edits where it is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from gymnasium.spaces import Box, Discrete, MultiBinary, MultiDiscrete

from hnn_gym.coordinates.inference import InferredMap, Recording, infer_map
from hnn_gym.data.dataset import TransitionDataset
from hnn_gym.data.simulator import STEP
from hnn_gym.errors import InputError
from hnn_gym.systems.task import ActionSpace


def infer_dataset_map(dataset: TransitionDataset) -> InferredMap:
    """Infer what the entries of a dataset's observations and actions are, and its time step.

    Raises:
        AmbiguousMapError: the map is ambiguous.
        InputError: the dataset holds too little, nothing moves, an action never changes, or whole-number actions do not
            count from 0.
    """
    return infer_map(recording_of(dataset))


def recording_of(dataset: TransitionDataset) -> Recording:
    """The episodes of a dataset as plain arrays, with what its spaces and its clock say.

    Raises:
        InputError: there is no transition, a number is not finite, or whole-number actions do not count from 0.
    """
    provenance = dataset.provenance
    space = provenance.action_space
    episodes = list(dataset)
    return Recording.of(
        [episode.observation for episode in episodes],
        [episode.action for episode in episodes],
        dt=None if provenance.time_unit == STEP else provenance.dt,
        action_bounds=_bounds(space),
        action_counts=_counts(space),
        names=provenance.observation_names,
    )


def coordinates_path(dataset: str | Path) -> Path:
    """Where the coordinates of a dataset lie: ``data/acrobot.coordinates.json`` beside ``data/acrobot.zarr``."""
    path = Path(dataset)
    return path.with_name(path.name.removesuffix(".zarr") + ".coordinates.json")


def _bounds(space: ActionSpace) -> tuple[float, ...] | None:
    if not isinstance(space, Box):
        return None
    return tuple(float(b) for b in np.maximum(np.abs(space.low), np.abs(space.high)).reshape(-1))


def _counts(space: ActionSpace) -> tuple[int, ...] | None:
    """How many values each whole number of an action takes."""
    if isinstance(space, Box):
        return None
    start = np.asarray(getattr(space, "start", 0))
    if start.any():
        raise InputError(
            f"Whole-number actions must count from 0 for a force_table, and these are of {space}: record the "
            "environment in a gymnasium.wrappers.TransformAction that counts from 0."
        )
    if isinstance(space, Discrete):
        return (int(space.n),)
    if isinstance(space, MultiDiscrete):
        return tuple(int(count) for count in space.nvec.reshape(-1))
    assert isinstance(space, MultiBinary), "these are the spaces that can be recorded"
    return (2,) * int(np.prod(space.shape))
