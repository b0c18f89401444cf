"""Plans that are improved later: random smooth actions, pushes along the motion, paths to the goal, and moved plans.

Actions lead from the start to somewhere. A path is the reverse: states that lead from the start to the goal with random
detours, whether or not actions can follow them. Several links amplify every small change of an action, so that random
actions hardly ever lead near a goal that is unstable. A path is there from the beginning, and the gaps between its
states and the steps of the world are closed while it is improved.

A plan that has been improved is moved: it is done in less time and with random detours, so that it may be improved to
another plan than before. Its gaps are closed in the same way.
"""

from __future__ import annotations

import numpy as np

from hnn_gym.agents.traced_step import TracedStep, turned
from hnn_gym.physics.phase import split
from hnn_gym.worlds.world_model import WorldModel

_DIFFERENCE = 1e-5
_EAGER = 2.0
"""Of w where a first plan pushes along the motion with all its strength, a = share tanh(w)."""
_SHORTEST, _MOVED = 0.8, 0.3
"""Least share of the time of a plan in which a moved one is done, and the largest standard deviation of the first wave
of a detour, in rad or m."""


def smooth_actions(rng: np.random.Generator, shape: tuple[int, int, int], waves: int, share: float) -> np.ndarray:
    """Actions ``(rows, H, m)``: sums of sine waves of random sizes, within ``share`` of the limits."""
    return share * np.tanh(_waves(rng, shape, waves))


def pumped_actions(
    rng: np.random.Generator,
    step: TracedStep,
    world: WorldModel,
    start: np.ndarray,
    shape: tuple[int, int, int],
    *,
    waves: int,
    share: float,
    pumping: float,
) -> np.ndarray:
    """As :func:`smooth_actions`; a share ``pumping`` of the plans also pushes along the motion, until a random step.

    Args:
        rng: source of randomness.
        step: of the world.
        world: whose inertia says which way an action adds energy.
        start: state [q, v] ``(2n,)``.
        shape: rows, steps and controls.
        waves: sine waves of a plan.
        share: largest action.
        pumping: share of the plans.
    """
    rows, horizon, _ = shape
    w = _waves(rng, shape, waves)
    eager = np.asarray(rng.random(rows) < pumping)
    if not eager.any():
        return share * np.tanh(w)
    gain, last = 10.0 ** rng.uniform(-0.5, 2.0, (rows, 1)), rng.uniform(0.3, 1.0, rows) * horizon
    s, actions = np.broadcast_to(start, (rows, len(start))), np.empty(shape)
    with np.errstate(all="ignore"):
        for t in range(horizon):
            work = np.nan_to_num(_work(step, world, s)) * (eager & (t < last))[:, None]
            actions[:, t] = share * np.tanh(w[:, t] + _EAGER * np.tanh(gain * work))
            s, _ = step(s, actions[:, t])
    return actions


def paths(
    rng: np.random.Generator,
    world: WorldModel,
    start: np.ndarray,
    goal: np.ndarray,
    *,
    rows: int,
    steps: int,
    waves: int,
) -> np.ndarray:
    """Paths ``(rows, H + 1, 2n)`` from a start to rest at a goal, where they stay for up to half of their time.

    Angles that have to turn by more than a quarter turn do so in either direction.

    Args:
        rng: source of randomness.
        world: which positions are angles, and the time step.
        start: state [q, v] ``(2n,)``.
        goal: q ``(n,)``.
        rows: how many.
        steps: H.
        waves: sine waves of a detour.
    """
    n = len(goal)
    way = turned(np.concatenate([goal, 0 * goal]) - start, world)[:n]
    angles = np.asarray(world.coordinates.angles)
    other = angles & (abs(way) > np.pi / 2) & (rng.random((rows, n)) < 0.5)
    way = np.where(other, way - 2 * np.pi * np.sign(way), way)
    s = np.clip(np.arange(steps + 1) / steps / rng.uniform(0.5, 1.0, (rows, 1)), 0, 1)
    detours = _detours(rng.normal(size=(rows, n, waves)) * rng.uniform(0.3, 1.5, (rows, n, 1)), s)
    q = start[:n] + way[:, None] * (s * s * (3 - 2 * s))[..., None] + detours
    path = np.concatenate([q, np.gradient(q, world.dt, axis=1)], axis=-1)
    path[:, 0] = start
    return path


def moved(
    rng: np.random.Generator, states: np.ndarray, actions: np.ndarray, *, dt: float, waves: int
) -> tuple[np.ndarray, np.ndarray]:
    """Plans ``(rows, H + 1, 2n)`` and ``(rows, H, m)`` that are done in less time and with random detours.

    Each stays at its last position for the time that it has saved.

    Args:
        rng: source of randomness.
        states: [q, v] ``(rows, H + 1, 2n)``.
        actions: ``(rows, H, m)``.
        dt: time step, in s.
        waves: sine waves of a detour.
    """
    rows, horizon, _ = actions.shape
    n, each = states.shape[-1] // 2, np.arange(rows)[:, None]
    factor = rng.uniform(_SHORTEST, 1.0, (rows, 1))
    s = np.broadcast_to(np.arange(horizon + 1) / horizon, (rows, horizon + 1))
    t = np.minimum(np.arange(horizon + 1) / factor, horizon)
    before = np.minimum(t.astype(int), horizon - 1)
    part = (t - before)[..., None]
    q = ((1 - part) * states[each, before] + part * states[each, before + 1])[..., :n]
    q = q + _detours(_MOVED * rng.random((rows, 1, 1)) * rng.normal(size=(rows, n, waves)), s)
    path = np.concatenate([q, np.gradient(q, dt, axis=1)], axis=-1)
    path[:, 0] = states[:, 0]
    return path, actions[each, before[:, :-1]]


def _detours(size: np.ndarray, s: np.ndarray) -> np.ndarray:
    """Detours ``(rows, H + 1, n)`` of sizes ``(rows, n, waves)``, at shares s of the way ``(rows, H + 1)``."""
    count = np.arange(1, size.shape[-1] + 1)
    return np.einsum("rnk,rtk->rtn", size / count, np.sin(np.pi * count * s[..., None]))


def _waves(rng: np.random.Generator, shape: tuple[int, int, int], waves: int) -> np.ndarray:
    rows, horizon, controls = shape
    count, t = np.arange(1, waves + 1), np.arange(horizon) / horizon
    each = rows, waves, controls
    size = rng.normal(size=each) * rng.uniform(0.2, 1.0, (rows, 1, 1)) * np.sqrt(4 / waves)
    phase = rng.uniform(0, 2 * np.pi, each)
    swinging = np.sin(2 * np.pi * count[None, :, None, None] * t + phase[..., None])
    return np.moveaxis((size[..., None] * swinging).sum(axis=1), -1, 1)


def _work(step: TracedStep, world: WorldModel, s: np.ndarray) -> np.ndarray:
    """What an action adds to v^T p / 2 in one second from states ``(rows, 2n)``, of its limit: ``(rows, m)``."""
    m = len(world.coordinates.controls)
    q, v = split(s)
    moves = _DIFFERENCE * np.eye(m)[:, None] + np.zeros((m, len(s), m))
    there, back = (step(np.broadcast_to(s, (m, *s.shape)), sign * moves)[0] for sign in (1, -1))
    kicks = np.moveaxis(split(there - back)[1], 0, 1) / (2 * _DIFFERENCE * world.dt)
    momentum = world.dynamics.momentum
    places = np.broadcast_to(q[:, None], kicks.shape)
    return np.asarray(((momentum(places, kicks) - momentum(places, 0 * kicks)) * v[:, None]).sum(-1))
