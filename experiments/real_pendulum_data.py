"""The real pendulum's recording as transitions: one episode for each stretch without dropped frames.

A dropped frame has no observation, and a step over the gap would have another length, so that an episode ends there.
No force acted on the pendulum: every action is zero.
"""

from __future__ import annotations

import os

import numpy as np

from hnn_gym.data import Episode, Provenance, TransitionDataset
from hnn_gym.data.excitation import UNPUSHED
from hnn_gym.data.schmidt_lipson import read_schmidt_lipson
from hnn_gym.systems import SYSTEMS, RealPendulumSustain
from hnn_gym.worlds.world_model import WorldModel

FRAME = 1 / 6
"""Time between two frames in s."""


def real_pendulum_transitions(path: str | os.PathLike[str]) -> tuple[TransitionDataset, TransitionDataset]:
    """Read the recording: its first four fifths, to train on as the paper does, and the last, to test.

    Args:
        path: of ``invar_datasets.zip`` or of ``real_pend_h_1.txt``.

    Raises:
        MissingPathError: there is nothing at ``path``; the message says where the data come from.
        InputError: the file is another one, or damaged.
    """
    motion = read_schmidt_lipson(path)
    cut = len(motion.time) * 4 // 5
    parts = ((motion.time[:cut], motion.state[:cut]), (motion.time[cut:], motion.state[cut:]))
    train, test = (_dataset(time, state) for time, state in parts)
    return train, test


def energy_mse(world: WorldModel, film: TransitionDataset) -> float:
    """Mean square error of the paper's H = 2.4 (1 - cos q) + v^2 along a dream from the first frame of each episode."""
    errors = []
    for episode in film:
        seen = np.asarray(episode.observation, np.float64)
        dreamt = world.decode(world.rollout(world.encode(seen[0]), steps=len(seen) - 1))
        energy = [2.4 * (1 - values[:, 0]) + values[:, 2] ** 2 for values in (dreamt, seen)]
        errors.append((energy[0] - energy[1]) ** 2)
    return float(np.concatenate(errors).mean())


def _dataset(time: np.ndarray, state: np.ndarray) -> TransitionDataset:
    system = SYSTEMS["RealPendulum"]
    coordinates = system.coordinates_for()
    assert coordinates is not None
    provenance = Provenance(
        env_id=system.id,
        observation_space=RealPendulumSustain.observation_space,
        action_space=RealPendulumSustain.action_space,
        dt=system.dt,
        policy=UNPUSHED,
        coordinates=coordinates.to_json(),
    )
    gaps = np.flatnonzero(np.diff(time) > 1.5 * FRAME) + 1
    pieces = zip(np.split(time, gaps), np.split(state, gaps), strict=True)
    return TransitionDataset.from_episodes([_episode(t, s) for t, s in pieces if len(t) > 1], provenance)


def _episode(time: np.ndarray, state: np.ndarray) -> Episode:
    steps = len(time) - 1
    angle, velocity = state.T
    return Episode(
        observation=np.stack([np.cos(angle), np.sin(angle), velocity], axis=-1).astype(np.float32),
        action=np.zeros((steps, 1), np.float32),
        reward=np.zeros(steps),
        terminated=np.zeros(steps, bool),
        truncated=np.zeros(steps, bool),
        time=FRAME * np.arange(steps + 1),
    )
