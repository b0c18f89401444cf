"""Figures of the shipped twins: starts, a joule given by a bump, the parts of the force, and how fast they step."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import SyncVectorEnv, VectorEnv

from hnn_gym.data import record_steps
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.phase import split
from hnn_gym.systems import SYSTEMS, truth_of
from hnn_gym.worlds.world_model import WorldModel

BUMPED = ("Acrobot-v1", "InvertedPendulum-v5")
TIMED = ("Acrobot-v1", "CartPole-v1")
_STARTS, _STATES, _JOULES = 100, 1_000, 1.0
_SINGLE_STEPS, _ROUNDS, _REPEATS = 2_000, 10, 5
_MANY, _FEW = 1_024, 64


def start_figures(env_id: str) -> dict[str, float]:
    """The largest difference of an entry of the observation between ``reset(seed=s)`` of the twin and the real one."""
    with closing(gymnasium.make(env_id)) as real, closing(gymnasium.make(f"HNN{SYSTEMS[env_id].name}-v0")) as twin:
        apart = [np.abs(real.reset(seed=seed)[0] - twin.reset(seed=seed)[0]).max() for seed in range(_STARTS)]
    return {"seeds": _STARTS, "apart": _short(max(apart))}


def bump_figures(env_id: str) -> dict[str, float]:
    """Errors of a bump of 1 J at 1,000 states of real episodes under random actions, as shares of it.

    ``error_of_95_percent`` is not exceeded at 95 % of the states, ``worst`` nowhere, by the true energy.
    """
    world = resolve_world(f"HNN{SYSTEMS[env_id].name}-v0")
    with closing(gymnasium.make(env_id)) as env:
        dataset = record_steps(env, steps=_STATES, seed=20_000)
        q, v = world.coordinates.state(np.asarray(dataset.transitions().observation, np.float64))
        x = world.phase_point(q, v)
        bumped = world.state(world.bump(x, np.full(len(x), _JOULES)).x)
        energy = _true_energy(world, env)
        change = energy(*bumped) - energy(q, v)
    error = np.abs(change / _JOULES - 1)
    return {"states": len(x), "error_of_95_percent": _short(np.quantile(error, 0.95)), "worst": _short(error.max())}


def _true_energy(world: WorldModel, env: gymnasium.Env[Any, Any]) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """The true energy ``(N,)`` in J of states ``(N, n)``: in closed form, or MuJoCo's own."""
    truth = truth_of(world)
    if truth is not None:
        return lambda q, v: np.asarray(truth.energy(truth.phase_point(q, v)))
    import mujoco

    simulated: Any = env.unwrapped
    simulated.model.opt.enableflags |= mujoco.mjtEnableBit.mjENBL_ENERGY

    def energy(q: np.ndarray, v: np.ndarray) -> np.ndarray:
        found = []
        for one, other in zip(q, v, strict=True):
            simulated.set_state(one, other)
            found.append(float(simulated.data.energy.sum()))
        return np.array(found)

    return energy


def force_figures(env_id: str) -> dict[str, float]:
    """How much of the force on a twin comes from H, from the actions and from friction, along real episodes.

    Each is the root mean square over 1,000 states of real episodes under random actions and over all degrees of freedom
    that move, of forces dp/dt as shares of the root mean square of the whole force on the same degree of freedom.
    Shares of forces that act against each other add up to more than 1. "residual" is what none of the three explains:
    the stops of joints.
    """
    world = resolve_world(f"HNN{SYSTEMS[env_id].name}-v0")
    dynamics = world.dynamics
    assert isinstance(dynamics, PortHamiltonian)
    with closing(gymnasium.make(env_id)) as env:
        data = record_steps(env, steps=_STATES, seed=20_000).transitions()
    x = world.encode(np.asarray(data.observation, np.float64))
    actions = np.asarray(data.action).reshape(len(x), -1)
    u = world.coordinates.force(np.asarray(world.coordinates.control_vector(actions), np.float64))
    whole = split(dynamics.field(x, u))[1]
    parts = {"H": split(PortHamiltonian(dynamics.hamiltonian).field(x))[1]}
    parts["actions"] = split(PortHamiltonian(dynamics.hamiltonian, dynamics.control).field(x, u))[1] - parts["H"]
    unforced = replace(dynamics, control=None, stops=None)
    parts["friction"] = split(unforced.field(x))[1] - parts["H"]
    parts["residual"] = whole - parts["H"] - parts["actions"] - parts["friction"]
    size = np.sqrt(np.mean(whole**2, axis=0))
    moving = size > 0  # constants of the episode feel no force
    return {name: _short(np.sqrt(np.mean((part[:, moving] / size[moving]) ** 2))) for name, part in parts.items()}


def speed_figures(env_id: str) -> dict[str, Any]:
    """Steps per CPU second, one thread, of the twin by both ways of stepping and of the real environment, interleaved.

    Single environments, and batches: 1,024 of the twin, 64 of the real one by Gymnasium's SyncVectorEnv. The medians of
    five rounds.
    """
    twin = f"HNN{SYSTEMS[env_id].name}-v0"
    singles = {"real": gymnasium.make(env_id)}
    batches: dict[str, VectorEnv[Any, Any, Any]] = {"real": SyncVectorEnv([lambda: gymnasium.make(env_id)] * _FEW)}
    for stepping in ("symplectic", "recorded"):
        singles[stepping] = gymnasium.make(twin, stepping=stepping)
        batches[stepping] = gymnasium.make_vec(
            twin, num_envs=_MANY, vectorization_mode="vector_entry_point", stepping=stepping
        )
    for envs in batches.values():
        envs.reset(seed=0)
    rates: dict[str, list[float]] = {}
    for _ in range(_REPEATS):
        for name, env in singles.items():
            rates.setdefault(f"single/{name}", []).append(_single(env))
        for name, envs in batches.items():
            rates.setdefault(f"batch/{name}", []).append(_batch(envs))
    return {name: float(f"{np.median(found):.3g}") for name, found in rates.items()}


def _single(env: gymnasium.Env[Any, Any]) -> float:
    env.reset(seed=0)
    began = time.process_time()
    for step in range(_SINGLE_STEPS):
        _, _, terminated, truncated, _ = env.step(step % 2)
        if terminated or truncated:
            env.reset()
    return _SINGLE_STEPS / (time.process_time() - began)


def _batch(envs: VectorEnv[Any, Any, Any]) -> float:
    actions = envs.action_space.sample()
    began = time.process_time()
    for _ in range(_ROUNDS):
        envs.step(actions)
    return _ROUNDS * envs.num_envs / (time.process_time() - began)


def _short(value: Any) -> float:
    return float(f"{float(value):.3g}")
