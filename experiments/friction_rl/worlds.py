"""Random real steps, and worlds that are learned from them and from nothing else."""

from __future__ import annotations

import gymnasium
import numpy as np

from experiments.friction_rl.systems import SCHEME, SYSTEMS
from experiments.structures import learned, structure_of
from hnn_gym.data import TransitionDataset, record_steps
from hnn_gym.envs import SimulatorEnv
from hnn_gym.worlds.world_model import WorldModel

STEPS = {
    "Pendulum": 400,
    "Pendulum-sw": 1_000,
    "CartPole": 1_000,
    "CartPole-sw": 1_000,
    "CartPole raised": 1_000,
    "Acrobot": 1_000,
    "Acrobot-sw": 3_000,
}
"""A fifth of the published real steps."""
FRICTION = {"damping": True, "dry": True}
"""What the chain learns beside its links, in every task."""


def real(name: str) -> gymnasium.Env[np.ndarray, np.ndarray]:
    """The real environment of a task, in the published length."""
    system = SYSTEMS[name]
    task = system.task_for()
    assert task is not None
    assert task.max_episode_steps is not None
    return gymnasium.wrappers.TimeLimit(
        SimulatorEnv(system.true_world(), task=task), max_episode_steps=task.max_episode_steps
    )


def random_steps(name: str, *, steps: int, seed: int) -> TransitionDataset:
    """So many real steps under uniform random actions; the last episode is cut."""
    env = real(name)
    try:
        return record_steps(env, steps=steps, seed=seed, dt=SYSTEMS[name].dt)
    finally:
        env.close()


def model(name: str, structure: str, *, steps: int, seed: int) -> tuple[WorldModel, float]:
    """A world learned from random steps, and its CPU time in s; "truth" is the true world."""
    system = SYSTEMS[name]
    if structure == "truth":
        return system.true_world(), 0.0
    dataset = random_steps(name, steps=steps, seed=seed)
    return learned(
        dataset,
        structure_of(structure, f"friction_rl/{name}"),
        seed=seed,
        integrator=SCHEME,
        coordinates=system.coordinates_for(),
        options=FRICTION if structure == "chain" else {},
    )


def one_step_error(name: str, world: WorldModel, *, rows: int = 500, seed: int = 99) -> float:
    """Error of the change of velocities in one step, relative to that change, where random steps go."""
    true, data = SYSTEMS[name].true_world(), random_steps(name, steps=rows, seed=seed).transitions()
    q, v = true.coordinates.state(data.observation.astype(np.float64))
    changes = [w.state(w.step(w.phase_point(q, v), data.action.astype(np.float64)))[1] - v for w in (true, world)]
    return float(np.sqrt(np.mean((changes[1] - changes[0]) ** 2) / np.mean(changes[0] ** 2)))
