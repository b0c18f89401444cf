"""Backward induction: V_t(s) = max_a [ r(s, a) + V_{t+1}(f(s, a)) ] on a grid, for one degree of freedom.

The states (q, v) are the nodes of a grid, f(s, a) lies between four of them, and V there is interpolated bilinearly.
That interpolation is linear in V: it is one sparse matrix P, built once, and a step back in time is max_a (r + P V).
With several worlds, P and r are their means: the expectation over which of them is the right one. Where the goal of the
task moves, r is computed again for every decision.

In the true world this is the optimum, up to the grid. In a learned one it plans as well as the world allows, so that
its real return measures the quality of the world.
Source: Bellman, *Dynamic Programming*, 1957; for interpolation on grids, Munos and Moore, *Variable resolution
discretization in optimal control*, Machine Learning 49 (2002) 291-323.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from hnn_gym.agents.imagination import Imagination
from hnn_gym.agents.observed import observed
from hnn_gym.envs.core import Simulator
from hnn_gym.errors import InputError, check_fields, checked_arguments

_MOST_BYTES = 2**32
"""Of the values of all decisions."""


@dataclass(frozen=True)
class Grid:
    """The grid on which values are computed.

    Attributes:
        positions: number of positions q.
        velocities: number of velocities v.
        actions: number of actions, from the smallest to the largest; whole-number actions are all of them.
        position_range: smallest and largest q; an angle takes all of its circle.
        velocity_range: smallest and largest v; None: the speed limit that the world declares.
    """

    positions: int = 151
    velocities: int = 121
    actions: int = 21
    position_range: tuple[float, float] = (-np.pi, np.pi)
    velocity_range: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        """Check the numbers."""
        check_fields(self)
        if min(self.positions, self.velocities, self.actions) < 2:
            raise InputError(f"A grid needs at least 2 positions, velocities and actions, not {self}.")


class DynamicProgramming:
    """The best policy in a world over an episode of known length, with the ``predict`` of stable-baselines3.

    Attributes:
        values: V at the nodes before every decision and at the end, where it is 0,
            ``(steps / hold + 1, positions, velocities)``.
    """

    @checked_arguments
    def __init__(self, simulators: Sequence[Simulator], *, steps: int, grid: Grid | None = None, hold: int = 1) -> None:
        """Solve for episodes of ``steps`` steps.

        Args:
            simulators: the same task in one world, or in several that are equally likely to be right.
            steps: length of an episode.
            grid: the grid on which values are computed.
            hold: number of steps for which every action is held.

        Raises:
            InputError: no world, more than one degree of freedom or action, a velocity without a known range, or an
                episode that is not a whole number of held actions.
        """
        grid = grid or Grid()
        self._imagined = [Imagination(simulator) for simulator in simulators]
        if not self._imagined or steps < 1:
            raise InputError(
                f"Backward induction needs a world and at least 1 step, not {len(simulators)} and {steps}."
            )
        if hold < 1 or steps % hold:
            raise InputError(f"Episodes of {steps} steps do not divide into actions held for {hold}: change either.")
        first = self._imagined[0]
        coordinates = first.world.coordinates
        if coordinates.n != 1 or first.low.shape != (1,):
            raise InputError(
                f"A grid serves one degree of freedom and one force, and this world has {coordinates.n} and "
                f"{first.low.shape[0]}: use a SamplingPlanner."
            )
        limits = coordinates.speed_limits
        span = grid.velocity_range or (None if limits is None else (-limits[0], limits[0]))
        if span is None or not np.isfinite(span).all():
            raise InputError("This world limits no velocity: pass Grid(velocity_range=(lowest, highest)).")
        self._angle = coordinates.angles[0]
        positions = np.linspace(*grid.position_range, grid.positions + self._angle)[: grid.positions]
        self._axes = positions, np.linspace(*span, grid.velocities)
        rows = first.actions.rows
        self._actions = np.linspace(first.low[0], first.high[0], grid.actions) if rows is None else rows[:, 0]
        self._hold = hold
        self.values = self._solved(steps // hold)

    def predict(
        self, observation: np.ndarray, state: Any = None, episode_start: Any = None, deterministic: bool = True
    ) -> tuple[np.ndarray, Any]:
        """Return the best actions for observations ``(rows, d)``, and a state: the steps done and the forces.

        Actions are ``(rows, 1)`` of a Box and ``(rows,)`` of a Discrete space.
        """
        observation = observed(observation, self._imagined[0].observation_size)
        seen = np.atleast_2d(observation)
        done, chosen = (np.zeros(len(seen), np.int64), np.zeros((len(seen), 1), np.float32)) if state is None else state
        if episode_start is not None:
            done = np.where(episode_start, 0, done)
        deciding = done % self._hold == 0
        if deciding.any():
            chosen = np.where(deciding[:, None], self._best(seen, done // self._hold), chosen)
        action = self._imagined[0].actions.actions(chosen)
        return (action if observation.ndim > 1 else action[0]), (done + 1, chosen)

    def value(self, x: np.ndarray) -> np.ndarray:
        """V ``(rows,)`` of phase points ``(rows, 2)`` of the first world, with a whole episode to come."""
        nodes, weights = self._interpolated(self._imagined[0], x)
        value: np.ndarray = (self.values[0].ravel()[nodes] * weights).sum(-1)
        return value

    def _best(self, seen: np.ndarray, decisions: np.ndarray) -> np.ndarray:
        """Best forces ``(rows, 1)`` for observations ``(rows, d)`` after the given number of decisions ``(rows,)``."""
        rows, count = len(seen), len(self._actions)
        following = self.values[np.minimum(decisions + 1, len(self.values) - 1)].reshape(rows, -1)
        action = np.tile(self._actions, rows)[:, None]
        gain = np.zeros(rows * count)
        for imagined in self._imagined:
            x = np.repeat(imagined.encode(seen), count, 0)
            after, reward, terminated = self._held(imagined, x, action, np.repeat(decisions, count))
            nodes, weights = self._interpolated(imagined, after)
            ahead = (following[np.repeat(np.arange(rows), count)[:, None], nodes] * weights).sum(-1)
            gain += reward + np.where(terminated, 0.0, ahead)
        best: np.ndarray = self._actions[gain.reshape(rows, count).argmax(-1)][:, None].astype(np.float32)
        return best

    def _held(
        self, imagined: Imagination, x: np.ndarray, action: np.ndarray, decisions: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Hold forces ``(rows, 1)`` from phase points ``(rows, 2)``, after so many decisions ``(rows,)``.

        Returns:
            Next points, rewards and terminations.
        """
        total, over = np.zeros(len(x), np.float32), np.zeros(len(x), bool)
        for k in range(self._hold):
            t = (decisions * self._hold + k) * abs(imagined.world.dt)
            x, reward, terminated = imagined.step(x, action, t)
            total = total + np.where(over, 0, reward)
            over = over | terminated
        return x, total, over

    def _solved(self, steps: int) -> np.ndarray:
        q, v = (axis.ravel() for axis in np.meshgrid(*self._axes, indexing="ij"))
        size = 4 * (steps + 1) * len(q)
        if size > _MOST_BYTES:
            raise InputError(
                f"The values of {steps} decisions on {len(q)} nodes take {size / 1e9:.3g} GB, and at most "
                f"{_MOST_BYTES / 1e9:.2g} GB are used: choose fewer nodes, fewer steps, or a longer hold."
            )
        points = [imagined.world.phase_point(q[:, None], v[:, None]).astype(np.float32) for imagined in self._imagined]
        matrix, reward = self._transitions(points), self._rewards(points, 0)
        moves = any(imagined.simulator.task.goal_size for imagined in self._imagined)
        values = np.zeros((steps + 1, len(q)), np.float32)
        for t in reversed(range(steps)):
            gained = self._rewards(points, t) if moves else reward
            values[t] = (gained + (matrix @ values[t + 1]).reshape(gained.shape)).max(0)
        return values.reshape(steps + 1, *(len(axis) for axis in self._axes))

    def _rewards(self, points: list[np.ndarray], decision: int) -> np.ndarray:
        """Rewards r ``(actions, nodes)`` of a decision, from the phase points of the nodes in each world."""
        gained = np.zeros((len(self._actions), len(points[0])), np.float32)
        for imagined, x in zip(self._imagined, points, strict=True):
            for i, action in enumerate(self._actions):
                held = self._held(imagined, x, np.full((len(x), 1), action), np.full(len(x), decision))
                gained[i] += held[1] / len(self._imagined)
        return gained

    def _transitions(self, points: list[np.ndarray]) -> sparse.csr_matrix:
        """The matrix P, ``(actions * nodes, nodes)``, without what follows a termination."""
        nodes = len(points[0])
        matrix = sparse.csr_matrix((len(self._actions) * nodes, nodes), dtype=np.float32)
        for imagined, x in zip(self._imagined, points, strict=True):
            parts = []
            for action in self._actions:
                after, _, terminated = self._held(imagined, x, np.full((nodes, 1), action), np.zeros(nodes, np.int64))
                where, weights = self._interpolated(imagined, after)
                weights = np.where(terminated[:, None], 0.0, weights) / len(self._imagined)
                parts.append(
                    sparse.csr_matrix(
                        (weights.astype(np.float32).ravel(), where.ravel(), np.arange(0, 4 * nodes + 1, 4)),
                        shape=(nodes, nodes),
                    )
                )
            matrix = matrix + sparse.vstack(parts, format="csr")
        return matrix

    def _interpolated(self, imagined: Imagination, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The four nodes ``(rows, 4)`` around phase points ``(rows, 2)``, and their weights; off the grid, the edge."""
        q, v = (entry[:, 0] for entry in imagined.world.state(x.astype(np.float64)))
        (positions, velocities) = self._axes
        columns = len(velocities)
        place = (q - positions[0]) / (positions[1] - positions[0])
        if self._angle:
            low = np.floor(place)
            share = place - low
            left, right = low.astype(np.int64) % len(positions), (low.astype(np.int64) + 1) % len(positions)
        else:
            left, share = _between(place, len(positions))
            right = left + 1
        below, rise = _between((v - velocities[0]) / (velocities[1] - velocities[0]), columns)
        nodes = np.stack([left, left, right, right], -1) * columns + np.stack([below, below + 1] * 2, -1)
        return nodes, np.stack([1 - share, 1 - share, share, share], -1) * np.stack([1 - rise, rise] * 2, -1)


def _between(place: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The node below each place, and the distance beyond it in units of the spacing, clipped to the axis."""
    place = place.clip(0, count - 1)
    low = np.minimum(place.astype(np.int64), count - 2)
    return low, place - low
