"""Figures of a learned world against real episodes that it was not learned from."""

from __future__ import annotations

from typing import Any

import numpy as np

from hnn_gym.data import TransitionDataset
from hnn_gym.envs.build import build_simulator
from hnn_gym.errors import ConvergenceError
from hnn_gym.worlds.world_model import WorldModel

STEPS, STATES, EPISODES = 50, 100, 100


def world_figures(world: WorldModel, fresh: TransitionDataset) -> dict[str, Any]:
    """The errors of a world, for each way of stepping it that it has.

    Returns:
        For "recorded" and, where it differs, "symplectic": ``one_step``, the root mean square error of a step in
        standard deviations of each entry; ``open_loop``, the error of the worst entry after ``steps`` steps, median
        over 100 real states; and ``ends_apart``, the episodes of 100 that end more than a step from the real end.
    """
    found: dict[str, Any] = {}
    for stepping in ("recorded", "symplectic"):
        stepped = world.stepping(stepping)
        if stepping == "recorded" or stepped.integrator != world.integrator:
            found[stepping] = _errors(stepped, fresh) | {"ends_apart": ends_apart(world, fresh, stepping=stepping)}
    return found


def horizon(fresh: TransitionDataset) -> int:
    """Steps of an open-loop forecast: 50, or as many as the median episode has."""
    return int(min(STEPS, np.median([len(episode.action) for episode in fresh])))


def ends_apart(world: WorldModel, fresh: TransitionDataset, *, stepping: str) -> int:
    """How many of the first 100 real episodes end more than a step from where the world ends them."""
    simulator = build_simulator(world, stepping=stepping)
    episodes = list(fresh)[:EPISODES]
    lengths = np.array([len(episode.action) for episode in episodes])
    ended = np.array([bool(episode.terminated[-1]) for episode in episodes])
    forces = []
    for episode in episodes:
        own = np.asarray(world.coordinates.control_vector(np.asarray(episode.action).reshape(len(episode.action), -1)))
        forces.append(np.concatenate([own, np.repeat(own[-1:], lengths.max() + 1 - len(own), axis=0)]))
    force = np.array(forces, np.float64)
    x = world.encode(np.array([episode.observation[0] for episode in episodes], np.float64))
    end = np.full(len(episodes), lengths.max() + 2)
    for step in range(lengths.max() + 1):
        with np.errstate(all="ignore"):  # episodes that have ended are stepped too
            outcome = simulator.transition(x, force[:, step])
        x = np.where((end > step)[:, None], outcome.x, x)
        end = np.where(outcome.terminated & (end > step + 1), step + 1, end)
    apart = np.where(ended, np.abs(end - lengths) > 1, end < lengths - 1)
    return int(apart.sum())


def _errors(world: WorldModel, fresh: TransitionDataset) -> dict[str, float]:
    steps = horizon(fresh)
    windows = fresh.windows(steps, stride=steps)
    rows = np.linspace(0, len(windows) - 1, min(STATES, len(windows))).astype(int)
    coordinates = world.coordinates
    observation = np.asarray(windows.observation, np.float64)[rows]
    action = np.asarray(coordinates.control_vector(windows.action), np.float64)[rows]
    scale = np.asarray(fresh.transitions().observation, np.float64).std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    with np.errstate(all="ignore"):
        try:
            path = world.rollout(world.encode(observation[:, 0]), action.swapaxes(0, 1), steps=steps)
        except ConvergenceError:
            return {"one_step": float("inf"), "open_loop": float("inf"), "steps": steps}
        seen = coordinates.unwrapped(world.decode(path).swapaxes(0, 1), observation)
        error = np.abs(seen - observation) / scale
    return {
        "one_step": _short(np.sqrt(np.mean(error[:, 1] ** 2))),
        "open_loop": _short(np.median(error[:, -1].max(-1))),
        "steps": steps,
    }


def _short(value: Any) -> float:
    return float(f"{float(value):.3g}")
