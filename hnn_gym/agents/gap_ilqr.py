"""Corrections of plans by Newton's rule within limits; states may have gaps, d_t = f(s_t, a_t) - s_t+1.

With s = [q, v] and actions as shares of their limits, the cost of a plan is

    sum_t (1 - r(s_t+1)) + penalty |a_t|^2 + excess |max(|a_t| - share, 0)|^2
        + final * cost-to-go of a linear controller, from the last state.

Around the plan a step is linear, s' = A ds + B da + d, by central differences of the world's own step. The rewards are
differentiated by torch, and their curvature is made positive. Riccati's recursion gives the correction k + K ds, where
an action that would leave its limit is put on it and has no feedback. A correction of length l leaves (1 - l) d of the
gaps, and is judged by the cost plus a price of the gaps that exceeds the multipliers of the linear problem.

Where only short corrections are better, damping makes the next one smaller. It holds the new states near the old ones,
and not the actions alone: the feedback then brings several links back to their old path, which they would leave with
fixed actions.

Sources: Li and Todorov, *Iterative linear quadratic regulator design*, ICINCO 2004; Tassa, Mansard and Todorov,
*Control-limited differential dynamic programming*, ICRA 2014; Mastalli et al., *Crocoddyl*, ICRA 2020 (gaps).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch

from hnn_gym.agents.lqr import LinearQuadratic
from hnn_gym.agents.traced_step import TracedStep, turned
from hnn_gym.systems.task import Task
from hnn_gym.worlds.world_model import WorldModel

LENGTHS = np.array([1.0, 0.4, 0.1, 0.02])
DAMPEST = 1e4
"""The largest damping, at which no correction is better only where a plan cannot be improved."""
_LONG = 0.4
"""Corrections that are better only if they are shorter than this raise the damping."""
_NEAR = 30.0, 0.3
"""Damping of the squares of changes of positions and of velocities, where that of actions is 1."""
_DIFFERENCE = 1e-5
_FAR = 1e4
"""States beyond this are none that a plan may have, in the units of the state."""
_DEAREST = 1e4


@dataclass
class Plans:
    """Plans that are improved side by side.

    Attributes:
        states: [q, v] ``(rows, H + 1, 2n)``.
        actions: shares of the limits ``(rows, H, m)``.
        gaps: d ``(rows, H, 2n)``.
        limit: largest action that is allowed now ``(rows,)``.
        excess: price of the square of what actions have beyond the share ``(rows,)``.
        damping: added to the curvature in the actions, and by ``_NEAR`` to that in the states ``(rows,)``.
        price: of the gaps ``(rows, H, 2n)``.
        cost: without the gaps ``(rows,)``.
        length: of the last correction ``(rows,)``; 0: none was better.
    """

    states: np.ndarray
    actions: np.ndarray
    gaps: np.ndarray
    limit: np.ndarray
    excess: np.ndarray
    damping: np.ndarray
    price: np.ndarray
    cost: np.ndarray
    length: np.ndarray

    def rows(self, chosen: np.ndarray) -> Plans:
        """Return some of the plans."""
        return Plans(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def joined(self, others: Plans) -> Plans:
        """Return these plans and others."""
        return Plans(
            *(np.concatenate([getattr(self, field.name), getattr(others, field.name)]) for field in fields(self))
        )

    @property
    def gap(self) -> np.ndarray:
        """Largest gap ``(rows,)``, in the units of the state."""
        return np.asarray(np.abs(self.gaps).max(axis=(1, 2)))


class Improvement:
    """Costs of plans in one world and task, and corrections of plans."""

    def __init__(
        self,
        world: WorldModel,
        task: Task,
        hold: LinearQuadratic | None,
        *,
        penalty: float,
        share: float,
        final: float,
        feedback: float,
    ) -> None:
        """Prepare for a world whose actions have no limits.

        Args:
            world: on NumPy.
            task: its reward, and the sizes of its actions.
            hold: the controller at the goal; None: what follows a plan costs nothing.
            penalty: cost of the square of an action.
            share: what actions beyond which pay an excess.
            final: weight of the cost-to-go.
            feedback: cost of the square of an action in :meth:`tracking`.
        """
        self._world, self._task = world, task
        self._penalty, self._share, self._feedback = penalty, share, feedback
        n = world.coordinates.n
        self._near = np.diag(np.repeat(_NEAR, n))
        self._goal, self._final = np.zeros(2 * n), np.zeros((2 * n, 2 * n))
        if hold is not None:
            goal, momentum = hold.goal, world.dynamics.momentum
            mass = np.stack([momentum(goal, unit) - momentum(goal, 0 * unit) for unit in np.eye(n)])
            to_phase = np.block([[np.eye(n), np.zeros((n, n))], [np.zeros((n, n)), mass]])
            self._goal = np.concatenate([goal, np.zeros(n)])
            self._final = final * (to_phase.T @ hold.cost @ to_phase)
        self.step = TracedStep(world, task)

    def plans(self, states: np.ndarray, actions: np.ndarray, *, limit: float, excess: float) -> Plans:
        """Plans of states ``(rows, H + 1, 2n)`` and actions ``(rows, H, m)``."""
        rows, horizon, _ = actions.shape
        price = np.ones((rows, horizon, states.shape[-1]))
        each = np.ones(rows)
        plans = Plans(
            states, actions, 0 * price, limit * each, excess * each, each, price, cost=0 * each, length=0 * each
        )
        self.measure(plans, np.ones(rows, bool))
        return plans

    def measure(self, plans: Plans, which: np.ndarray) -> None:
        """Compute the gaps of those plans that are chosen ``(rows,)``, and the costs of all."""
        with np.errstate(all="ignore"):
            after, reward = self.step(plans.states[:, :-1], plans.actions)
        plans.gaps = np.where(which[:, None, None], after - plans.states[:, 1:], plans.gaps)
        plans.cost = self._cost(reward, plans.actions, plans.states[:, -1], plans.excess)

    def cost_at(self, plans: Plans, excess: np.ndarray) -> np.ndarray:
        """Costs of plans at other prices of an excess ``(rows,)``."""
        beyond = np.maximum(np.abs(plans.actions) - self._share, 0)
        return np.asarray(plans.cost + (excess - plans.excess) * np.sum(beyond**2, axis=(1, 2)))

    def improve(self, plans: Plans) -> None:
        """Correct every plan once where that is better."""
        first, gains, price = self._corrections(plans)
        plans.price = np.maximum(0.9 * plans.price, 1.2 * np.minimum(np.abs(price), _DEAREST))
        unpaid, count = (plans.price * np.abs(plans.gaps)).sum(axis=(1, 2)), len(LENGTHS)
        every = plans.rows(np.tile(np.arange(len(plans.cost)), count))
        lengths = np.repeat(LENGTHS, len(plans.cost))
        self._follow(every, lengths, np.tile(first, (count, 1, 1)), np.tile(gains, (count, 1, 1, 1)))
        merit = (every.cost + (1 - lengths) * np.tile(unpaid, count)).reshape(count, -1)
        best, rows = np.argmin(merit, axis=0), np.arange(len(plans.cost))
        better = merit[best, rows] < plans.cost + unpaid
        plans.length = np.where(better, LENGTHS[best], 0.0)
        chosen = every.rows(best * len(rows) + rows)
        for name in ("states", "actions", "gaps"):
            setattr(plans, name, np.where(better[:, None, None], getattr(chosen, name), getattr(plans, name)))
        plans.cost = np.where(better, chosen.cost, plans.cost)
        factor = np.where(plans.length >= _LONG, 1 / 3, np.where(better, 3.0, 5.0))
        plans.damping = np.clip(plans.damping * factor, 1e-6, DAMPEST)

    def followed(self, plans: Plans) -> None:
        """Replace the states by those to which the actions and their feedback lead, so that no gap is left."""
        gains = self.tracking(plans)
        self._follow(plans, np.ones(len(plans.cost)), 0 * plans.actions, gains)

    def tracking(self, plans: Plans) -> np.ndarray:
        """Gains ``(rows, H, m, 2n)`` of actions that stay on plans, without regard to the limits."""
        A, B = self._linear(plans.states[:, :-1], plans.actions)
        _, bend = self._expansion(plans.states[:, 1:])
        free = np.full_like(plans.actions, np.inf)
        none, curve = 0 * plans.actions, 2 * self._feedback + 0 * plans.actions
        V = np.broadcast_to(2 * self._final, bend[:, 0].shape)
        return _backward(
            A, B, 0 * plans.states[:, 1:], bend, none, curve, (-free, free), 0 * plans.gaps, 0 * V[:, 0], V
        )[1]

    def _corrections(self, plans: Plans) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Corrections ``(rows, H, m)``, gains ``(rows, H, m, 2n)``, and multipliers of the gaps ``(rows, H, 2n)``."""
        actions, limit = plans.actions, plans.limit[:, None, None]
        A, B = self._linear(plans.states[:, :-1], actions)
        slope, bend = self._expansion(plans.states[:, 1:])
        beyond, excess = np.maximum(np.abs(actions) - self._share, 0), plans.excess[:, None, None]
        spread = 2 * self._penalty * actions + 2 * excess * beyond * np.sign(actions)
        curve = 2 * self._penalty + 2 * excess * (beyond > 0) + plans.damping[:, None, None]
        within = -limit - actions, limit - actions
        bend = bend + plans.damping[:, None, None, None] * self._near
        V = np.broadcast_to(2 * self._final, bend[:, 0].shape)
        v = 2 * turned(plans.states[:, -1] - self._goal, self._world) @ self._final
        with np.errstate(all="ignore"):
            first, gains, values, slopes = _backward(A, B, slope, bend, spread, curve, within, plans.gaps, v, V)
            price = np.zeros_like(plans.gaps)
            if plans.gaps.any():
                s = np.zeros_like(v)
                for t in range(actions.shape[1]):
                    a = first[:, t] + _times(gains[:, t], s)
                    s = _times(A[:, t], s) + _times(B[:, t], a) + plans.gaps[:, t]
                    price[:, t] = slopes[:, t] + _times(values[:, t], s)
        return np.nan_to_num(first), np.nan_to_num(gains), np.nan_to_num(price)

    def _follow(self, plans: Plans, lengths: np.ndarray, first: np.ndarray, gains: np.ndarray) -> None:
        """Follow plans with corrections of some length, and keep the rest of the gaps."""
        old, limit = plans.states, plans.limit[:, None]
        states, actions, reward = old.copy(), plans.actions.copy(), np.empty(plans.actions.shape[:2])
        plans.gaps = (1 - lengths)[:, None, None] * plans.gaps
        s = old[:, 0]
        with np.errstate(all="ignore"):
            for t in range(actions.shape[1]):
                wanted = actions[:, t] + lengths[:, None] * first[:, t]
                wanted = wanted + _times(gains[:, t], turned(s - old[:, t], self._world))
                actions[:, t] = np.clip(wanted, -limit, limit)
                s, reward[:, t] = self.step(s, actions[:, t])
                s = s - plans.gaps[:, t]
                states[:, t + 1] = s
            cost = self._cost(reward, actions, s, plans.excess)
            cost = np.where(np.abs(states).max(axis=(1, 2)) < _FAR, cost, np.inf)
        plans.states, plans.actions, plans.cost = states, actions, np.where(np.isfinite(cost), cost, np.inf)

    def _cost(self, reward: np.ndarray, actions: np.ndarray, last: np.ndarray, excess: np.ndarray) -> np.ndarray:
        beyond = np.maximum(np.abs(actions) - self._share, 0)
        away = turned(last - self._goal, self._world)
        effort = self._penalty * np.sum(actions**2, axis=(1, 2)) + excess * np.sum(beyond**2, axis=(1, 2))
        return np.asarray(np.sum(1 - reward, axis=1) + effort + np.einsum("ri,ij,rj->r", away, self._final, away))

    def _linear(self, s: np.ndarray, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """A ``(rows, H, 2n, 2n)`` and B ``(rows, H, 2n, m)`` of single steps."""
        size = s.shape[-1]
        both = np.concatenate([s, actions], axis=-1)
        moves = _DIFFERENCE * np.eye(both.shape[-1])[:, None, None]
        there, back = (
            self.step((both + sign * moves)[..., :size], (both + sign * moves)[..., size:])[0] for sign in (1, -1)
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


def _backward(
    A: np.ndarray,
    B: np.ndarray,
    slope: np.ndarray,
    bend: np.ndarray,
    spread: np.ndarray,
    curve: np.ndarray,
    within: tuple[np.ndarray, np.ndarray],
    gaps: np.ndarray,
    v: np.ndarray,
    V: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Riccati's recursion; ``spread`` and ``curve`` are slope and curvature of the cost of actions.

    Returns:
        Corrections k, gains K, and curvature and slope of the value on arrival at every state.
    """
    (rows, horizon, m), size = spread.shape, slope.shape[-1]
    first, gains = np.empty_like(spread), np.empty((*spread.shape, size))
    values, slopes = np.empty((rows, horizon, size, size)), np.empty((rows, horizon, size))
    eye = np.eye(m)
    for t in reversed(range(horizon)):
        a, b = A[:, t], B[:, t]
        slopes[:, t], values[:, t] = v + slope[:, t], V + bend[:, t]
        C = values[:, t]
        c = slopes[:, t] + _times(C, gaps[:, t])
        Cb = C @ b
        quu = _turned_over(b) @ Cb + curve[:, t, :, None] * eye
        qux, qu = _turned_over(Cb) @ a, _times(_turned_over(b), c) + spread[:, t]
        low, high = within[0][:, t], within[1][:, t]
        k = -np.linalg.solve(quu, qu[..., None])[..., 0]
        free = (k > low) & (k < high)
        stopped = np.where(free, 0.0, np.clip(k, low, high))
        wanted = np.where(free, -qu - _times(quu, stopped), stopped)
        both = np.concatenate([wanted[..., None], np.where(free[..., None], -qux, 0.0)], axis=-1)
        solved = np.linalg.solve(np.where(free[:, :, None] & free[:, None], quu, eye), both)
        k, K = np.clip(solved[..., 0], low, high), solved[..., 1:]
        first[:, t], gains[:, t] = k, K
        KX, Kt = _turned_over(K) @ qux, _turned_over(K)
        v = _times(_turned_over(a), c) + _times(Kt, _times(quu, k) + qu) + _times(_turned_over(qux), k)
        V = _turned_over(a) @ C @ a + Kt @ quu @ K + KX + _turned_over(KX)
        V = (V + _turned_over(V)) / 2
    return first, gains, values, slopes


def _times(matrices: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    return np.asarray((matrices @ vectors[..., None])[..., 0])


def _turned_over(matrices: np.ndarray) -> np.ndarray:
    return np.swapaxes(matrices, -1, -2)
