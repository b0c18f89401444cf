"""iLQR: plan by Newton's rule on the actions, with derivatives of the learned world itself.

Around a plan the step is linear and the cost, -reward, quadratic:

    x' = A dx + B du,    c = c_z . dz + dz . C dz / 2,    z = (x, u),

and the best correction du = k + K dx follows from a Riccati recursion, backwards from the end of the plan. Several
lengths of the correction are tried in the nonlinear world, and the best is kept. Where du would leave the bounds of the
actions, it is clipped and has no feedback. C is made positive by its eigenvalues. torch differentiates the same step
that environments take, at all points of all plans at once. Rewards after termination count as 0.

Where actions are whole numbers, the plan holds real numbers between the rows of the table of forces, and the row that
is nearest to its first vector is taken. Replanning at every step makes up for the difference.

Sources: Li and Todorov, *Iterative linear quadratic regulator design*, ICINCO 2004; Tassa, Mansard and Todorov,
*Control-limited differential dynamic programming*, ICRA 2014.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from hnn_gym.agents.imagination import Imagination
from hnn_gym.agents.observed import observed
from hnn_gym.envs.core import Simulator
from hnn_gym.errors import InputError, checked_arguments

_LENGTHS = (1.0, 0.5, 0.25, 0.1, 0.03, 0.0)


class Ilqr:
    """Replans at every step, with the ``predict`` of stable-baselines3, for one observation or many at once."""

    @checked_arguments
    def __init__(self, simulator: Simulator, *, horizon: int = 40, rounds: int = 3, first_rounds: int = 30) -> None:
        """Plan in a simulator.

        Args:
            simulator: world, task and action channel.
            horizon: actions of a plan.
            rounds: improvements of the plan at every decision, which begins with the rest of the previous plan.
            first_rounds: improvements at the first decision of an episode.

        Raises:
            InputError: a number below 1, actions without bounds, or whole-number actions of too many combinations.
        """
        if min(horizon, rounds, first_rounds) < 1:
            raise InputError(f"iLQR needs horizon, rounds and first_rounds >= 1, not {horizon, rounds, first_rounds}.")
        self._imagined = Imagination(simulator, dtype=np.float64)
        self._low, self._high = torch.from_numpy(self._imagined.low), torch.from_numpy(self._imagined.high)
        self._dt = abs(simulator.world.dt)
        self._differentiable = simulator.like(torch.zeros(1, dtype=torch.float64))
        self._horizon, self._rounds, self._first_rounds = horizon, rounds, first_rounds
        self._size = 2 * simulator.world.coordinates.n
        self._flat = 1e-6 * torch.eye(self._size + len(self._low), dtype=torch.float64)

    def predict(
        self, observation: np.ndarray, state: Any = None, episode_start: Any = None, deterministic: bool = True
    ) -> tuple[np.ndarray, Any]:
        """Return actions for observations ``(rows, d)``, and a state: the steps done and the plans ``(rows, H, k)``.

        Actions are ``(rows, k)`` of a Box and ``(rows,)`` of a Discrete space. Pass the state to the next call: where
        the goal of the task moves, it says what time it is in the episode.
        """
        observation = observed(observation, self._imagined.observation_size)
        x = torch.from_numpy(self._imagined.encode(np.atleast_2d(observation)))
        rest = torch.zeros(len(x), self._horizon, len(self._low), dtype=torch.float64).clamp(self._low, self._high)
        done, kept = (np.zeros(len(x), np.int64), rest) if state is None else state
        begins = np.ones(len(x), bool) if state is None else np.zeros(len(x), bool)
        if episode_start is not None:
            begins |= np.asarray(episode_start, bool)
        done = np.where(begins, 0, done)
        plan = torch.where(torch.tensor(begins)[:, None, None], rest, torch.as_tensor(kept))
        for _ in range(self._first_rounds if begins.any() else self._rounds):
            before, plan = plan, self.improved(x, plan, torch.tensor(done * self._dt))
            if torch.equal(plan, before):
                break
        following = torch.cat([plan[:, 1:], plan[:, -1:]], dim=1)
        action = self._imagined.actions.actions(plan[:, 0].numpy())
        return (action if observation.ndim > 1 else action[0]), (done + 1, following.numpy())

    @torch.no_grad()
    def improved(self, x: torch.Tensor, plan: torch.Tensor, t: torch.Tensor | None = None) -> torch.Tensor:
        """Improve plans ``(rows, H, k)`` once; a plan never gets worse.

        They begin at phase points ``(rows, 2n)``, t seconds ``(rows,)`` into the episodes; None: at 0.
        """
        start = torch.zeros(len(x), dtype=x.dtype) if t is None else t
        times = start[:, None] + self._dt * torch.arange(self._horizon, dtype=x.dtype)
        points, running = [x], [torch.ones(len(x), dtype=x.dtype)]
        for k in range(self._horizon):
            after, _, terminated = self._imagine(points[-1], plan[:, k], times[:, k])
            points.append(after)
            running.append(running[-1] * ~terminated)
        z = torch.cat([torch.stack(points[:-1], 1), plan], dim=-1)
        jacobian, slope, curvature = self._derivatives(z, times)
        values, vectors = torch.linalg.eigh(curvature)
        curvature = (vectors * values.clamp(min=1e-6)[..., None, :]) @ vectors.mT
        earning = torch.stack(running[:-1], 1)
        slope, curvature = earning[..., None] * slope, torch.where(earning[..., None, None] > 0, curvature, self._flat)
        first, feedback = self._backward(plan, jacobian, slope, curvature)
        actions, gained = self._forward(plan, times, points, first, feedback)
        best = gained.nan_to_num(nan=-torch.inf).argmax(0)
        return actions[best, torch.arange(len(x))]

    def _backward(
        self, plan: torch.Tensor, jacobian: torch.Tensor, slope: torch.Tensor, curvature: torch.Tensor
    ) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        n = self._size
        ahead, bend = torch.zeros_like(slope[:, 0, :n]), torch.zeros_like(curvature[:, 0, :n, :n])
        first: list[torch.Tensor] = []
        feedback: list[torch.Tensor] = []
        for t in reversed(range(self._horizon)):
            step = jacobian[:, t]
            q1 = slope[:, t] + (step.mT @ ahead[..., None])[..., 0]
            q2 = curvature[:, t] + step.mT @ bend @ step
            wanted = -torch.linalg.solve(q2[:, n:, n:], q1[:, n:])
            action = plan[:, t] + wanted
            free = (self._low <= action) & (action <= self._high)
            bounded = torch.where(free, wanted, action.clamp(self._low, self._high) - plan[:, t])
            gain = -torch.linalg.solve(q2[:, n:, n:], q2[:, n:, :n])
            gain = gain * free[..., None]
            first.insert(0, bounded)
            feedback.insert(0, gain)
            ahead = (
                q1[:, :n]
                + (gain.mT @ (q1[:, n:, None] + q2[:, n:, n:] @ bounded[..., None]))[..., 0]
                + (q2[:, :n, n:] @ bounded[..., None])[..., 0]
            )
            bend = q2[:, :n, :n] + gain.mT @ q2[:, n:, n:] @ gain + gain.mT @ q2[:, n:, :n] + q2[:, :n, n:] @ gain
        return first, feedback

    def _forward(
        self,
        plan: torch.Tensor,
        times: torch.Tensor,
        points: list[torch.Tensor],
        first: list[torch.Tensor],
        feedback: list[torch.Tensor],
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Follow the correction at L lengths; return actions ``(L, rows, H, k)`` and their returns ``(L, rows)``."""
        lengths, rows = torch.tensor(_LENGTHS, dtype=plan.dtype)[:, None, None], len(plan)
        x = points[0].expand(len(lengths), -1, -1)
        gained, running = torch.zeros(len(lengths), rows, dtype=x.dtype), torch.ones(len(lengths), rows, dtype=x.dtype)
        actions = []
        for t in range(self._horizon):
            change = lengths * first[t] + (feedback[t] @ (x - points[t])[..., None])[..., 0]
            actions.append(torch.clamp(plan[:, t] + change, self._low, self._high))
            after, reward, terminated = self._imagine(
                x.reshape(-1, x.shape[-1]), actions[-1].reshape(-1, plan.shape[-1]), times[:, t].repeat(len(lengths))
            )
            gained = gained + running * reward.reshape(gained.shape)
            running = running * ~terminated.reshape(gained.shape)
            x = after.reshape(x.shape)
        return torch.stack(actions, 2), gained

    def _imagine(
        self, x: torch.Tensor, action: torch.Tensor, t: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Next phase points ``(N, 2n)``, rewards ``(N,)`` and ends ``(N,)``, bool; without derivatives."""
        after, reward, terminated = self._imagined.step(x.numpy(), action.numpy(), t.numpy())
        return torch.from_numpy(after), torch.from_numpy(reward), torch.from_numpy(terminated)

    @torch.enable_grad()
    def _derivatives(self, z: torch.Tensor, t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """[A, B] ``(rows, H, 2n, m)``, c_z ``(rows, H, m)`` and C ``(rows, H, m, m)``, where z has m entries.

        No point depends on another, so that the derivatives at all of them are those of a sum.
        """

        def of_plans(found: torch.Tensor) -> torch.Tensor:
            return found.detach().reshape(*t.shape, *found.shape[1:])

        points = z.reshape(-1, z.shape[-1]).requires_grad_()
        outcome = self._differentiable.transition(points[:, : self._size], points[:, self._size :], t.reshape(-1))
        (slope,) = _slopes(-outcome.reward[:, None], points, again=True)
        jacobian = _slopes(outcome.x, points).transpose(0, 1)
        curvature = _slopes(slope, points).transpose(0, 1)
        return of_plans(jacobian), of_plans(slope), of_plans(curvature)


def _slopes(values: torch.Tensor, points: torch.Tensor, *, again: bool = False) -> torch.Tensor:
    """Derivatives ``(k, N, m)`` of values ``(N, k)``, each row by its own point ``(N, m)``; all k in one pass."""
    count = values.shape[1]
    if not values.requires_grad:  # they depend on no point
        return torch.zeros(count, *points.shape, dtype=points.dtype)
    each = torch.eye(count, dtype=values.dtype)[:, None].expand(count, *values.shape)
    (slopes,) = torch.autograd.grad(
        values, points, each, retain_graph=True, create_graph=again, materialize_grads=True, is_grads_batched=True
    )
    return slopes
