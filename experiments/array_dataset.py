"""A dataset of trajectories that a study computes itself, for a declared system."""

from __future__ import annotations

import numpy as np
from gymnasium.spaces import Box

from hnn_gym.data import TransitionDataset
from hnn_gym.data.episode import Episode
from hnn_gym.data.provenance import Provenance
from hnn_gym.errors import InputError
from hnn_gym.systems import System


def dataset_of(system: System, observation: np.ndarray, action: np.ndarray) -> TransitionDataset:
    """Return trajectories as episodes.

    Args:
        system: whose coordinates and time step they have.
        observation: ``(N, T + 1, d)``.
        action: ``(N, T, m)``.

    Raises:
        InputError: the system has no coordinates or no time step.
    """
    coordinates = system.coordinates_for()
    if coordinates is None or system.dt is None:
        raise InputError(f"The System {system.id!r} needs coordinates and dt.")
    d, m = observation.shape[-1], action.shape[-1]
    provenance = Provenance(
        env_id=system.id,
        observation_space=Box(-np.inf, np.inf, (d,), np.float64),
        action_space=Box(-np.inf, np.inf, (m,), np.float64),
        dt=system.dt,
        coordinates=coordinates.to_json(),
    )
    steps = action.shape[1]
    episodes = [
        Episode(np.ascontiguousarray(o), np.ascontiguousarray(a), np.zeros(steps), *np.zeros((2, steps), bool))
        for o, a in zip(observation, action, strict=True)
    ]
    return TransitionDataset.from_episodes(episodes, provenance)
