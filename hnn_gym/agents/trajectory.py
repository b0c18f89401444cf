"""A whole trajectory planned in a learned world, and the gains that keep reality on it.

Newton's rule on the actions (iLQR) improves several plans from one start. An action is a = share tanh(w), so that w has
no bounds, and with s = [q, v] the cost of a plan is

    sum_t (1 - r(s_t+1)) + penalty |a_t|^2  +  final * cost-to-go of a linear controller, from the last state.

A task without a place to rest has no such controller, and its plan is as long as an episode.

Around the plan the step is linear, s' = A ds + B dw, by central differences of the world's own step. The rewards are
differentiated by torch, and their curvature is made positive. The same recursion in a gives the gains with which the
best plan is followed from neighbouring starts, a = a_t + K_t (s - s_t), within the limits; then the linear controller
takes over. Where a world is right about places that its recording never came near, so is the plan.

Sources: Li and Todorov, *Iterative linear quadratic regulator design*, ICINCO 2004; Tedrake, *Underactuated Robotics*,
2023, section 10.5 (gains along a trajectory).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from hnn_gym.agents.lqr import LinearQuadratic
from hnn_gym.agents.planned_actions import bounded
from hnn_gym.errors import InputError
from hnn_gym.physics.phase import join, split
from hnn_gym.systems.task import Task
from hnn_gym.trace import batch_code, trace
from hnn_gym.worlds.world_model import WorldModel

_LENGTHS = np.array([1.0, 0.5, 0.25, 0.1, 0.03])
_DIFFERENCE = 1e-5
_BLOCK = 512
_EAGER = 2.0
"""Of w where a first plan pushes along the motion with all its strength."""
_SMALL = 1e-5
"""Weight of w^2, which keeps saturated actions within reach of a gradient."""


@dataclass(frozen=True)
class TrajectorySettings:
    """How trajectories are improved."""

    horizon: int = 250
    """Steps of a plan."""
    drawn: int = 24
    """Random smooth plans that are tried."""
    waves: int = 4
    """Sine waves that a random plan is the sum of; the fastest has so many periods in a plan."""
    plans: int = 24
    """The cheapest of them, which are improved side by side."""
    pumping: float = 0.0
    """Share of the random plans that push along the motion, so that the energy grows: for weak motors."""
    rounds: int = 120
    """Improvements of a plan; after a third of them only the best quarter of the plans is improved further."""
    final: float = 1.0
    """Weight of the cost-to-go at the end of a plan. It assumes forces without limits; more than 1 asks a plan to end
    where limited forces can hold."""
    penalty: float = 1e-3
    """Cost of the square of an action, as a share of its limit."""
    share: float = 0.95
    """Largest action of a plan, as a share of its limit: the rest is left to the feedback."""
    feedback: float = 1e-2
    """Cost of the square of an action in the recursion of the gains."""


@dataclass(frozen=True)
class Trajectory:
    """A plan.

    Attributes:
        states: [q, v] ``(H + 1, 2n)``.
        actions: a ``(H, m)``, shares of the limits within [-1, 1].
        gains: K ``(H, m, 2n)``.
        cost: of the plan.
    """

    states: np.ndarray
    actions: np.ndarray
    gains: np.ndarray
    cost: float


class TrackedTrajectory:
    """Follows a trajectory by its gains, then holds the goal, with the ``predict`` of stable-baselines3."""

    def __init__(
        self, world: WorldModel, task: Task, trajectory: Trajectory, hold: LinearQuadratic | None = None
    ) -> None:
        """Follow a trajectory of a world.

        Args:
            world: what it was planned in.
            task: whose action space has the limits.
            trajectory: the plan.
            hold: the controller that takes over at its end; None: nothing is done after it.

        Raises:
            InputError: the actions are not real numbers within limits.
        """
        self._world, self._trajectory, self._hold = world, trajectory, hold
        self._limits = _limits(task)

    def predict(
        self, observation: np.ndarray, state: Any = None, episode_start: Any = None, deterministic: bool = True
    ) -> tuple[np.ndarray, Any]:
        """Return actions ``(..., m)`` for observations ``(..., d)``, and the steps done in every episode ``(...)``."""
        seen, plan = np.asarray(observation, np.float64), self._trajectory
        done = np.zeros(seen.shape[:-1], np.int64) if state is None else state
        if episode_start is not None:
            done = np.where(np.reshape(episode_start, done.shape), 0, done)
        step = np.minimum(done, len(plan.actions) - 1)
        at = np.concatenate(self._world.coordinates.state(seen), axis=-1)
        back = np.einsum("...mn,...n->...m", plan.gains[step], turned(at - plan.states[step], self._world))
        planned = self._limits * (plan.actions[step] + back)
        after = 0 * planned if self._hold is None else self._hold.action(self._world.encode(seen))
        wanted = np.where((done < len(plan.actions))[..., None], planned, after)
        return np.clip(wanted, -self._limits, self._limits), done + 1


def optimised(
    world: WorldModel,
    task: Task,
    observation: np.ndarray,
    hold: LinearQuadratic | None = None,
    *,
    settings: TrajectorySettings | None = None,
    seed: int = 0,
) -> list[Trajectory]:
    """Improve plans from one start.

    Args:
        world: on NumPy.
        task: its reward, and the limits of its actions, which are the same on both sides of 0.
        observation: of the start ``(d,)``.
        hold: the controller at the goal; None: what follows the plan costs nothing.
        settings: how.
        seed: of the first plans.

    Returns:
        The best quarter of the plans, the cheapest first.

    Raises:
        InputError: the actions are not real numbers within limits.
        NotTraceable: the step or the reward branches on values.
    """
    settings = settings or TrajectorySettings()
    start = np.concatenate(world.coordinates.state(np.asarray(observation, np.float64)))
    problem = _Problem(world, task, hold, settings)
    rng = np.random.default_rng(seed)
    w = problem.pumped(start, _smooth(rng, settings, len(world.coordinates.controls)), rng)
    states, cost = problem.followed(start, w, None, None, None)
    kept = np.argsort(cost)[: settings.plans]
    w, states, cost = w[kept], states[kept], cost[kept]
    damping = np.full(len(w), 1e-2)
    for done in range(settings.rounds):
        if done == settings.rounds // 3:
            kept = np.argsort(cost)[: max(1, len(w) // 4)]
            w, states, cost, damping = w[kept], states[kept], cost[kept], damping[kept]
        first, gains = problem.corrections(states, w, damping)
        lengths, rows = np.repeat(_LENGTHS, len(w))[:, None, None], np.arange(len(w))
        every = [np.tile(array, (len(_LENGTHS), *[1] * (array.ndim - 1))) for array in (w, states, first, gains)]
        tried, found = problem.followed(start, every[0], every[1], lengths * every[2], every[3])
        costs = found.reshape(len(_LENGTHS), -1)
        best = np.argmin(costs, axis=0)
        better = costs[best, rows] < cost
        damping = np.clip(np.where(better, damping / 3, damping * 5), 1e-6, 1e4)
        moved = tried.reshape(len(_LENGTHS), *states.shape)[best, rows]
        follow = w + _LENGTHS[best][:, None, None] * first
        follow = follow + np.einsum("rhmn,rhn->rhm", gains, turned(moved[:, :-1] - states[:, :-1], world))
        w = np.where(better[:, None, None], follow, w)
        states, cost = np.where(better[:, None, None], moved, states), np.where(better, costs[best, rows], cost)
    actions, gains = settings.share * np.tanh(w), problem.tracking(states, w)
    return [Trajectory(states[i], actions[i], gains[i], float(cost[i])) for i in np.argsort(cost)]


def turned(difference: np.ndarray, world: WorldModel) -> np.ndarray:
    """Differences of states [q, v] ``(..., 2n)``, those of angles brought to [-pi, pi)."""
    angles = np.array([*world.coordinates.angles, *[False] * world.coordinates.n])
    return np.where(angles, (difference + np.pi) % (2 * np.pi) - np.pi, difference)


def _limits(task: Task) -> np.ndarray:
    """The largest actions ``(m,)``.

    Raises:
        InputError: the actions are not real numbers within limits, or these are not the same on both sides of 0.
    """
    space = bounded(task.action_space)
    if not np.array_equal(space.low, -space.high):
        raise InputError(f"A trajectory needs actions between -limit and limit, and the action space is {space}.")
    return np.asarray(space.high, np.float64)


def _smooth(rng: np.random.Generator, settings: TrajectorySettings, controls: int) -> np.ndarray:
    """First plans ``(drawn, H, m)``: sums of waves of random sizes."""
    count = np.arange(1, settings.waves + 1)
    t = np.arange(settings.horizon) / settings.horizon
    shape = settings.drawn, settings.waves, controls
    size = rng.normal(size=shape) * rng.uniform(0.2, 1.0, (settings.drawn, 1, 1)) * np.sqrt(4 / settings.waves)
    phase = rng.uniform(0, 2 * np.pi, shape)
    waves = np.sin(2 * np.pi * count[None, :, None, None] * t + phase[..., None])
    return np.moveaxis((size[..., None] * waves).sum(axis=1), -1, 1)


class TracedStep:
    """The step (s, a) -> (s', reward) of a world and a task on states [q, v], as traced code for many rows.

    Actions a are shares of the limits, within [-1, 1].
    """

    def __init__(self, world: WorldModel, task: Task) -> None:
        """Trace the step.

        Raises:
            InputError: the actions are not real numbers within limits.
            NotTraceable: the step or the reward branches on values.
        """
        self._world, self._task, self._limits = world, task, _limits(task)
        self._program = trace(self._moved, s=2 * world.coordinates.n, action=len(world.coordinates.controls))
        self._compiled: dict[int, Callable[..., None]] = {}

    def __call__(self, s: np.ndarray, action: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Next states ``(..., 2n)`` and rewards ``(...)`` of states ``(..., 2n)`` and actions ``(..., m)``."""
        flat, actions = s.reshape(-1, s.shape[-1]), action.reshape(-1, action.shape[-1])
        block = min(len(flat), _BLOCK)
        if block not in self._compiled:
            self._compiled[block] = batch_code.compiled(self._program, block, np.float64)
        after, reward = np.empty(flat.shape), np.empty(len(flat))
        for begin in range(0, len(flat), block):
            part = slice(min(begin, len(flat) - block), min(begin, len(flat) - block) + block)  # all blocks are whole
            self._compiled[block](flat[part], actions[part], after[part], reward[part])
        return after.reshape(s.shape), reward.reshape(s.shape[:-1])

    def _moved(self, s: Any, action: Any) -> dict[str, Any]:
        q, v = split(s)
        action = self._limits * action
        next_q, next_v = self._world.state(self._world.step(self._world.phase_point(q, v), action))
        reward = self._task.reward(q, v, self._world.coordinates.force(action), next_q, next_v)
        return {"s": join(next_q, next_v), "reward": reward}


class _Problem:
    """Costs and their expansions along plans."""

    def __init__(
        self, world: WorldModel, task: Task, hold: LinearQuadratic | None, settings: TrajectorySettings
    ) -> None:
        self._world, self._task, self._settings = world, task, settings
        n = world.coordinates.n
        self._goal, self._final = np.zeros(2 * n), np.zeros((2 * n, 2 * n))
        if hold is not None:
            goal, momentum = hold.goal, world.dynamics.momentum
            mass = np.stack([momentum(goal, unit) - momentum(goal, 0 * unit) for unit in np.eye(n)])
            to_phase = np.block([[np.eye(n), np.zeros((n, n))], [np.zeros((n, n)), mass]])
            self._goal = np.concatenate([goal, np.zeros(n)])
            self._final = settings.final * (to_phase.T @ hold.cost @ to_phase)
        self._step = TracedStep(world, task)

    def step(self, s: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Next states [q, v] ``(..., 2n)``, and what is lost of the reward there ``(...)``."""
        after, reward = self._step(s, self._settings.share * np.tanh(w))
        return after, 1 - reward

    def followed(
        self,
        start: np.ndarray,
        w: np.ndarray,
        states: np.ndarray | None,
        first: np.ndarray | None,
        gains: np.ndarray | None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Follow plans ``(rows, H, m)``, corrected if there is a correction; states and costs ``(rows,)``."""
        s = np.broadcast_to(start, (len(w), len(start)))
        path, cost = [s], np.zeros(len(w))
        with np.errstate(all="ignore"):
            for t in range(w.shape[1]):
                wanted = w[:, t]
                if states is not None and first is not None and gains is not None:
                    away = turned(s - states[:, t], self._world)
                    wanted = wanted + first[:, t] + np.einsum("rmn,rn->rm", gains[:, t], away)
                s, lost = self.step(s, wanted)
                path.append(s)
                cost = cost + lost + self._effort(wanted)
            away = turned(s - self._goal, self._world)
            cost = cost + np.einsum("ri,ij,rj->r", away, self._final, away)
        return np.stack(path, axis=1), np.where(np.isfinite(cost), cost, np.inf)

    def pumped(self, start: np.ndarray, w: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Let a share of plans ``(rows, H, m)`` push along the motion too, until a random step."""
        rows, horizon, _ = w.shape
        eager = np.asarray(rng.random(rows) < self._settings.pumping)
        if not eager.any():
            return w
        gain, last = 10.0 ** rng.uniform(-0.5, 2.0, (rows, 1)), rng.uniform(0.3, 1.0, rows) * horizon
        s, pushed = np.broadcast_to(start, (rows, len(start))), w.copy()
        with np.errstate(all="ignore"):
            for t in range(horizon):
                work = np.nan_to_num(self._work(s)) * (eager & (t < last))[:, None]
                pushed[:, t] = w[:, t] + _EAGER * np.tanh(gain * work)
                s, _ = self.step(s, pushed[:, t])
        return pushed

    def _work(self, s: np.ndarray) -> np.ndarray:
        """What an action adds to v^T p / 2 in one second from states ``(rows, 2n)``, of its limit: ``(rows, m)``."""
        m = len(self._world.coordinates.controls)
        q, v = split(s)
        moves = _DIFFERENCE * np.eye(m)[:, None] + np.zeros((m, len(s), m))
        there, back = (self._step(np.broadcast_to(s, (m, *s.shape)), sign * moves)[0] for sign in (1, -1))
        kicks = np.moveaxis(split(there - back)[1], 0, 1) / (2 * _DIFFERENCE * self._world.dt)
        momentum = self._world.dynamics.momentum
        places = np.broadcast_to(q[:, None], kicks.shape)
        return np.asarray(((momentum(places, kicks) - momentum(places, 0 * kicks)) * v[:, None]).sum(-1))

    def corrections(self, states: np.ndarray, w: np.ndarray, damping: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Corrections ``(rows, H, m)`` of the plans, and gains ``(rows, H, m, 2n)``."""
        tanh, share = np.tanh(w), self._settings.share
        A, B = self._linear(states[:, :-1], share * tanh)
        B = B * (share * (1 - tanh**2))[..., None, :]
        slope, bend = self._expansion(states[:, 1:])
        penalty = self._settings.penalty * share**2
        spread = penalty * 2 * tanh * (1 - tanh**2) + 2 * _SMALL * w
        curve = penalty * 2 * (1 - tanh**2) ** 2 + 2 * _SMALL
        return self._backward(states, A, B, slope, bend, spread, curve + damping[:, None, None])

    def tracking(self, states: np.ndarray, w: np.ndarray) -> np.ndarray:
        """Gains ``(rows, H, m, 2n)`` of actions that stay on plans, without regard to the limits."""
        A, B = self._linear(states[:, :-1], self._settings.share * np.tanh(w))
        slope, bend = self._expansion(states[:, 1:])
        return self._backward(states, A, B, 0 * slope, bend, 0 * w, 2 * self._settings.feedback + 0 * w)[1]

    def _backward(
        self,
        states: np.ndarray,
        A: np.ndarray,
        B: np.ndarray,
        slope: np.ndarray,
        bend: np.ndarray,
        spread: np.ndarray,
        curve: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Riccati's recursion; ``spread`` and ``curve`` are slope and curvature of the cost of actions."""
        (rows, horizon, m), size = spread.shape, states.shape[-1]
        away = turned(states[:, -1] - self._goal, self._world)
        v, V = 2 * away @ self._final, np.broadcast_to(2 * self._final, (rows, size, size))
        first, gains = np.empty_like(spread), np.empty((*spread.shape, size))
        eye = np.eye(m)
        for t in reversed(range(horizon)):
            a, b = A[:, t], B[:, t]
            c, C = v + slope[:, t], V + bend[:, t]
            Cb = C @ b
            quu = np.swapaxes(b, 1, 2) @ Cb + curve[:, t, :, None] * eye
            qux = np.swapaxes(Cb, 1, 2) @ a
            qu = np.einsum("rnm,rn->rm", b, c) + spread[:, t]
            solved = -np.linalg.solve(quu, np.concatenate([qu[..., None], qux], axis=-1))
            k, K = solved[..., 0], solved[..., 1:]
            first[:, t], gains[:, t] = k, K
            v = np.einsum("rnk,rn->rk", a, c) + np.einsum("rmk,rm->rk", qux, k)
            V = np.swapaxes(a, 1, 2) @ C @ a + np.swapaxes(qux, 1, 2) @ K
            V = (V + np.swapaxes(V, 1, 2)) / 2
        return first, gains

    def _linear(self, s: np.ndarray, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """A ``(rows, H, 2n, 2n)`` and B ``(rows, H, 2n, m)`` of single steps."""
        size = s.shape[-1]
        both = np.concatenate([s, actions], axis=-1)
        moves = _DIFFERENCE * np.eye(both.shape[-1])[:, None, None]
        there, back = (
            self._step((both + sign * moves)[..., :size], (both + sign * moves)[..., size:])[0] for sign in (1, -1)
        )
        slopes = np.moveaxis(there - back, 0, -1) / (2 * _DIFFERENCE)
        return slopes[..., :size], slopes[..., size:]

    def _expansion(self, s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Slope and positive curvature of what is lost of the reward at states ``(rows, H, 2n)``."""
        points = torch.tensor(s.reshape(-1, s.shape[-1]))
        slope = torch.func.vmap(torch.func.grad(self._lost))(points).numpy()
        bend = torch.func.vmap(torch.func.jacrev(torch.func.grad(self._lost)))(points)
        values, vectors = torch.linalg.eigh(bend)
        positive = ((vectors * values.clamp(min=0.0)[..., None, :]) @ vectors.mT).numpy()
        return slope.reshape(s.shape), positive.reshape(*s.shape, s.shape[-1])

    def _lost(self, s: Any) -> Any:
        """1 - reward ``(...)`` of arriving at states ``(..., 2n)``."""
        n = s.shape[-1] // 2
        q, v = s[..., :n], s[..., n:]
        return 1 - self._task.reward(q, v, 0 * q, q, v)

    def _effort(self, w: np.ndarray) -> np.ndarray:
        actions = self._settings.share * np.tanh(w)
        effort: np.ndarray = self._settings.penalty * np.sum(actions**2, axis=-1) + _SMALL * np.sum(w**2, axis=-1)
        return effort
